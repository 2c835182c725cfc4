//! Who is connected, and how many of them are in the room.

use std::collections::HashMap;
use std::rc::Rc;

use super::arrival::Arrival;
use super::event::Who;
use super::talk::{Heard, Kept};
use super::units::Framing;
use super::visit::{Change, Visit};
use crate::trace::tls::key_log::KeyLog;

/// The connections by stream.
#[derive(Debug, Default)]
pub(super) struct Visits {
    by_stream: HashMap<u32, Box<Visit>>,
    kept: Kept,
    members: usize,
}

impl Visits {
    pub(super) fn set_keys(&mut self, keys: KeyLog) {
        self.kept.keys = keys;
    }

    pub(super) fn keys(&self) -> &KeyLog {
        &self.kept.keys
    }

    pub(super) fn get(&self, stream: u32) -> Option<&Visit> {
        self.by_stream.get(&stream).map(|visit| &**visit)
    }

    pub(super) fn get_mut(&mut self, stream: u32) -> Option<&mut Visit> {
        self.by_stream.get_mut(&stream).map(|visit| &mut **visit)
    }

    pub(super) fn who(&self, stream: u32) -> Option<Who> {
        self.get(stream).map(Visit::who)
    }

    /// Returns the streams, in their order.
    pub(super) fn streams(&self) -> Vec<u32> {
        let mut streams: Vec<_> = self.by_stream.keys().copied().collect();
        streams.sort_unstable();
        streams
    }

    /// Takes a packet, the first of its connection or not: what the handshake tells, and what is
    /// said.
    pub(super) fn take(
        &mut self,
        arrival: &Arrival<'_>,
        framing: Framing,
    ) -> (Option<Change>, Heard) {
        let stream = arrival.stream();
        let visit = self
            .by_stream
            .entry(stream)
            .or_insert_with(|| Box::new(Visit::new(stream, arrival.client())));
        let change = visit.open(arrival);
        (change, visit.hear(arrival, framing, &mut self.kept))
    }

    /// Lets a person into the room under a name, unless it is or was there; returns the visit, and
    /// how many others were there.
    pub(super) fn join(&mut self, stream: u32, name: &[u8], frame: u64) -> Option<(&Visit, usize)> {
        let visit = self.by_stream.get_mut(&stream)?;
        if visit.joined.is_some() || visit.left {
            return None;
        }
        visit.names = vec![Rc::from(name)];
        visit.joined = Some(frame);
        let others = self.members;
        self.members += 1;
        Some((visit, others))
    }

    /// Lets a person out of the room, if it is there; returns the visit, and how many others are
    /// left.
    pub(super) fn leave(&mut self, stream: u32) -> Option<(&Visit, usize)> {
        let visit = self.by_stream.get_mut(&stream)?;
        if !visit.is_member() {
            return None;
        }
        visit.left = true;
        self.members -= 1;
        Some((visit, self.members))
    }

    /// Returns how many people are in the room besides this one.
    pub(super) fn others(&self, stream: u32) -> usize {
        let is_member = self.get(stream).is_some_and(Visit::is_member);
        self.members.saturating_sub(usize::from(is_member))
    }

    /// Returns the members that were there before a frame, but for one, by stream.
    pub(super) fn members_before(&self, frame: u64, but: u32) -> Vec<&Visit> {
        let mut members: Vec<_> = self
            .by_stream
            .values()
            .map(|visit| &**visit)
            .filter(|visit| visit.stream != but && visit.is_member())
            .filter(|visit| visit.joined.is_some_and(|joined| joined < frame))
            .collect();
        members.sort_unstable_by_key(|visit| visit.stream);
        members
    }

    /// Forgets what of a connection waits: there will be no more of it.
    pub(super) fn clear(&mut self, stream: u32) {
        if let Some(visit) = self.by_stream.get_mut(&stream) {
            visit.clear(&mut self.kept);
        }
    }

    /// Forgets a connection.
    pub(super) fn forget(&mut self, stream: u32) {
        if let Some(mut visit) = self.by_stream.remove(&stream) {
            self.members -= usize::from(visit.is_member());
            visit.clear(&mut self.kept);
        }
    }
}
