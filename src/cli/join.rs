//! The options of `chatroom join`.

use clap::builder::{BoolishValueParser, PossibleValue};
use clap::{Args, ValueEnum};

use crate::client::options::{ColorWhen, Options};

/// The exit codes, which scripts tell apart.
const EXIT_CODES: &str = "\
Exit codes: 0 success (also when the reader of the output is gone), 1 failure (also when the server
goes away before the input ends), 2 wrong usage, 3 the name given was refused.";

/// What `chatroom join` is told.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that is given or not"
)]
pub struct JoinOptions {
    /// The room's host and port; a host alone means port 5050
    #[arg(
        value_name = "ADDR:PORT",
        env = "CHATROOM_SERVER",
        default_value = "127.0.0.1:5050"
    )]
    pub server: String,

    /// Answer the prompt for a name with NAME
    #[arg(long, value_name = "NAME", env = "CHATROOM_NAME")]
    pub name: Option<String>,

    /// Show the time, hours and minutes, before each line
    #[arg(long, env = "CHATROOM_TIMESTAMPS", value_parser = BoolishValueParser::new())]
    pub timestamps: bool,

    /// Show only what people say, not who comes and goes; in a pipe, none of the server's own words
    #[arg(long, env = "CHATROOM_QUIET", value_parser = BoolishValueParser::new())]
    pub quiet: bool,

    /// Ring the terminal's bell when a line names you or is for you alone
    #[arg(long, env = "CHATROOM_BELL", value_parser = BoolishValueParser::new())]
    pub bell: bool,

    /// When to use colours: always, never, or auto (on a terminal, unless `NO_COLOR` is set)
    #[arg(
        long,
        value_name = "WHEN",
        env = "CHATROOM_COLOR",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub color: ColorWhen,

    /// Leave when the connection is lost, as in a pipe, instead of coming back
    #[arg(long, env = "CHATROOM_NO_RECONNECT", value_parser = BoolishValueParser::new())]
    pub no_reconnect: bool,

    /// Read and write plain lines, also on a terminal
    #[arg(long, env = "CHATROOM_PLAIN", value_parser = BoolishValueParser::new())]
    pub plain: bool,
}

impl From<&JoinOptions> for Options {
    fn from(options: &JoinOptions) -> Self {
        Self {
            server: options.server.clone(),
            name: options.name.clone(),
            timestamps: options.timestamps,
            quiet: options.quiet,
            bell: options.bell,
            color: options.color,
            no_reconnect: options.no_reconnect,
            plain: options.plain,
        }
    }
}

impl ValueEnum for ColorWhen {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }))
    }
}
