//! The hub on sealed wires in memory: what it costs, and what it holds when a peer doesn't read.

use allocation_counter::measure;
use chatroom::hub::limits::Limits;
use chatroom::hub::sealed::Sealed;
use chatroom::hub::{Hub, Readiness};
use chatroom::layer::tls::keys::{Keys, Suite};
use chatroom::layer::tls::record::SENT_BYTES_MAX;
use chatroom::layer::tls::session::Session;
use chatroom::room::MemberId;
use chatroom::tick::Tick;

use super::rig::crowd::wire;
use super::rig::drive::{BOOT, Drive, HOME, turn};
use super::rig::screen::Screen;
use super::rig::wire::{EVERYTHING, End, Mischief, Shared, Wire};

const SUITE: Suite = Suite::Aes128;

fn keys(direction: u8, number: usize) -> Keys {
    let mut secret = vec![direction; SUITE.secret_bytes()];
    secret[..8].copy_from_slice(&number.to_be_bytes());
    Keys::new(SUITE, &secret, 0).unwrap()
}

/// Returns both ends of a session.
fn sessions(number: usize) -> (Box<Sealed>, Session) {
    let ours = Session::new(keys(1, number), keys(2, number));
    let theirs = Session::new(keys(2, number), keys(1, number));
    (Box::new(Sealed::new(ours, Vec::new())), theirs)
}

fn sealed(session: &mut Session, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let pieces = [std::io::IoSlice::new(text.as_bytes())];
    session.seal(&pieces, &mut out).unwrap();
    out
}

/// A room of sealed members, whose wires cost nothing.
struct Crowd {
    hub: Hub<End<Shared>>,
    peers: Vec<Session>,
}

impl Crowd {
    fn of(members: usize) -> Self {
        let limits = Limits {
            backlog_bytes: 1 << 20,
            rate: 0,
            ..Limits::default()
        };
        let mut crowd = Self {
            hub: Hub::new(limits, Tick::START, BOOT),
            peers: Vec::with_capacity(members),
        };
        wire(|wire| wire.arrived.reserve(4096));
        for member in 0..members {
            let (sealed, peer) = sessions(member);
            crowd.hub.accept_sealed(End(Shared(0)), sealed, HOME);
            crowd.peers.push(peer);
            crowd.say(member, &format!("u{member:07}\n"));
        }
        assert_eq!(crowd.hub.room().names().count(), members);
        crowd
    }

    /// Lets a member say something, and everybody hear it.
    fn say(&mut self, member: usize, text: &str) {
        let bytes = sealed(&mut self.peers[member], text);
        self.come(member, &bytes);
    }

    /// Lets bytes come from a member.
    fn come(&mut self, member: usize, bytes: &[u8]) {
        wire(|wire| wire.arrived.extend(bytes));
        let readable = Readiness {
            readable: true,
            ..Readiness::default()
        };
        let id = MemberId::from_slot(member);
        turn(&mut self.hub, Tick::START, [(id, readable)]);
        while self.hub.has_work() {
            turn(&mut self.hub, Tick::START, []);
        }
    }
}

#[test]
fn a_sealed_member_costs_at_most_400_bytes() {
    let empty = measure(|| drop(Crowd::of(0))).bytes_max;
    let members = 10_000;
    let mut kept = None;
    let memory = measure(|| kept = Some(Crowd::of(members)));
    let crowd = kept.unwrap();
    // The other ends are here, too.
    let peers = members * size_of::<Session>();
    let all = memory.bytes_current.cast_unsigned() - empty - peers as u64;
    let bytes = all / members as u64;
    println!("{bytes} bytes a member");
    assert!(bytes <= 400, "{bytes} bytes a member");
    drop(crowd);
}

#[test]
fn a_line_to_sealed_members_allocates_nothing() {
    let mut crowd = Crowd::of(100);
    let mut said = |rounds: usize| -> Vec<Vec<u8>> {
        let lines = (0..rounds)
            .map(|round| sealed(&mut crowd.peers[round % 10], &format!("line {round}\n")));
        lines.collect()
    };
    let (warm, more, parts) = (said(100), said(300), said(300));
    let mut talk = |lines: &[Vec<u8>], first: usize| {
        for (round, line) in lines.iter().enumerate() {
            let (first, second) = line.split_at(first.min(line.len()));
            crowd.come(round % 10, first);
            if !second.is_empty() {
                crowd.come(round % 10, second);
            }
        }
    };
    talk(&warm, usize::MAX);
    let allocations = measure(|| talk(&more, usize::MAX)).count_total;
    assert_eq!(allocations, 0);
    // The start of a record is kept in memory of its own.
    let allocations = measure(|| talk(&parts, 9)).count_total;
    assert!(allocations <= 2 * 300, "{allocations}");
}

#[test]
fn a_line_to_n_sealed_members_is_one_write_to_each() {
    let mut crowd = Crowd::of(50);
    wire(|wire| wire.writes = 0);
    crowd.say(7, "one\ntwo\nthree\n");
    assert_eq!(wire(|wire| wire.writes), 49);
}

/// A drive of one plain and one sealed peer, in the room.
fn drive(window: usize, mischief: Mischief) -> (Drive, usize, usize, Session) {
    let limits = Limits {
        rate: 0,
        ..Limits::default()
    };
    let mut drive = Drive::new(limits);
    let plain = drive.accept(Wire::new(EVERYTHING, Mischief::None, Screen::Dark));
    drive.say(plain, "plain");
    let (sealed_end, mut peer) = sessions(0);
    let peers_wire = Wire::new(window, mischief, Screen::Keeps(Vec::new()));
    let number = drive.accept_sealed(peers_wire, sealed_end);
    drive.wire(number).send(&sealed(&mut peer, "sealed\n"));
    drive.settle();
    (drive, plain, number, peer)
}

/// Returns what the sealed peer has been sent, opened.
fn opened(drive: &Drive, number: usize, peer: &mut Session) -> String {
    let Screen::Keeps(bytes) = &mut drive.wire(number).screen else {
        panic!("another screen");
    };
    let mut sent = std::mem::take(bytes);
    let kept = peer.partial_len();
    let mut buffer = vec![0; kept + sent.len()];
    let kept = peer.put_partial(&mut buffer);
    buffer[kept..].copy_from_slice(&sent);
    sent = buffer;
    let opened = peer.open(&mut sent);
    String::from_utf8(sent[..opened.bytes].to_vec()).unwrap()
}

#[test]
fn whatever_the_stream_takes_at_once_all_of_it_comes() {
    for step in [1, 2, 5, 22, 23, 300] {
        let mischief = Mischief::Told {
            step,
            interrupts: 3,
        };
        let (mut drive, plain, number, mut peer) = drive(EVERYTHING, mischief);
        let mut wanted =
            String::from("Please enter your name:\nChat with your friends and enjoy\n");
        for line in 0..30 {
            let said = format!("line {line}");
            drive.say(plain, &said);
            wanted.extend(["plain: ", &said, "\n"]);
            if line % 7 == 0 {
                drive.wire(number).send(&sealed(&mut peer, "mine\n"));
            }
            drive.settle();
        }
        drive.hub.shut_down();
        drive.settle();
        wanted += "* The chatroom is closing.\n";
        assert_eq!(opened(&drive, number, &mut peer), wanted, "step {step}");
        let end = peer.end();
        assert_eq!(end, Some(chatroom::layer::tls::alert::End::Closed));
        assert!(drive.wire(number).told_end, "behind the last record");
    }
}

#[test]
fn who_does_not_read_holds_one_record() {
    let (mut drive, plain, number, mut peer) = drive(1000, Mischief::None);
    let before = opened(&drive, number, &mut peer);
    assert!(before.ends_with("enjoy\n"));
    let line = "x".repeat(4000);
    for _ in 0..100 {
        drive.say(plain, &line);
        drive.settle();
    }
    let held = drive.hub.audit().unsent_bytes_max;
    assert!((1..=SENT_BYTES_MAX).contains(&held), "{held} bytes");
    drive.wire(number).open_window(1 << 30);
    drive.settle();
    let heard = opened(&drive, number, &mut peer);
    assert_eq!(heard, format!("plain: {line}\n").repeat(100));
}

/// Lets the plain peer say five records' worth at once, and returns what the sealed one shall hear.
fn say_five_records(drive: &Drive, plain: usize) -> String {
    let line = "x".repeat(4000);
    for _ in 0..20 {
        drive.say(plain, &line);
    }
    format!("plain: {line}\n").repeat(20)
}

#[test]
fn records_that_follow_each_other_are_sent_at_once() {
    let (mut drive, plain, number, mut peer) = drive(EVERYTHING, Mischief::None);
    opened(&drive, number, &mut peer);
    let before = drive.wire(number).writes;
    let said = say_five_records(&drive, plain);
    drive.settle();
    let writes = drive.wire(number).writes - before;
    assert!((5..=6).contains(&writes), "{writes} writes");
    // All but the last one.
    assert_eq!(drive.wire(number).writes_ahead, writes - 1);
    assert!(!drive.wire(number).ahead);
    assert_eq!(opened(&drive, number, &mut peer), said);
}

#[test]
fn a_record_that_nothing_follows_after_all_is_sent_off() {
    let (mut drive, plain, number, mut peer) = drive(EVERYTHING, Mischief::None);
    opened(&drive, number, &mut peer);
    // Room for one record, and for nothing of the next.
    drive.wire(number).window = SENT_BYTES_MAX;
    let said = say_five_records(&drive, plain);
    drive.settle();
    assert_eq!(drive.wire(number).writes_ahead, 1);
    assert!(!drive.wire(number).ahead, "it would wait for the next one");
    drive.wire(number).open_window(1 << 30);
    drive.settle();
    assert_eq!(opened(&drive, number, &mut peer), said);
}
