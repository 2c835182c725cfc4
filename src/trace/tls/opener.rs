//! Opening the records of one direction, of which some may be missing.
//!
//! A record doesn't tell its number, which its nonce is made of. While nothing is missing it is known;
//! behind a hole it is one of those that the lost bytes have room for, and the tag proves which. So
//! what is opened is what was sealed, or nothing is.
//!
//! Where the secrets of the handshake are not in the log, the first record that opens under those of
//! what comes behind it is where that begins.

use super::Way;
use super::key_log::KeyLog;
use super::link::Link;
use super::told::Why;
use crate::layer::tls::keys::{Keys, TAG_BYTES};
use crate::layer::tls::record::{self, Content, HEADER_BYTES};

/// Shortest sealed record, in bytes.
const RECORD_BYTES_MIN: u64 = (HEADER_BYTES + 1 + TAG_BYTES) as u64;
/// So many records in a row that don't open, and none that did: the secrets are other ones.
const FAILURES_MAX: u32 = 64;
/// How many bytes may be tried for each byte that comes, and for the first ones.
const TRIED_FOR_EACH: u64 = 32;
const TRIED_AT_FIRST: u64 = 1 << 20;

/// What became of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was opened; its bytes are at the front of the buffer.
    Opened {
        content: Content,
        length: usize,
        /// Bytes that went over the wire since the last one was opened, if records are missing.
        lost: u64,
    },
    /// It belongs to the handshake.
    Handshake(Option<(Content, usize)>),
    /// It is damaged, or what comes before it is missing.
    Lost,
    /// It can't be opened for want of secrets.
    Sealed(Why),
}

/// Opens the records of one direction.
#[derive(Debug)]
pub(super) struct Opener {
    way: Way,
    handshake: Vec<Keys>,
    traffic: Vec<Keys>,
    /// Bytes that went over the wire since the last record that was opened.
    lost: u64,
    failures: u32,
    /// A record was opened with the keys of what comes behind the handshake.
    pub(super) has_opened: bool,
    has_sealed: bool,
    /// How many bytes may still be tried.
    credit: u64,
}

impl Opener {
    pub(super) fn new(way: Way) -> Self {
        Self {
            way,
            handshake: Vec::new(),
            traffic: Vec::new(),
            lost: 0,
            failures: 0,
            has_opened: false,
            has_sealed: false,
            credit: TRIED_AT_FIRST,
        }
    }

    /// Says that so many bytes went over the wire that can't be used.
    pub(super) fn lose(&mut self, bytes: u64) {
        self.lost = self.lost.saturating_add(bytes);
    }

    /// Returns how many bytes were lost so far since the last one that was opened.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes it back that what was tried is a record that is lost.
    pub(super) fn set_lost(&mut self, bytes: u64) {
        self.lost = bytes;
    }

    /// Opens a sealed record, into `opened`, if it can be.
    pub(super) fn open(
        &mut self,
        sealed: &[u8],
        link: &mut Link,
        log: &mut KeyLog,
        opened: &mut Vec<u8>,
    ) -> Outcome {
        let length = sealed.len() as u64;
        self.credit = (self.credit + length * TRIED_FOR_EACH).min(16 * TRIED_AT_FIRST);
        let is_first = !std::mem::replace(&mut self.has_sealed, true);
        // What is sealed first ends the handshake: one message of the client, some of the server.
        let of_handshake = match self.way {
            Way::Up => is_first,
            Way::Down => !link.client_sealed,
        };
        link.client_sealed |= self.way == Way::Up;
        if self.failures >= FAILURES_MAX && !self.has_opened {
            return Outcome::Sealed(Why::OtherSecrets);
        }
        if self.traffic.is_empty() {
            match link.keys(log, self.way) {
                Ok([handshake, traffic]) => (self.handshake, self.traffic) = (handshake, traffic),
                Err(_) if of_handshake => {
                    self.lose(length);
                    return Outcome::Handshake(None);
                }
                Err(why) => {
                    self.lose(length);
                    return Outcome::Sealed(why);
                }
            }
        }
        self.try_keys(sealed, opened).unwrap_or_else(|| {
            self.lose(length);
            self.failures = self.failures.saturating_add(1);
            Outcome::Lost
        })
    }

    /// Returns what a record holds under the keys that it may be sealed with.
    fn try_keys(&mut self, sealed: &[u8], opened: &mut Vec<u8>) -> Option<Outcome> {
        if !self.has_opened
            && let Some(found) = self.find(Which::Handshake, sealed, opened)
        {
            self.handshake.swap(0, found.keys);
            self.handshake.truncate(1);
            self.lost = 0;
            let content = record::content(&opened[..found.length]).ok();
            return Some(Outcome::Handshake(content));
        }
        let first = self.traffic.first().map_or(0, Keys::sequence);
        let (is_next, found) = match self.find(Which::Traffic, sealed, opened) {
            Some(found) => (false, found),
            None => (true, self.find_next_generation(sealed, opened)?),
        };
        self.traffic.swap(0, found.keys);
        self.traffic.truncate(1);
        self.handshake.clear();
        self.has_opened = true;
        let lost = std::mem::take(&mut self.lost);
        let lost = if found.number > first || is_next {
            lost.max(1)
        } else {
            0
        };
        let (content, length) = record::content(&opened[..found.length]).ok()?;
        Some(Outcome::Opened {
            content,
            length,
            lost,
        })
    }

    /// Goes on to the next keys.
    pub(super) fn update(&mut self) {
        for keys in &mut self.traffic {
            // It can't fail with the suites that there are; the next record won't open if it does.
            if keys.update().is_err() {
                self.failures = FAILURES_MAX;
            }
        }
    }

    /// Tries the keys after the next update, which may be among what is missing.
    fn find_next_generation(&mut self, sealed: &[u8], opened: &mut Vec<u8>) -> Option<Found> {
        if self.lost == 0 {
            return None;
        }
        let next = self.traffic.iter().map(Keys::next_generation);
        let next = next.collect::<Result<_, _>>().ok()?;
        let before = std::mem::replace(&mut self.traffic, next);
        let found = self.find(Which::Traffic, sealed, opened);
        if found.is_none() {
            self.traffic = before;
        }
        found
    }

    /// Tries keys and numbers.
    fn find(&mut self, which: Which, sealed: &[u8], opened: &mut Vec<u8>) -> Option<Found> {
        let all = match which {
            Which::Handshake => &mut self.handshake,
            Which::Traffic => &mut self.traffic,
        };
        let (header, body) = sealed.split_at_checked(HEADER_BYTES)?;
        for (at, keys) in all.iter_mut().enumerate() {
            let first = keys.sequence();
            let last = first.saturating_add(self.lost / RECORD_BYTES_MIN);
            for number in first..=last {
                let cost = sealed.len() as u64;
                // The likeliest number is always tried.
                if number > first && self.credit < cost {
                    break;
                }
                self.credit = self.credit.saturating_sub(cost);
                opened.clear();
                opened.extend_from_slice(body);
                if let Ok(length) = keys.open_numbered(number, header, opened) {
                    return Some(Found {
                        keys: at,
                        number,
                        length,
                    });
                }
            }
        }
        None
    }
}

/// What opens a record.
#[derive(Debug)]
struct Found {
    /// Which of the keys.
    keys: usize,
    /// The record's number.
    number: u64,
    /// How many bytes were opened.
    length: usize,
}

/// Which keys.
#[derive(Debug, Clone, Copy)]
enum Which {
    Handshake,
    Traffic,
}
