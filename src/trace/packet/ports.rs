//! The ports that the room listens on.

use std::fmt;

/// Most ports of one room.
pub const PORTS_MAX: usize = 8;

/// The ports that the room listens on: one for each of its listeners that a capture is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    all: [u16; PORTS_MAX],
    count: usize,
}

impl Ports {
    /// Returns these ports; none of none, or of more than [`PORTS_MAX`].
    #[must_use]
    pub fn new(ports: &[u16]) -> Option<Self> {
        let mut all = [0; PORTS_MAX];
        all.get_mut(..ports.len())?.copy_from_slice(ports);
        let count = ports.len();
        (count > 0).then_some(Self { all, count })
    }

    /// Returns whether the room listens on this one.
    #[must_use]
    pub fn has(&self, port: u16) -> bool {
        self.list().contains(&port)
    }

    /// Returns them in words: `port 5050`, `ports 5050, 5051`.
    #[must_use]
    pub fn words(&self) -> String {
        let list: Vec<_> = self.list().iter().map(u16::to_string).collect();
        let word = if list.len() > 1 { "ports" } else { "port" };
        format!("{word} {}", list.join(", "))
    }

    fn list(&self) -> &[u16] {
        self.all.get(..self.count).unwrap_or_default()
    }
}

impl From<u16> for Ports {
    fn from(port: u16) -> Self {
        let mut all = [0; PORTS_MAX];
        all[0] = port;
        Self { all, count: 1 }
    }
}

/// As they are given: `5050`, `5050,5051`.
impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, port) in self.list().iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{port}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_one_port_or_several() {
        let one = Ports::from(5050);
        assert!(one.has(5050) && !one.has(0));
        assert_eq!(
            (one.words(), one.to_string()),
            ("port 5050".into(), "5050".into())
        );
        let two = Ports::new(&[5050, 5051]).unwrap();
        assert!(two.has(5051) && !two.has(0));
        assert_eq!(two.words(), "ports 5050, 5051");
        assert_eq!(two.to_string(), "5050,5051");
        assert_eq!(Ports::new(&[]), None);
        assert_eq!(Ports::new(&[1; PORTS_MAX + 1]), None);
    }
}
