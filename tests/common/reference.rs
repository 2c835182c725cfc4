//! The reference session of three people.

/// What the console of a server tells of it, and by that its course.
pub(crate) const TALK: &str = "\
soheil is joined to the chatroom!
ali is joined to the chatroom!
soheil said hello this is soheil
ali said hi soheil im ali
hasan is joined to the chatroom!
hasan said hi guys
soheil said hello hasan how are you
hasan said im fine thanks
hasan said hwo else is in chat?
ali said im here too
soheil said i must go. by guys
soheil has left the chatroom!
hasan has left the chatroom!
ali has left the chatroom!
";

/// What each person receives; the own typing is not part of it.
const SCREENS: [(&str, &str); 3] = [
    (
        "soheil",
        "\
Please enter your name:
Chat with your friends and enjoy
ali: hi soheil im ali
hasan: hi guys
hasan: im fine thanks
hasan: hwo else is in chat?
ali: im here too
",
    ),
    (
        "ali",
        "\
Please enter your name:
Chat with your friends and enjoy
soheil: hello this is soheil
hasan: hi guys
soheil: hello hasan how are you
hasan: im fine thanks
hasan: hwo else is in chat?
soheil: i must go. by guys
soheil has left the chatroom!
hasan has left the chatroom!
",
    ),
    (
        "hasan",
        "\
Please enter your name:
Chat with your friends and enjoy
soheil: hello hasan how are you
ali: im here too
soheil: i must go. by guys
soheil has left the chatroom!
",
    ),
];

/// Returns what somebody's screen shows at the end.
pub(crate) fn screen(name: &str) -> &'static str {
    let seat = SCREENS.into_iter().find(|seat| seat.0 == name);
    seat.expect("a person of the session").1
}
