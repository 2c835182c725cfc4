//! The writing of snapshots: what the room is, in lines.

use std::time::Duration;

use log::warn;

use super::{Backplane, Request};
use crate::backplane::snapshot::{self, Line, Moment};
use crate::backplane::state::{self, Present};
use crate::hub::Hub;
use crate::room::Audience as _;
use crate::stream::Stream;
use crate::wire::json::Message;
use crate::wire::plain;

/// So many batches apart snapshots are at most, unless they would come too often.
const BATCHES: u64 = 1024;

/// How often a node writes one at most, and how often where it is asked to.
const EVERY: Duration = Duration::from_secs(10);
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// Most lines of the talk so far that it has.
const PAST_MAX: usize = 200;

impl Backplane {
    /// Returns when a snapshot is taken of the room as it is, `events` the number of the last.
    pub(super) fn moment(&self, events: u64) -> Moment {
        Moment {
            stream: self.snapshots.stream.clone(),
            seq: self.applied,
            events,
            time: self.time.map_or(0, |(time_ms, _)| time_ms),
        }
    }

    pub(super) fn put_snapshot(&mut self, moment: &Moment, lines: Vec<Vec<u8>>) {
        match snapshot::parts(moment, lines) {
            Some(parts) => self.requests.push_back(Request::PutSnapshot(parts)),
            None => warn!("the room is too large for a snapshot"),
        }
    }
}

impl<S: Stream> Hub<S> {
    /// Writes a snapshot after this node's batch `seq`, if it is its turn.
    pub(super) fn snapshot_if_due(&mut self, seq: u64, is_own: bool) {
        let now = self.connections.now();
        let backplane = self.backplane.as_ref();
        let may = backplane.is_some_and(|backplane| backplane.snapshots.not_before <= now);
        if is_own && may && seq.is_multiple_of(BATCHES) {
            self.write_snapshot();
        }
    }

    /// Writes a snapshot for a node that needs it, if this one knows the room.
    pub(super) fn snapshot_if_asked(&mut self) {
        let now = self.connections.now();
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        let snapshots = &mut backplane.snapshots;
        if snapshots.hears() && snapshots.asked_not_before <= now {
            snapshots.asked_not_before = now + ASKED_EVERY;
            self.write_snapshot();
        }
    }

    pub(super) fn write_snapshot(&mut self) {
        let now = self.connections.now();
        let lines = self.snapshot_lines();
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        backplane.snapshots.not_before = now + EVERY;
        let moment = backplane.moment(self.connections.order.seq());
        backplane.put_snapshot(&moment, lines);
    }

    /// Returns all that a node has to know that starts: each line as JSON, with its line end.
    pub(super) fn snapshot_lines(&self) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        let (access, names) = (self.room.access(), self.room.names());
        let rows = state::rows(access).into_iter();
        lines.extend(rows.map(|row| Line::Keeps(row).written()));
        let Some(members) = &self.connections.members else {
            return lines;
        };
        let gone = members.gone();
        lines.extend(gone.map(|(boot, last)| Line::Gone(boot.into(), last).written()));
        for (boot, node) in members.nodes() {
            lines.push(Line::Node(boot.as_str().into(), node.last).written());
            for (&n, &member) in &node.members {
                let present = Present {
                    node: boot.as_str().into(),
                    n,
                    name: names.of(member).into(),
                    keeps: access.keeps_of(member).map(|name| name.as_str().into()),
                    since: access.since_ms(member).unwrap_or(0),
                    spoke: access.spoke_ms(member),
                    at: self.connections.address(member),
                };
                lines.push(Line::Here(present).written());
            }
        }
        for (stamp, line) in self.connections.delivery.feeds.past_lines(PAST_MAX) {
            if let Some(message) = Message::of_line(plain::Line::parse(&line), stamp) {
                let mut bytes = Vec::new();
                message.put(&mut bytes);
                bytes.pop();
                lines.push(Line::Past(String::from_utf8_lossy(&bytes)).written());
            }
        }
        lines
    }
}
