//! Commands: who hears of each, what is refused, and what the log tells.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use common::{PROMPT, Peer, Server, notices};

#[test]
fn help_names_every_command_to_the_asker_alone() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    let help = notices(&mut ali, &bob, "bob", "/help").join("\n");
    for command in ["/help", "/who", "/me", "/msg", "/nick", "/quit"] {
        assert!(help.contains(command), "{command} is missing: {help}");
    }
    ali.say("thanks");
    bob.expect("ali: thanks");
}

#[test]
fn who_names_everybody_in_the_room_to_the_asker_alone() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("سهیل");
    let mut gone = server.join("gone");
    let mut stranger = server.connect();
    stranger.expect(PROMPT);
    gone.finish();
    for peer in [&mut ali, &mut bob] {
        peer.expect("gone has left the chatroom!");
    }
    let who = notices(&mut ali, &bob, "سهیل", "/who").join("\n");
    assert!(who.contains("ali") && who.contains("سهیل"), "{who}");
    assert!(!who.contains("gone"), "{who}");
    ali.say("thanks");
    bob.expect("ali: thanks");
}

#[test]
fn who_names_a_hundred_people_and_counts_a_thousand() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let bob = server.join("bob");
    let name_of = |number: usize| format!("member-number-{number:04}");
    let mut crowd: Vec<Peer> = Vec::new();
    for number in 0..100 {
        crowd.push(server.join(&name_of(number)));
    }
    let who = notices(&mut ali, &bob, "bob", "/who").join("\n");
    for number in 0..100 {
        let name = name_of(number);
        assert_eq!(who.matches(&name).count(), 1, "{name}: {who}");
    }
    for number in 100..1000 {
        crowd.push(server.join(&name_of(number)));
    }
    let who = notices(&mut ali, &bob, "bob", "/who").join("\n");
    assert!(who.contains("1002"), "{who}");
}

#[test]
fn me_tells_others_what_one_does() {
    let mut server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say("/me waves");
    bob.expect("* ali waves");
    server.expect_log("ali said /me waves");
    // A person's own deed does not come back either.
    bob.say("seen");
    ali.expect("bob: seen");
    // Nor can it be used to look like the server or somebody else.
    ali.say("/me waves\u{1b}[2K\rbob: I agree");
    bob.expect("* ali waves\u{fffd}[2K\u{fffd}bob: I agree");
}

#[test]
fn nick_changes_the_name_for_everybody() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say("/nick ZED");
    ali.expect("* You are now known as ZED.");
    bob.expect("ali is now known as ZED!");
    ali.say("hello");
    bob.expect("ZED: hello");
    bob.say("/msg ZED psst");
    ali.expect("bob (privately): psst");
    let who = notices(&mut bob, &ali, "ZED", "/who").join("\n");
    assert!(who.contains("ZED") && !who.contains("ali"), "{who}");
    // The old name is free, the new one is held.
    let mut stranger = server.connect();
    stranger.expect(PROMPT);
    stranger.say("zed");
    stranger.expect_notice("");
    stranger.expect(PROMPT);
    stranger.enter("ali");
    ali.finish();
    bob.expect("ZED has left the chatroom!");
}

#[test]
fn nick_may_change_only_the_case_of_ones_own_name() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say("/nick Ali");
    ali.expect("* You are now known as Ali.");
    bob.expect("ali is now known as Ali!");
}

#[test]
fn nick_refuses_what_the_prompt_refuses() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    let too_long = "a".repeat(33);
    for name in [
        "bob",
        "BOB",
        "b\u{43e}b",
        "b\u{200d}ob",
        "bob: hi",
        "a b",
        "*",
        "\u{301}x",
        "a\u{202e}b",
        &too_long,
        "",
    ] {
        let command = format!("/nick {name}");
        notices(&mut ali, &bob, "bob", &command);
    }
    ali.say("still me");
    bob.expect("ali: still me");
}

#[test]
fn quit_leaves_the_room() {
    let mut server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.send("bye\n/quit\nnever said\n");
    bob.expect("ali: bye");
    bob.expect("ali has left the chatroom!");
    server.expect_log("ali has left the chatroom!");
    let heir = server.join("ali");
    heir.say("new");
    bob.expect("ali: new");
    // Whatever farewell there is, the end comes.
    while let Some(line) = ali.line_or_end() {
        assert!(line.starts_with("* "), "{line:?}");
    }
}

#[test]
fn two_slashes_say_one() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say("//quit is how to leave");
    bob.expect("ali: /quit is how to leave");
    ali.say("//");
    bob.expect("ali: /");
    ali.say("///x");
    bob.expect("ali: //x");
}

#[test]
fn an_unknown_command_is_answered_and_not_broadcast() {
    let mut server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    for command in ["/pasword hunter2", "/", "/mee waves", "/QUITE", "/ quit"] {
        notices(&mut ali, &bob, "bob", command);
    }
    ali.say("well");
    bob.expect("ali: well");
    let log = server.stop().join("\n");
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn commands_in_capitals_were_unknown() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say("/WHO");
    ali.expect("* Here (2): ali, bob");
    ali.say("/Me waves");
    bob.expect("* ali waves");
    ali.say("/MSG bob psst");
    bob.expect("ali (privately): psst");
    ali.say("  /Quit");
    bob.expect("ali has left the chatroom!");
}

#[test]
fn a_path_was_taken_for_a_command() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    for text in [
        "/etc/passwd is a file",
        "/r/rust is a place",
        "/24 is a small net",
        "/* a comment */",
        "/!\\ careful",
        "  //indented",
        "and/or",
    ] {
        ali.say(text);
        bob.expect(&format!("ali: {text}"));
    }
}

#[test]
fn a_mistyped_command_is_never_said_to_the_room() {
    let mut server = Server::start(&[]);
    let mut ali = server.join("ali");
    let bob = server.join("bob");
    for command in [
        "/mgs bob hunter2",
        "/ msg bob hunter2",
        " /mgs bob hunter2",
        "/MGS\tbob hunter2",
        "/پیام bob hunter2",
        "/msg\u{200b}bob hunter2",
        "/\u{200b}msg bob hunter2",
    ] {
        let answer = notices(&mut ali, &bob, "bob", command);
        assert_eq!(answer.len(), 1, "{command:?}: {answer:?}");
    }
    assert!(!server.stop().join("\n").contains("hunter2"));
}

#[test]
fn the_list_of_a_big_room_was_cut_before_the_one_who_was_looked_for() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let bob = server.join("bob");
    let mut crowd: Vec<Peer> = Vec::new();
    for number in 0..300 {
        crowd.push(server.join(&format!("member-number-{number:04}")));
    }
    crowd.push(server.join("سهیل"));
    let all = notices(&mut ali, &bob, "bob", "/who");
    assert!(all.len() == 1 && !all[0].contains("سهیل"), "{all:?}");
    for (command, answer) in [
        ("/who هی", "* Here (1 of 303): سهیل"),
        ("/who NUMBER-0299", "* Here (1 of 303): member-number-0299"),
        (" /Who  BO ", "* Here (1 of 303): bob"),
        ("/who eve", "* Nobody here has this in the name: eve"),
    ] {
        assert_eq!(
            notices(&mut ali, &bob, "bob", command),
            [answer],
            "{command}"
        );
    }
}

#[test]
fn the_log_tells_what_was_said_and_not_what_was_typed() {
    let mut server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    for (typed, said, heard) in [
        (
            "//quit is how to leave",
            "/quit is how to leave",
            "ali: /quit is how to leave",
        ),
        ("//", "/", "ali: /"),
        ("  /ME  waves ", "/me waves", "* ali waves"),
    ] {
        ali.say(typed);
        bob.expect(heard);
        server.expect_log(&format!("ali said {said}"));
    }
    assert!(!server.stop().iter().any(|text| text.contains("//")));
}
