//! How far a connection is, what is waited for, and what has happened.

use std::ops::Range;

use super::Problem;
use super::setup::Setup;

/// How far a connection is.
#[derive(Debug)]
pub(super) enum Phase {
    /// There is none.
    Off,
    /// The server has to say how it is.
    Info { tls: bool },
    /// TLS has to be spoken.
    Tls,
    /// It has to let us in.
    Hello,
    /// The streams are looked for.
    Setup(Setup),
    /// All is as it should be.
    Up,
    /// Something went wrong.
    Failed(Problem),
}

/// What an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Setup,
    Consumer,
    GetPart,
    PutPart,
}

/// Something to be told; the ranges are of the decoder's bytes.
#[derive(Debug)]
pub(super) enum Happened {
    Up {
        first_seq: u64,
        last_seq: u64,
    },
    Snapshot(Vec<Vec<u8>>),
    Batch {
        seq: u64,
        time_ms: u64,
        payload: Range<usize>,
    },
    Told(Range<usize>),
    Beat(Range<usize>),
    Refused {
        counter: u64,
        round: u32,
        why: String,
    },
    Down(String),
}
