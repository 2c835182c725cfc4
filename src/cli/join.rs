//! The options of `chatroom join`.

use std::path::PathBuf;

use super::switch::Switch as _;
use clap::builder::{BoolishValueParser, PossibleValue};
use clap::{Args, ValueEnum};

use crate::client::options::{ColorWhen, Options};

/// The settings and the exit codes, which scripts tell apart.
const AFTER_HELP: &str = "\
On a terminal, what is not given here is as $XDG_CONFIG_HOME/chatroom/join.toml has it.

Exit codes: 0 success (also when the reader of the output is gone), 1 failure (also when the server
goes away before the input ends), 2 wrong usage, 3 the name or password given was refused,
4 lines of a pipe came to nothing (too long, an unknown command, /msg to nobody ...); each is named
on standard error. With --json an `error` tells of them, and the code is 0.";

/// What `chatroom join` is told.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER_HELP)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct JoinOptions {
    /// The room's host and port; a host alone means port 5050; with tls:// before it, TLS is spoken
    /// [default: 127.0.0.1:5050]
    #[arg(value_name = "ADDR:PORT", env = "CHATROOM_SERVER")]
    pub server: Option<String>,

    /// Whom to believe that a server with TLS is the right one: authorities' certificates, in PEM
    /// [default: the system's, and what you have confirmed yourself before]
    #[arg(long, value_name = "FILE", env = "CHATROOM_CA")]
    pub ca: Option<PathBuf>,

    /// The one certificate to accept, by its SHA-256, which the server logs at its start
    #[arg(
        long,
        value_name = "SHA256",
        env = "CHATROOM_PIN",
        conflicts_with = "ca"
    )]
    pub pin: Option<String>,

    /// Answer the prompt for a name with NAME
    #[arg(long, value_name = "NAME", env = "CHATROOM_NAME")]
    pub name: Option<String>,

    /// Answer it with NAME KEY where FILE has such a line, or SERVER NAME KEY; with the one NAME
    /// that it has, without --name [default on a terminal: the keys that /keep has given you]
    #[arg(long, value_name = "FILE", env = "CHATROOM_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// Give the first line of FILE where the room asks for a password [default: you are asked; in a
    /// pipe, the first line of the input]
    #[arg(long, value_name = "FILE", env = "CHATROOM_JOIN_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,

    /// Show the time, hours and minutes, before each line
    #[arg(long, env = "CHATROOM_TIMESTAMPS", switch())]
    pub timestamps: Option<bool>,

    /// Show only what people say, not who comes and goes; in a pipe, none of the server's own words
    #[arg(long, env = "CHATROOM_QUIET", value_parser = BoolishValueParser::new())]
    pub quiet: bool,

    /// Ring the terminal's bell when a line names you or is for you alone
    #[arg(long, env = "CHATROOM_BELL", switch())]
    pub bell: Option<bool>,

    /// Count what is unread in the window's title, and let the terminal notify you of such a line
    #[arg(long, env = "CHATROOM_NOTIFY", switch())]
    pub notify: Option<bool>,

    /// When to use colours: always, never, or auto (on a terminal, unless `NO_COLOR` is set)
    #[arg(
        long,
        value_name = "WHEN",
        env = "CHATROOM_COLOR",
        value_enum,
        hide_possible_values = true
    )]
    pub color: Option<ColorWhen>,

    /// Add the talk to FILE, with dates and with your own lines; only you may read it
    #[arg(long, value_name = "FILE", env = "CHATROOM_LOG")]
    pub log: Option<PathBuf>,

    /// Leave when the connection is lost, as in a pipe, instead of coming back
    #[arg(long, env = "CHATROOM_NO_RECONNECT", value_parser = BoolishValueParser::new())]
    pub no_reconnect: bool,

    /// Read and write plain lines, also on a terminal and to a server that knows more
    #[arg(long, env = "CHATROOM_PLAIN", value_parser = BoolishValueParser::new())]
    pub plain: bool,

    /// For scripts: write the server's events, a JSON object a line; read lines, or such objects
    #[arg(
        long,
        env = "CHATROOM_JSON",
        value_parser = BoolishValueParser::new(),
        conflicts_with = "plain"
    )]
    pub json: bool,
}

impl From<&JoinOptions> for Options {
    fn from(options: &JoinOptions) -> Self {
        Self {
            server: options.server.clone(),
            ca: options.ca.clone(),
            pin: options.pin.clone(),
            name: options.name.clone(),
            key_file: options.key_file.clone(),
            password_file: options.password_file.clone(),
            timestamps: options.timestamps,
            quiet: options.quiet,
            bell: options.bell,
            color: options.color,
            notify: options.notify,
            log: options.log.clone(),
            no_reconnect: options.no_reconnect,
            plain: options.plain,
            json: options.json,
        }
    }
}

impl ValueEnum for ColorWhen {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}
