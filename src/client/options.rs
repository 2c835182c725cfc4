//! What a person asks of the client.

/// The port joined unless another is given, which is also the server's.
pub const DEFAULT_PORT: u16 = 5050;

/// What a person asks of the client.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that is wanted or not"
)]
pub struct Options {
    /// The room's host and port, as people write them.
    pub server: String,
    /// The answer to the prompt for a name.
    pub name: Option<String>,
    /// Show the time before each line.
    pub timestamps: bool,
    /// Show only what people say.
    pub quiet: bool,
    /// Ring the bell when a line is meant for the person.
    pub bell: bool,
    /// When to use colours.
    pub color: ColorWhen,
    /// Leave when the connection is lost.
    pub no_reconnect: bool,
    /// Read and write plain lines, also on a terminal.
    pub plain: bool,
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
