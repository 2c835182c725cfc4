//! The secrets of sessions, as clients and servers log them for those who look at captures.
//!
//! The format is NSS' (RFC 9850): a line has a label, the random number of the session's first
//! message, and the secret, both in hexadecimal. What is no such line is counted and left out.

use std::collections::HashMap;
use std::fmt;
use std::io::{ErrorKind, Read};

use super::Way;

/// Most sessions whose secrets are kept; those after them can't be read.
pub const SESSIONS_MAX: usize = 65_536;

/// Longest line that is looked at, in bytes; those of the format have less than 200.
const LINE_BYTES_MAX: usize = 1024;
const READ_BYTES: usize = 64 * 1024;
const RANDOM_BYTES: usize = 32;

/// The number that a client puts into its first message, by which its session is found.
pub type Random = [u8; RANDOM_BYTES];

/// What the log has of one session.
#[derive(Default)]
pub struct Secrets {
    /// Of the handshake, up and down.
    handshake: [Option<Box<[u8]>>; 2],
    /// Of what the connection is for, up and down.
    traffic: [Option<Box<[u8]>>; 2],
}

impl Secrets {
    /// Returns the secret of the handshake's second part in one direction.
    #[must_use]
    pub fn handshake(&self, way: Way) -> Option<&[u8]> {
        self.handshake[way as usize].as_deref()
    }

    /// Returns the first secret of what the connection is for in one direction.
    #[must_use]
    pub fn traffic(&self, way: Way) -> Option<&[u8]> {
        self.traffic[way as usize].as_deref()
    }
}

/// What is secret stays so.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// The log.
#[derive(Default)]
pub struct KeyLog {
    sessions: HashMap<Random, Secrets>,
    /// Where more comes from: a log grows while the capture does.
    more: Option<Box<dyn Read>>,
    /// The start of a line whose end has not come.
    tail: Vec<u8>,
    /// The rest of this line is too much.
    skipping: bool,
    /// Lines that are none of the format.
    strange: u64,
    /// Lines for whose session there was no room.
    beyond: u64,
}

impl KeyLog {
    /// Returns the log that `source` has, now and whenever a session isn't found.
    #[must_use]
    pub fn following(source: Box<dyn Read>) -> Self {
        let mut log = Self {
            more: Some(source),
            ..Self::default()
        };
        log.read_on();
        log
    }

    /// Returns how many sessions have secrets here.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Returns how many lines were none of the format, and for how many there was no room.
    #[must_use]
    pub fn left_out(&self) -> (u64, u64) {
        (self.strange, self.beyond)
    }

    /// Returns a session's secrets. Those of one direction may come later than those of the other.
    pub fn find(&mut self, random: &Random) -> Option<&Secrets> {
        let is_whole = |secrets: &Secrets| secrets.traffic.iter().all(Option::is_some);
        if !self.sessions.get(random).is_some_and(is_whole) {
            self.read_on();
        }
        self.sessions.get(random)
    }

    /// Reads what has been added.
    fn read_on(&mut self) {
        let Some(mut source) = self.more.take() else {
            return;
        };
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => self.push(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
        self.more = Some(source);
    }

    /// Takes the next bytes of the log.
    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.tail.len() + piece.len() > LINE_BYTES_MAX {
                self.skipping = true;
                self.tail.clear();
            }
            if !self.skipping {
                self.tail.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.tail);
                let skipped = std::mem::take(&mut self.skipping);
                if skipped || self.line(&line).is_none() {
                    self.strange += 1;
                }
            }
        }
    }

    /// Takes a line; `None` if it is none of the format.
    fn line(&mut self, line: &[u8]) -> Option<()> {
        let line = std::str::from_utf8(line).ok()?.trim();
        if line.is_empty() || line.starts_with('#') {
            return Some(());
        }
        let mut words = line.split(' ');
        let (label, random, secret) = (words.next()?, words.next()?, words.next()?);
        let random: Random = bytes(random)?.try_into().ok()?;
        let secret = bytes(secret)?;
        let (of_handshake, way) = match label {
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => (true, Way::Up),
            "SERVER_HANDSHAKE_TRAFFIC_SECRET" => (true, Way::Down),
            "CLIENT_TRAFFIC_SECRET_0" => (false, Way::Up),
            "SERVER_TRAFFIC_SECRET_0" => (false, Way::Down),
            // Secrets for other uses and versions, which nothing here needs.
            _ => return is_label(label).then_some(()),
        };
        if !self.sessions.contains_key(&random) && self.sessions.len() >= SESSIONS_MAX {
            self.beyond += 1;
            return Some(());
        }
        let secrets = self.sessions.entry(random).or_default();
        let secrets = if of_handshake {
            &mut secrets.handshake
        } else {
            &mut secrets.traffic
        };
        secrets[way as usize] = Some(secret.into());
        Some(())
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLog")
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

fn is_label(word: &str) -> bool {
    let of_label = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !word.is_empty() && word.bytes().all(of_label)
}

/// Returns the bytes that are written so.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| Some((value(pair[0])? << 4 | value(pair[1])?) as u8))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, random: u8, secret: u8) -> String {
        let (random, secret) = (format!("{random:02x}"), format!("{secret:02X}"));
        format!("{label} {} {}\n", random.repeat(32), secret.repeat(32))
    }

    #[test]
    fn secrets_are_found_by_the_random_number_wherever_the_log_is_cut() {
        let text = [
            "# a comment\r\n",
            "\n",
            &line("CLIENT_TRAFFIC_SECRET_0", 1, 0xa1),
            &line("SERVER_TRAFFIC_SECRET_0", 1, 0xb1),
            &line("EXPORTER_SECRET", 1, 9),
            &line("SERVER_HANDSHAKE_TRAFFIC_SECRET", 2, 0xb2),
        ]
        .concat();
        for at in 0..text.len() {
            let mut log = KeyLog::default();
            log.push(&text.as_bytes()[..at]);
            log.push(&text.as_bytes()[at..]);
            assert_eq!((log.sessions(), log.left_out()), (2, (0, 0)), "cut at {at}");
            let first = log.find(&[1; 32]).unwrap();
            assert_eq!(first.traffic(Way::Up), Some(&[0xa1; 32][..]));
            assert_eq!(first.traffic(Way::Down), Some(&[0xb1; 32][..]));
            assert_eq!(first.handshake(Way::Down), None);
            let second = log.find(&[2; 32]).unwrap();
            assert_eq!(second.handshake(Way::Down), Some(&[0xb2; 32][..]));
            assert!(log.find(&[3; 32]).is_none());
        }
    }

    #[test]
    fn what_is_no_line_of_the_format_is_counted() {
        let mut log = KeyLog::default();
        let good = line("CLIENT_TRAFFIC_SECRET_0", 1, 2);
        let endless = format!("{}\n", "x".repeat(5000));
        for strange in [
            "hello\n",
            "\u{feff}A B C\n",
            "CLIENT_TRAFFIC_SECRET_0 00 00\n",
            &good.replace("02", "zz"),
            &good.to_lowercase(),
            &endless,
        ] {
            log.push(strange.as_bytes());
        }
        log.push(b"\xff\xfe\n");
        log.push(good.as_bytes());
        assert_eq!((log.sessions(), log.left_out()), (1, (7, 0)));
    }

    #[test]
    fn a_log_that_grows_is_read_on() {
        struct Growing(Vec<Vec<u8>>);
        impl Read for Growing {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let next = self.0.pop().unwrap_or_default();
                buffer[..next.len()].copy_from_slice(&next);
                Ok(next.len())
            }
        }
        let up = line("CLIENT_TRAFFIC_SECRET_0", 1, 2).into_bytes();
        let down = line("SERVER_TRAFFIC_SECRET_0", 1, 3).into_bytes();
        let mut log = KeyLog::following(Box::new(Growing(vec![down, vec![], up, vec![]])));
        assert_eq!(log.sessions(), 0);
        assert!(log.find(&[1; 32]).unwrap().traffic(Way::Down).is_none());
        assert!(log.find(&[1; 32]).unwrap().traffic(Way::Down).is_some());
    }
}
