//! What is typed or piped in, on its way to the server.

use super::super::incoming::Fragment;
use super::super::stdio::Read;
use super::{Filter, SEND_BYTES, SIGNALS, Sending, Stop};
use crate::failure::Failure;

/// Longest password, in bytes.
const PASSWORD_BYTES_MAX: usize = 4096;

impl Filter {
    /// Returns whether there is input that may be sent.
    pub(super) fn has_input(&self) -> bool {
        let waits = self.session.asks_password() && !self.unheard.contains(&b'\n');
        let has_unheard = !self.unheard.is_empty() && !waits;
        self.wants_input() && (has_unheard || self.input.is_ready())
    }

    /// Lets the terminal show what is typed, but for a password.
    pub(super) fn set_echo(&mut self) {
        if self.is_person {
            let shows = !self.session.asks_password();
            self.echo.set(shows, self.poll.registry(), SIGNALS);
        }
    }

    /// Takes input: the first line of it alone while a password is asked for, which no more belongs to
    /// the talk than what follows it belongs to the password.
    pub(super) fn take_input(&mut self) -> Result<(), Stop> {
        let asked = self.session.asks_password();
        if self.unheard.is_empty() || (asked && !self.unheard.contains(&b'\n')) {
            let mut bytes = [0; SEND_BYTES];
            match self.input.read(self.poll.registry(), &mut bytes) {
                Ok(Read::Bytes(count)) => self.unheard.extend_from_slice(&bytes[..count]),
                Ok(Read::Later) => return Ok(()),
                Ok(Read::End) => return self.end_input(),
                Err(error) => {
                    let message = format!("can't read the standard input: {error}");
                    return Err(Failure::new(message).into());
                }
            }
        }
        let bytes = std::mem::take(&mut self.unheard);
        if asked {
            self.take_password(bytes)
        } else {
            self.take_bytes(&bytes);
            Ok(())
        }
    }

    fn take_password(&mut self, mut bytes: Vec<u8>) -> Result<(), Stop> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        if end.unwrap_or(bytes.len()) > PASSWORD_BYTES_MAX {
            let message = "the first line of the input is no password: it is too long";
            return Err(Failure::new(message).into());
        }
        if let Some(end) = end {
            let line = String::from_utf8_lossy(&bytes[..end]);
            let line = line.strip_suffix('\r').unwrap_or(&line).to_owned();
            self.session.take_line(line);
            bytes.drain(..=end);
        }
        self.unheard = bytes;
        Ok(())
    }

    fn take_bytes(&mut self, mut bytes: &[u8]) {
        if self.session.speaks_lines() {
            self.session.pass(bytes);
            self.last_line.passes(bytes);
            self.log.send(bytes, self.session.entry());
            return;
        }
        while let Some(fragment) = self.typed.take(&mut bytes) {
            self.session.take_fragment(fragment);
        }
    }

    fn end_input(&mut self) -> Result<(), Stop> {
        self.sending = Sending::Ended;
        if self.session.asks_password() {
            if self.unheard.is_empty() {
                let message = "the room asks for a password: give it with --password-file";
                return Err(Failure::new(message).into());
            }
            self.unheard.push(b'\n');
            let bytes = std::mem::take(&mut self.unheard);
            return self.take_password(bytes);
        }
        if let Some(rest) = self.typed.rest() {
            self.session.take_fragment(Fragment { ends: true, ..rest });
        }
        Ok(())
    }
}
