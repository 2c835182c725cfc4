//! What arguments, environment and configuration file say together.

use std::env;
use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory};
use log::LevelFilter;

use super::{Cli, SERVE, config};
use crate::failure::Failure;
use crate::server;

/// What arguments, environment and configuration file say together.
pub(super) struct Given {
    command: clap::Command,
    pub(super) matches: ArgMatches,
    settings: Vec<config::Setting>,
}

impl Given {
    /// Reads them all, for `command`.
    pub(super) fn read(mut command: clap::Command) -> Result<Self, clap::Error> {
        let wrong = |told: String| clap::Error::raw(ErrorKind::InvalidValue, format!("{told}\n"));
        let mut matches = command.clone().try_get_matches()?;
        let mut settings = Vec::new();
        let serve = matches.subcommand_matches(SERVE);
        let file = serve.and_then(|serve| serve.get_one::<PathBuf>("config"));
        if let (Some(file), Some(serve)) = (file, command.find_subcommand(SERVE)) {
            settings = config::read(file, serve).map_err(wrong)?;
            command = command.mut_subcommand(SERVE, |serve| config::apply(&settings, serve));
            matches = command.clone().try_get_matches()?;
        }
        Ok(Self {
            command,
            matches,
            settings,
        })
    }

    /// Returns the settings of the server, and where each comes from.
    pub(super) fn in_force(&self) -> String {
        let serve = self.command.find_subcommand(SERVE);
        let matches = self.matches.subcommand_matches(SERVE);
        let both = serve.zip(matches);
        let told = both.map(|(serve, matches)| config::in_force(serve, matches, &self.settings));
        told.unwrap_or_default()
    }
}

/// Reads anew what may change while the server runs.
pub(super) fn reread() -> Result<server::Changeable, Failure> {
    // Names are not looked up again, which could hold up the room.
    let command = command_in_environment().mut_subcommand(SERVE, |serve| {
        serve.mut_args(|flag| match flag.get_id().as_str() {
            "listen" | "metrics" => flag.value_parser(ValueParser::string()),
            _ => flag,
        })
    });
    let given = Given::read(command).map_err(|error| {
        let told = error.to_string();
        let told = told.trim_start_matches("error: ").trim_end();
        Failure::usage(told.replace('\n', ", "))
    })?;
    let serve = given.matches.subcommand_matches(SERVE);
    let level = serve.and_then(|serve| serve.get_one("log_level"));
    let talk = serve.and_then(|serve| serve.get_one("log_talk"));
    Ok(server::Changeable {
        log_level: level.copied().unwrap_or(LevelFilter::Info),
        log_talk: talk.copied().unwrap_or(true),
    })
}

/// Returns the commands, without the variables that are empty.
pub(super) fn command_in_environment() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|argument| {
            let is_empty = |name| env::var_os(name).is_some_and(|value| value.is_empty());
            if argument.get_env().is_some_and(is_empty) {
                argument.env(None::<&str>)
            } else {
                argument
            }
        })
    })
}
