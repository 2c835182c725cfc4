//! Finding out whether messages are lines or segments, before anything is made of them.
//!
//! The answer may need 16 data segments. The frames until then are held back, so that what is
//! written does not depend on how the capture comes in.

use super::units::{Framing, SEGMENTS_LOOKED_AT};
use crate::trace::capture::{Frame, OwnedFrame};
use crate::trace::packet::{Fragments, Packet, Ports};
use crate::trace::tls::begins_record;

/// Most bytes of frames held back; then messages are taken to be segments.
const HELD_BYTES_MAX: usize = 1024 * 1024;

/// Finds out.
#[derive(Debug)]
pub struct Detection {
    decided: Option<Framing>,
    segments: usize,
    held: Vec<OwnedFrame>,
    held_bytes: usize,
    /// Those of the frames looked at here, which are looked at again when they are let go.
    fragments: Fragments,
}

impl Detection {
    /// Returns a detection that knows already, or has to find out.
    #[must_use]
    pub fn new(decided: Option<Framing>) -> Self {
        Self {
            decided,
            segments: 0,
            held: Vec::new(),
            held_bytes: 0,
            fragments: Fragments::default(),
        }
    }

    /// Returns the answer, once there is one.
    #[must_use]
    pub fn decided(&self) -> Option<Framing> {
        self.decided
    }

    /// Looks at a frame while there is no answer; returns whether it is held back.
    pub fn hold(&mut self, frame: &Frame<'_>, ports: Ports) -> bool {
        let mut whole = None;
        if let Ok(packet) = Packet::read(frame, &mut self.fragments, &mut whole)
            && (ports.has(packet.src_port) || ports.has(packet.dst_port))
            && packet.len > 0
        {
            self.segments += 1;
            // Sealed is only a room whose messages are lines, and what looks like one here is none.
            if begins_record(packet.payload) || memchr::memchr(b'\n', packet.payload).is_some() {
                self.decided = Some(Framing::Lines);
            } else if self.segments >= SEGMENTS_LOOKED_AT {
                self.decided = Some(Framing::Segments);
            }
        }
        if self.decided.is_some() || self.segments == 0 {
            return false;
        }
        self.held.push(OwnedFrame::new(frame));
        self.held_bytes += frame.data.len() + size_of::<OwnedFrame>();
        if self.held_bytes > HELD_BYTES_MAX {
            self.decided = Some(Framing::Segments);
        }
        true
    }

    /// Says that there are no more frames.
    pub fn finish(&mut self) -> Framing {
        *self.decided.get_or_insert(Framing::Segments)
    }

    /// Takes what was held back.
    pub fn take_held(&mut self) -> Vec<OwnedFrame> {
        self.held_bytes = 0;
        self.fragments = Fragments::default();
        std::mem::take(&mut self.held)
    }
}
