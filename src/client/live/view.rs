//! What the person sees: the room's lines as the options ask for, above the line being typed.

use super::super::clock::Clock;
use super::super::editor::{Editor, Size};
use super::super::incoming::Fragment;
use super::super::notices;
use super::super::options::Options;
use super::super::theme::Theme;
use crate::wire::plain::Line;

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

    /// Shows what the server sent to the one called `me`.
    pub(super) fn show(&mut self, fragment: &Fragment, me: &str) {
        let told = fragment
            .whole()
            .map_or(Line::Other(&fragment.text), Line::parse);
        self.learn(&told);
        let coming = matches!(told, Line::Joined(_) | Line::Left(_) | Line::Renamed { .. });
        if coming && self.quiet {
            return;
        }
        let shown = self.theme.show(&fragment.text, &told, me);
        self.print(&shown.text);
        if shown.calls && self.bell {
            self.editor.ring();
        }
    }

    /// Shows a line that was sent.
    pub(super) fn show_own(&mut self, line: &str) {
        let shown = self.theme.show_own(line);
        self.print(&shown);
    }

    /// Shows the name that was given.
    pub(super) fn show_name(&mut self, name: &str) {
        let shown = self.theme.dim(&format!("you: {name}"));
        self.print(&shown);
    }

    /// Tells the person something that no server said.
    pub(super) fn tell(&mut self, text: &str) {
        let line = self.theme.dim(&format!("* {text}"));
        self.print(&line);
    }

    /// Learns who is there, for completion.
    fn learn(&mut self, told: &Line<'_>) {
        match *told {
            Line::Said { name, .. }
            | Line::SaidPrivately { name, .. }
            | Line::Did { name, .. }
            | Line::Joined(name) => self.editor.hear_of(name),
            Line::Left(name) => self.editor.forget(name),
            Line::Renamed { from, to } => {
                self.editor.forget(from);
                self.editor.hear_of(to);
            }
            Line::Notice(text) => {
                for name in notices::names_here(text) {
                    self.editor.hear_of(name);
                }
            }
            Line::Prompt | Line::Greeting | Line::Other(_) => {}
        }
    }

    fn print(&mut self, line: &str) {
        if let Some(clock) = &mut self.clock {
            let time = self.theme.dim(clock.now());
            self.editor.print(&format!("{time} {line}"));
        } else {
            self.editor.print(line);
        }
    }
}
