//! What may be a name is safe, and two people never hold names that look the same.

use chatroom::room::name::{NAME_BYTES_MAX, NAME_CHARS_MAX};
use chatroom::room::{MemberId, Name, Names};

use super::assert_safe;

/// Each line is a name that somebody asks for.
pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let names: Vec<Name> = text
        .lines()
        .take(32)
        .filter_map(|line| Name::parse(line).ok())
        .inspect(check)
        .collect();
    for pair in names.windows(2) {
        check_pair(&pair[0], &pair[1]);
    }
    check_index(&names);
}

fn check(name: &Name) {
    let shown = name.as_str();
    assert_safe(shown);
    assert!(!shown.is_empty() && !name.is_empty());
    assert!(shown.len() <= NAME_BYTES_MAX && shown.chars().count() <= NAME_CHARS_MAX);
    assert!(!shown.contains(|c: char| c.is_whitespace() || matches!(c, ':' | '(' | ')')));
    assert!(shown.starts_with(char::is_alphanumeric), "{shown:?}");
    assert_eq!(Name::parse(shown).as_ref(), Ok(name), "as it is shown");
}

/// Looking alike goes both ways, and covers upper and lower case.
fn check_pair(one: &Name, other: &Name) {
    let alike = |held: &Name, asked: &Name| {
        let mut names = Names::default();
        let member = MemberId::from_slot(0);
        names.give(member, held.clone());
        assert_eq!(names.find(held), Some(member));
        names.find(asked).is_some()
    };
    assert_eq!(alike(one, other), alike(other, one), "{one:?} {other:?}");
    if one.as_str().to_lowercase() == other.as_str().to_lowercase() {
        assert!(alike(one, other), "{one:?} {other:?}");
    }
}

/// Who is refused is so because of somebody; who leaves leaves nothing behind.
fn check_index(wanted: &[Name]) {
    let mut names = Names::default();
    let mut held = Vec::new();
    for (member, name) in (0..).map(MemberId::from_slot).zip(wanted) {
        if let Some(holder) = names.find_other(name, member) {
            assert!(!names.of(holder).is_empty());
        } else {
            names.give(member, name.clone());
            held.push((member, name));
        }
    }
    assert_eq!(names.count(), held.len());
    assert_eq!(names.iter().count(), held.len());
    for &(member, name) in &held {
        assert_eq!(names.find(name), Some(member), "{name:?} is found");
        assert_eq!(names.take(member), *name);
        assert_ne!(names.find(name), Some(member));
    }
    assert_eq!(names.count(), 0);
    assert!(wanted.iter().all(|name| names.find(name).is_none()));
}
