//! Every limit of the server, named in one place, with their relations checked.

use std::fmt;
use std::time::Duration;

use crate::feed::FeedOptions;
use crate::line::sanitize;
use crate::room::name::NAME_BYTES_MAX;

/// Bytes read from one connection at once, and the size of the one buffer they are read into.
pub const READ_BYTES: usize = 64 * 1024;

/// Most bytes of answers and private messages that wait for one connection (one answer more may be
/// added to just as many). Beyond it, its lines wait until it has read, and what others would tell
/// it privately is refused.
pub const PRIVATE_BYTES_MAX: usize = 16 * 1024;

/// Most places where a connection that doesn't read hears something else than the room, before what
/// it says has to wait until it reads: those where its own lines are left out, 16 bytes each.
pub const SPLICES_MAX: usize = 256;

/// Most bytes of names, as they are written, that a connection told in JSON is told when it comes in;
/// more are counted.
pub const MEMBERS_BYTES_MAX: usize = 12 * 1024;

/// How many of a member's last lines are known again by their ids, 24 bytes each.
pub const IDS_MAX: usize = 32;

/// Of how many members who have left lines are known again.
pub const DEPARTED_SESSIONS_MAX: usize = 1024;

/// How much hearing one connection may cause in a turn, in lines.
pub const CONNECTION_WORK_MAX: usize = 1024;

/// How much hearing all connections together may cause in a turn, in lines, once for new events and once
/// for those who had to wait: about three milliseconds each.
pub const TURN_WORK_MAX: usize = 4 * 1024;

/// What a line costs that names somebody, in lines: names are compared by how they look.
pub const NAME_WORK: usize = 32;

/// How many slots can be looked at for names in the time that a line takes, rounded down.
pub const SLOTS_A_LINE: usize = 1024;

/// How many names can be searched for a part of them in the time that a line takes, rounded down.
pub const NAMES_A_LINE: usize = 16;

/// What a write costs beside its bytes, in bytes: the kernel takes about as long for the call as
/// for copying this much.
pub const WRITE_COST_BYTES: usize = 4096;

/// How many bytes one round of the fan-out may have to write to all members together before nothing
/// more is heard: about a tenth of a second, so that a flood delays what others say by not more.
const ROUND_BYTES: u64 = 128 * 1024 * 1024;

/// How many bytes for each member a round may always have: larger writes are hardly cheaper.
const ROUND_BYTES_EACH: u64 = 16 * 1024;

/// How long what is owed to a connection that ends in order is waited for, in seconds.
pub const DRAIN_S: u64 = 5;

/// Most bytes of input held back from all connections together, while they have to wait. Beyond
/// it, no more than [`SCARCE_READ_BYTES`] are read from one at a time.
pub const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes read from one connection at once while too many are held back.
pub const SCARCE_READ_BYTES: usize = 1024;

/// Unsent bytes that the kernel may hold for one connection (`TCP_NOTSENT_LOWAT`). A peer that is
/// stuck holds 20 to 170 KB of kernel memory with it, in place of 3 to 4 MB.
pub const KERNEL_UNSENT_BYTES: u32 = 16 * 1024;

/// When the kernel begins to probe a connection on which nothing comes, how often it does, and
/// after how many probes without an answer it gives up, in seconds.
pub const KEEPALIVE_AFTER_S: u64 = 30;
/// See [`KEEPALIVE_AFTER_S`].
pub const KEEPALIVE_EVERY_S: u64 = 10;
/// See [`KEEPALIVE_AFTER_S`].
pub const KEEPALIVE_PROBES: u32 = 3;

/// How long the kernel keeps trying to send to a peer that answers nothing, in seconds.
pub const UNANSWERED_S: u64 = 60;

/// Longest timeout, in seconds: ticks of a second are kept in 16 bits, and compared within half
/// of their range.
const TIMEOUT_S_MAX: u16 = 32_000;

/// Descriptors kept back from connections: standard streams, poll, signals, and to spare.
pub const DESCRIPTORS_RESERVED: usize = 32;

/// There is one place for those who depart to so many in the room, and [`DEPARTING_LEAST`].
const DEPARTING_PART: usize = 64;

/// Least places for those who depart.
const DEPARTING_LEAST: usize = 4;

/// Longest line end, and what is put around a name and a text.
const FRAME_BYTES: usize = 64;

/// How much of the fan-out is done at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// How much writing, in bytes; see [`WRITE_COST_BYTES`].
    pub bytes: usize,
    /// How many slots are looked at, also where nothing is to be written.
    pub slots: usize,
}

impl Default for Slice {
    fn default() -> Self {
        Self {
            // Some 256 writes: two or three milliseconds where they are sealed.
            bytes: 1024 * 1024,
            slots: 64 * 1024,
        }
    }
}

/// The limits in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest line accepted, in bytes without its line end.
    pub max_line_bytes: usize,
    /// Size of the transcript in bytes.
    pub backlog_bytes: usize,
    /// Most connections at once.
    pub max_connections: usize,
    /// Most connections of one address (IPv6: of one /64).
    pub max_per_address: Option<usize>,
    /// How long a connection may take to give a name, in seconds; 0 is for ever.
    pub name_timeout_s: u16,
    /// How long a member may be silent, in seconds; 0 is for ever.
    pub idle_timeout_s: u16,
    /// How long a member may take nothing of what it is sent, in seconds; 0 is for ever.
    pub stall_timeout_s: u16,
    /// How long what is owed is waited for when the server closes, in seconds.
    pub grace_s: u16,
    /// Lines a second that are heard of one connection; 0 is any number.
    pub rate: u32,
    /// Lines that are heard of one connection at once.
    pub burst: u32,
    /// Lines of the talk so far that a newcomer is shown.
    pub history_lines: usize,
    /// Whether the room is told when somebody joins.
    pub announce_joins: bool,
    /// Whether the log names the addresses that connections come from.
    pub log_addresses: bool,
    /// Whether the log tells what is said.
    pub log_talk: bool,
    /// How much of the fan-out is done before the loop looks at its sockets again.
    pub slice: Slice,
}

impl Limits {
    /// Returns these limits for a process that may have so many `descriptors` for connections:
    /// `connections_max` of them, if that is given, else as many as possible.
    ///
    /// # Errors
    /// Says which limit contradicts which, and what to do.
    pub fn fit(self, connections_max: Option<usize>, descriptors: usize) -> Result<Self, String> {
        let usable = descriptors.saturating_sub(DESCRIPTORS_RESERVED);
        // So many that there are descriptors for those who depart, too.
        let possible =
            usable.saturating_sub(DEPARTING_LEAST) * DEPARTING_PART / (DEPARTING_PART + 1);
        let possible = possible.max(1);
        let limits = Self {
            max_connections: connections_max.unwrap_or(possible),
            ..self
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
        sanitize::GROWTH_MAX * self.max_line_bytes + 2 * NAME_BYTES_MAX + FRAME_BYTES
    }

    /// Returns how far, in bytes, the fan-out may fall behind in a room of so many slots before
    /// nobody is heard.
    #[must_use]
    pub fn round_bytes_max(&self, slots: usize) -> u64 {
        (ROUND_BYTES / slots.max(1) as u64)
            .max(ROUND_BYTES_EACH)
            .min(self.backlog_bytes as u64 / 2)
    }

    /// Returns how many connections may be without a name at once. If there are more, those that
    /// have taken longest make place.
    #[must_use]
    pub fn nameless_max(&self) -> usize {
        self.max_connections.div_ceil(2)
    }

    /// Returns how many connections that have left may be read from or written to at once, so that
    /// they get what they are owed. If there are more, those that have taken longest are ended.
    #[must_use]
    pub fn departing_max(&self) -> usize {
        self.max_connections / DEPARTING_PART + DEPARTING_LEAST
    }

    /// Returns how many slots there may be: places, and those of connections that depart.
    #[must_use]
    pub fn slots_max(&self) -> usize {
        self.max_connections.saturating_add(self.departing_max())
    }

    /// Returns how long what is owed is waited for when the server closes.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_s.into())
    }

    /// Returns what the room's feed has to know.
    #[must_use]
    pub fn feed_options(&self) -> FeedOptions {
        FeedOptions {
            backlog_bytes: self.backlog_bytes,
            history_lines: self.history_lines,
            announce_joins: self.announce_joins,
            stall_timeout: (self.stall_timeout_s > 0)
                .then(|| Duration::from_secs(self.stall_timeout_s.into())),
        }
    }

    /// Checks the limits of a server that shares its room with others: what is said at any of them must
    /// have its place here.
    ///
    /// # Errors
    /// Says what to do.
    pub fn check_shared(&self) -> Result<(), String> {
        let max = crate::backplane::event::LINE_BYTES_MAX;
        if self.max_line_bytes > max {
            return Err(format!(
                "--max-line-bytes {} is out of range with --backplane; give at most {max}",
                self.max_line_bytes
            ));
        }
        let longest = Self {
            max_line_bytes: max,
            ..*self
        };
        longest
            .check()
            .map_err(|why| format!("with --backplane, lines of others may be longer: {why}"))
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
        // Half of the backlog must hold whatever one more line adds. The backlog of JSON is twice as
        // large, and what is left out of it for one member is counted in 32 bits.
        let least = 4 * self.longest_said_bytes();
        let most = u32::MAX as usize / 2;
        if !(least..=most).contains(&self.backlog_bytes) {
            return Err(format!(
                "--backlog-bytes {} is out of range; with --max-line-bytes {} give {least} to {most}",
                self.backlog_bytes, self.max_line_bytes,
            ));
        }
        for (flag, seconds) in [
            ("--name-timeout", self.name_timeout_s),
            ("--idle-timeout", self.idle_timeout_s),
            ("--stall-timeout", self.stall_timeout_s),
            ("--grace", self.grace_s),
        ] {
            if seconds > TIMEOUT_S_MAX {
                return Err(format!(
                    "{flag} {seconds} is too long; give at most {TIMEOUT_S_MAX}"
                ));
            }
        }
        if self.burst == 0 {
            return Err("--burst 0 lets nobody speak; give at least 1 (no limit: --rate 0)".into());
        }
        if self.max_per_address == Some(0) {
            return Err("--max-per-address 0 lets nobody in; give at least 1".into());
        }
        if self.max_connections == 0 {
            return Err("--max-connections 0 lets nobody in; give at least 1".into());
        }
        Ok(())
    }
}

impl Default for Limits {
    /// The limits of a server that is told nothing, on a machine without a limit of its own.
    fn default() -> Self {
        Self {
            max_line_bytes: 4096,
            backlog_bytes: 8 * 1024 * 1024,
            max_connections: usize::MAX,
            max_per_address: None,
            name_timeout_s: 30,
            idle_timeout_s: 0,
            stall_timeout_s: 60,
            grace_s: 5,
            rate: 100,
            burst: 1000,
            history_lines: 0,
            announce_joins: false,
            log_addresses: false,
            log_talk: true,
            slice: Slice::default(),
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "limits: {} connections ({} of one address, {} without a name) and {} that leave, {} bytes a line, \
             {} lines/s after {} at once, {} bytes of backlog, {} lines of history, \
             {PRIVATE_BYTES_MAX} bytes of private answers a connection, {HELD_BYTES_MAX} bytes of \
             input held back; {} to give a name, silent for {}, reading nothing for {}, {DRAIN_S} s \
             to read what is owed at the end, {} s when the server closes",
            self.max_connections,
            self.max_per_address
                .map_or_else(|| "any number".to_owned(), |max| max.to_string()),
            self.nameless_max(),
            self.departing_max(),
            self.max_line_bytes,
            if self.rate == 0 {
                "any".to_owned()
            } else {
                self.rate.to_string()
            },
            self.burst,
            self.backlog_bytes,
            self.history_lines,
            Seconds(self.name_timeout_s),
            Seconds(self.idle_timeout_s),
            Seconds(self.stall_timeout_s),
            self.grace_s,
        )
    }
}

/// A timeout, as it is shown.
struct Seconds(u16);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            f.write_str("any time")
        } else {
            write!(f, "{} s", self.0)
        }
    }
}
