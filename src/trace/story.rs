//! What will be drawn when the capture is over.

use super::chat::Note;
use super::event::{Event, Moment};
use super::packet::Packet;
use super::tcp::Segment;

/// Rows.
#[derive(Debug, Default)]
pub struct Story {}

impl Story {
    /// Takes a packet.
    pub fn packet(
        &mut self,
        _at: Moment,
        _packet: &Packet<'_>,
        _segment: &Segment,
        _note: Option<&Note>,
        _port: u16,
    ) {
    }
    /// Takes an event.
    pub fn event(&mut self, _event: &Event) {}
}
