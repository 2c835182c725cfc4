//! The terminal's modes: raw while the client runs, and as they were on every way out.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::{io, panic};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::editor::Size;
use super::notifier;
use super::stdio;

/// What a terminal that doesn't know its size is taken for.
const USUAL_SIZE: Size = Size {
    rows: 24,
    columns: 80,
};

/// Larger sizes are no sizes.
const SIDE_MAX: u16 = 2000;

/// How long a stopped terminal is waited for before it is left as it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks the terminal to mark what is pasted, and not to.
const MARK_PASTES: &[u8] = b"\x1b[?2004h";
const DO_NOT_MARK_PASTES: &[u8] = b"\x1b[?2004l";

/// A terminal in raw mode; dropping this restores it, and so does a panic before it is told.
#[derive(Debug)]
pub(super) struct Terminal {
    fd: BorrowedFd<'static>,
    saved: Termios,
    /// It tells of its focus, and its title is ours; shared with what a panic does.
    notifying: Arc<AtomicBool>,
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
        let notifying = Arc::new(AtomicBool::new(false));
        let was_notifying = Arc::clone(&notifying);
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // The report is to be read in the modes it is written for.
            drop(restore(fd, &to_restore, was_notifying.load(Relaxed)));
            report(info);
        }));
        let terminal = Self {
            fd,
            saved,
            notifying,
        };
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
        let begin = if self.notifying.load(Relaxed) {
            notifier::BEGIN
        } else {
            ""
        };
        stdio::write_soon(&[MARK_PASTES, begin.as_bytes()].concat(), PATIENCE)
    }

    /// Begins or ends to have the terminal tell of its focus, and to use its title; returns what it
    /// has to be told for that.
    pub(super) fn notify(&self, notifying: bool) -> &'static str {
        match (self.notifying.swap(notifying, Relaxed), notifying) {
            (false, true) => notifier::BEGIN,
            (true, false) => notifier::END,
            (true, true) | (false, false) => "",
        }
    }

    /// Leaves the terminal as it was found.
    pub(super) fn restore(&self) {
        // A terminal that is gone needs no restoring.
        drop(restore(self.fd, &self.saved, self.notifying.load(Relaxed)));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

fn restore(fd: impl AsFd, saved: &Termios, notifying: bool) -> io::Result<()> {
    let end = if notifying { notifier::END } else { "" };
    let told = stdio::write_soon(&[DO_NOT_MARK_PASTES, end.as_bytes()].concat(), PATIENCE);
    tcsetattr(fd, OptionalActions::Now, saved)?;
    told
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
    use rustix::termios::{LocalModes, tcsetwinsize};

    use super::*;

    /// Returns both sides of a pseudo-terminal, open for good.
    fn pseudo_terminal() -> (BorrowedFd<'static>, BorrowedFd<'static>) {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        (keep(master), keep(slave))
    }

    fn keep(fd: impl Into<OwnedFd>) -> BorrowedFd<'static> {
        let kept: &'static OwnedFd = Box::leak(Box::new(fd.into()));
        kept.as_fd()
    }

    fn is_raw(fd: BorrowedFd<'_>) -> bool {
        !tcgetattr(fd)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON)
    }

    #[test]
    fn dropping_and_panicking_restore_the_modes() {
        let (_master, slave) = pseudo_terminal();
        assert!(!is_raw(slave));
        let terminal = Terminal::take_over_fd(slave).unwrap();
        assert!(is_raw(slave));
        terminal.restore();
        assert!(!is_raw(slave));
        terminal.make_raw().unwrap();
        assert!(is_raw(slave));
        drop(terminal);
        assert!(!is_raw(slave));

        let panicked = catch_unwind(AssertUnwindSafe(|| {
            // Never dropped: what restores the modes is the hook, before the panic is told.
            let terminal = Box::leak(Box::new(Terminal::take_over_fd(slave).unwrap()));
            assert!(is_raw(terminal.fd));
            panic!("on purpose");
        }));
        assert!(panicked.is_err() && !is_raw(slave));
    }

    #[test]
    fn a_size_that_is_none_is_the_usual_one() {
        let (master, slave) = pseudo_terminal();
        let terminal = Terminal::take_over_fd(slave).unwrap();
        for (rows, columns, size) in [
            (0, 0, USUAL_SIZE),
            (0, 80, USUAL_SIZE),
            (24, u16::MAX, USUAL_SIZE),
            (
                5,
                20,
                Size {
                    rows: 5,
                    columns: 20,
                },
            ),
        ] {
            let mut window = tcgetwinsize(master).unwrap();
            (window.ws_row, window.ws_col) = (rows, columns);
            tcsetwinsize(master, window).unwrap();
            assert_eq!(terminal.size(), size);
        }
    }

    #[test]
    fn a_file_is_no_terminal() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(Terminal::take_over_fd(keep(file)).is_err());
    }
}
