//! A look at the whole hub, for tests that hold it to its limits after each turn.

use super::Hub;
use crate::hub::connection::{Stage, Stream};
use crate::hub::disconnect::Disconnect;

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
        let mut audit = Audit {
            names: self.room.names().count(),
            leaving: self.leaving.len(),
            newcomers: self.newcomers.len(),
            held_bytes_counted: self.held_bytes,
            disconnects: Disconnect::ALL
                .into_iter()
                .map(|why| self.disconnects.of(why))
                .sum(),
            ..Audit::default()
        };
        for (_, connection) in &self.connections {
            audit.open += usize::from(matches!(connection.stage, Stage::Nameless | Stage::Member));
            audit.members += usize::from(connection.stage == Stage::Member);
            let unfinished = connection.unfinished_len();
            audit.unfinished_bytes_max = audit.unfinished_bytes_max.max(unfinished);
            let private = connection.private_len();
            audit.private_bytes_max = audit.private_bytes_max.max(private);
            audit.held_bytes += connection.held_len();
        }
        audit
    }
}
