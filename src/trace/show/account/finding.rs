//! What may be found wrong, and the words for it.

use std::fmt;

use crate::trace::show::text::Isolated;

/// Most frames that are named in one finding.
pub(super) const FRAMES_MAX: usize = 8;

/// Most findings that are listed.
pub const FINDINGS_LISTED_MAX: usize = 100;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Something is wrong.
    Warn,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A connection was refused.
    Refused,
    /// A connection was broken.
    Reset,
    /// A copy never came.
    CopyMissing,
    /// A reader's window was full or closed.
    SlowReader,
    /// Bytes were sent again.
    Retransmission,
    /// Bytes were acknowledged that the capture lacks.
    LostInCapture,
    /// The kernel told that it dropped packets.
    Dropped,
    /// The same packets were captured twice.
    CapturedTwice,
    /// A copy may be among the bytes that were not captured.
    CopyNotCaptured,
    /// Packets were cut by the snap length.
    CutShort,
    /// Bytes were sent again though they had arrived.
    Spurious,
    /// Packets overtook each other.
    OutOfOrder,
    /// The same acknowledgement came several times.
    DuplicateAcks,
    /// A connection was never closed.
    StillOpen,
    /// What was said can't be opened.
    Sealed,
}

impl Kind {
    /// Returns how bad it is.
    #[must_use]
    pub fn level(self) -> Level {
        if self <= Self::CapturedTwice {
            Level::Warn
        } else {
            Level::Info
        }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::CopyMissing => "copy missing",
            Self::SlowReader => "slow reader",
            Self::Retransmission => "retransmission",
            Self::LostInCapture => "lost in capture",
            Self::Dropped => "dropped by the kernel",
            Self::CapturedTwice => "captured twice",
            Self::CopyNotCaptured => "copy not captured",
            Self::CutShort => "cut short",
            Self::Spurious => "spurious retransmission",
            Self::OutOfOrder => "out of order",
            Self::DuplicateAcks => "duplicate ACKs",
            Self::StillOpen => "still open",
            Self::Sealed => "sealed",
        }
    }

    /// Returns what it means.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Refused => "nobody listened on the port, or the server's backlog was full",
            Self::Reset => "one side broke the connection; what was under way is lost",
            Self::CopyMissing => "the server sent this person no copy within a minute",
            Self::SlowReader => "this person's program didn't read; the server could only wait",
            Self::Retransmission => "lost on the way, or acknowledged too late",
            Self::LostInCapture => {
                "these bytes arrived but were not captured; capture with: tcpdump -U --immediate-mode -B 65536"
            }
            Self::Dropped => "packets came faster than they were captured; give tcpdump -B 65536",
            Self::CapturedTwice => "captured at two places; many retransmissions here may be none",
            Self::CopyNotCaptured => "a copy may be among the bytes that the capture lacks",
            Self::CutShort => {
                "captured with a snap length; give tcpdump -s 0 to have whole packets"
            }
            Self::Spurious => "the sender didn't get the acknowledgement in time",
            Self::OutOfOrder => "packets overtook each other on the way",
            Self::DuplicateAcks => "the receiver asks again and again for the same byte",
            Self::StillOpen => "no FIN nor RST; the capture ended first",
            Self::Sealed => {
                "said over TLS; give --keylog the file that SSLKEYLOGFILE named to one side of it"
            }
        }
    }
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was found.
    pub kind: Kind,
    /// In which stream.
    pub stream: Option<u32>,
    /// The person's name there.
    pub name: Vec<u8>,
    /// How often.
    pub count: u64,
    /// The first frames that show it.
    pub frames: Vec<u64>,
    /// What more there is to say.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if !self.name.is_empty() {
            write!(f, ", {}", Isolated(&self.name))?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if !self.frames.is_empty() {
            write!(f, " ({})", self.frame_list())?;
        }
        Ok(())
    }
}

impl Finding {
    /// Returns the frames in words, with `...` if there are more.
    pub fn frame_list(&self) -> String {
        let word = if self.frames.len() == 1 {
            "frame"
        } else {
            "frames"
        };
        let mut list: Vec<_> = self.frames.iter().map(u64::to_string).collect();
        if self.count > self.frames.len() as u64 {
            list.push("...".to_owned());
        }
        format!("{word} {}", list.join(", "))
    }
}

/// Returns a count in words.
pub(super) fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}
