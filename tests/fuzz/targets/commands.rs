//! Whatever a member types, what the others hear begins with its name, is one line, and is safe.

use chatroom::line::command::Command;
use chatroom::line::sanitize::safe;
use chatroom::room::{GREETING, Outcome, PROMPT, Room, RoomOptions};

use super::assert_safe;

/// Who types.
const SPEAKER: u32 = 2;

/// The first line is the speaker's name, each other one what it types. It is among ali and bob.
pub(crate) fn run(input: &[u8]) {
    let mut room = Room::new(RoomOptions {
        backlog_bytes: 1 << 16,
        history_lines: 0,
        announce_joins: true,
    });
    for (member, name) in (0..).zip(["ali", "bob"]) {
        assert!(room.enter(member, name).is_some());
    }
    let mut lines = input.split(|&byte| byte == b'\n');
    let mut buffer = String::new();
    let name = safe(lines.next().unwrap_or_default(), &mut buffer);
    if room.enter(SPEAKER, name).is_none() {
        assert!(room.private().ends_with(PROMPT));
        check_private(&room, SPEAKER);
        assert!(room.enter(SPEAKER, "carl").is_some());
    }
    assert_eq!(room.private(), GREETING);
    for line in lines.take(64) {
        let text = safe(line, &mut buffer);
        check_parse(text);
        if type_line(&mut room, text) {
            break;
        }
    }
    let (name, said) = room.leave(SPEAKER, true);
    let left = format!("{} has left the chatroom!\n", name.as_str());
    assert_eq!(said.map(|said| text_of(&room, said)), Some(left));
    assert_eq!(room.names().count(), 2);
}

/// What a command holds is part of what was typed.
fn check_parse(line: &str) {
    match Command::parse(line) {
        Command::Say(text) | Command::Me(text) => assert!(line.contains(text)),
        Command::Message { to, text } => {
            assert!(!to.is_empty() && !to.contains(' ') && !text.is_empty());
            assert!(line.contains(to) && line.contains(text));
        }
        Command::Nick(name) => assert!(!name.is_empty() && line.contains(name)),
        Command::Unknown(word) => assert!(line.starts_with(word) && word.starts_with('/')),
        Command::Incomplete(usage) => assert!(usage.starts_with('/')),
        Command::Who | Command::Help | Command::Quit => assert!(line.starts_with('/')),
    }
}

/// Lets the speaker type a line; returns whether it has asked to leave.
fn type_line(room: &mut Room, line: &str) -> bool {
    let name = room.names().of(SPEAKER).to_owned();
    let Outcome {
        said,
        private_to,
        renamed_from,
        quit,
    } = room.hear(SPEAKER, line);
    if let Some(said) = said {
        let said = text_of(room, said);
        let shown = said.strip_suffix('\n').expect("a whole line");
        assert_safe(shown);
        let starts = if renamed_from.is_some() {
            format!("{name} is now known as {}!", room.names().of(SPEAKER))
        } else if line.starts_with("/me ") {
            format!("* {name} ")
        } else {
            format!("{name}: ")
        };
        assert!(shown.starts_with(&starts), "{shown:?} of {name:?}");
    } else {
        assert!(renamed_from.is_none());
    }
    if let Some(to) = private_to {
        if line.starts_with("/msg ") && to != SPEAKER {
            let starts = format!("{name} (privately): ");
            assert!(room.private().starts_with(&starts));
            assert_eq!(room.private().matches('\n').count(), 1);
            assert_safe(room.private().trim_end_matches('\n'));
        } else {
            assert_eq!(to, SPEAKER);
            check_private(room, to);
        }
    }
    quit
}

/// An answer is notices, the prompt behind them, or one's own message to oneself.
fn check_private(room: &Room, to: u32) {
    let own = format!("{} (privately): ", room.names().of(to));
    assert!(room.private().ends_with('\n'));
    assert!(room.private().len() <= 16 * 1024);
    for line in room.private().lines() {
        assert_safe(line);
        let known = line.starts_with("* ") || line == PROMPT.trim_end() || line.starts_with(&own);
        assert!(known, "{line:?}");
    }
}

fn text_of(room: &Room, said: std::ops::Range<u64>) -> String {
    let (first, second) = room.transcript().bytes(said);
    String::from_utf8([first, second].concat()).expect("UTF-8")
}
