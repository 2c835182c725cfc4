//! The room's one order on many machines: what the room and a stream of events say to each other.
//!
//! A *node* is one server on a backplane; its *boot* is a word that no other start of any node has. A
//! *batch* is what a node published at once: one entry of the *stream*, which has all batches of all
//! nodes in one order, its *sequence*. What a node has published counts when it comes back in that order.
//!
//! This module knows neither the room nor sockets: the room's side hears [`Incoming`] and speaks to a
//! [`Link`], whoever implements it.

pub mod batch;
pub mod event;
pub mod members;
pub mod nats;
pub mod snapshot;
pub mod state;

/// Most bytes of one batch.
pub const BATCH_BYTES_MAX: usize = 64 * 1024;

/// Most bytes of one private message to a node.
pub const TOLD_BYTES_MAX: usize = 64 * 1024;

/// Most bytes of one part of a snapshot.
pub const SNAPSHOT_PART_BYTES_MAX: usize = 512 * 1024;

/// Most parts of a snapshot.
pub const SNAPSHOT_PARTS_MAX: usize = 128;

/// Most characters of the name of a room that several nodes share.
pub const ROOM_NAME_CHARS_MAX: usize = 32;

/// Most characters of a boot.
pub const BOOT_CHARS_MAX: usize = 64;

/// What the backplane tells.
///
/// The first is [`Up`](Self::Up), [`Snapshot`](Self::Snapshot) comes after it and before any
/// [`Batch`](Self::Batch). Nothing but [`Up`](Self::Up) comes after [`Down`](Self::Down).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// The backplane is connected, and the stream there and as it should be. What was published
    /// before and has not come back has to be published again.
    Up {
        /// The first sequence that the stream still holds; `last_seq + 1` where it holds none.
        first_seq: u64,
        /// The last sequence that the stream has given; 0 if none. It is before what was told already
        /// only if the stream is another one than before.
        last_seq: u64,
        /// What names this stream among all that were ever there under its name; empty where that
        /// isn't known.
        stream: &'a str,
    },
    /// The parts of the last snapshot, in the order in which they were put, none if there is none; what
    /// an older, longer one had more may follow. Comes after the first [`Up`](Self::Up), and for
    /// each [`Link::fetch_snapshot`].
    Snapshot {
        /// The parts.
        parts: Vec<Vec<u8>>,
    },
    /// The next batch, from the sequence on that [`Link::follow_from`] said. Each comes once, in
    /// order; a sequence is left out only where the stream doesn't hold it any more.
    Batch {
        /// Its sequence.
        seq: u64,
        /// When the stream took it, in milliseconds since 1970 (UTC).
        time_ms: u64,
        /// What was published, at most [`BATCH_BYTES_MAX`]: anything, if somebody else writes to
        /// the stream. A longer one comes empty.
        payload: &'a [u8],
    },
    /// A private message to this node, at most [`TOLD_BYTES_MAX`].
    Told {
        /// What was told.
        payload: &'a [u8],
    },
    /// A node lives: also this one.
    Beat {
        /// Its boot, which is one as far as [`is_boot`] can tell.
        boot: &'a str,
    },
    /// The stream has not taken a batch, or has not said so in time: it may be in the stream all the
    /// same. Many go wrong together; what was published anew since, as another round, is not among
    /// them.
    Refused {
        /// The batch's counter.
        counter: u64,
        /// The batch's round.
        round: u32,
        /// What is said of it.
        why: String,
    },
    /// The backplane is cut off. Until the next [`Up`](Self::Up), whatever is said to it is lost, but for
    /// [`Link::listen_as`] and [`Link::follow_from`].
    Down {
        /// What has happened.
        why: String,
    },
}

/// What the backplane is asked for.
pub trait Link {
    /// Has private messages to `boot` told to this node from here on, instead of those to the boot
    /// before; batches and beats are this boot's. Anything but a boot is ignored.
    fn listen_as(&mut self, boot: &str);

    /// Has the batches told from this sequence on; 0 and 1 are the first. Before it, none are told.
    fn follow_from(&mut self, seq: u64);

    /// Has the snapshot told again.
    fn fetch_snapshot(&mut self);

    /// Publishes a batch, at most [`BATCH_BYTES_MAX`]. The stream takes what has the same boot,
    /// counter and round once.
    fn publish(&mut self, counter: u64, round: u32, payload: &[u8]);

    /// Tells a node something, at most [`TOLD_BYTES_MAX`]; nobody, if there is none of that boot.
    fn tell(&mut self, boot: &str, payload: &[u8]);

    /// Lets the nodes know that this one lives.
    fn beat(&mut self);

    /// Puts a snapshot in the place of the one before, part by part; ignored while one is being put, and
    /// where it has no parts or more or longer ones than may be.
    fn put_snapshot(&mut self, parts: Vec<Vec<u8>>);

    /// Returns how much has been said and not been taken yet, in bytes.
    fn waiting_bytes(&self) -> usize;
}

/// Returns whether a room that several nodes share may be called so: what names it in the
/// backplane's words is nothing but `a-z`, `0-9`, `_` and `-`.
#[must_use]
pub fn is_room_name(text: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=ROOM_NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(fits)
}

/// Returns whether this could be a boot: nothing but ASCII letters, digits, `_` and `-`.
#[must_use]
pub fn is_boot(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=BOOT_CHARS_MAX).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_become_a_subject_of_its_own() {
        for name in ["lobby", "a", "room-7_b", &"x".repeat(32)] {
            assert!(is_room_name(name), "{name}");
        }
        for name in [
            "",
            "Lobby",
            "a.b",
            "*",
            ">",
            "a b",
            "سهیل",
            "a\r",
            &"x".repeat(33),
        ] {
            assert!(!is_room_name(name), "{name}");
        }
        assert!(is_boot("18f3A-_z9") && is_boot(&"0".repeat(64)));
        for boot in ["", "a.b", "*", ">", "a b", "a\r\nPUB", &"0".repeat(65)] {
            assert!(!is_boot(boot), "{boot}");
        }
    }
}
