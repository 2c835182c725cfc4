//! A look at the whole hub, for tests that hold it to its limits after each turn.

use super::Hub;
use super::disconnect::Disconnect;
use super::standing::Stage;
use crate::line::input::Input;
use crate::stream::Stream;

/// What a hub holds at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audit {
    /// Connections that have not ended.
    pub open: usize,
    /// Members of the room.
    pub members: usize,
    /// Names in use, by members or by those who have left and were not announced yet.
    pub names: usize,
    /// Those who have left and were not announced yet.
    pub leaving: usize,
    /// Those who came without a name, as far as they are remembered.
    pub newcomers: usize,
    /// Bytes of unfinished lines of the connection that has most of them.
    pub unfinished_bytes_max: usize,
    /// Private bytes waiting for the connection that has most of them.
    pub private_bytes_max: usize,
    /// Sealed bytes that its stream has not taken of the connection that has most of them.
    pub unsent_bytes_max: usize,
    /// Bytes of input held back, added up.
    pub held_bytes: usize,
    /// The same, as the hub counts it while it works.
    pub held_bytes_counted: usize,
    /// Connections accepted and ended, for whatever reason.
    pub disconnects: u64,
}

impl<S: Stream> Hub<S> {
    /// Looks at every connection.
    #[must_use]
    pub fn audit(&self) -> Audit {
        let connections = &self.connections;
        let mut audit = Audit {
            names: self.room.names().count(),
            leaving: connections.exits.leaving(),
            newcomers: connections.admission.remembered(),
            held_bytes_counted: connections.held_bytes,
            disconnects: Disconnect::ALL
                .into_iter()
                .map(|why| connections.exits.disconnects.of(why))
                .sum(),
            ..Audit::default()
        };
        for connection in connections.slots.iter() {
            audit.open += usize::from(connection.stage().is_open());
            audit.members += usize::from(connection.stage() == Stage::Member);
            let unfinished = connection.input().map_or(0, Input::unfinished_len);
            audit.unfinished_bytes_max = audit.unfinished_bytes_max.max(unfinished);
            let private = connection.private_len();
            audit.private_bytes_max = audit.private_bytes_max.max(private);
            audit.unsent_bytes_max = audit.unsent_bytes_max.max(connection.unsent_len());
            audit.held_bytes += connection.input().map_or(0, Input::held_len);
        }
        audit
    }
}
