//! What one member is sent alone.

use super::Message;
use crate::room::{Effect, Machines, Notice};

/// Adds to `out` what one member reads of an effect; nothing where it knows already.
pub fn put(effect: &Effect<'_>, time_ms: u64, out: &mut Vec<u8>) {
    let words;
    let message = match *effect {
        Effect::Prompt | Effect::Quit | Effect::Dismiss(_) => return,
        Effect::AskPassword => Message::Password { needed: true },
        Effect::Key { name, key } => {
            words = key.reveal();
            let (name, key) = (name.into(), words.as_str().into());
            Message::Key { name, key }
        }
        Effect::Private { from, text } => Message::Private {
            time: time_ms,
            name: from.into(),
            text: text.into(),
        },
        Effect::Notice(notice) => {
            if let Notice::Machines(Machines::Missed { count }) = notice {
                let missed = Some(count);
                Message::Gap { missed }.put(out);
            }
            words = notice.to_string();
            let (code, text) = (notice.code().into(), words.as_str().into());
            if notice.is_refusal() {
                let id = None;
                Message::Error { code, text, id }
            } else {
                Message::Notice { code, text }
            }
        }
    };
    message.put(out);
}
