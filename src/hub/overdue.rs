//! Ending those of whom nothing comes: no name, no line, no answer.

use super::connection::Flags;
use super::connections::{Connections, is_nameless};
use super::disconnect::Disconnect;
use super::framed::Silent;
use super::standing::Stage;
use crate::room::{Audience, Effect, MemberId, Notice};
use crate::stream::Stream;

impl<S: Stream> Connections<S> {
    /// Ends those whose time is over, and asks those on WebSocket who may be gone.
    pub(super) fn end_overdue(&mut self) {
        self.end_nameless();
        self.end_idle();
        self.ask_silent();
    }

    /// Ends those who have given no name in time.
    fn end_nameless(&mut self) {
        let seconds = self.limits().name_timeout_s;
        let now_s = self.now().whole_s();
        while let Some(newcomer) = self
            .admission
            .pop_overdue(now_s, |newcomer| is_nameless(&self.slots, newcomer))
        {
            if is_nameless(&self.slots, newcomer) {
                let notice = Notice::NameTimeout { seconds };
                self.dismiss(newcomer.0, notice, Disconnect::NameTimeout);
            }
        }
    }

    /// Ends members who have been silent for too long.
    fn end_idle(&mut self) {
        let now = self.now();
        let now_s = now.whole_s();
        if !self.silence.is_look_due(now_s) {
            return;
        }
        let seconds = self.limits().idle_timeout_s;
        for id in self.slots.ids() {
            let connection = self.slots.get_mut(id);
            let Some(connection) = connection.filter(|c| c.stage() == Stage::Member) else {
                continue;
            };
            // What it says while the room makes it wait is heard later.
            if connection.flags.intersects(Flags::PACED | Flags::RESUMING) {
                connection.set_heard(now);
            }
            let silent_s = connection.silent_s(now);
            if silent_s > seconds {
                self.push(id, Effect::Notice(Notice::IdleTimeout { seconds }));
                self.close(id, Disconnect::IdleTimeout);
            } else {
                self.silence.look_after(now_s, silent_s);
            }
        }
    }

    /// Asks those on WebSocket who have been silent whether they are there, and ends those who haven't
    /// answered.
    fn ask_silent(&mut self) {
        let now = self.now();
        let Some(slots) = self.pings.next(self.slots.used(), now) else {
            return;
        };
        for id in slots.map(MemberId::from_slot) {
            let Some(connection) = self.slots.get_mut(id) else {
                continue;
            };
            if !connection.stage().is_open() {
                continue;
            }
            match connection.look_for_silence(now) {
                Silent::NotLong => {}
                Silent::Ask => self.queues.owed.push(id, connection),
                Silent::Gone => self.close(id, Disconnect::Reset),
            }
        }
    }
}
