//! Private messages: who hears of them, who is told that they arrived, and whom `/r` answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use common::{Server, notices};

#[test]
fn a_private_message_is_seen_by_its_recipient_alone() {
    let mut server = Server::start(&["--history", "10"]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    let mut eve = server.join("eve");
    ali.say("/msg bob hi, a secret");
    bob.expect("ali (privately): hi, a secret");
    ali.say("to all");
    bob.expect("ali: to all");
    eve.expect("ali: to all");
    let mut late = server.join("late");
    late.expect_notice("The line from before you came, ");
    late.expect("ali: to all");
    late.expect("* That was before.");
    bob.say("later");
    eve.expect("bob: later");
    late.expect("bob: later");
    for (peer, times) in [(&mut bob, 1), (&mut eve, 0), (&mut late, 0)] {
        let screen = String::from_utf8(peer.finish()).unwrap();
        assert_eq!(screen.matches("a secret").count(), times, "{screen}");
    }
    let log = server.stop().join("\n");
    assert!(log.contains("ali said to all"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn a_private_message_finds_names_of_any_script() {
    let server = Server::start(&[]);
    let mut ali = server.join("李雷");
    let mut bob = server.join("سهیل");
    ali.say("/msg سهیل سلام  دو فاصله");
    bob.expect("李雷 (privately): سلام  دو فاصله");
    ali.expect("* Your message reached سهیل.");
    bob.say("/msg 李雷 你好");
    ali.expect("سهیل (privately): 你好");
}

#[test]
fn a_private_message_to_nobody_is_answered_with_a_notice() {
    let mut server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    for command in ["/msg nobody a secret", "/msg nobody", "/msg"] {
        notices(&mut ali, &bob, "bob", command);
    }
    ali.say("well");
    bob.expect("ali: well");
    let log = server.stop().join("\n");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn a_private_message_behind_a_blank_was_said_to_the_whole_room() {
    let mut server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    let mut eve = server.join("eve");
    for (number, blank) in [" ", "\t", "  \u{a0}", "\u{feff}", "\u{200b}"]
        .iter()
        .enumerate()
    {
        ali.say(format!("{blank}/msg bob the code is {number}"));
        bob.expect(&format!("ali (privately): the code is {number}"));
    }
    ali.say("to all");
    eve.expect("ali: to all");
    assert!(!server.stop().join("\n").contains("code"));
}

#[test]
fn the_sender_of_a_private_message_was_told_nothing() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    let answer = notices(&mut ali, &bob, "bob", "/msg BOB psst");
    assert_eq!(answer, ["* Your message reached bob."]);
    bob.expect("ali (privately): psst");
    ali.say("/msg ali note to self");
    ali.expect("ali (privately): note to self");
    ali.expect("* Your message reached ali.");
    ali.say("well");
    bob.expect("ali: well");
}

#[test]
fn r_answers_whoever_wrote_privately_last() {
    let mut server = Server::start(&[]);
    let (mut ali, mut bob) = (server.join("ali"), server.join("bob"));
    let mut eve = server.join("eve");
    let nobody = "* Nobody who is here has said anything to you alone so far.";
    assert_eq!(notices(&mut bob, &ali, "ali", "/r hunter2"), [nobody]);
    assert_eq!(
        notices(&mut bob, &ali, "ali", "/r"),
        ["* Your command lacks something: /r TEXT"]
    );
    eve.expect("ali: marker");
    eve.expect("ali: marker");
    ali.say("/msg bob one");
    bob.expect("ali (privately): one");
    eve.say("/msg bob two");
    bob.expect("eve (privately): two");
    bob.say(" /R hunter2");
    bob.expect("* Your message reached eve.");
    eve.expect("* Your message reached bob.");
    eve.expect("bob (privately): hunter2");
    // Who goes by another name is still who it was.
    eve.say("/nick zoe");
    bob.expect("eve is now known as zoe!");
    bob.say("/r hunter2");
    bob.expect("* Your message reached zoe.");
    ali.expect("* Your message reached bob.");
    ali.expect("eve is now known as zoe!");
    assert!(!server.stop().join("\n").contains("hunter2"));
}

#[test]
fn r_never_answers_a_newcomer_in_the_place_of_who_left() {
    let mut server = Server::start(&[]);
    let mut bob = server.join("bob");
    for round in 0..5 {
        let mut eve = server.join("eve");
        eve.say("/msg bob psst");
        bob.expect("eve (privately): psst");
        eve.finish();
        bob.expect("eve has left the chatroom!");
        // The newcomer has the slot of who left, and the name.
        let mut other = server.join("eve");
        bob.say("/r hunter2");
        bob.expect_notice("Nobody who is here");
        bob.say(format!("round {round}"));
        other.expect(&format!("bob: round {round}"));
        other.finish();
        bob.expect("eve has left the chatroom!");
    }
    assert!(!server.stop().join("\n").contains("hunter2"));
}
