//! Scenes of many who want something at once: everybody gets its turn.

use std::time::Duration;

use chatroom::hub::disconnect::Disconnect;
use chatroom::hub::limits::Limits;

use crate::limits;
use crate::rig::drive::Drive;
use crate::rig::wire::EVERYTHING;

#[test]
fn a_fast_sender_is_slowed_and_loses_nothing() {
    let mut scene = Drive::new(Limits {
        rate: 10,
        burst: 5,
        ..limits()
    });
    let ears = scene.join("ears", EVERYTHING);
    let sender = scene.join("sender", EVERYTHING);
    scene.heard(ears);
    for n in 0..50 {
        scene.say(sender, &format!("{n}"));
    }
    scene.wire(sender).finish();
    scene.settle();
    let at_once = scene.heard(ears).lines().count();
    assert!(at_once <= 5, "{at_once}");
    let mut heard = at_once;
    for second in 1..=5 {
        for _ in 0..20 {
            scene.pass(Duration::from_millis(50));
        }
        heard += scene.heard(ears).matches("sender: ").count();
        assert!(
            (10 * second - 2..=10 * second + 6).contains(&heard),
            "{heard} after {second} s"
        );
    }
    assert_eq!(heard, 50, "all of it, before its end");
    assert!(!scene.is_open(sender));
}

#[test]
fn one_who_never_stops_talking_starves_nobody() {
    const FLOOD: usize = 100_000;
    let mut scene = Drive::new(limits());
    let ears = scene.join("ears", EVERYTHING);
    let flood = scene.join("flood", EVERYTHING);
    let quiet: Vec<usize> = (0..1000)
        .map(|n| scene.join(&format!("q{n}"), EVERYTHING))
        .collect();
    scene.settle();
    scene.heard(ears);
    for _ in 0..FLOOD {
        scene.say(flood, "more and more and more of it");
    }
    scene.turn();
    for &key in &quiet {
        scene.say(key, "me too");
    }
    // Everybody has to be visited in between, which takes turns, but not until the flood is over.
    for _ in 0..200 {
        scene.turn();
    }
    let heard = scene.heard(ears);
    assert_eq!(heard.matches(": me too\n").count(), 1000);
    assert!(heard.matches("flood: ").count() < FLOOD);
    scene.settle();
    let rest = scene.heard(ears).matches("flood: ").count();
    assert_eq!(
        heard.matches("flood: ").count() + rest,
        FLOOD,
        "every byte is handled"
    );
}

/// Sixteen who always had more to say used up each turn: who had to wait waited for ever.
#[test]
fn however_many_never_stop_talking_everybody_is_heard() {
    // As much as is heard of one in a turn and more, and a little less.
    for (floods, waiting) in [
        (15, 3000_usize),
        (16, 3000),
        (40, 3000),
        (20, 1000),
        (40, 1000),
    ] {
        let mut scene = Drive::new(limits());
        let ears = scene.join("ears", EVERYTHING);
        let quiet = scene.join("quiet", EVERYTHING);
        let floods: Vec<usize> = (0..floods)
            .map(|n| scene.join(&format!("f{n}"), EVERYTHING))
            .collect();
        scene.settle();
        scene.heard(ears);
        let mut heard = String::new();
        for turn in 0..240 {
            for &key in &floods {
                let mut wire = scene.wire(key);
                // Empty lines cost work, too, but fill no transcript.
                let missing = waiting.saturating_sub(wire.arrived.len());
                wire.arrived.extend(std::iter::repeat_n(b'\n', missing));
                wire.readable = true;
            }
            if turn == 10 {
                scene.say(quiet, "hello");
                for &key in &floods {
                    scene.say(key, "I am still here");
                }
            }
            scene.turn();
            heard += &scene.heard(ears);
        }
        assert!(heard.contains("quiet: hello\n"), "{} floods", floods.len());
        let still_here = heard.matches(": I am still here\n").count();
        assert_eq!(still_here, floods.len());
    }
}

/// Who had caught up was still taken for who fell behind before: the second burst cut it.
#[test]
fn one_burst_after_another_cuts_nobody_who_reads_on() {
    let mut scene = Drive::new(Limits {
        backlog_bytes: 64 * 1024,
        ..limits()
    });
    let slow = scene.join("slow", 100);
    let sender = scene.join("sender", EVERYTHING);
    let text = "x".repeat(300);
    for burst in 0..4 {
        for n in 0..2000 {
            scene.say(sender, &format!("{n} {text}"));
        }
        for _ in 0..100 {
            scene.wire(slow).open_window(20_000);
            scene.pass(Duration::from_millis(20));
        }
        assert!(scene.is_open(slow), "burst {burst}");
        assert_eq!(scene.heard(slow).matches(&text).count(), 2000);
        scene.pass(Duration::from_secs(13));
    }
}

/// Where names are waited for for ever, one silent connection kept all that came later on a list.
#[test]
fn who_came_and_went_is_not_remembered_for_ever() {
    let mut scene = Drive::new(Limits {
        name_timeout_s: 0,
        ..limits()
    });
    let silent = scene.connect(EVERYTHING);
    for _ in 0..10_000 {
        let key = scene.connect(EVERYTHING);
        scene.wire(key).finish();
        scene.settle();
        scene.forget_the_gone();
    }
    assert!(scene.is_open(silent));
    let remembered = scene.hub.audit().newcomers;
    assert!(remembered <= 2 * 2 + 1024 + 1, "{remembered}");
}

/// Who took private bytes while more came was taken for somebody who takes nothing.
#[test]
fn who_reads_its_answers_slowly_is_not_cut_as_stalled() {
    let mut scene = Drive::new(Limits {
        stall_timeout_s: 20,
        ..limits()
    });
    let slow = scene.join("slow", 58);
    for _ in 0..60 {
        scene.say(slow, "/who");
        scene.wire(slow).open_window(10);
        scene.pass(Duration::from_secs(1));
        assert!(scene.is_open(slow));
    }
    assert_eq!(scene.hub.disconnects().of(Disconnect::Stalled), 0);
}

/// A private line longer than what may wait was refused although nothing waited.
#[test]
fn a_long_private_line_reaches_who_reads() {
    let mut scene = Drive::new(Limits {
        max_line_bytes: 64 * 1024,
        ..limits()
    });
    let ali = scene.join("ali", EVERYTHING);
    let bob = scene.join("bob", EVERYTHING);
    scene.settle();
    scene.heard(bob);
    let text = "x".repeat(20_000);
    scene.say(ali, &format!("/msg bob {text}"));
    scene.settle();
    assert_eq!(scene.heard(bob), format!("ali (privately): {text}\n"));
}
