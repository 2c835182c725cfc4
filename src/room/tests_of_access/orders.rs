//! What operators may do, and nobody else.

use super::{Desk, key};
use crate::line::command::MODERATION;

/// Lets an operator say each line in a room of its own, and looks what anybody is told.
fn check(rows: &[(&str, &str)]) {
    for (line, told) in rows {
        assert_eq!(Desk::full().say(0, line), *told, "{line}");
    }
}

#[test]
fn operators_may_kick() {
    check(&[
        (
            "/kick bob",
            "ALL The operator chief has kicked bob.; 2 KICKED",
        ),
        (
            "/kick BOB too loud",
            "ALL The operator chief has kicked bob (too loud).; 2 KICKED",
        ),
        (
            "/kick mona",
            "ALL The operator chief has kicked mona.; 3 KICKED",
        ),
        ("/kick chief", "0 oneself That is you."),
        (
            "/kick vice",
            "0 is-operator That is an operator; /deop comes first: vice",
        ),
        (
            "/kick nobody-here",
            "0 nobody-called Nobody here is called nobody-here",
        ),
        ("/kick a:b", "0 bad-name That name has a colon in it: a:b"),
        (
            "/kick",
            "0 incomplete Your command lacks something: /kick NAME [REASON]",
        ),
    ]);
}

#[test]
fn operators_may_ban() {
    check(&[
        (
            "/ban bob for 2h noise",
            "ALL The operator chief has banned bob until 2025-11-25 16:00 UTC (noise).; \
             2 banned You are banned until 2025-11-25 16:00 UTC (noise); 2 BANNED",
        ),
        (
            "/ban gone",
            "ALL The operator chief has banned gone for good.",
        ),
        (
            "/ban 10.0.0.9",
            "ALL The operator chief has banned an address for good.; \
             9 banned You are banned for good; 9 BANNED",
        ),
        (
            "/ban 10.0.0.4/31 for 1m",
            "ALL The operator chief has banned an address until 2025-11-25 14:01 UTC.; \
             5 banned You are banned until 2025-11-25 14:01 UTC; 5 BANNED",
        ),
        ("/ban 10.0.0.0/24", "0 bans-you That would ban you, too."),
        ("/ban chief", "0 oneself That is you."),
        (
            "/ban vice",
            "0 is-operator That is an operator; /deop comes first: vice",
        ),
        ("/ban a:b", "0 bad-name That name has a colon in it: a:b"),
        (
            "/ban",
            "0 incomplete Your command lacks something: /ban WHO [for 2h] [REASON]",
        ),
        (
            "/unban bob",
            "0 not-banned Nobody is banned under that (/bans lists them): bob",
        ),
        (
            "/unban 10.0.0.1",
            "0 not-banned Nobody is banned under that (/bans lists them): 10.0.0.1",
        ),
        (
            "/unban",
            "0 incomplete Your command lacks something: /unban WHO",
        ),
        (
            "/bans",
            "0 bans Here is who is banned or muted (1):\n  mona: muted for good",
        ),
    ]);
}

#[test]
fn operators_may_mute_and_do_the_rest() {
    check(&[
        (
            "/mute bob for 10m",
            "ALL The operator chief has muted bob until 2025-11-25 14:10 UTC.",
        ),
        (
            "/mute gone",
            "ALL The operator chief has muted gone for good.",
        ),
        ("/mute chief", "0 oneself That is you."),
        (
            "/mute vice",
            "0 is-operator That is an operator; /deop comes first: vice",
        ),
        (
            "/mute",
            "0 incomplete Your command lacks something: /mute NAME [for 10m]",
        ),
        (
            "/unmute mona",
            "ALL The operator chief lets mona speak again.",
        ),
        ("/unmute bob", "0 already-so That is so already."),
        (
            "/topic tea",
            "ALL The operator chief has set the topic: tea",
        ),
        ("/topic -", "0 already-so That is so already."),
        (
            "/announce tea is ready",
            "ALL The operator chief announces: tea is ready",
        ),
        (
            "/slow 10",
            "ALL The operator chief lets each person say one line in 10 s.",
        ),
        ("/slow 0", "0 already-so That is so already."),
        (
            "/lock",
            "ALL The operator chief has locked the room: nobody new comes in.",
        ),
        ("/unlock", "0 already-so That is so already."),
    ]);
}

#[test]
fn operators_may_make_operators_and_know_more() {
    check(&[
        (
            "/op kept",
            "ALL The operator chief has made kept an operator.",
        ),
        ("/op vice", "0 already-so That is so already."),
        (
            "/op bob",
            "0 not-kept Nobody keeps that name, so it can't be an operator's (/keep comes first): bob",
        ),
        (
            "/deop vice",
            "ALL The operator chief has taken the operator's role from vice.",
        ),
        ("/deop kept", "0 already-so That is so already."),
        (
            "/whois bob",
            "0 whois That is bob, here since 2025-11-25 14:00 UTC, silent for 7 s, name not kept, \
             at 10.0.0.2.",
        ),
    ]);
}

#[test]
fn operators_may_free_a_kept_name() {
    check(&[
        (
            "/unkeep KEPT",
            "ALL The operator chief lets the name kept be anybody's again.",
        ),
        ("/unkeep bob", "0 not-kept Nobody keeps that name: bob"),
        ("/unkeep chief", "0 oneself That is you."),
        (
            "/unkeep vice",
            "0 is-operator That is an operator; /deop comes first: vice",
        ),
        ("/unkeep a:b", "0 bad-name That name has a colon in it: a:b"),
    ]);
    let mut desk = Desk::full();
    assert!(desk.enter(5, "kept", None).starts_with("5 name-kept"));
    assert_eq!(desk.enter(5, "kept", Some(key(203))), "");
    let version = desk.room.access().version();
    assert!(desk.say(0, "/unkeep kept").starts_with("ALL"));
    assert_ne!(desk.room.access().version(), version, "it is written down");
    assert!(
        desk.say(5, "/whoami").contains("name not kept"),
        "it stays, as anybody"
    );
    assert!(desk.say(5, "/keep").contains("KEY"), "and may keep it anew");
}

#[test]
fn whoever_is_no_operator_is_told_so_and_nothing_happens() {
    for (usage, _) in MODERATION {
        let line = usage.replace("[for 2h] [REASON]", "for 2h noise");
        let line = line.replace("[for 10m]", "for 10m").replace("SECONDS", "5");
        let line = line.replace("WHO", "10.0.0.0/8").replace("NAME", "bob");
        // Somebody, and somebody muted; who has gone has no slot to speak from.
        for slot in [1, 3] {
            let mut desk = Desk::full();
            let version = desk.room.access().version();
            let told = desk.say(slot, &line);
            let words = format!("{slot} for-operators Your command is for operators: /");
            assert!(told.starts_with(&words), "{line}: {told}");
            assert_eq!(desk.room.access().version(), version, "{line}");
        }
    }
}

#[test]
fn a_muted_person_says_nothing_but_may_ask() {
    let mut desk = Desk::full();
    let muted = "3 muted Your line was not sent: you are muted for good.";
    for line in ["hi", "/me waves", "/msg bob hi", "/r hi", "/nick other"] {
        assert_eq!(desk.say(3, line), muted, "{line}");
    }
    assert!(desk.say(3, "/who").starts_with("3 here "));
    // Coming back under the same name, otherwise written, changes nothing.
    desk.leave(3);
    assert_eq!(desk.enter(3, "Mona", None), "");
    assert_eq!(desk.say(3, "hi"), muted);
    assert!(desk.say(0, "/mute mona for 10m").starts_with("ALL"));
    desk.now_ms += 600_000;
    assert!(desk.say(3, "hi").starts_with("Said"));
}

#[test]
fn the_last_operator_stays_one() {
    let mut desk = Desk::full();
    let last = "last-operator The last operator stays one; make another first with /op NAME.";
    assert!(desk.say(0, "/deop vice").starts_with("ALL"));
    assert_eq!(desk.say(0, "/deop chief"), format!("0 {last}"));
    assert_eq!(desk.say(0, "/unkeep"), format!("0 {last}"));
    assert!(desk.say(4, "/lock").starts_with("4 for-operators"));
    assert!(desk.say(0, "/op vice").starts_with("ALL"));
    assert!(
        desk.say(0, "/deop chief").starts_with("ALL"),
        "there is another"
    );
    assert!(desk.say(0, "/lock").starts_with("0 for-operators"));
    assert!(desk.say(4, "/lock").starts_with("ALL"));
}

#[test]
fn a_slow_room_hears_one_line_of_each_in_a_time_and_operators_any_number() {
    let mut desk = Desk::full();
    desk.say(0, "/slow 10");
    assert!(desk.say(1, "one").starts_with("Said"));
    desk.now_ms += 2500;
    let slow =
        "1 slow Your line was not sent: the room is slow, one line in 10 s; try again in 8 s.";
    assert_eq!(
        (desk.say(1, "two").as_str(), desk.say(1, "/me too").as_str()),
        (slow, slow)
    );
    assert!(desk.say(2, "another").starts_with("Said"));
    assert!(desk.say(0, "one").starts_with("Said") && desk.say(0, "two").starts_with("Said"));
    desk.now_ms += 7500;
    assert!(desk.say(1, "two").starts_with("Said"));
    // A clock that is set back makes nobody wait longer than that.
    desk.now_ms -= 1_000_000;
    assert!(desk.say(1, "three").contains("try again in 10 s"));
    desk.say(0, "/slow 0");
    assert!(desk.say(1, "three").starts_with("Said"));
}
