//! What the terminal can do, as the environment tells.

use std::env;
use std::io::{IsTerminal, stdin, stdout};

use super::colours::Depth;
use super::options::ColorWhen;

/// What the terminal can do.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about the terminal"
)]
pub(super) struct Capability {
    term: String,
    colorterm: String,
    no_color: bool,
    /// It is one of those that take OSC 777 and not OSC 9.
    titled_notifications: bool,
    input: bool,
    output: bool,
}

impl Capability {
    /// Asks the environment and the standard streams.
    pub(super) fn of_environment() -> Self {
        // An empty variable is as good as none.
        let variable = |name| env::var(name).unwrap_or_default();
        let term = variable("TERM");
        Self {
            titled_notifications: !variable("VTE_VERSION").is_empty() || term.starts_with("rxvt"),
            term,
            colorterm: variable("COLORTERM"),
            no_color: !variable("NO_COLOR").is_empty(),
            input: stdin().is_terminal(),
            output: stdout().is_terminal(),
        }
    }

    /// Returns whether a person sits at both standard input and output.
    pub(super) fn is_interactive(&self) -> bool {
        self.input && self.output
    }

    /// Returns whether the line being typed can be kept apart from what is shown.
    pub(super) fn can_edit(&self) -> bool {
        self.is_interactive() && self.is_able()
    }

    /// Returns how many colours are to be used.
    pub(super) fn depth(&self, color: ColorWhen) -> Depth {
        match color {
            ColorWhen::Never => Depth::None,
            ColorWhen::Auto if self.no_color || !self.output || !self.is_able() => Depth::None,
            ColorWhen::Auto | ColorWhen::Always => Depth::of_terminal(&self.term, &self.colorterm),
        }
    }

    /// Returns whether notifications are to be sent with a title (OSC 777).
    pub(super) fn has_titled_notifications(&self) -> bool {
        self.titled_notifications
    }

    fn is_able(&self) -> bool {
        !matches!(self.term.as_str(), "" | "dumb")
    }
}
