//! Those whom the room's decisions concern: the connections, who read what a decision brings them.

use log::debug;

use super::connection::Stage;
use super::connections::Connections;
use super::disconnect::Disconnect;
use super::limits::PRIVATE_BYTES_MAX;
use crate::room::{Audience, Effect, MemberId, Notice, Reach};
use crate::stream::Stream;
use crate::wire::plain;

impl<S: Stream> Audience for Connections<S> {
    fn reach(&self, member: MemberId, bytes: usize) -> Reach {
        let Some(connection) = self.slots.get(member) else {
            return Reach::Gone;
        };
        let waiting = connection.private_len();
        let bytes = bytes + plain::SAYS_PRIVATELY.len() + 1;
        if connection.stage != Stage::Member {
            Reach::Gone
        } else if waiting == 0 || waiting + bytes <= PRIVATE_BYTES_MAX {
            Reach::Open
        } else {
            Reach::NotReading
        }
    }

    fn push(&mut self, member: MemberId, effect: Effect<'_>) {
        match effect {
            Effect::Quit => return self.close(member, Disconnect::Quit),
            Effect::Dismiss(why) => return self.close(member, why.into()),
            Effect::Private { from, .. } => {
                debug!("{from} says something privately to connection {member}");
            }
            Effect::Notice(notice @ (Notice::BadName { .. } | Notice::NameTaken { .. })) => {
                self.addresses.log_refused_name(member, notice);
            }
            _ => {}
        }
        self.tell_of(member, &effect);
    }
}
