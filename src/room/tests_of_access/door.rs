//! Who comes in, who has which name, and what everybody may ask and wish.

use std::net::IpAddr;

use super::{Desk, NOW, id, key};
use crate::line::command::{MODERATION, USAGE};
use crate::room::{Claim, Name, Room};

#[test]
fn what_everybody_may_ask() {
    for (line, told) in [
        ("/topic", "1 topic The room has no topic."),
        ("/motd", "1 motd The room has no message of the day."),
        ("/ignored", "1 ignored You ignore nobody."),
        (
            "/whoami",
            "1 whois You are ali, here since 2025-11-25 14:00 UTC, silent for 7 s, name not kept, \
             at 10.0.0.1.",
        ),
        (
            "/whois CHIEF",
            "1 whois That is chief, here since 2025-11-25 14:00 UTC, silent for 7 s, name kept, \
             operator.",
        ),
        (
            "/whois mona",
            "1 whois That is mona, here since 2025-11-25 14:00 UTC, silent for 7 s, name not kept, \
             muted for good.",
        ),
        ("/whois gone", "1 nobody-called Nobody here is called gone"),
        (
            "/whois",
            "1 incomplete Your command lacks something: /whois NAME",
        ),
        (
            "/newkey",
            "1 not-kept Your name is not kept; /keep keeps it.",
        ),
        (
            "/unkeep",
            "1 not-kept Your name is not kept; /keep keeps it.",
        ),
        ("/keep", "1 KEY of ali"),
        ("/ignore ali", "1 oneself That is you."),
        ("/ignore gone", "1 nobody-called Nobody here is called gone"),
        ("/ignore BOB", "1 ignoring You ignore bob now."),
        ("/unignore bob", "1 already-so That is so already."),
        (
            "/nick kept",
            "1 name-kept That name is kept; give it with its key, or another name: kept",
        ),
    ] {
        let said = Desk::full().say(1, line);
        if line != "/nick kepτ" {
            assert_eq!(said, told, "{line}");
        }
    }
    let help = Desk::full().say(1, "/help moderation");
    assert!(
        help.starts_with("1 help Here is what operators can type:\n  /kick NAME"),
        "{help}"
    );
}

#[test]
fn the_banned_stay_out_until_their_time_is_over() {
    let mut desk = Desk::full();
    desk.say(0, "/ban bob for 1m noise");
    desk.leave(2);
    let [bob, other] = ["10.0.0.2", "10.0.0.7"].map(|address| address.parse::<IpAddr>().unwrap());
    let access = |desk: &Desk, address| {
        let refusal = desk.room.access().refusal(address, desk.now_ms);
        refusal.map(|answer| answer.to_string())
    };
    let words = "You are banned until 2025-11-25 14:01 UTC (noise)";
    assert_eq!(access(&desk, bob).as_deref(), Some(words));
    assert_eq!(access(&desk, other), None);
    let words =
        "7 name-banned That name is banned until 2025-11-25 14:01 UTC (noise): Bob; 7 PROMPT";
    assert_eq!(desk.enter(7, "Bob", None), words);
    assert!(desk.say(1, "/nick bob").starts_with("1 name-banned"));
    desk.now_ms += 60_000;
    assert_eq!(
        (access(&desk, bob), desk.enter(7, "Bob", None)),
        (None, String::new())
    );
    // And when an operator says so, by name or by address.
    for unban in ["/unban eve", "/unban 10.0.0.8"] {
        assert_eq!(desk.enter(8, "eve", None), "");
        assert!(desk.say(0, "/ban eve").contains("8 BANNED"));
        desk.leave(8);
        assert!(
            desk.say(0, "/bans")
                .contains("\n  eve 10.0.0.8/32: for good, by chief")
        );
        assert!(desk.say(0, unban).starts_with("ALL The operator chief "));
        assert_eq!(access(&desk, "10.0.0.8".parse().unwrap()), None);
    }
}

#[test]
fn a_kept_name_is_for_who_has_the_key() {
    let mut desk = Desk::full();
    assert_eq!(desk.say(1, "/keep"), "1 KEY of ali");
    let ali = desk.told.last_key;
    assert!(
        desk.say(1, "/keep")
            .starts_with("1 kept-already You keep the name ali already")
    );
    desk.leave(1);
    for (name, key, told) in [
        (
            "ali",
            None,
            "name-kept That name is kept; give it with its key, or another name: ali",
        ),
        (
            "AlI",
            None,
            "name-kept That name looks like ali, which is kept: AlI",
        ),
        (
            "ali",
            Some(key(99)),
            "wrong-key That is not the key of ali.",
        ),
        (
            "eve",
            ali,
            "not-kept That name is not kept, so give it without a key: eve",
        ),
    ] {
        assert_eq!(desk.enter(1, name, key), format!("1 {told}; 1 PROMPT"));
    }
    assert_eq!(desk.enter(1, "ALI", ali), "");
    assert_eq!(desk.room.names().of(id(1)), "ali", "as it is kept");
    // A new key in place of the old one.
    assert_eq!(desk.say(1, "/newkey"), "1 KEY of ali");
    let new = desk.told.last_key;
    desk.leave(1);
    assert!(desk.enter(1, "ali", ali).starts_with("1 wrong-key"));
    assert_eq!(desk.enter(1, "ali", new), "");
    // Under another name it is still its keeper, and has one name only.
    assert!(desk.say(1, "/nick zed").starts_with("Renamed"));
    assert!(
        desk.say(1, "/keep")
            .contains("You keep the name ali already")
    );
    assert!(
        desk.say(1, "/nick Ali").starts_with("Renamed"),
        "one's own needs no key"
    );
    assert_eq!(
        desk.say(1, "/unkeep"),
        "1 unkept Your name ali is not kept any more."
    );
    desk.leave(1);
    assert_eq!(desk.enter(8, "ali", None), "");
}

#[test]
fn a_ghost_makes_place_for_who_has_the_key() {
    let mut desk = Desk::full();
    let told = desk.enter(8, "chief", Some(key(201)));
    assert_eq!(
        told,
        "0 replaced You have come back on another connection.; 0 REPLACED"
    );
    assert_eq!(
        desk.room.names().find(&Name::parse("chief").unwrap()),
        Some(id(8))
    );
    assert!(
        desk.say(8, "/announce back")
            .starts_with("ALL The operator chief")
    );
    assert_eq!(
        desk.enter(9, "bob", None),
        "9 name-taken That name is taken: bob; 9 PROMPT"
    );
    // By /nick, too.
    assert_eq!(desk.room.names().of(id(4)), "vice");
    let line = format!("/nick vice {}", key(202).reveal());
    assert!(desk.say(1, &line).contains("4 replaced"));
}

#[test]
fn only_so_many_names_are_kept() {
    let mut desk = Desk::full();
    assert_eq!(desk.say(1, "/keep"), "1 KEY of ali");
    assert_eq!(desk.say(2, "/keep"), "2 KEY of bob");
    assert_eq!(
        desk.say(3, "/keep"),
        "3 kept-full The room keeps as many names as it can."
    );
    desk.leave(1);
    desk.room.access_mut().lapse(NOW + 91 * 86_400_000);
    assert_eq!(desk.say(3, "/keep"), "3 KEY of mona", "ali's has lapsed");
    let kept = desk.room.access().kept().map(|kept| kept.name.as_str());
    assert_eq!(kept.collect::<Vec<_>>(), ["bob", "chief", "mona", "vice"]);
    desk.told.keys = 99;
    let told = "1 keys-run-out The system gave no key; try again.";
    assert_eq!(desk.say(1, "/keep"), told);
}

#[test]
fn a_locked_room_lets_in_who_has_a_key() {
    let mut desk = Desk::full();
    desk.say(0, "/lock");
    let locked = "8 locked The room is locked: nobody new comes in for now.; 8 PROMPT";
    assert_eq!(desk.enter(8, "new", None), locked);
    assert_eq!(desk.enter(8, "kept", Some(key(203))), "");
    assert!(
        desk.say(1, "/nick other").starts_with("Renamed"),
        "who is in is in"
    );
    desk.say(0, "/unlock");
    assert_eq!(desk.enter(9, "new", None), "");
}

#[test]
fn newcomers_are_told_the_topic_and_the_message_of_the_day() {
    let mut desk = Desk::full();
    desk.say(0, "/topic tea and cake");
    desk.room
        .access_mut()
        .set_motd("be kind\nand brief".to_owned());
    let topic = "topic The topic (by chief): tea and cake";
    let motd = "motd The message of the day:\n  be kind\n  and brief";
    assert_eq!(desk.enter(8, "new", None), format!("8 {motd}; 8 {topic}"));
    assert_eq!(desk.say(1, "/topic"), format!("1 {topic}"));
    assert_eq!(desk.say(1, "/motd"), format!("1 {motd}"));
    desk.say(0, "/topic -");
    assert_eq!(desk.say(1, "/topic"), "1 topic The room has no topic.");
}

#[test]
fn whom_one_ignores_can_reach_one_in_no_way() {
    let mut desk = Desk::full();
    assert_eq!(desk.say(1, "/ignore bob"), "1 ignoring You ignore bob now.");
    assert_eq!(desk.room.access().ignoring(id(2)), [id(1)]);
    let refused = "2 ignores-you Your line was not sent: ali ignores you.";
    assert_eq!(desk.say(2, "/msg ali hi"), refused);
    assert_eq!(
        desk.say(1, "/ignore bob"),
        "1 already-so That is so already."
    );
    assert!(desk.say(2, "/nick robert").starts_with("Renamed"));
    assert_eq!(desk.say(1, "/ignored"), "1 ignored You ignore: robert");
    desk.leave(2);
    assert_eq!(
        desk.say(1, "/unignore robert"),
        "1 not-ignoring You hear robert again."
    );
    assert_eq!(desk.say(1, "/ignored"), "1 ignored You ignore nobody.");
}

#[test]
fn a_room_that_keeps_nothing_has_no_operators() {
    let mut desk = Desk::empty();
    desk.room = Room::default();
    assert_eq!(desk.enter(1, "ali", None), "");
    for line in ["/keep", "/newkey", "/unkeep"] {
        let told = "1 nothing-kept The room keeps no names: it was started without --state.";
        assert_eq!(desk.say(1, line), told, "{line}");
    }
    assert!(desk.say(1, "/kick ali").starts_with("1 for-operators"));
    assert_eq!(
        desk.say(1, "/whoami"),
        "1 whois You are ali, silent for 7 s, name not kept, at 10.0.0.1."
    );
    assert_eq!(desk.room.access().version(), 0);
}

#[test]
fn without_a_name_every_command_is_a_name_that_nobody_may_have() {
    let mut desk = Desk::full();
    let usages = USAGE.iter().chain(&MODERATION);
    for line in usages.map(|(usage, _)| usage.split(' ').next().unwrap()) {
        let told = desk.enter(8, line, None);
        let words = "8 bad-name That name doesn't start with a letter or digit";
        assert!(
            told.starts_with(words) && told.ends_with("; 8 PROMPT"),
            "{told}"
        );
    }
}

#[test]
fn a_line_at_the_prompt_is_a_name_and_perhaps_a_key() {
    let shown = key(7).reveal();
    for (line, name, has_key) in [
        ("ali".to_owned(), "ali", true),
        (format!("ali {shown}"), "ali", false),
        (format!("ali  {shown} "), "ali", false),
    ] {
        let claim = Claim::parse(&line);
        assert_eq!((claim.name, claim.key.is_none()), (name, has_key), "{line}");
    }
    assert_eq!(
        Claim::parse("a b").name,
        "a b",
        "refused for the space, and shown"
    );
    // What is nearly a key is shown to nobody, and logged nowhere.
    let mistyped = format!("ali {}", &shown[1..]);
    let claim = Claim::parse(&mistyped);
    assert_eq!((claim.name, claim.key), ("ali ", None));
}
