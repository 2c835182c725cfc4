//! What the backplane is asked for, as words of NATS.

use super::{Client, FIRST_TOLD_SID, Happened, WAITING_BYTES_MAX, wire};
use crate::backplane::{BATCH_BYTES_MAX, Link, TOLD_BYTES_MAX, is_boot};

impl Client {
    /// Has private messages to this boot told.
    pub(super) fn subscribe_told(&mut self) {
        if let Some(boot) = &self.boot {
            let subject = self.told_subject(boot);
            wire::subscribe(&mut self.out, &subject, self.told_sid);
        }
    }

    fn told_subject(&self, boot: &str) -> String {
        format!("chatroom.{}.node.{boot}", self.options.room)
    }
}

impl Link for Client {
    fn listen_as(&mut self, boot: &str) {
        if !is_boot(boot) || self.boot.as_deref() == Some(boot) {
            return;
        }
        let is_first = self.boot.replace(boot.to_owned()).is_none();
        self.sent.clear();
        let old = self.told_sid;
        self.told_sid += 1;
        if self.is_up() {
            if !is_first {
                wire::unsubscribe(&mut self.out, old);
            }
            self.subscribe_told();
        }
        debug_assert!(self.told_sid > FIRST_TOLD_SID);
    }

    fn follow_from(&mut self, seq: u64) {
        self.following.set_next(seq, self.now);
        if self.is_up() {
            self.follow();
        }
    }

    fn fetch_snapshot(&mut self) {
        if self.is_up() && !self.snapshots.wanted {
            self.snapshots.wanted = true;
            self.get_part(true);
        }
    }

    fn publish(&mut self, counter: u64, round: u32, payload: &[u8]) {
        let Some(boot) = self.boot.as_ref().filter(|_| self.is_up()) else {
            return;
        };
        if payload.len() > BATCH_BYTES_MAX || self.out.len() > WAITING_BYTES_MAX {
            let why = "too much waits to be sent".to_owned();
            return self.happened.push_back(Happened::Refused {
                counter,
                round,
                why,
            });
        }
        let id = format!("{boot}-{counter}-{round}");
        let reply = format!("{}.p.{}.{counter}.{round}", self.inbox, self.told_sid);
        wire::publish_once(
            &mut self.out,
            &self.streams.events.subject,
            &reply,
            &id,
            payload,
        );
        self.sent.add((counter, round), self.now);
    }

    fn tell(&mut self, boot: &str, payload: &[u8]) {
        let fits = payload.len() <= TOLD_BYTES_MAX && self.out.len() <= WAITING_BYTES_MAX;
        if self.is_up() && is_boot(boot) && fits {
            let subject = self.told_subject(boot);
            wire::publish(&mut self.out, &subject, None, payload);
        }
    }

    fn beat(&mut self) {
        if let Some(boot) = self.boot.as_ref().filter(|_| self.is_up()) {
            let subject = format!("chatroom.{}.beat", self.options.room);
            wire::publish(&mut self.out, &subject, None, boot.as_bytes());
        }
    }

    fn put_snapshot(&mut self, parts: Vec<Vec<u8>>) {
        if self.is_up() && self.snapshots.put(parts) {
            self.put_part();
        }
    }

    fn waiting_bytes(&self) -> usize {
        self.out.len()
    }
}
