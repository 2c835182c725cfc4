//! What the client reads out of the server's notices, which are meant for people.

use crate::room::Name;

/// Returns the name that `notice` tells the reader to have from now on.
pub(super) fn own_name(notice: &str) -> Option<&str> {
    notice
        .strip_prefix("You are now known as ")?
        .strip_suffix('.')
}

/// Returns the names in the answer to `/who`; none if `notice` is another.
pub(super) fn names_here(notice: &str) -> impl Iterator<Item = &str> {
    let list = notice
        .strip_prefix("Here (")
        .and_then(|rest| rest.split_once("): "))
        .map_or("", |(_, names)| names);
    list.split(", ").filter(|name| Name::parse(name).is_ok())
}

/// Returns whether lines follow `notice` that were before the reader came.
pub(super) fn begins_past(notice: &str) -> bool {
    notice.contains(" from before you came, ") && notice.ends_with(" UTC:")
}

/// How it starts what somebody is told whose key is wrong.
pub(super) const WRONG_KEY: &str = "That is not the key of ";

/// How it starts what somebody is told whose name needs no key.
pub(super) const NOT_KEPT: &str = "That name is not kept, so give it without a key: ";

/// Returns the reader's name that `notice` tells to be kept no more.
pub(super) fn unkept(notice: &str) -> Option<&str> {
    notice
        .strip_prefix("Your name ")?
        .strip_suffix(" is not kept any more.")
}

/// Returns the topic that `notice` tells, empty if there is none any more.
pub(super) fn topic(notice: &str) -> Option<&str> {
    if notice == "The room has no topic." {
        return Some("");
    }
    if let Some(rest) = notice.strip_prefix("The topic (by ") {
        return rest.split_once("): ").map(|(_, topic)| topic);
    }
    let (_, rest) = notice.strip_prefix("The operator ")?.split_once(' ')?;
    match rest.strip_prefix("has set the topic: ") {
        None => (rest == "has taken the topic away.").then_some(""),
        topic => topic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::access::Answer;
    use crate::room::notice::Notice;
    use crate::wire::plain::{STAR, put_past};

    #[test]
    fn what_the_room_writes_is_read() {
        let told = Notice::NowKnownAs { name: "سهیل" }.to_string();
        assert_eq!(own_name(&told), Some("سهیل"));
        let told = Notice::Here {
            count: 2,
            names: "ali, سهیل",
            more: 0,
        }
        .to_string();
        assert_eq!(names_here(&told).collect::<Vec<_>>(), ["ali", "سهیل"]);
        for count in [1, 2] {
            let mut past = String::new();
            put_past(count, [0, 1], 2, &mut past);
            let past = past.trim_start_matches(STAR).trim_end();
            assert!(begins_past(past) && !begins_past(&told), "{past}");
        }
        let other = Notice::NobodyCalled { name: "x" }.to_string();
        assert_eq!((own_name(&other), names_here(&other).count()), (None, 0));
    }

    #[test]
    fn what_is_told_of_keys_and_topics_is_read() {
        let name = "سهیل";
        let told = |answer| Notice::Access(answer).to_string();
        assert!(told(Answer::WrongKey { name }).starts_with(WRONG_KEY));
        assert!(told(Answer::NotKept { name }).starts_with(NOT_KEPT));
        assert_eq!(unkept(&told(Answer::Unkept { name })), Some(name));
        assert_eq!(unkept("Your name is not kept; /keep keeps it."), None);
        let (text, by) = ("tea): at five", name);
        assert_eq!(topic(&told(Answer::Topic { text, by })), Some(text));
        assert_eq!(topic(&told(Answer::NoTopic)), Some(""));
        for (notice, read) in [
            ("The operator chief has set the topic: tea", Some("tea")),
            ("The operator chief has taken the topic away.", Some("")),
            (
                "The operator chief announces: chief has set the topic: x",
                None,
            ),
            ("The chatroom is closing.", None),
        ] {
            assert_eq!(topic(notice), read, "{notice}");
        }
    }
}
