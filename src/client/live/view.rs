//! What the person sees: the room's lines as the options ask for, above the line being typed.

use super::super::clock::Clock;
use super::super::editor::{Editor, Size};
use super::super::event::Event;
use super::super::options::Options;
use super::super::theme::Theme;

/// The editor, and how lines are shown above it.
pub(super) struct View {
    pub(super) editor: Editor,
    theme: Theme,
    /// Tells the time before each line, if it is wanted.
    clock: Option<Clock>,
    quiet: bool,
    bell: bool,
}

impl View {
    /// Returns an empty view on a terminal of `size`.
    pub(super) fn new(size: Size, options: &Options, theme: Theme) -> Self {
        Self {
            editor: Editor::new(size),
            theme,
            clock: options.timestamps.then(Clock::default),
            quiet: options.quiet,
            bell: options.bell,
        }
    }

    /// Shows what the server tells the one called `me`.
    pub(super) fn show(&mut self, event: &Event, me: &str) {
        self.learn(event);
        let shown = self.theme.show(event, me);
        if event.is_coming() && self.quiet {
            return;
        }
        self.print(&shown.text, shown.hang);
        if shown.calls && self.bell {
            self.editor.ring();
        }
    }

    /// Shows a line that was sent.
    pub(super) fn show_own(&mut self, line: &str) {
        let shown = self.theme.show_own(line);
        self.print(&shown.text, shown.hang);
    }

    /// Shows the name that was given.
    pub(super) fn show_name(&mut self, name: &str) {
        let shown = self.theme.dim(&format!("you: {name}"));
        self.print(&shown, 0);
    }

    /// Tells the person something that no server said.
    pub(super) fn tell(&mut self, text: &str) {
        let line = self.theme.dim(&format!("* {text}"));
        self.print(&line, 2);
    }

    /// Learns who is there, for completion.
    fn learn(&mut self, event: &Event) {
        match event {
            Event::Said { name, .. }
            | Event::SaidPrivately { name, .. }
            | Event::Did { name, .. }
            | Event::Joined(name) => self.editor.hear_of(name),
            Event::Left(name) => self.editor.forget(name),
            Event::Renamed { from, to } => {
                self.editor.forget(from);
                self.editor.hear_of(to);
            }
            Event::Here { names, .. } => names.iter().for_each(|name| self.editor.hear_of(name)),
            _ => {}
        }
    }

    fn print(&mut self, line: &str, hang: usize) {
        if let Some(clock) = &mut self.clock {
            let time = clock.now();
            let hang = time.len() + 1 + hang;
            let line = [&self.theme.dim(time), " ", line].concat();
            self.editor.print(&line, hang);
        } else {
            self.editor.print(line, hang);
        }
    }
}
