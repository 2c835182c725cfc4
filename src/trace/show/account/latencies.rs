//! How long things took, from what happened.

use super::histogram::Histogram;
use crate::trace::chat::event::{Event, Original};

/// How long things took.
#[derive(Debug, Default)]
pub struct Latencies {
    to_ack: Histogram,
    to_copy: Histogram,
    copy_to_ack: Histogram,
    spread: Histogram,
    leave_to_copy: Histogram,
}

impl Latencies {
    /// Takes something that happened.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Acked { delay, .. } => self.to_ack.add(*delay),
            Event::Copied {
                of, delay, acked, ..
            } => {
                match of {
                    Original::Message => self.to_copy.add(*delay),
                    Original::Leave => self.leave_to_copy.add(*delay),
                    Original::Join => {}
                }
                if let (Original::Message, Some((_, delay))) = (of, acked) {
                    self.copy_to_ack.add(*delay);
                }
            }
            Event::Settled {
                of: Original::Message,
                copies,
                spread,
                ..
            } if *copies > 0 => {
                self.spread.add(*spread);
            }
            _ => {}
        }
    }

    /// Returns the table, a row for each way: count, p50, p90, p99 and max.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, [String; 5]); 5] {
        [
            ("message to the server's ACK", self.to_ack.columns()),
            ("message to copy", self.to_copy.columns()),
            ("copy to its ACK", self.copy_to_ack.columns()),
            ("first to last copy", self.spread.columns()),
            ("leave to copy", self.leave_to_copy.columns()),
        ]
    }
}
