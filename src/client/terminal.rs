//! The terminal's modes: raw while the client runs, and as they were on every way out.

use std::os::fd::{AsFd, BorrowedFd};
use std::{io, panic};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::editor::Size;
use super::stdio;

/// What a terminal that doesn't know its size is taken for.
const USUAL_SIZE: Size = Size {
    rows: 24,
    columns: 80,
};

/// Larger sizes are no sizes.
const SIDE_MAX: u16 = 2000;

/// Asks the terminal to mark what is pasted, and not to.
const MARK_PASTES: &[u8] = b"\x1b[?2004h";
const DO_NOT_MARK_PASTES: &[u8] = b"\x1b[?2004l";

/// A terminal in raw mode; dropping this restores it, and so does a panic before it is told.
#[derive(Debug)]
pub(super) struct Terminal {
    fd: BorrowedFd<'static>,
    saved: Termios,
}

impl Terminal {
    /// Takes over the terminal that standard input and output are.
    ///
    /// # Errors
    /// Fails when they are no terminal.
    pub(super) fn take_over() -> io::Result<Self> {
        Self::take_over_fd(rustix::stdio::stdin())
    }

    fn take_over_fd(fd: BorrowedFd<'static>) -> io::Result<Self> {
        let saved = tcgetattr(fd)?;
        let to_restore = saved.clone();
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // The report is to be read in the modes it is written for.
            drop(restore(fd, &to_restore));
            report(info);
        }));
        let terminal = Self { fd, saved };
        terminal.make_raw()?;
        Ok(terminal)
    }

    /// Returns the size, or a usual one where there is none.
    pub(super) fn size(&self) -> Size {
        let side = |length: u16| (1..=SIDE_MAX).contains(&length).then_some(length.into());
        tcgetwinsize(self.fd)
            .ok()
            .and_then(|size| {
                Some(Size {
                    rows: side(size.ws_row)?,
                    columns: side(size.ws_col)?,
                })
            })
            .unwrap_or(USUAL_SIZE)
    }

    /// Sets raw mode again, after the terminal was somebody else's.
    ///
    /// # Errors
    /// Fails when the terminal is gone.
    pub(super) fn make_raw(&self) -> io::Result<()> {
        let mut raw = self.saved.clone();
        raw.make_raw();
        tcsetattr(self.fd, OptionalActions::Now, &raw)?;
        stdio::write_all(MARK_PASTES)
    }

    /// Leaves the terminal as it was found.
    pub(super) fn restore(&self) {
        // A terminal that is gone needs no restoring.
        drop(restore(self.fd, &self.saved));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

fn restore(fd: impl AsFd, saved: &Termios) -> io::Result<()> {
    let told = stdio::write_all(DO_NOT_MARK_PASTES);
    tcsetattr(fd, OptionalActions::Now, saved)?;
    told
}
