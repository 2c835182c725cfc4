//! What the loop waits for, and until when.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::Server;
use super::certificates::Certificates;
use super::listener::Listener;
use super::notify::Notifier;
use crate::tick::Tick;

impl Server {
    /// Returns whether work is left over.
    pub(super) fn is_busy(&self) -> bool {
        let backplane = self.backplane.as_ref();
        self.hub.has_work()
            || self.has_incoming()
            || backplane.is_some_and(|backplane| backplane.has_work())
    }

    /// Waits for events, not at all where the loop is `busy`, and returns until when at most.
    pub(super) fn wait(&mut self, busy: bool) -> io::Result<Option<Tick>> {
        let backplane = self.backplane.as_ref();
        let deadlines = self
            .listeners
            .iter()
            .filter_map(Listener::deadline)
            .chain(self.certificates.as_ref().map(Certificates::deadline))
            .chain(self.arrivals.deadline())
            .chain(self.ending.deadline())
            .chain(self.notifier.as_ref().and_then(Notifier::deadline))
            .chain(self.exchanges.deadline())
            .chain(backplane.and_then(|backplane| backplane.deadline()))
            .chain(self.hub.deadline())
            .chain(self.keeper.deadline(&self.hub));
        let deadline = deadlines.min().filter(|_| !busy);
        let timeout = if busy {
            Some(Duration::ZERO)
        } else {
            deadline.map(|deadline| deadline - self.now())
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.events.clear();
            }
            result => result?,
        }
        Ok(deadline)
    }
}
