//! A password typed at a terminal where nothing is edited: what is typed isn't shown meanwhile.

use std::{fmt, io};

use mio::{Interest, Registry, Token};
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use signal_hook_mio::v1_0::Signals;

/// Whether the terminal shows what is typed; dropping this lets it.
#[derive(Default)]
pub(super) struct Echo {
    /// The modes before, while it doesn't.
    saved: Option<Termios>,
    /// From the first time on: signals that end the program must not leave it so.
    signals: Option<Signals>,
}

impl Echo {
    /// Lets the terminal at standard input show what is typed or not. Where there is none, or it
    /// can't be told, it stays as it is.
    pub(super) fn set(&mut self, shows: bool, registry: &Registry, token: Token) {
        if shows {
            self.restore();
        } else if self.saved.is_none() {
            // A terminal that is gone shows nothing.
            drop(self.hide(registry, token));
        }
    }

    /// Ends the program if a signal says so, with the terminal as it was.
    pub(super) fn hear_signals(&mut self) {
        let signals = self.signals.as_mut().map(Signals::pending);
        if let Some(signal) = signals.and_then(|mut signals| signals.next()) {
            self.restore();
            drop(emulate_default_handler(signal));
        }
    }

    fn hide(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let saved = tcgetattr(stdin())?;
        if self.signals.is_none() {
            let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
            registry.register(&mut signals, token, Interest::READABLE)?;
            self.signals = Some(signals);
        }
        let mut modes = saved.clone();
        modes.local_modes.remove(LocalModes::ECHO);
        // The line's end is shown.
        modes.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(stdin(), OptionalActions::Now, &modes)?;
        self.saved = Some(saved);
        Ok(())
    }

    fn restore(&mut self) {
        if let Some(saved) = self.saved.take() {
            // A terminal that is gone needs no restoring.
            let _gone = tcsetattr(stdin(), OptionalActions::Now, &saved);
        }
    }
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shows = self.saved.is_none();
        f.debug_struct("Echo")
            .field("shows", &shows)
            .finish_non_exhaustive()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.restore();
    }
}
