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
//! | `theme`, `colours`, `printer` | how a line is shown | yes |
//! | `commands` | what a typed line is | yes |
//! | `editor` | key bytes in, screen bytes out | yes |
//! | `outbox` | lines that wait to be sent | yes |
//! | `address`, `lookup`, `link` | find the server, and find it again | |
//! | `stdio`, `terminal`, `clock` | the standard streams, the terminal's modes, the time | |

mod address;
mod clock;
mod colours;
mod commands;
mod editor;
mod entry;
mod event;
mod incoming;
mod link;
mod live;
mod lookup;
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
use std::time::Duration;

use crate::failure::Failure;

use address::Address;
use colours::Depth;
use entry::Entry;
use options::{ColorWhen, Options};
use theme::Theme;

/// How long a few bytes may take to be written.
const TELLING_MAX: Duration = Duration::from_secs(1);

/// Joins a room until the input or the server ends, or the person leaves.
///
/// # Errors
/// Fails when the room can't be reached or goes away, and, with exit code 3, when nobody is there
/// to answer for a refused `--name`.
pub fn join(options: &Options) -> Result<(), Failure> {
    let entry = Entry::new(options.name.as_deref())?;
    let address = Address::parse(&options.server)?;
    let term = variable("TERM");
    let able = !matches!(term.as_str(), "" | "dumb");
    let on_terminal = able && stdout().is_terminal();
    let depth = match options.color {
        ColorWhen::Auto if !on_terminal || !variable("NO_COLOR").is_empty() => Depth::None,
        ColorWhen::Never => Depth::None,
        ColorWhen::Auto | ColorWhen::Always => Depth::of_terminal(&term, &variable("COLORTERM")),
    };
    let live = on_terminal && stdin().is_terminal() && !options.plain;
    let marks = live || depth != Depth::None;
    let theme = Theme::new(depth, marks);
    if live {
        // It may take a while. A person who doesn't want to wait interrupts it as anything else.
        let telling = format!("connecting to {address} ...");
        drop(stdio::write_soon(telling.as_bytes(), TELLING_MAX));
    }
    let found = address.resolve();
    let connected = found.and_then(|found| Ok((address.connect(&found)?, found)));
    if live {
        drop(stdio::write_soon(b"\r\x1b[2K", TELLING_MAX));
    }
    let (stream, found) = connected?;
    if live {
        live::Live::start(stream, found, &address, entry, options, theme)?.run()
    } else {
        plain::Filter::start(stream, &address, entry, options, theme)?.run()
    }
}

/// Prints the addresses of a host, one a line.
///
/// # Errors
/// Fails when `server` is no address or the host is unknown.
pub fn resolve(server: &str) -> Result<(), Failure> {
    let found = Address::parse(server)?.resolve()?;
    let lines: String = found.iter().map(|address| format!("{address}\n")).collect();
    stdio::write_soon(lines.as_bytes(), TELLING_MAX)
        .map_err(|error| Failure::new(format!("can't write to the standard output: {error}")))
}

/// Returns the environment's word for `name`; the empty one where it is not set.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
