//! What must be true of a life that has been lived: an independent, much simpler view of the room.

use std::collections::{HashMap, HashSet};

use chatroom::hub::disconnect::Disconnect;
use chatroom::wire::plain::{GREETING, PROMPT};

use crate::world::{End, Manner, Peer, World};

/// A line as somebody received it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    text: String,
    /// For everybody, as opposed to the reader alone.
    common: bool,
}

/// Judges the room while it is open, after everything has come to rest.
pub fn judge(world: &World) {
    let mut common = common_lines(&world.peers[0]);
    if world.options.announce_joins {
        // The one line of the room that the observer doesn't hear.
        common.insert(
            0,
            format!("{} is joined to the chatroom!", peer_name(world, 0)),
        );
    }
    let owners = owners(world);
    check_whole(world, &common, &owners);
    let mut members = 0;
    for (at, peer) in world.peers.iter().enumerate() {
        let open = !peer.wire.borrow().dropped;
        if open && peer.end == End::Open && greeted(peer) {
            members += 1;
        }
        check_heard(world, at, &common, &owners);
        check_said(peer, at, &common);
        if peer.manner == Manner::Steady && peer.end == End::Open {
            assert!(open, "p{at} did nothing to be cut off");
        }
    }
    let names: Vec<&str> = world.drive.hub.room().names().iter().collect();
    // Somebody stalled before the greeting is a member who doesn't know it yet.
    assert!(names.len() >= members, "{members} members, but {names:?}");
    let unique: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(
        (unique.len(), world.drive.hub.room().names().count()),
        (names.len(), names.len())
    );
    check_private(world);
    let slow = world.drive.hub.disconnects().of(Disconnect::SlowReader);
    let stalled = world
        .peers
        .iter()
        .filter(|peer| peer.manner != Manner::Steady)
        .count();
    assert!(slow <= stalled as u64);
}

/// Judges the room after it has closed.
pub fn judge_the_end(world: &World) {
    assert!(
        world.drive.hub.is_empty(),
        "{} connections are left",
        world.drive.hub.len()
    );
    for (at, peer) in world.peers.iter().enumerate() {
        let wire = peer.wire.borrow();
        assert!(wire.dropped);
        if peer.manner == Manner::Steady && peer.end == End::Open {
            let received = String::from_utf8_lossy(wire.received());
            assert!(
                received.ends_with("\n* The chatroom is closing.\n"),
                "p{at}: {received}"
            );
        }
    }
}

fn greeted(peer: &Peer) -> bool {
    received(peer).0.iter().any(|line| line.text == GREETING)
}

/// Returns the lines a peer has received, and what there is of one more.
fn received(peer: &Peer) -> (Vec<Line>, String) {
    let text =
        String::from_utf8(peer.wire.borrow().received().to_vec()).expect("UTF-8 cut at lines");
    let (whole, rest) = text.rsplit_once('\n').unwrap_or(("", &text));
    let is_common = |line: &str| {
        let private = line == PROMPT
            || line == GREETING
            || line.contains(" (privately): ")
            || (line.starts_with("* ") && !line.starts_with("* p") && !line.starts_with("* P"));
        !private
    };
    let lines = whole.lines().map(|line| Line {
        text: line.to_owned(),
        common: is_common(line),
    });
    (lines.collect(), rest.to_owned())
}

fn common_lines(peer: &Peer) -> Vec<String> {
    received(peer)
        .0
        .into_iter()
        .filter(|line| line.common)
        .map(|line| line.text)
        .collect()
}

/// Returns who has which name.
fn owners(world: &World) -> HashMap<String, usize> {
    let peers = world.peers.iter().enumerate();
    peers
        .flat_map(|(at, peer)| peer.names.iter().map(move |name| (name.clone(), at)))
        .collect()
}

/// Returns whose line it is.
fn owner(line: &str, owners: &HashMap<String, usize>) -> usize {
    let name = line.strip_prefix("* ").unwrap_or(line);
    let name = name.split([' ', ':']).next().unwrap();
    *owners
        .get(name)
        .unwrap_or_else(|| panic!("nobody is called {name:?}: {line:?}"))
}

/// Everybody has heard one stretch of what the room said, without gaps, but their own lines.
fn check_heard(world: &World, at: usize, common: &[String], owners: &HashMap<String, usize>) {
    let peer = &world.peers[at];
    let (lines, torn) = received(peer);
    let Some(entered) = lines.iter().position(|line| line.text == GREETING) else {
        assert!(
            lines.iter().all(|line| !line.common),
            "p{at} heard the room before it was in"
        );
        return;
    };
    let heard: Vec<&String> = lines[entered..]
        .iter()
        .filter(|line| line.common)
        .map(|line| &line.text)
        .collect();
    assert!(lines[..entered].iter().all(|line| !line.common));
    let others: Vec<&String> = common
        .iter()
        .filter(|line| owner(line, owners) != at)
        .collect();
    // The whole of the others' talk from some line on; to its end if it is still there. Somebody
    // who takes the name it has makes the same line twice, so the last place that fits is meant.
    let start = (0..=others.len())
        .rev()
        .find(|&from| others[from..].starts_with(&heard));
    let start = start.unwrap_or_else(|| panic!("p{at}: a gap, another order, or a false line"));
    let stretch = &others[start..];
    let open = !peer.wire.borrow().dropped;
    let reads = peer.manner != Manner::Stalled;
    if open && reads && at > 0 {
        assert_eq!(stretch.len(), heard.len(), "p{at} has not heard all");
        assert_eq!(torn, "", "p{at}");
    }
    check_start(world, at, common, owners, start, heard.len());
    if peer.end == End::Orderly && peer.manner == Manner::Steady && !heard.is_empty() {
        // It has heard all that was said before it spoke last.
        let own = |line: &String| owner(line, owners) == at && tag(line).is_some();
        let spoke_last = common.iter().rposition(own).unwrap_or(0);
        let before = common[..spoke_last]
            .iter()
            .filter(|line| owner(line, owners) != at)
            .count();
        assert!(start + heard.len() >= before, "p{at} left early");
    }
}

/// Every line of the room is whole: what somebody said, or what the server says.
fn check_whole(world: &World, common: &[String], owners: &HashMap<String, usize>) {
    for line in common {
        let at = owner(line, owners);
        let rest = match line.strip_prefix("* ") {
            Some(action) => action.split_once(' ').map(|(_, text)| text),
            None => line.split_once(": ").map(|(_, text)| text),
        };
        let said = tag(line).map(|number| {
            assert!(
                world.peers[at].said.contains(&number),
                "p{at} never said {line:?}"
            );
            world.said[number as usize].as_str()
        });
        let server = [" has left the chatroom!", " is joined to the chatroom!"];
        let renamed = line.contains(" is now known as ") && line.ends_with('!');
        assert!(
            (said.is_some() && said == rest)
                || (said.is_none() && (renamed || server.iter().any(|end| line.ends_with(end)))),
            "torn: {line:?}, said {said:?}"
        );
    }
}

/// Where joining is announced, hearing starts just there, or as much before as history goes.
fn check_start(
    world: &World,
    at: usize,
    common: &[String],
    owners: &HashMap<String, usize>,
    start: usize,
    heard: usize,
) {
    if !world.options.announce_joins || at == 0 || heard == 0 {
        return;
    }
    let joined = format!("{} is joined to the chatroom!", peer_name(world, at));
    let joined = common
        .iter()
        .position(|line| *line == joined)
        .expect("announced");
    let before = common[..joined]
        .iter()
        .filter(|line| owner(line, owners) != at)
        .count();
    let history = world.options.history_lines;
    assert!(
        (before.saturating_sub(history)..=before).contains(&start),
        "p{at} joined behind {before} lines and heard from line {start}"
    );
}

fn peer_name(world: &World, at: usize) -> &str {
    &world.peers[at].names[0]
}

/// What somebody said before an orderly end was heard once, in the order it was said.
fn check_said(peer: &Peer, at: usize, common: &[String]) {
    let heard: Vec<u64> = common.iter().filter_map(|line| tag(line)).collect();
    let own: HashSet<u64> = peer.said.iter().copied().collect();
    let heard: Vec<u64> = heard
        .into_iter()
        .filter(|number| own.contains(number))
        .collect();
    // Who doesn't read its answers isn't listened to; who was cut off may have more on the way.
    let certain = peer.manner == Manner::Steady && peer.end != End::Reset;
    if certain {
        assert_eq!(heard, peer.said, "p{at}");
    } else {
        assert!(
            peer.said.starts_with(&heard),
            "p{at}: {heard:?} of {:?}",
            peer.said
        );
    }
}

/// A private message reaches one person, once, and its sender is told so once. An answer reaches
/// only somebody who has written to whom it comes from.
fn check_private(world: &World) {
    let mut readers: HashMap<u64, usize> = HashMap::new();
    for (at, peer) in world.peers.iter().enumerate() {
        for line in received(peer)
            .0
            .iter()
            .filter(|line| line.text.contains(" (privately): "))
        {
            let number = tag(&line.text).expect("numbered");
            assert_eq!(
                readers.insert(number, at),
                None,
                "private line {number} came twice"
            );
        }
    }
    let sent: HashSet<u64> = world
        .peers
        .iter()
        .flat_map(|peer| peer.whispered.iter().copied())
        .collect();
    assert!(readers.keys().all(|number| sent.contains(number)));
    for (at, peer) in world.peers.iter().enumerate() {
        let told = |start| {
            let lines = received(peer).0.into_iter();
            lines.filter(|line| line.text.starts_with(start)).count()
        };
        let reached = told("* Your message reached ");
        assert!(reached <= peer.whispered.len(), "p{at} was told too often");
        if peer.manner == Manner::Steady && peer.end == End::Open {
            let read = peer.whispered.iter();
            let read = read.filter(|number| readers.contains_key(number)).count();
            assert!(read <= reached, "p{at} was told too seldom");
            let refused = ["* Nobody", "* Your message was not sent: "].map(told);
            let answered = reached + refused.iter().sum::<usize>();
            assert_eq!(answered, peer.whispered.len(), "p{at} was left in doubt");
        }
        for reader in peer.replied.iter().filter_map(|number| readers.get(number)) {
            let reader = &world.peers[*reader];
            assert!(
                !reader.whispered.is_empty(),
                "an answer to p{at}'s stranger"
            );
        }
    }
}

/// Returns the number in a line.
fn tag(line: &str) -> Option<u64> {
    let mut parts = line.rsplit('#');
    parts.next().filter(|rest| rest.is_empty())?;
    parts.next()?.parse().ok()
}
