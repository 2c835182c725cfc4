//! Settings that are on or off, and may be switched either way: what a file or a variable switches on,
//! `--flag=no` switches off.

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction};

/// A switch, in the words of clap.
pub(super) trait Switch {
    /// Makes a switch of an argument: the bare flag switches on.
    fn switch(self) -> Self;
}

impl Switch for Arg {
    fn switch(self) -> Self {
        self.value_name("no")
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("yes")
            .value_parser(BoolishValueParser::new())
            .hide_possible_values(true)
    }
}
