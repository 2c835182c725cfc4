//! The `chatroom` binary: parses arguments, runs one command, turns its result into an exit code.

use std::io::Write;
use std::process::ExitCode;

use chatroom::cli::{self, Cli, Command};
use chatroom::{client, logging, server, store, trace};

fn main() -> ExitCode {
    let (program, result) = match Cli::read().command {
        Command::Serve(options) if options.check => ("chatroom serve", options.check()),
        Command::Serve(options) => {
            logging::start(options.log_level, options.log_format.into());
            ("chatroom", server::serve(&(&*options).into()))
        }
        Command::Join(options) => ("chatroom", client::join(&(&options).into())),
        Command::Trace(options) => ("chatroom trace", trace::trace(&(&options).into())),
        Command::Resolve(options) => ("chatroom", client::resolve(&options.server)),
        Command::Write(options) => {
            let written = store::writer::write(&(&options).into(), server::sandbox::become_user);
            ("chatroom write", written)
        }
        Command::Generate(options) => ("chatroom generate", cli::generate(&options)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Standard error may be gone or full; there is nobody left to tell then.
            drop(writeln!(std::io::stderr(), "{program}: {failure}"));
            ExitCode::from(failure.exit_code)
        }
    }
}
