//! The client's own commands, carried out.

use super::super::capability::Capability;
use super::super::commands::{KEYS, OWN, Own};
use super::super::ignored::Ignored;
use super::super::notifier::Notifier;
use super::super::settings::{Kept, SETTINGS};
use super::super::terminal::Terminal;
use super::view::View;

/// What the commands work on, beside the view.
pub(super) struct Desk {
    pub(super) kept: Kept,
    pub(super) capability: Capability,
    pub(super) terminal: Terminal,
    /// The room's address, for the window's title.
    pub(super) server: String,
}

impl Desk {
    /// Does as the settings say.
    pub(super) fn begin(&self, view: &mut View) {
        for (key, _) in SETTINGS {
            self.apply(key, view);
        }
        let names = self.kept.settings().ignore.clone();
        view.ignored = Ignored::new(names);
    }

    /// Carries out a command.
    pub(super) fn obey(&mut self, own: &Own<'_>, view: &mut View) {
        match *own {
            Own::Help => {
                view.tell("This client takes these, too, and /help lists the room's own:");
                tell_list(&OWN, view);
            }
            Own::Keys => {
                view.tell("The keys:");
                tell_list(&KEYS, view);
            }
            Own::Settings => self.tell_settings(view),
            Own::Set { key, value } => self.set(key, value, view),
            Own::Ignore(name) => {
                if view.ignored.add(name) {
                    self.keep_ignored(&format!("{name} is ignored from now on."), view);
                } else {
                    view.tell(&format!("{name} is ignored already, or too many are."));
                }
            }
            Own::Unignore(name) => {
                if view.ignored.remove(name) {
                    self.keep_ignored(&format!("{name} is heard again."), view);
                } else {
                    view.tell(&format!("{name} is not ignored."));
                }
            }
            Own::Ignored => {
                let names = view.ignored.names().join(", ");
                view.tell(&match names.as_str() {
                    "" => "Nobody is ignored; /ignore NAME does it.".to_owned(),
                    names => format!("Ignored: {names}"),
                });
            }
        }
    }

    fn tell_settings(&self, view: &mut View) {
        view.tell(&format!("The settings, kept in {}:", self.kept.place()));
        for (key, wanted) in SETTINGS {
            let value = self.kept.settings().shown(key);
            let value = value.unwrap_or_else(|| format!("not set: {wanted}"));
            view.tell(&format!("  {key:12} {value}"));
        }
    }

    fn set(&mut self, key: &str, value: &str, view: &mut View) {
        let told = self.kept.set(key, value);
        if self.kept.settings().shown(key).is_some() {
            self.apply(key, view);
        }
        view.tell(&match (told, key) {
            (Ok(()), "name" | "server") => format!("`{key}` is {value} from the next time on."),
            (Ok(()), _) => format!("`{key}` is {value} now."),
            (Err(wrong), _) => capitalized(&wrong) + ".",
        });
    }

    fn keep_ignored(&mut self, told: &str, view: &mut View) {
        match self.kept.ignore(view.ignored.names()) {
            Ok(()) => view.tell(told),
            Err(wrong) => view.tell(&format!("{told} But {wrong}.")),
        }
    }

    /// Makes a setting hold.
    fn apply(&self, key: &str, view: &mut View) {
        let settings = self.kept.settings();
        match key {
            "timestamps" => view.timestamps = settings.timestamps == Some(true),
            "bell" => view.bell = settings.bell == Some(true),
            "colour" => {
                let depth = self.capability.depth(settings.colour.unwrap_or_default());
                view.theme.set_depth(depth);
            }
            "notify" => {
                let notifies = settings.notify == Some(true);
                view.editor.tell_terminal(self.terminal.notify(notifies));
                let titled = self.capability.has_titled_notifications();
                view.set_notifier(notifies.then(|| Notifier::new(&self.server, titled)));
            }
            _ => {}
        }
    }
}

fn tell_list(list: &[(&str, &str)], view: &mut View) {
    for (what, does) in list {
        view.tell(&format!("  {what:18} {does}"));
    }
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(characters).collect()
}
