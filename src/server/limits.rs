//! Every limit of the server, named in one place, with their relations checked.

use std::fmt;

use crate::cli::ServeOptions;
use crate::line::text;
use crate::room::RoomOptions;
use crate::room::name::NAME_BYTES_MAX;

/// Bytes read from one connection at once, and the size of the one buffer they are read into.
pub const READ_BYTES: usize = 64 * 1024;

/// Most bytes of answers and private messages that wait for one connection. Beyond it, its lines
/// wait until it has read, and what others would tell it privately is refused.
pub const PRIVATE_BYTES_MAX: usize = 64 * 1024;

/// How much writing one slice of a sweep may do before the loop looks at its sockets again: each
/// write counts as its bytes and [`WRITE_COST_BYTES`].
pub const SLICE_BYTES: usize = 4 * 1024 * 1024;

/// What a write costs beside its bytes, in bytes: the kernel takes about as long for the call as
/// for copying this much.
pub const WRITE_COST_BYTES: usize = 4096;

/// Slots one slice may look at, also where nothing is to be written.
pub const SLICE_SLOTS: usize = 64 * 1024;

/// How long what is owed to a connection that ends in order is waited for, in seconds.
pub const DRAIN_S: u64 = 5;

/// Descriptors kept back from connections: listeners, log, poll, signals, the spare one.
pub const DESCRIPTORS_RESERVED: usize = 32;

/// Longest line end, and what is put around a name and a text.
const FRAME_BYTES: usize = 64;

/// The limits in force.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest line accepted, in bytes without its line end.
    pub max_line_bytes: usize,
    /// Size of the transcript in bytes.
    pub backlog_bytes: usize,
    /// Most connections at once.
    pub max_connections: usize,
    /// Lines of the talk so far that a newcomer is shown.
    pub history_lines: usize,
    /// Whether the room is told when somebody joins.
    pub announce_joins: bool,
}

impl Limits {
    /// Returns the limits that `options` ask for where a process may have `descriptors` open.
    ///
    /// # Errors
    /// Says which limit contradicts which, and what to do.
    pub fn new(options: &ServeOptions, descriptors: usize) -> Result<Self, String> {
        let possible = descriptors.saturating_sub(DESCRIPTORS_RESERVED).max(1);
        let limits = Self {
            max_line_bytes: options.max_line_bytes,
            backlog_bytes: options.backlog_bytes,
            max_connections: options.max_connections.unwrap_or(possible),
            history_lines: options.history,
            announce_joins: options.announce_joins,
        };
        limits.check()?;
        if limits.max_connections > possible {
            return Err(format!(
                "--max-connections {} needs more descriptors than this process may have; \
                 give at most {possible}, or raise the limit (ulimit -n)",
                limits.max_connections
            ));
        }
        Ok(limits)
    }

    /// Returns the longest line the room can hear, in bytes with its line end: each byte may grow
    /// by being made safe, and the names of two people may stand in it.
    #[must_use]
    pub fn longest_said_bytes(&self) -> usize {
        text::GROWTH_MAX * self.max_line_bytes + 2 * NAME_BYTES_MAX + FRAME_BYTES
    }

    /// Returns how far, in bytes, readers who keep up may fall behind before nobody is heard.
    #[must_use]
    pub fn behind_bytes_max(&self) -> u64 {
        self.backlog_bytes as u64 / 2
    }

    /// Returns what the room has to know.
    #[must_use]
    pub fn room_options(&self) -> RoomOptions {
        RoomOptions {
            backlog_bytes: self.backlog_bytes,
            history_lines: self.history_lines,
            announce_joins: self.announce_joins,
        }
    }

    fn check(&self) -> Result<(), String> {
        // A name has to fit on a line.
        if !(NAME_BYTES_MAX..=1 << 20).contains(&self.max_line_bytes) {
            return Err(format!(
                "--max-line-bytes {} is out of range; give {NAME_BYTES_MAX} to {}",
                self.max_line_bytes,
                1 << 20
            ));
        }
        // Half of the backlog must hold whatever one more line adds.
        let least = 4 * self.longest_said_bytes();
        if !(least..=u32::MAX as usize).contains(&self.backlog_bytes) {
            return Err(format!(
                "--backlog-bytes {} is out of range; with --max-line-bytes {} give {least} to {}",
                self.backlog_bytes,
                self.max_line_bytes,
                u32::MAX
            ));
        }
        if self.max_connections == 0 {
            return Err("--max-connections 0 lets nobody in; give at least 1".into());
        }
        Ok(())
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "limits: {} connections, {} bytes a line, {} bytes of backlog, {} lines of history, \
             {PRIVATE_BYTES_MAX} bytes of private answers a connection, {DRAIN_S} s to read what \
             is owed at the end",
            self.max_connections, self.max_line_bytes, self.backlog_bytes, self.history_lines
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn limits(arguments: &[&str], descriptors: usize) -> Result<Limits, String> {
        #[derive(Parser)]
        struct Serve {
            #[command(flatten)]
            options: ServeOptions,
        }
        let arguments = ["serve"].iter().chain(arguments);
        Limits::new(
            &Serve::try_parse_from(arguments).unwrap().options,
            descriptors,
        )
    }

    #[test]
    fn contradictions_are_named() {
        for (arguments, flag) in [
            (&["--max-line-bytes", "127"][..], "--max-line-bytes 127"),
            (&["--max-line-bytes", "1048577"], "--max-line-bytes 1048577"),
            (&["--backlog-bytes", "1000"], "--backlog-bytes 1000"),
            (
                &["--backlog-bytes", "65536", "--max-line-bytes", "8192"],
                "--backlog-bytes 65536",
            ),
            (&["--max-connections", "0"], "--max-connections 0"),
            (&["--max-connections", "100000"], "--max-connections 100000"),
        ] {
            let error = limits(arguments, 1024).unwrap_err();
            assert!(error.starts_with(flag) && error.contains("give"), "{error}");
        }
        assert_eq!(limits(&[], 1024).unwrap().max_connections, 992);
        assert!(limits(&["--backlog-bytes", "65536"], 1024).is_ok());
    }
}
