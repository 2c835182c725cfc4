//! What the person sees: the room's lines as the options ask for, above the line being typed.

use std::borrow::Cow;

use time::Date;

use super::super::clock::{Clock, spoken};
use super::super::editor::{Editor, Size};
use super::super::event::Event;
use super::super::ignored::Ignored;
use super::super::keys::Store;
use super::super::notices;
use super::super::notifier::Notifier;
use super::super::options::Options;
use super::super::record::Record;
use super::super::secrets::without_keys;
use super::super::session::Told;
use super::super::theme::{Theme, YOU};
use crate::line::command::Command;

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
    /// Where the keys of our names are kept.
    store: Option<Store>,
    /// What the room is about, as far as it is known.
    topic: String,
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
    pub(super) fn new(size: Size, options: &Options, theme: Theme) -> Self {
        Self {
            editor: Editor::new(size),
            theme,
            ignored: Ignored::default(),
            clock: Clock::default(),
            day: None,
            timestamps: options.timestamps == Some(true),
            quiet: options.quiet,
            bell: options.bell == Some(true),
            record: None,
            store: None,
            topic: String::new(),
            notifier: None,
            unread: Unread::No,
        }
    }

    /// Returns the same with the files that the talk and its keys are kept in.
    pub(super) fn with(self, record: Option<Record>, store: Option<Store>) -> Self {
        Self {
            record,
            store,
            ..self
        }
    }

    /// Returns the row that tells what the room is about, if it is about anything.
    pub(super) fn topic_row(&self) -> Option<String> {
        (!self.topic.is_empty()).then(|| self.theme.dim(&format!("topic: {}", self.topic)))
    }

    /// Shows what the one called `me` is told.
    pub(super) fn show(&mut self, told: &Told, me: &str) {
        match told {
            Told::Line { line, is_old } => self.show_event(&Event::of(line), me, None, *is_old),
            Told::Event {
                event,
                time_ms,
                is_old,
            } => self.show_event(event, me, *time_ms, *is_old),
            Told::Members {
                names,
                more,
                text,
                news,
            } => {
                let others = names.iter().filter(|name| *name != me).cloned().collect();
                self.editor.people().set_here(others, *more == 0);
                if *news && !self.quiet && names.len() > 1 {
                    self.tell(text);
                }
            }
            Told::Came(name) => self.editor.people().hear(name),
            Told::Name(name) => self.show_typed(name),
            Told::Key { name, key } => {
                let told = self.store.as_ref().map(|store| store.keep(name, *key));
                told.iter().flatten().for_each(|line| self.tell(line));
            }
            Told::Unkept(name) => {
                let trouble = self.store.as_ref().and_then(|store| store.forget(name));
                self.tell_trouble(trouble);
            }
            Told::Own { line, time_ms } => self.show_own(line, me, *time_ms),
            Told::Refused { line, why } => {
                if let Some(line) = line.as_ref().filter(|line| !line.is_shown) {
                    self.show_typed(&line.text);
                }
                self.tell(why);
            }
            Told::Back(text) => {
                self.unread = Unread::Yes;
                self.tell_and_keep(text);
            }
            Told::Word(text) => self.tell(text),
        }
    }

    fn show_event(&mut self, event: &Event, me: &str, at_ms: Option<u64>, is_old: bool) {
        if self.ignored.hides(event) {
            return;
        }
        self.learn(event);
        let record = self.record.as_mut();
        let trouble = record.and_then(|record| record.event(event, at_ms));
        self.tell_trouble(trouble);
        let shown = self.theme.show(event, me);
        if event.is_coming() && self.quiet {
            return;
        }
        if event.is_talk() && !is_old {
            self.mark_unread();
            if let Some(notifier) = &mut self.notifier {
                let told = notifier.hear(&event.line(), shown.calls);
                self.editor.tell_terminal(&told);
            }
        }
        self.print(&shown.text, shown.hang, at_ms);
        if shown.calls && self.bell && !is_old {
            self.editor.ring();
        }
    }

    /// Shows a line that the server has under the name of `me`.
    fn show_own(&mut self, line: &str, me: &str, at_ms: Option<u64>) {
        let line = without_keys(line);
        let line = match (Command::parse(&line), self.editor.people().last_writer()) {
            (Command::Reply(text), Some(to)) => Cow::Owned(format!("/msg {to} {text}")),
            _ => line,
        };
        let shown = self.theme.show_own(&line, YOU);
        let shown = shown.unwrap_or_else(|| self.theme.show_typed(&line));
        self.print(&shown.text, shown.hang, at_ms);
        let record = self.record.as_mut();
        let trouble = record.and_then(|record| record.own(&line, me, at_ms));
        self.tell_trouble(trouble);
    }

    /// Shows what was typed and is for nobody else to see.
    pub(super) fn show_typed(&mut self, line: &str) {
        let shown = self.theme.show_typed(&without_keys(line));
        self.print(&shown.text, shown.hang, None);
    }

    /// Tells the person something that no server said.
    pub(super) fn tell(&mut self, text: &str) {
        let line = self.theme.dim(&format!("* {text}"));
        self.print(&line, 2, None);
    }

    /// Tells it, and keeps it with the talk: it says what is missing there.
    pub(super) fn tell_and_keep(&mut self, text: &str) {
        self.tell(text);
        let line = format!("* {text}");
        let trouble = self
            .record
            .as_mut()
            .and_then(|record| record.line(&line, None));
        self.tell_trouble(trouble);
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
            Event::SaidPrivately { name, .. } => self.editor.people().hear_privately(name),
            Event::Said { name, .. } | Event::Did { name, .. } | Event::Joined(name) => {
                self.editor.people().hear(name);
            }
            Event::Left(name) => self.editor.people().forget(name),
            Event::Renamed { from, to } => {
                self.editor.people().rename(from, to);
            }
            Event::Notice(text) => {
                if let Some(topic) = notices::topic(text) {
                    topic.clone_into(&mut self.topic);
                }
            }
            Event::Here { names, .. } => names
                .iter()
                .for_each(|name| self.editor.people().hear(name)),
            _ => {}
        }
    }

    fn tell_trouble(&mut self, trouble: Option<String>) {
        if let Some(trouble) = trouble {
            self.tell(&trouble);
        }
    }

    /// Prints a line, and before it which day it is by then.
    fn print(&mut self, line: &str, hang: usize, at_ms: Option<u64>) {
        let today = self.clock.date(at_ms);
        if self.day.replace(today).is_some_and(|day| day != today) {
            let day = self.theme.dim(&format!("* {}", spoken(today)));
            self.editor.print(&day, 2);
        }
        if self.timestamps {
            let time = self.clock.minute(at_ms);
            let hang = time.len() + 1 + hang;
            let line = [&self.theme.dim(&time), " ", line].concat();
            self.editor.print(&line, hang);
        } else {
            self.editor.print(line, hang);
        }
    }
}
