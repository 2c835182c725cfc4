//! Whatever a member types, what the others hear begins with its name, is one line, and is safe.

use chatroom::line::command::Command;
use chatroom::line::sanitize::{is_invisible, safe};
use chatroom::room::{Audience, Claim, Effect, Event, MemberId, Reach, Room};
use chatroom::wire::plain::{Line, PROMPT, put};

use super::assert_safe;

/// Which of those in the room types.
const SPEAKER: usize = 2;

/// The first line is the speaker's name, each other one what it types. It is among ali and bob.
pub(crate) fn run(input: &[u8]) {
    let mut room = Room::default();
    for (slot, name) in ["ali", "bob"].into_iter().enumerate() {
        assert!(enter(&mut room, slot, name).is_none());
    }
    let mut lines = input.split(|&byte| byte == b'\n');
    let mut buffer = String::new();
    let name = safe(lines.next().unwrap_or_default(), &mut buffer);
    if let Some(answer) = enter(&mut room, SPEAKER, name) {
        assert!(answer.ends_with(&Line::Prompt.parts().concat()));
        check_private(&room, SPEAKER, &answer);
        assert!(enter(&mut room, SPEAKER, "carl").is_none());
    }
    for line in lines.take(64) {
        let text = safe(line, &mut buffer);
        check_parse(text);
        if type_line(&mut room, text) {
            break;
        }
        bob_answers(&mut room);
    }
    let name = room.names().of(speaker()).to_owned();
    let left = Event::Left { member: speaker() };
    assert_eq!(
        said(&room, &left),
        format!("{name} has left the chatroom!\n")
    );
    room.apply(left, 0, &mut Screens::default());
    assert_eq!(room.names().count(), 2);
}

fn speaker() -> MemberId {
    MemberId::from_slot(SPEAKER)
}

/// What each of those in the room reads privately, and whether the speaker has asked to leave.
#[derive(Default)]
struct Screens {
    private: [String; 3],
    quit: bool,
}

impl Audience for Screens {
    fn reach(&self, _: MemberId, _: usize) -> Reach {
        Reach::Open
    }

    fn push(&mut self, member: MemberId, effect: Effect<'_>) {
        self.quit |= matches!(effect, Effect::Quit);
        put(&effect, &mut self.private[member.slot()]);
    }
}

/// Lets somebody in; returns what it is told if that is refused.
fn enter(room: &mut Room, slot: usize, name: &str) -> Option<String> {
    let mut screens = Screens::default();
    match room.decide_name(
        MemberId::from_slot(slot),
        Claim::parse(name),
        0,
        &mut screens,
    ) {
        Some(event) => room.apply(event, 0, &mut screens),
        None => return Some(std::mem::take(&mut screens.private[slot])),
    }
    assert!(screens.private.iter().all(String::is_empty));
    None
}

/// What a command holds is part of what was typed, and talk is all of it but for a slash.
fn check_parse(line: &str) {
    let shown = line.trim_start_matches(is_invisible);
    match Command::parse(line) {
        Command::Nothing => assert!(shown.is_empty()),
        Command::Say(text) => {
            assert!(!shown.is_empty());
            assert!(text == line || (line.starts_with("//") && text == &line[1..]));
        }
        Command::Me(text) | Command::Reply(text) => check_text(line, text),
        Command::Message { to, text } => {
            assert!(!to.is_empty() && !to.contains(' ') && line.contains(to));
            check_text(line, text);
        }
        Command::Nick(name)
        | Command::Whois(name)
        | Command::Ignore(name)
        | Command::Unignore(name) => check_text(line, name),
        Command::Order(order) => {
            let word = order.word().split(' ').next().unwrap_or_default();
            assert!(shown.to_ascii_lowercase().starts_with(word));
        }
        Command::Unknown(word) => assert!(shown.starts_with(word) && word.starts_with('/')),
        Command::Incomplete(usage) => assert!(usage.starts_with('/')),
        _ => assert!(shown.starts_with('/')),
    }
}

/// What is said is part of what was typed, and somebody can see it.
fn check_text(line: &str, text: &str) {
    assert!(line.contains(text) && !text.chars().all(is_invisible));
}

/// Lets the speaker type a line; returns whether it has asked to leave.
fn type_line(room: &mut Room, line: &str) -> bool {
    let name = room.names().of(speaker()).to_owned();
    let mut screens = Screens::default();
    if let Some(event) = room.decide(speaker(), Command::parse(line), 0, &mut screens) {
        check_said(&event, &said(room, &event), &name);
        room.apply(event, 0, &mut screens);
    }
    for (slot, private) in screens.private.iter().enumerate() {
        if slot == SPEAKER {
            check_private(room, slot, private);
        } else if !private.is_empty() {
            assert!(private.starts_with(&format!("{name} (privately): ")));
            assert_eq!(private.matches('\n').count(), 1);
            assert_safe(private.trim_end_matches('\n'));
        }
    }
    screens.quit
}

/// Everybody reads one line that starts with whose it is; nothing of what is for one alone.
fn check_said(event: &Event<'_>, said: &str, name: &str) {
    let starts = match event {
        Event::Whispered { .. } | Event::Act { .. } => return assert_eq!(said, ""),
        Event::Renamed { name: new, .. } => {
            format!("{name} is now known as {}!", new.as_str())
        }
        Event::Did { .. } => format!("* {name} "),
        _ => format!("{name}: "),
    };
    let shown = said.strip_suffix('\n').expect("a whole line");
    assert_safe(shown);
    assert!(shown.starts_with(&starts), "{shown:?} of {name:?}");
}

/// Whatever was typed, an answer of bob's reaches the speaker or is refused.
fn bob_answers(room: &mut Room) {
    let mut screens = Screens::default();
    let bob = MemberId::from_slot(1);
    if let Some(event) = room.decide(bob, Command::parse("/R hi"), 0, &mut screens) {
        room.apply(event, 0, &mut screens);
    }
    let [ali, bob, speaker] = &screens.private;
    let words = ["* Nobody", "* Your line was not sent: "];
    let refused = speaker.is_empty() && words.iter().any(|word| bob.starts_with(word));
    let reached = speaker == "bob (privately): hi\n" && bob.starts_with("* Your message reached ");
    assert!(
        ali.is_empty() && (refused || reached),
        "{bob:?} {speaker:?}"
    );
}

/// An answer is notices, the prompt behind them, or one's own message to oneself.
fn check_private(room: &Room, slot: usize, private: &str) {
    let own = format!(
        "{} (privately): ",
        room.names().of(MemberId::from_slot(slot))
    );
    assert!(private.is_empty() || private.ends_with('\n'));
    assert!(private.len() <= 16 * 1024);
    for line in private.lines() {
        assert_safe(line);
        let known = line.starts_with("* ") || line == PROMPT || line.starts_with(&own);
        assert!(known, "{line:?}");
    }
}

fn said(room: &Room, event: &Event<'_>) -> String {
    let line = Line::of(event, room.names());
    line.map_or(String::new(), |line| line.parts().concat())
}
