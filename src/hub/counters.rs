//! What is counted while the hub works, from its start on.

/// What is counted while the hub works, from its start on.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Connections that came in.
    pub accepted: u64,
    /// Bytes read from connections.
    pub bytes_in: u64,
    /// Lines heard, commands and names among them.
    pub lines_in: u64,
    /// Bytes written to connections.
    pub bytes_out: u64,
    /// How often somebody was slowed for saying more than the rate allows.
    pub slowed: u64,
    refused: Vec<(&'static str, u64)>,
}

impl Counters {
    /// Counts a connection that was turned away; `code` is that of the notice it was told.
    pub(super) fn refuse(&mut self, code: &'static str) {
        match self.refused.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => self.refused.push((code, 1)),
        }
    }

    /// Returns how many were turned away, by the code of the notice they were told.
    #[must_use]
    pub fn refused(&self) -> &[(&'static str, u64)] {
        &self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_their_reason() {
        let mut counters = Counters::default();
        for code in ["full", "closing", "full"] {
            counters.refuse(code);
        }
        assert_eq!(counters.refused(), [("full", 2), ("closing", 1)]);
    }
}
