//! What a person asks of the client.

use std::path::PathBuf;

/// The port joined unless another is given, which is also the server's.
pub const DEFAULT_PORT: u16 = 5050;

/// The room joined unless another is given.
pub const DEFAULT_SERVER: &str = "127.0.0.1:5050";

/// What a person asks of the client; what is left open is as their settings have it.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct Options {
    /// The room's host and port, as people write them.
    pub server: Option<String>,
    /// The authorities to trust for a server that speaks TLS, in PEM, in place of the system's.
    pub ca: Option<PathBuf>,
    /// The one certificate to trust, by its SHA-256.
    pub pin: Option<String>,
    /// The answer to the prompt for a name.
    pub name: Option<String>,
    /// The file of the keys of names, to answer the prompt with.
    pub key_file: Option<PathBuf>,
    /// The file whose first line is the password of the room.
    pub password_file: Option<PathBuf>,
    /// Show the time before each line.
    pub timestamps: Option<bool>,
    /// Show only what people say.
    pub quiet: bool,
    /// Ring the bell when a line is meant for the person.
    pub bell: Option<bool>,
    /// When to use colours.
    pub color: Option<ColorWhen>,
    /// Tell a person who looks elsewhere what they miss.
    pub notify: Option<bool>,
    /// Add the talk to this file.
    pub log: Option<PathBuf>,
    /// Leave when the connection is lost.
    pub no_reconnect: bool,
    /// Read and write plain lines, whatever the server knows and also on a terminal.
    pub plain: bool,
    /// Write the server's events as JSON objects, and read such as well as lines.
    pub json: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ColorWhen {
    /// On a terminal that has them, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Whatever the output is.
    Always,
    /// Not at all.
    Never,
}

impl ColorWhen {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// Returns its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// Returns the one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|when| when.as_str() == name)
    }
}
