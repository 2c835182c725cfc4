//! What the person sees: the room's lines as the options ask for, above the line being typed.

use time::Date;

use super::super::clock::{Clock, spoken};
use super::super::editor::{Editor, Size};
use super::super::event::Event;
use super::super::ignored::Ignored;
use super::super::notifier::Notifier;
use super::super::options::Options;
use super::super::record::Record;
use super::super::theme::{Theme, YOU};

/// Stands before the first line that was said while the person was away.
const UNREAD: &str = "What follows is unread:";

/// The editor, and how lines are shown above it.
pub(super) struct View {
    pub(super) editor: Editor,
    pub(super) theme: Theme,
    pub(super) ignored: Ignored,
    clock: Clock,
    /// The day of the last line shown.
    day: Option<Date>,
    pub(super) timestamps: bool,
    quiet: bool,
    pub(super) bell: bool,
    record: Option<Record>,
    notifier: Option<Notifier>,
    unread: Unread,
}

/// Whether the next thing said is to be marked as unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unread {
    No,
    /// If it comes within so many turns of the loop: it was said while we were stopped.
    Soon(u8),
    Yes,
}

impl View {
    /// Returns an empty view on a terminal of `size`.
    pub(super) fn new(size: Size, options: &Options, theme: Theme, record: Option<Record>) -> Self {
        Self {
            editor: Editor::new(size),
            theme,
            ignored: Ignored::default(),
            clock: Clock::default(),
            day: None,
            timestamps: options.timestamps == Some(true),
            quiet: options.quiet,
            bell: options.bell == Some(true),
            record,
            notifier: None,
            unread: Unread::No,
        }
    }

    /// Shows what the server tells the one called `me`.
    pub(super) fn show(&mut self, event: &Event, me: &str) {
        if self.ignored.hides(event) {
            return;
        }
        self.learn(event);
        let trouble = self.record.as_mut().and_then(|record| record.event(event));
        self.tell_trouble(trouble);
        let shown = self.theme.show(event, me);
        if event.is_coming() && self.quiet {
            return;
        }
        if event.is_talk() {
            self.mark_unread();
            if let Some(notifier) = &mut self.notifier {
                let told = notifier.hear(&event.line(), shown.calls);
                self.editor.tell_terminal(&told);
            }
        }
        self.print(&shown.text, shown.hang);
        if shown.calls && self.bell {
            self.editor.ring();
        }
    }

    /// Shows a line that was sent under the name of `me`.
    pub(super) fn show_own(&mut self, line: &str, me: &str) {
        let shown = self.theme.show_own(line, YOU);
        let shown = shown.unwrap_or_else(|| self.theme.show_typed(line));
        self.print(&shown.text, shown.hang);
        let trouble = self.record.as_mut().and_then(|record| record.own(line, me));
        self.tell_trouble(trouble);
    }

    /// Shows what was typed and is for nobody else to see.
    pub(super) fn show_typed(&mut self, line: &str) {
        let shown = self.theme.show_typed(line);
        self.print(&shown.text, shown.hang);
    }

    /// Tells the person something that no server said.
    pub(super) fn tell(&mut self, text: &str) {
        let line = self.theme.dim(&format!("* {text}"));
        self.print(&line, 2);
    }

    /// Tells it, and keeps it with the talk: it says what is missing there.
    pub(super) fn tell_and_keep(&mut self, text: &str) {
        self.tell(text);
        let line = format!("* {text}");
        let trouble = self.record.as_mut().and_then(|record| record.line(&line));
        self.tell_trouble(trouble);
    }

    /// Marks the next thing said as unread, if it is said before the person presses a key.
    pub(super) fn expect_unread(&mut self) {
        self.unread = Unread::Yes;
    }

    /// Takes the terminal back from somebody else. What is here already was said meanwhile, and is
    /// marked as unread.
    pub(super) fn take_back(&mut self) {
        self.editor.lose_screen();
        self.unread = Unread::Soon(2);
        let title = self.notifier.as_ref().map(Notifier::begin);
        self.editor.tell_terminal(&title.unwrap_or_default());
    }

    /// Notes that a turn went by in which nothing came.
    pub(super) fn pass_quiet_turn(&mut self) {
        self.unread = match self.unread {
            Unread::Soon(turns) if turns > 1 => Unread::Soon(turns - 1),
            Unread::Yes => Unread::Yes,
            Unread::Soon(_) | Unread::No => Unread::No,
        };
    }

    /// Returns whether it has to be known soon if anything is here already.
    pub(super) fn is_curious(&self) -> bool {
        matches!(self.unread, Unread::Soon(_))
    }

    /// Notes that the person pressed a key, and so has seen everything.
    pub(super) fn see(&mut self) {
        self.unread = Unread::No;
        let told = self.notifier.as_mut().map(Notifier::seen);
        self.editor.tell_terminal(&told.unwrap_or_default());
    }

    /// Notes that the person looks at the terminal, or away.
    pub(super) fn focus(&mut self, focused: bool) {
        self.unread = if focused { Unread::No } else { Unread::Yes };
        let told = self
            .notifier
            .as_mut()
            .map(|notifier| notifier.focus(focused));
        self.editor.tell_terminal(&told.unwrap_or_default());
    }

    /// Begins to notify the person, or ends it.
    pub(super) fn set_notifier(&mut self, notifier: Option<Notifier>) {
        let told = notifier.as_ref().map(Notifier::begin);
        self.editor.tell_terminal(&told.unwrap_or_default());
        self.notifier = notifier;
    }

    fn mark_unread(&mut self) {
        if self.unread != Unread::No {
            self.unread = Unread::No;
            self.tell(UNREAD);
        }
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

    fn tell_trouble(&mut self, trouble: Option<String>) {
        if let Some(trouble) = trouble {
            self.tell(&trouble);
        }
    }

    /// Prints a line, and before it which day it is by now.
    fn print(&mut self, line: &str, hang: usize) {
        let today = self.clock.date();
        if self.day.replace(today).is_some_and(|day| day != today) {
            let day = self.theme.dim(&format!("* {}", spoken(today)));
            self.editor.print(&day, 2);
        }
        if self.timestamps {
            let time = self.clock.minute();
            let hang = time.len() + 1 + hang;
            let line = [&self.theme.dim(&time), " ", line].concat();
            self.editor.print(&line, hang);
        } else {
            self.editor.print(line, hang);
        }
    }
}
