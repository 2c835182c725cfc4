//! The room waits for the many, not for the few: readers of so many bytes a second, on a clock that
//! nothing else takes time of.

use std::time::Duration;

use chatroom::hub::disconnect::Disconnect;
use chatroom::hub::limits::Limits;
use chatroom::tick::Tick;

use crate::limits;
use crate::rig::drive::Drive;
use crate::rig::screen::Screen;
use crate::rig::wire::{EVERYTHING, Mischief, Wire};

/// How far the clock goes on at once.
const STEP: Duration = Duration::from_millis(1);
const STEPS_A_S: usize = 1000;

/// What the buffers between the server and a reader hold.
const BUFFER_BYTES: usize = 64 * 1024;

/// What one connection brings in a millisecond at most, flooding.
const FLOOD_BYTES_A_STEP: usize = 20_000;

const MB: usize = 1_000_000;

/// A room with readers of so many bytes a second.
struct Room {
    scene: Drive,
    /// Who reads how many bytes in a step.
    paced: Vec<(usize, usize)>,
}

impl Room {
    fn new(limits: Limits) -> Self {
        Self {
            scene: Drive::new(limits),
            paced: Vec::new(),
        }
    }

    /// Lets somebody join who reads so many bytes a second, or everything.
    fn join(&mut self, name: &str, bytes_a_s: Option<usize>) -> usize {
        let window = bytes_a_s.map_or(EVERYTHING, |_| BUFFER_BYTES);
        let peer = self
            .scene
            .accept(Wire::new(window, Mischief::None, Screen::Dark));
        if let Some(bytes_a_s) = bytes_a_s {
            self.paced.push((peer, bytes_a_s / STEPS_A_S));
        }
        self.scene.say(peer, name);
        peer
    }

    /// Lets somebody's screen keep what comes from now on.
    fn listen(&self, peer: usize) {
        self.scene.wire(peer).screen = Screen::Keeps(Vec::new());
    }

    /// Lets a millisecond pass, in which everybody reads its part.
    fn step(&mut self) {
        let scene = &self.scene;
        self.paced.retain(|&(peer, _)| scene.is_open(peer));
        for &(peer, bytes_a_step) in &self.paced {
            let mut wire = scene.wire(peer);
            // What is not there when its time has come can't be read later.
            let unread = BUFFER_BYTES.saturating_sub(wire.window);
            wire.open_window(unread.min(bytes_a_step));
        }
        self.scene.pass(STEP);
    }

    fn cut(&self) -> u64 {
        self.scene.hub.disconnects().of(Disconnect::SlowReader)
    }

    fn since(&self, start: Tick) -> Duration {
        self.scene.now - start
    }
}

/// A reader that had stopped was waited for: what the probes of its window pushed into it was taken
/// for progress.
#[test]
fn a_reader_that_has_stopped_delays_no_line() {
    let mut room = Room::new(limits());
    let talker = room.join("talker", None);
    let ears = room.join("ears", None);
    let dead = room.join("dead", Some(0));
    room.step();
    room.listen(ears);
    let text = "x".repeat(3000);
    let mut longest = Duration::ZERO;
    for number in 0..3000 {
        let start = room.scene.now;
        room.scene.say(talker, &format!("{number} {text}"));
        let said = format!("talker: {number} ");
        let mut heard = false;
        while !heard {
            let ms = room.since(Tick::START).as_millis();
            if ms.is_multiple_of(200) && room.scene.is_open(dead) {
                // The kernel tries again and again whether there is room for a few bytes.
                room.scene.wire(dead).open_window(100);
            }
            room.step();
            heard = room.scene.heard(ears).starts_with(&said);
        }
        longest = longest.max(room.since(start));
    }
    assert!(longest <= Duration::from_millis(50), "took {longest:?}");
}

/// One who floods, with a new connection each time its burst is over, and one who reads just so
/// much that it is waited for, and comes back as soon as it is cut or has had its time.
struct Pair {
    flooder: usize,
    /// What the flooder has still to send.
    flood: Vec<u8>,
    creeper: usize,
    creeper_came: Tick,
    comings: usize,
}

impl Pair {
    const BURST: usize = 1000;
    const CREEPS_BYTES_A_S: usize = 400_000;
    const STAYS: Duration = Duration::from_millis(5300);

    fn join(room: &mut Room, number: usize) -> Self {
        Self {
            flooder: room.join(&format!("flood{number}"), None),
            flood: Self::burst(),
            creeper: room.join(&format!("creep{number}"), Some(Self::CREEPS_BYTES_A_S)),
            creeper_came: room.scene.now,
            comings: 0,
        }
    }

    fn burst() -> Vec<u8> {
        [&[b'x'; 4000][..], b"\n"].concat().repeat(Self::BURST)
    }

    /// Sends on, and comes back where it is time.
    fn step(&mut self, room: &mut Room, number: usize, bytes: usize) {
        let mut wire = room.scene.wire(self.flooder);
        let most = bytes.min(self.flood.len());
        if most > 0 && wire.arrived.len() < BUFFER_BYTES {
            let part: Vec<u8> = self.flood.drain(..most).collect();
            wire.send(&part);
        } else if most == 0 && !wire.finished {
            wire.finish();
        }
        let flood_is_over = wire.dropped;
        drop(wire);
        self.comings += 1;
        let n = self.comings;
        if flood_is_over {
            self.flooder = room.join(&format!("flood{number}-{n}"), None);
            self.flood = Self::burst();
        }
        let stayed = room.since(self.creeper_came);
        if stayed >= Self::STAYS && room.scene.is_open(self.creeper) {
            room.scene.wire(self.creeper).reset();
        } else if !room.scene.is_open(self.creeper) {
            self.creeper = room.join(&format!("creep{number}-{n}"), Some(Self::CREEPS_BYTES_A_S));
            self.creeper_came = room.scene.now;
        }
    }
}

/// Lets a room of 50 talk for `seconds` at 20 lines a second altogether, so many pairs among them,
/// and returns how long each line took, the shortest first.
fn talk_beside(pairs: usize, seconds: u64) -> Vec<Duration> {
    const MEMBERS: usize = 50;
    const EVERY: Duration = Duration::from_millis(50);
    // The default rate and burst: it is a flooder's connection that is new.
    let mut room = Room::new(Limits::default());
    let others: Vec<usize> = (0..MEMBERS - 2 * pairs)
        .map(|n| room.join(&format!("m{n}"), None))
        .collect();
    room.step();
    let mut attack: Vec<Pair> = (0..pairs).map(|n| Pair::join(&mut room, n)).collect();
    room.step();
    let ears = others[0];
    room.listen(ears);
    let start = room.scene.now;
    let (mut said, mut heard) = (Vec::new(), Vec::new());
    while heard.len() < said.len() || room.since(start) < Duration::from_secs(seconds) {
        let due = EVERY * said.len() as u32;
        if due < Duration::from_secs(seconds) && room.since(start) >= due {
            let speaker = others[1 + said.len() % (others.len() - 1)];
            room.scene.say(speaker, &format!("#{}", said.len()));
            said.push(room.scene.now);
        }
        for (number, pair) in attack.iter_mut().enumerate() {
            pair.step(&mut room, number, FLOOD_BYTES_A_STEP / pairs);
        }
        room.step();
        for line in room.scene.heard(ears).lines() {
            if let Some((_, number)) = line.split_once(": #") {
                heard.push(room.since(said[number.parse::<usize>().unwrap()]));
            }
        }
        assert!(room.since(start) < Duration::from_secs(2 * seconds));
    }
    assert!(others.iter().all(|&peer| room.scene.is_open(peer)));
    heard.sort();
    println!(
        "{pairs} pairs: p50 {:?}, p99 {:?}, worst {:?}; {} cut",
        heard[heard.len() / 2],
        heard[heard.len() * 99 / 100],
        heard[heard.len() - 1],
        room.cut(),
    );
    heard
}

/// Two connections of one attacker delayed everybody by a second at the median.
#[test]
fn a_flooder_and_a_reader_that_creeps_delay_nobody_for_long() {
    let took = talk_beside(1, 60);
    let (p99, worst) = (took[took.len() * 99 / 100], took[took.len() - 1]);
    assert!(p99 <= Duration::from_millis(100), "p99 {p99:?}");
    assert!(worst <= Duration::from_millis(300), "worst {worst:?}");
}

#[test]
fn a_fifth_of_the_room_that_is_hostile_costs_its_share_and_no_more() {
    let took = talk_beside(5, 60);
    let p99 = took[took.len() * 99 / 100];
    assert!(p99 <= Duration::from_millis(500), "p99 {p99:?}");
}

/// Sends a burst from each of `senders`, lets everybody read until nothing comes any more, and
/// returns how long it took until `ears` had heard it.
fn burst(room: &mut Room, senders: &[usize], lines: usize, ears: &[usize]) -> Duration {
    let line = [&[b'x'; 1000][..], b"\n"].concat();
    let written = |room: &Room, peer: usize| room.scene.wire(peer).bytes;
    let before: Vec<usize> = ears.iter().map(|&peer| written(room, peer)).collect();
    // What each hears: everybody's lines but its own, with a name of three letters.
    let goal = |peer| {
        let others = senders.iter().filter(|&&sender| sender != peer).count();
        others * lines * ("s00: ".len() + line.len())
    };
    let start = room.scene.now;
    let mut left = vec![lines; senders.len()];
    loop {
        for (&sender, left) in senders.iter().zip(&mut left) {
            let mut wire = room.scene.wire(sender);
            let count = (*left).min(FLOOD_BYTES_A_STEP / line.len());
            if count > 0 && wire.arrived.len() < BUFFER_BYTES {
                wire.send(&line.repeat(count));
                *left -= count;
            }
        }
        room.step();
        let all = ears.iter().zip(&before).all(|(&peer, before)| {
            !room.scene.is_open(peer) || written(room, peer) - before >= goal(peer)
        });
        if all {
            return room.since(start);
        }
        assert!(room.since(start) < Duration::from_mins(2), "it never ends");
    }
}

/// Lets 20 members send 4,000 lines of 1 KB each to 40 who read so many bytes a second.
fn burst_to_readers(bytes_a_s: usize) -> Duration {
    let mut room = Room::new(limits());
    let senders: Vec<usize> = (0..20)
        .map(|n| room.join(&format!("s{n:02}"), Some(2 * bytes_a_s)))
        .collect();
    let readers: Vec<usize> = (0..40)
        .map(|n| room.join(&format!("r{n:02}"), Some(bytes_a_s)))
        .collect();
    room.step();
    let all = [&senders[..], &readers].concat();
    let took = burst(&mut room, &senders, 4000, &all);
    println!("80 MB within {took:?}, {} cut", room.cut());
    assert_eq!(room.cut(), 0);
    assert!(all.iter().all(|&peer| room.scene.is_open(peer)));
    took
}

#[test]
fn a_burst_of_ten_times_the_backlog_cuts_nobody_who_reads() {
    let took = burst_to_readers(40 * MB);
    assert!(took < Duration::from_millis(2500), "took {took:?}");
}

/// When the readers needed more than five seconds, all were cut: nobody was left but the senders.
#[test]
fn a_burst_that_takes_long_cuts_nobody_who_reads() {
    let took = burst_to_readers(8 * MB);
    assert!(took < Duration::from_secs(12), "took {took:?}");
}

#[test]
fn one_honest_reader_that_is_slow_costs_a_burst_half_its_time_at_most() {
    let take = |slow: Option<usize>| {
        let mut room = Room::new(limits());
        let fast: Vec<usize> = (0..40)
            .map(|n| room.join(&format!("s{n:02}"), Some(20 * MB)))
            .collect();
        let slow = slow.map(|bytes_a_s| room.join("slow", Some(bytes_a_s)));
        room.step();
        let took = burst(&mut room, &fast[..10], 3000, &fast);
        assert!(fast.iter().all(|&peer| room.scene.is_open(peer)));
        if let Some(slow) = slow {
            // It hears all, or it is cut for being slow and for nothing else.
            let cut = !room.scene.is_open(slow);
            assert_eq!(room.cut(), u64::from(cut));
            println!("with a slow reader {took:?}, which is cut: {cut}");
        }
        took
    };
    let alone = take(None);
    let beside = take(Some(200_000));
    println!("30 MB within {alone:?}, {beside:?} beside a slow reader");
    assert!(beside <= alone * 3 / 2, "{alone:?} became {beside:?}");
}

/// While the room made everybody wait, those who had spoken were counted as silent.
#[test]
fn who_has_spoken_and_is_not_heard_is_not_silent() {
    let mut room = Room::new(Limits {
        idle_timeout_s: 1,
        ..limits()
    });
    let waiting = ["ali", "bob"].map(|name| room.join(name, None));
    let sender = room.join("sender", None);
    // Most of the room: the burst is too fast for it, and has to wait.
    for number in 0..8 {
        room.join(&format!("r{number}"), Some(200_000));
    }
    room.step();
    room.listen(waiting[0]);
    let line = [&[b'x'; 1000][..], b"\n"].concat();
    room.scene.wire(sender).send(&line.repeat(10_000));
    let (mut said, mut heard, mut longest) = (0, 0, Duration::ZERO);
    let mut waits_since = room.scene.now;
    while said < 40 || heard < said {
        let now = room.since(Tick::START);
        if said < 40 && now >= Duration::from_millis(250) * said {
            for peer in waiting {
                room.scene.say(peer, "I am still here");
            }
            said += 1;
        }
        room.step();
        let both_are_there = waiting.iter().all(|&peer| room.scene.is_open(peer));
        assert!(both_are_there, "cut after {now:?}");
        assert!(now < Duration::from_mins(1), "{heard} of {said} heard");
        let news = room.scene.heard(waiting[0]);
        let before = heard;
        heard += news.matches("bob: I am still here").count() as u32;
        if heard == said || heard > before {
            waits_since = room.scene.now;
        }
        longest = longest.max(room.since(waits_since));
    }
    println!("the room made them wait for {longest:?}");
}
