//! Scenes that chance seldom plays: each is one promise, put to the test on purpose.

use std::time::Duration;

use chatroom::feed::slow_readers::WAIT_MAX;
use chatroom::hub::Readiness;
use chatroom::hub::disconnect::Disconnect;
use chatroom::hub::limits::{Limits, Slice};

use crate::limits;
use crate::rig::drive::{Drive, HOME};
use crate::rig::wire::EVERYTHING;

#[test]
fn an_event_for_who_had_the_slot_before_does_no_harm() {
    let mut scene = Drive::new(limits());
    let ears = scene.join("ears", EVERYTHING);
    let first = scene.join("first", EVERYTHING);
    scene.wire(first).reset();
    scene.settle();
    assert!(!scene.is_open(first));
    let second = scene.connect(EVERYTHING);
    let slot = scene.peers[first].id;
    assert_eq!(scene.peers[second].id, slot, "the slot is used again");
    let stale = Readiness {
        readable: true,
        writable: true,
        read_until_empty: true,
    };
    scene.hub.ready(slot, stale);
    scene.say(second, "second");
    scene.say(second, "hello");
    scene.settle();
    assert!(scene.is_open(second));
    assert!(
        scene
            .heard(ears)
            .ends_with("first has left the chatroom!\nsecond: hello\n")
    );
}

#[test]
fn a_thousand_overrun_by_one_line_leave_once_each_and_in_order() {
    let backlog_bytes = 64 * 1024;
    let mut scene = Drive::new(Limits {
        backlog_bytes,
        stall_timeout_s: 0,
        ..limits()
    });
    let ears = scene.join("ears", EVERYTHING);
    let speaker = scene.join("speaker", EVERYTHING);
    let stuck: Vec<usize> = (0..1000)
        .map(|n| scene.join(&format!("stuck{n}"), 58))
        .collect();
    scene.settle();
    // They have taken prompt and greeting and nothing more; none is waited for.
    scene.pass(Duration::from_secs(10));
    let line = "x".repeat(1000);
    while scene.hub.disconnects().of(Disconnect::SlowReader) == 0 {
        scene.say(speaker, &line);
        scene.pass(Duration::from_millis(20));
    }
    scene.settle();
    assert_eq!(scene.hub.disconnects().of(Disconnect::SlowReader), 1000);
    assert!(stuck.iter().all(|&key| !scene.is_open(key)));
    let left = |heard: &str| -> Vec<String> {
        let left = heard
            .lines()
            .filter_map(|line| line.strip_suffix(" has left the chatroom!"));
        left.map(str::to_owned).collect()
    };
    let heard = left(&scene.heard(ears));
    assert_eq!(heard.len(), 1000);
    assert_eq!(left(&scene.heard(speaker)), heard, "one order for all");
    let unique: std::collections::HashSet<&String> = heard.iter().collect();
    assert_eq!(unique.len(), 1000);
}

#[test]
fn a_storm_of_leaving_overruns_nobody_who_keeps_up() {
    let mut scene = Drive::new(Limits {
        backlog_bytes: 64 * 1024,
        slice: Slice {
            slots: 100,
            ..Slice::default()
        },
        ..limits()
    });
    let long = "n".repeat(24);
    let keepers: Vec<usize> = (0..20)
        .map(|n| scene.join(&format!("k{n}"), EVERYTHING))
        .collect();
    let leavers: Vec<usize> = (0..3000)
        .map(|n| scene.join(&format!("{n}{long}"), EVERYTHING))
        .collect();
    scene.settle();
    for &key in &leavers {
        scene.wire(key).reset();
    }
    scene.settle();
    assert_eq!(scene.hub.len(), keepers.len());
    for key in keepers {
        let heard = scene.heard(key);
        assert_eq!(heard.matches(" has left the chatroom!\n").count(), 3000);
    }
}

#[test]
fn a_burst_of_any_size_cuts_nobody_who_reads_on() {
    let mut scene = Drive::new(Limits {
        backlog_bytes: 64 * 1024,
        ..limits()
    });
    let slow: Vec<usize> = (0..11)
        .map(|n| scene.join(&format!("slow{n}"), 1000))
        .collect();
    let senders: Vec<usize> = (0..10)
        .map(|n| scene.join(&format!("s{n}"), EVERYTHING))
        .collect();
    let ears = scene.join("ears", EVERYTHING);
    for &key in &senders {
        for n in 0..200 {
            scene.say(key, &format!("{n} {}", "x".repeat(300)));
        }
    }
    // 600 KB said at once, ten times the backlog; half of the room takes 20 KB every 20 ms.
    let mut waited = false;
    for _ in 0..100 {
        for &key in &slow {
            scene.wire(key).open_window(20_000);
        }
        scene.pass(Duration::from_millis(20));
        waited |= scene.hub.audit().held_bytes > 0;
    }
    assert!(waited, "the senders were not slowed");
    let common = scene.heard(ears);
    let common = &common[common.find("s0: 0 ").unwrap()..];
    for key in slow {
        assert!(scene.is_open(key));
        let heard = scene.heard(key);
        assert_eq!(heard.matches(&"x".repeat(300)).count(), 2000);
        assert!(heard.ends_with(common), "all of it, in the same order");
    }
}

#[test]
fn who_stands_still_or_creeps_holds_nobody_up_for_long() {
    for creeps in [false, true] {
        let backlog_bytes = 64 * 1024;
        let mut scene = Drive::new(Limits {
            backlog_bytes,
            stall_timeout_s: 0,
            ..limits()
        });
        let slow = scene.join("slow", 100);
        let sender = scene.join("sender", EVERYTHING);
        let ears = scene.join("ears", EVERYTHING);
        for n in 0..1000 {
            scene.say(sender, &format!("{n} {}", "x".repeat(300)));
        }
        let start = scene.now;
        let mut heard = 0;
        while heard < 1000 {
            if creeps && scene.is_open(slow) {
                scene.wire(slow).open_window(1);
            }
            scene.pass(Duration::from_millis(100));
            heard += scene.heard(ears).matches("sender: ").count();
            assert!(
                scene.now - start < WAIT_MAX + Duration::from_secs(1),
                "{heard} heard"
            );
        }
        let took = scene.now - start;
        assert!(creeps || took <= Duration::from_secs(1), "took {took:?}");
        assert!(
            !scene.is_open(slow),
            "it was overrun, and not waited for any longer"
        );
        assert_eq!(scene.hub.disconnects().of(Disconnect::SlowReader), 1);
    }
}

#[test]
fn names_are_waited_for_as_long_as_told_whatever_the_clock_does() {
    let mut scene = Drive::new(Limits {
        name_timeout_s: 30,
        ..limits()
    });
    let silent = scene.connect(EVERYTHING);
    let named = scene.join("named", EVERYTHING);
    scene.pass(Duration::from_secs(29));
    // An hour back and on again: nobody is early, nobody is late.
    let now = scene.now;
    scene.now = now.minus(Duration::from_hours(1));
    scene.turn();
    scene.now = now;
    assert!(scene.is_open(silent));
    scene.pass(Duration::from_secs(2));
    assert!(!scene.is_open(silent));
    assert!(
        scene
            .heard(silent)
            .ends_with("* Your name did not come within 30 s; join again.\n")
    );
    assert!(scene.is_open(named));
    assert_eq!(scene.hub.disconnects().of(Disconnect::NameTimeout), 1);
    assert_eq!(scene.hub.deadline(), None, "nothing wakes an idle room");
}

#[test]
fn the_nameless_hold_half_of_the_places_and_the_oldest_make_place() {
    let mut scene = Drive::new(Limits {
        max_connections: 10,
        ..limits()
    });
    let silent: Vec<usize> = (0..5).map(|_| scene.connect(EVERYTHING)).collect();
    scene.settle();
    assert!(scene.hub.admit(HOME).is_ok());
    let person = scene.join("person", EVERYTHING);
    scene.settle();
    assert!(scene.is_open(person) && !scene.is_open(silent[0]) && scene.is_open(silent[1]));
    assert!(
        scene
            .heard(silent[0])
            .ends_with("* Your place is needed; join again, and give a name sooner.\n")
    );
}

#[test]
fn silence_and_standing_still_end_in_their_time() {
    let limits = Limits {
        idle_timeout_s: 10,
        stall_timeout_s: 20,
        ..limits()
    };
    let mut scene = Drive::new(limits);
    let quiet = scene.join("quiet", EVERYTHING);
    let talker = scene.join("talker", EVERYTHING);
    // It talks, but reads nothing.
    let stuck = scene.join("stuck", 58);
    for second in 1..=40 {
        scene.say(talker, "hello");
        if scene.is_open(stuck) {
            scene.say(stuck, "hello");
        }
        scene.pass(Duration::from_secs(1));
        assert_eq!(scene.is_open(quiet), second <= 10, "after {second} s");
        assert_eq!(scene.is_open(stuck), second < 21, "after {second} s");
    }
    assert!(scene.is_open(talker));
    assert!(
        scene
            .heard(quiet)
            .ends_with("* You were silent for 10 s; join again.\n")
    );
    assert_eq!(scene.hub.disconnects().of(Disconnect::Stalled), 1);
}

/// Input that waited was overtaken by what came when a write had failed: the room heard the end of
/// a line as if it were a whole one.
#[test]
fn a_line_that_waited_is_not_torn_when_the_connection_breaks() {
    let mut scene = Drive::new(Limits {
        rate: 1,
        burst: 3,
        ..limits()
    });
    let ears = scene.join("ears", EVERYTHING);
    let speaker = scene.join("speaker", EVERYTHING);
    scene.heard(ears);
    scene.say(speaker, "one");
    scene.say(speaker, "two");
    scene.wire(speaker).arrived.extend(b"I would never say: ");
    scene.turn();
    // The rest arrives with the break; the next line to it fails.
    scene.wire(speaker).arrived.extend(b"speak ill of you\n");
    scene.wire(speaker).reset = true;
    scene.say(ears, "hello");
    scene.now += Duration::from_secs(1);
    scene.settle();
    for line in scene.heard(ears).lines() {
        let whole = [
            "speaker: one",
            "speaker: two",
            "speaker has left the chatroom!",
        ];
        let last = "speaker: I would never say: speak ill of you";
        assert!(whole.contains(&line) || line == last, "torn: {line:?}");
    }
}
