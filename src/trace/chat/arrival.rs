//! One packet of the room as it comes.

use crate::trace::capture::Moment;
use crate::trace::packet::{Endpoint, Packet, Ports};
use crate::trace::tcp::Segment;
pub(super) use crate::trace::tls::Way;

/// One packet of the room as it comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub(super) at: Moment,
    pub(super) packet: &'a Packet<'a>,
    pub(super) segment: &'a Segment,
    pub(super) way: Way,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(
        at: Moment,
        packet: &'a Packet<'a>,
        segment: &'a Segment,
        ports: Ports,
    ) -> Self {
        let way = if ports.has(packet.dst_port) {
            Way::Up
        } else {
            Way::Down
        };
        Self {
            at,
            packet,
            segment,
            way,
        }
    }

    /// Returns the end that isn't the server's.
    pub(super) fn client(&self) -> Endpoint {
        match self.way {
            Way::Up => self.packet.source(),
            Way::Down => self.packet.destination(),
        }
    }

    pub(super) fn stream(&self) -> u32 {
        self.segment.stream
    }
}
