//! The server's console: a line for each event.

use log::{info, log, warn};

use super::Hub;
use super::disconnect::Disconnect;
use crate::room::{Event, MemberId};
use crate::stream::Stream;
use crate::wire::plain;

impl<S: Stream> Hub<S> {
    /// Writes an event to the server's console; it has not been applied yet.
    pub(super) fn log_event(&self, event: &Event<'_>) {
        let names = self.room.names();
        match event {
            Event::Said { .. } | Event::Did { .. } if !self.limits.log_talk => {}
            Event::Said { member, text } => info!("{} said {text}", names.of(*member)),
            Event::Did { member, text } => info!("{} said /me {text}", names.of(*member)),
            Event::Joined { member, name } => {
                let whence = self.connections.addresses.of(*member);
                info!("{whence}{}{}", name.as_str(), plain::JOINED);
            }
            Event::Renamed { member, name } => {
                info!("{} is now known as {}!", names.of(*member), name.as_str());
            }
            Event::Left { member } => info!("{}{}", names.of(*member), plain::LEFT),
            // Not even that it was said: the push to whom it is for says so, at debug.
            Event::Announced { text } => info!("{text}"),
            Event::Whispered { .. } | Event::Closing => {}
            Event::Act { member, act, words } if words.is_empty() => {
                info!("{}: {}", names.of(*member), act.code());
            }
            Event::Act { words, .. } => info!("{words}"),
        }
    }

    /// Tells the log of a member that doesn't leave of its own will.
    pub(super) fn log_end(&self, member: MemberId, why: Disconnect) {
        let addresses = &self.connections.addresses;
        let (whence, name) = (addresses.of(member), self.room.names().of(member));
        if !why.is_orderly() {
            warn!("{whence}{name} is cut off: {why}");
        } else if why == Disconnect::IdleTimeout {
            log!(addresses.level(), "{whence}{name} has to go: {why}");
        }
    }
}
