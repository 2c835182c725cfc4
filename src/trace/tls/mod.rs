//! What is said over sealed connections, with the secrets that a client has logged (TLS 1.3).
//!
//! Between the bytes of a stream and the lines of the talk: a connection that begins as TLS does is
//! followed record by record, and what can be opened is. Whatever else passes as it is. Nothing is
//! told that its tag doesn't prove.
//!
//! Pure: the log of secrets is handed to it. The keys and what they do to a record are the server's
//! own ([`layer::tls`](crate::layer::tls)).

mod direction;
mod hello;
pub mod key_log;
mod link;
mod opener;
mod told;

pub use self::direction::begins_record;
use self::direction::{Around, DATA, Direction, is_sealed};
use self::key_log::KeyLog;
use self::link::Link;
pub use self::told::{SuiteName, Told, Version, Why, Word};
use super::tcp::reassembly::Delivery;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up,
    /// From it.
    Down,
}

impl Way {
    /// Returns the other one.
    #[must_use]
    pub fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// What is known of whether a direction is sealed.
#[derive(Debug)]
enum Side {
    /// Nothing came but so few bytes that they don't tell, behind so many that are missing.
    Undecided(u64, Vec<u8>),
    Plain,
    Sealed(Box<Direction>),
}

/// Both directions of a connection.
#[derive(Debug)]
pub struct Tls {
    sides: [Side; 2],
    link: Option<Box<Link>>,
    /// The capture began inside the connection.
    mid_stream: bool,
}

impl Tls {
    /// Returns a connection of which nothing has come; `mid_stream` if it began before the capture
    /// did.
    #[must_use]
    pub fn new(mid_stream: bool) -> Self {
        Self {
            sides: [const { Side::Undecided(0, Vec::new()) }; 2],
            link: None,
            mid_stream,
        }
    }

    /// Takes a run of bytes of one direction, and tells what comes of it.
    pub fn push(
        &mut self,
        way: Way,
        run: &Delivery<'_>,
        log: &mut KeyLog,
        tell: &mut dyn FnMut(Told<'_>),
    ) {
        let mut first = Vec::new();
        let Some(run) = self.decide(way, run, &mut first) else {
            return;
        };
        match &mut self.sides[way as usize] {
            Side::Undecided(..) => {}
            Side::Plain => tell(Told::Bytes(run)),
            Side::Sealed(direction) => {
                let link = self.link.get_or_insert_default();
                direction.push(&run, &mut Around { link, log, tell });
            }
        }
    }

    /// Decides whether a direction is sealed, unless that is known; returns what there is to take
    /// then, with the bytes that have waited for it in `first`.
    fn decide<'a>(
        &mut self,
        way: Way,
        run: &Delivery<'a>,
        first: &'a mut Vec<u8>,
    ) -> Option<Delivery<'a>> {
        let other_is_sealed = self.is_sealed(way.back());
        let side = &mut self.sides[way as usize];
        let (gap_before, bytes) = match side {
            Side::Undecided(gap, bytes) => (*gap, std::mem::take(bytes)),
            Side::Plain if self.mid_stream && run.data.first() == Some(&DATA) => {
                if begins_record(run.data) {
                    *side = Side::Sealed(Box::new(Direction::new(way)));
                }
                return Some(*run);
            }
            Side::Plain | Side::Sealed(_) => return Some(*run),
        };
        let has_hole = run.gap_before > 0 && !bytes.is_empty() || run.gap_after > 0;
        let gap_before = gap_before + run.gap_before;
        *first = bytes;
        first.extend_from_slice(run.data);
        let inside = self.mid_stream || other_is_sealed || gap_before > 0;
        let sealed = match is_sealed(way, first, inside) {
            None if !has_hole => {
                *side = Side::Undecided(gap_before, std::mem::take(first));
                return None;
            }
            // Where the other direction is sealed, what comes behind a hole may begin anywhere.
            sealed => sealed == Some(true) || other_is_sealed && gap_before > 0,
        };
        *side = if sealed {
            Side::Sealed(Box::new(Direction::new(way)))
        } else {
            Side::Plain
        };
        Some(Delivery {
            gap_before,
            data: first,
            ..*run
        })
    }

    /// Returns whether a direction is sealed.
    #[must_use]
    pub fn is_sealed(&self, way: Way) -> bool {
        matches!(self.sides[way as usize], Side::Sealed(_))
    }

    /// Returns whether a direction is sealed and nothing but a handshake has come.
    #[must_use]
    pub fn is_shaking_hands(&self, way: Way) -> bool {
        let side = &self.sides[way as usize];
        matches!(side, Side::Sealed(direction) if direction.is_shaking_hands())
    }

    /// Returns how many bytes are kept of unfinished records.
    #[must_use]
    pub fn kept_bytes(&self, way: Way) -> usize {
        match &self.sides[way as usize] {
            Side::Sealed(direction) => direction.kept_bytes(),
            Side::Undecided(..) | Side::Plain => 0,
        }
    }

    /// Gives the record up of which the start is kept.
    pub fn give_up(&mut self, way: Way) {
        if let Side::Sealed(direction) = &mut self.sides[way as usize] {
            direction.give_up();
        }
    }
}
