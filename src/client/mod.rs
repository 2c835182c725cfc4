//! The client: one poll over the server's socket and standard input.
//!
//! Two of them share most. `plain` is a filter: what the server sends goes to standard output,
//! what is piped in goes to the server. `live` is for a person at a terminal: the line being typed
//! stays whole at the bottom, the room speaks above it, and a lost connection comes back.
//!
//! | module | what it does | pure |
//! |---|---|---|
//! | `entry` | the talk about the name | yes |
//! | `incoming` | cuts what arrives into lines that are safe to show | yes |
//! | `event` | what the server lets the client know, whichever encoding it speaks | yes |
//! | `notices` | what the server's notices tell the client | yes |
//! | `theme`, `printer` | how a line is shown | yes |
//! | `commands` | what a typed line is | yes |
//! | `editor` | key bytes in, screen bytes out | yes |
//! | `outbox` | lines that wait to be sent | yes |
//! | `address`, `link` | find the server, and find it again | |
//! | `stdio`, `terminal`, `clock` | the standard streams, the terminal's modes, the time | |

mod address;
mod clock;
mod commands;
mod editor;
mod entry;
mod event;
mod incoming;
mod link;
mod live;
mod notices;
pub mod options;
mod outbox;
mod plain;
mod printer;
mod stdio;
mod terminal;
mod theme;

use std::env;
use std::io::{IsTerminal, stdin, stdout};

use crate::failure::Failure;

use address::Address;
use entry::Entry;
use options::{ColorWhen, Options};
use theme::Theme;

/// Joins a room until the input or the server ends, or the person leaves.
///
/// # Errors
/// Fails when the room can't be reached or goes away, and, with exit code 3, when nobody is there
/// to answer for a refused `--name`.
pub fn join(options: &Options) -> Result<(), Failure> {
    let entry = Entry::new(options.name.as_deref())?;
    let address = Address::parse(&options.server)?;
    let addresses = address.resolve()?;
    let stream = address.connect(&addresses)?;
    let able = env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    let color_wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let colour = match options.color {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => color_wanted && able && stdout().is_terminal(),
    };
    let person = stdin().is_terminal() && stdout().is_terminal();
    let live = person && able && !options.plain;
    let theme = Theme {
        colour,
        isolate: colour || live,
    };
    if live {
        live::Live::start(stream, addresses, &address, entry, options, theme)?.run()
    } else {
        plain::Filter::start(stream, &address, entry, options, theme)?.run()
    }
}
