//! The client: one poll over the server's socket and standard input.
//!
//! Three of them share most. `plain` is a filter: what the server tells goes to standard output,
//! what is piped in goes to the server. `json` is one for scripts that read the server's objects
//! themselves. `live` is for a person at a terminal: the line being typed stays whole at the bottom,
//! the room speaks above it, and a lost connection comes back.
//!
//! | module | what it does | pure |
//! |---|---|---|
//! | `session` | the conversation, over one connection and the next | yes |
//! | `opening`, `entry` | its first words, and the talk about the name | yes |
//! | `incoming`, `objects` | cut what arrives into lines that are safe to show, or objects | yes |
//! | `event` | what the server lets the client know, whichever encoding it speaks | yes |
//! | `notices`, `last_line` | what is read out of lines for people | yes |
//! | `theme`, `colours`, `printer` | how a line is shown | yes |
//! | `commands` | what a typed line is | yes |
//! | `editor` | key bytes in, screen bytes out | yes |
//! | `secrets` | the keys of names and the password, out of sight | yes |
//! | `outbox` | lines that wait to be sent, or acknowledged | yes |
//! | `address`, `lookup`, `link` | find the server, and find it again | |
//! | `reach`, `trust`, `way` | reach it first, whether it is the right one, sealed or not | |
//! | `ignored`, `notifier` | whom one doesn't hear; telling who looks elsewhere | yes |
//! | `settings`, `keys`, `record`, `log` | what a person likes, their keys, and the talk, in files | |
//! | `echo` | a password typed where nothing is edited | |
//! | `stdio`, `terminal`, `capability`, `clock` | the standard streams, the terminal, the time | |

mod address;
mod capability;
mod clock;
mod colours;
mod commands;
mod echo;
mod editor;
mod entry;
mod event;
mod ignored;
mod incoming;
mod json;
mod keys;
mod last_line;
mod link;
mod live;
mod log;
mod lookup;
mod notices;
mod notifier;
mod objects;
mod opening;
pub mod options;
mod outbox;
mod plain;
mod printer;
mod reach;
mod record;
mod refusals;
mod secrets;
mod session;
mod settings;
mod stdio;
mod terminal;
mod theme;
mod trust;
mod way;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::failure::Failure;

use address::Address;
use capability::Capability;
use colours::Depth;
use entry::Entry;
use keys::Store;
use options::{DEFAULT_SERVER, Options};
use record::Record;
use secrets::Secrets;
use settings::Kept;
use theme::Theme;

/// How long a few bytes may take to be written.
const TELLING_MAX: Duration = Duration::from_secs(1);

/// Joins a room until the input or the server ends, or the person leaves.
///
/// # Errors
/// Fails when the room can't be reached or goes away, and, with exit code 3, when nobody is there
/// to answer for a refused `--name`.
pub fn join(options: &Options) -> Result<(), Failure> {
    let mut options = options.clone();
    let capability = Capability::of_environment();
    // A script does the same whoever runs it.
    let kept = if capability.is_interactive() {
        Kept::read(&mut options)?
    } else {
        Kept::default()
    };
    let address = Address::parse(options.server.as_deref().unwrap_or(DEFAULT_SERVER))?;
    let server = address.to_string();
    // A script's keys are where it says.
    let keeps = capability.is_interactive() && !options.json;
    let store = keeps.then(|| Store::find(server.clone())).flatten();
    let entry = entry(&options, store.as_ref(), &server)?;
    let record = options.log.as_deref().map(Record::open).transpose()?;
    let live = capability.can_edit() && !options.plain && !options.json;
    let depth = capability.depth(options.color.unwrap_or_default());
    let theme = Theme::new(depth, live || depth != Depth::None);
    if live {
        // It may take a while. A person who doesn't want to wait interrupts it as anything else.
        let telling = format!("connecting to {address} ...");
        drop(stdio::write_soon(telling.as_bytes(), TELLING_MAX));
    }
    let reached = reach::reach(&address, &options, capability.is_interactive());
    if live {
        drop(stdio::write_soon(b"\r\x1b[2K", TELLING_MAX));
    }
    let reached = reached?;
    if live {
        let person = live::Person {
            kept,
            capability,
            record,
            store,
        };
        live::Live::start(reached, &address, entry, &options, theme, person)?.run()
    } else if options.json {
        json::Relay::start(reached, &address, entry, &options)?.run()
    } else {
        let files = plain::Files { record, store };
        plain::Filter::start(reached, &address, entry, &options, theme, files)?.run()
    }
}

/// Returns what is known of the talk about the name before it begins.
fn entry(options: &Options, store: Option<&Store>, server: &str) -> Result<Entry, Failure> {
    let mut known = match &options.key_file {
        Some(path) => keys::read(path, server)?,
        None => Vec::new(),
    };
    let name = match (&options.name, &known[..]) {
        (None, [(name, _)]) => Some(name.clone()),
        (name, _) => name.clone(),
    };
    if let Some(store) = store {
        let kept = store.read()?;
        // What was named on the command line is asked first.
        known.splice(0..0, kept);
    }
    let password = options.password_file.as_deref().map(password).transpose()?;
    let mut secrets = Secrets::new(password, store.is_some());
    for (name, key) in known {
        secrets.learn(&name, key);
    }
    Ok(Entry::new(name.as_deref())?.with(secrets))
}

fn password(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!(
            "can't use --password-file {}: {error}",
            path.display()
        ))
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Prints the addresses of a host, one a line.
///
/// # Errors
/// Fails when `server` is no address or the host is unknown.
pub fn resolve(server: &str) -> Result<(), Failure> {
    let found = Address::parse(server)?.resolve()?;
    let mut lines = String::new();
    for address in found {
        lines.extend([address.to_string().as_str(), "\n"]);
    }
    stdio::write_soon(lines.as_bytes(), TELLING_MAX)
        .map_err(|error| Failure::new(format!("can't write to the standard output: {error}")))
}
