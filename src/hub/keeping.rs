//! What the room keeps beyond people's visits, as far as the hub has to do with it.

use super::{Hub, Lists};
use crate::room::Event;
use crate::stream::Stream;
use crate::wire::json;

impl<S: Stream> Hub<S> {
    /// Forgets what is over of what the room keeps.
    pub fn lapse(&mut self) {
        let now_ms = self.now_ms();
        if !self.propose_lapse(now_ms) {
            self.room.access_mut().lapse(now_ms);
        }
    }

    /// Takes what whoever runs the server has written for the room.
    pub fn set_lists(&mut self, lists: Lists) {
        self.gate = lists.gate;
        self.connections.password.set(lists.password);
        self.room.access_mut().set_motd(lists.motd);
    }

    /// Writes down what everybody is told from here on, to be taken by [`Hub::record_mut`].
    pub fn begin_record(&mut self) {
        self.record = Some(Vec::new());
    }

    /// Returns what everybody was told since it was emptied, a line of JSON each; nothing where no
    /// record is kept.
    pub fn record_mut(&mut self) -> Option<&mut Vec<u8>> {
        self.record.as_mut()
    }

    /// Lets newcomers be shown what was said before the server was started, as a record has it.
    /// Lines that can't be understood are left out.
    pub fn recall(&mut self, record: &str) {
        for line in record.lines() {
            if let Ok(message) = json::Message::parse(line.as_bytes()) {
                self.connections.recall(&message);
            }
        }
    }

    /// Lets a ghost leave that has been dismissed for the sake of who has the key of its name, before
    /// that one comes in by it.
    pub(super) fn make_place(&mut self, event: &Event<'_>) {
        let (Event::Joined { member, name } | Event::Renamed { member, name }) = event else {
            return;
        };
        if self.room.access().keeps()
            && let Some(ghost) = self.room.names().find_other(name, *member)
        {
            self.announce_leaving_of(ghost);
        }
    }

    /// Returns the time of day, in milliseconds since 1970 (UTC).
    pub(super) fn now_ms(&self) -> u64 {
        self.connections.order.time_ms()
    }
}
