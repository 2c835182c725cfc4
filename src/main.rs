//! The `chatroom` binary: parses arguments, runs one command, turns its result into an exit code.

use std::io::Write;
use std::process::ExitCode;

use chatroom::cli::{Cli, Command};
use chatroom::{client, logging, server};
use clap::Parser;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(options) => {
            logging::start(options.log_level);
            server::serve(&options)
        }
        Command::Join(options) => client::join(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Standard error may be gone or full; there is nobody left to tell then.
            drop(writeln!(std::io::stderr(), "chatroom: {failure}"));
            ExitCode::from(failure.exit_code)
        }
    }
}
