//! What stands at the bottom: the topic, the lines that wait, the prompt, and what is typed there.

use std::time::Instant;

use super::super::editor::Secrecy;
use super::super::secrets::without_keys;
use super::Live;

impl Live {
    /// Tells the editor what to show at the bottom.
    pub(super) fn set_bottom(&mut self) {
        let prompt = self.prompt();
        let session = &mut self.talk.session;
        let secrecy = if session.asks_password() {
            Secrecy::All
        } else if session.asks_name() {
            Secrecy::Key
        } else {
            Secrecy::KeyOfNick
        };
        let topic = self.view.topic_row();
        let rows = topic.into_iter().chain(session.outbox().rows());
        let editor = &mut self.view.editor;
        editor.set_secrecy(secrecy);
        editor.set_prompt(&prompt, rows.collect());
    }

    fn prompt(&self) -> String {
        let link = &self.talk.link;
        if self.leaving.is_some() {
            "(leaving) > ".to_owned()
        } else if link.is_resting() {
            "(offline until you press a key) > ".to_owned()
        } else if let Some(left) = link.next_try(Instant::now()) {
            let seconds = left.as_millis().div_ceil(1000);
            let why = if self.talk.session.is_held() {
                "the name is held"
            } else {
                "offline"
            };
            format!("({why}, next try in {seconds} s) > ")
        } else if self.talk.session.asks_password() {
            "(not shown) > ".to_owned()
        } else if self.talk.session.is_away() || !link.is_up() {
            "(connecting) > ".to_owned()
        } else {
            "> ".to_owned()
        }
    }

    /// Shows what was typed and not sent, for the person to copy; returns whether a line waited.
    pub(super) fn tell_unsent(&mut self) -> bool {
        let mut waited = false;
        while let Some(line) = self.talk.session.outbox().pop() {
            waited = true;
            let perhaps = if line.was_sent { "perhaps " } else { "" };
            let told = format!("{perhaps}not sent: {}", without_keys(&line.text));
            self.view.editor.print(&told, perhaps.len() + 10);
        }
        for line in self.view.editor.draft().to_owned().lines() {
            let line = without_keys(line);
            self.view.editor.print(&format!("not sent: {line}"), 10);
        }
        waited
    }
}
