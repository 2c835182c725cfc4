//! Many members of one server, on one thread. Some speak; what everybody else hears is timed.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};

use super::member::{FIRST_PORT, LAST_PORT, Member, connect};
use super::seal::Seal;
use super::tally::{Heard, histogram};
use super::wire::{self, MARK};
use super::{Server, Text, Wire};

/// How long nothing may be heard before a measurement has failed.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long nobody is heard once everybody is in, where a server does not say so.
const QUIET: Duration = Duration::from_millis(400);

/// Who is in a crowd.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Members {
    /// How many there are.
    pub(crate) count: usize,
    /// How many of them speak: the first ones.
    pub(crate) speakers: usize,
    /// How many never read: the last ones.
    pub(crate) stalled: usize,
}

impl Members {
    /// Returns `count` members of whom one speaks.
    pub(crate) fn one_speaker(count: usize) -> Self {
        Self {
            count,
            speakers: 1,
            stalled: 0,
        }
    }
}

/// When the next message is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many messages are in flight, as one receiver sees it.
    Window(u64),
    /// So many messages a second, whatever comes of them.
    PerSecond(f64),
}

/// What is to be said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk {
    pub(crate) messages: u64,
    pub(crate) text: Text,
    pub(crate) pace: Pace,
    /// When to stop although not all messages are sent.
    pub(crate) at_most: Duration,
    /// Each message is said by everybody who speaks, each in a room of its own.
    pub(crate) in_chorus: bool,
}

impl Talk {
    /// Returns `messages` of 64 bytes each.
    pub(crate) fn new(messages: u64, pace: Pace) -> Self {
        Self {
            messages,
            text: Text::Ascii(64),
            pace,
            at_most: Duration::from_mins(1),
            in_chorus: false,
        }
    }
}

/// Many members of one server.
#[derive(Debug)]
pub(crate) struct Crowd {
    wire: Wire,
    poll: Poll,
    events: Events,
    members: Vec<Member>,
    speakers: usize,
    /// How many hear each message.
    listeners: u64,
    /// Whose hearing moves the window: the first who does not speak.
    probe: usize,
    /// How many have not been welcomed yet.
    missing: usize,
    clock: Instant,
    scratch: Vec<u8>,
    body: Vec<u8>,
}

impl Crowd {
    /// Lets a crowd join `server`, and waits until everybody is in.
    pub(crate) fn join(server: &Server, members: Members) -> Self {
        Self::join_named(server, members, 0)
    }

    /// The same, with names of at least `name_chars` characters.
    pub(crate) fn join_named(server: &Server, members: Members, name_chars: usize) -> Self {
        Self::join_all(&[server], members, name_chars)
    }

    /// Lets a crowd join servers of one kind, one member the first of them, the next one the next,
    /// and waits until everybody is in.
    pub(crate) fn join_spread(servers: &[&Server], members: Members) -> Self {
        Self::join_all(servers, members, 0)
    }

    fn join_all(servers: &[&Server], members: Members, name_chars: usize) -> Self {
        let wire = servers[0].wire;
        let listening = members.count - members.stalled;
        let listeners = if wire.speakers_are_apart() {
            listening - members.speakers
        } else {
            listening - 1
        };
        let mut crowd = Self {
            wire,
            poll: Poll::new().expect("descriptors are left"),
            events: Events::with_capacity(4096),
            members: Vec::with_capacity(members.count),
            speakers: members.speakers,
            listeners: listeners as u64,
            probe: members.speakers,
            missing: 0,
            clock: Instant::now(),
            scratch: vec![0; 1 << 18],
            body: Vec::new(),
        };
        assert!(crowd.probe < listening, "somebody has to listen");
        let mut ports = FIRST_PORT..LAST_PORT;
        for number in 0..members.count {
            let server = servers[number % servers.len()];
            let mut stream = connect(server.address, number, &mut ports);
            if number < listening {
                let interest = Interest::READABLE | Interest::WRITABLE;
                let registry = crowd.poll.registry();
                registry
                    .register(&mut stream, Token(number), interest)
                    .expect("it is new");
            }
            let seal = server
                .sealed
                .then(|| Box::new(Seal::new(&mut stream, wire == Wire::Nats)));
            let speaks = number < members.speakers;
            // What NATS says first it says before it shakes hands.
            let told = wire == Wire::Nats && server.sealed;
            let welcome = if number < listening && !told {
                wire.welcome_bytes(number, speaks)
            } else {
                0
            };
            let mut member = Member {
                stream,
                seal,
                sealed: Vec::new(),
                unsent: wire.hello(number, speaks, name_chars),
                welcome,
                heard: 0,
                gone: false,
            };
            member.send();
            crowd.missing += usize::from(member.welcome > 0);
            crowd.members.push(member);
            // No more at once than the server's queue takes: the rest would try again only after
            // a second, and later still.
            let deadline = Instant::now() + PATIENCE;
            while crowd.missing >= wire.joining_at_once() {
                crowd.listen_to_welcomes(Duration::from_millis(100));
                assert!(Instant::now() < deadline, "nobody gets in any more");
            }
            if number % wire.joining_at_once() == 0 {
                crowd.listen_to_welcomes(Duration::ZERO);
            }
        }
        crowd.settle();
        crowd
    }

    /// Says `talk` and waits until everybody has heard it.
    pub(crate) fn say(&mut self, server: &Server, talk: Talk) -> Heard {
        self.say_at(&[server], talk)
    }

    /// The same where the crowd is spread over servers, whose processor time counts together.
    pub(crate) fn say_at(&mut self, servers: &[&Server], talk: Talk) -> Heard {
        let cpu_time = || servers.iter().map(|server| server.cpu_time()).sum();
        let cpu: Duration = cpu_time();
        let start = Instant::now();
        let mut latency = histogram();
        let listeners = self.listeners_of(talk);
        let (mut sent, mut heard, mut goal) = (0, 0, talk.messages);
        let probe_start = self.heard_by_probes(talk);
        let mut last_heard = start;
        while heard < goal * listeners {
            if start.elapsed() >= talk.at_most {
                goal = goal.min(sent);
            }
            let due = match talk.pace {
                Pace::Window(window) => self.heard_by_probes(talk) - probe_start + window,
                Pace::PerSecond(rate) => (start.elapsed().as_secs_f64() * rate) as u64 + 1,
            };
            while sent < due.min(goal) {
                // On a clock, waiting to be sent counts: it is when it was meant to be sent.
                let meant = match talk.pace {
                    Pace::Window(_) => Instant::now(),
                    Pace::PerSecond(rate) => start + Duration::from_secs_f64(sent as f64 / rate),
                };
                self.put(talk, meant, sent);
                sent += 1;
            }
            self.members[..self.speakers]
                .iter_mut()
                .for_each(Member::send);
            // On a clock, the load's core has nothing else to do than watch it.
            let patience = match talk.pace {
                Pace::Window(_) => Duration::from_millis(20),
                Pace::PerSecond(_) => Duration::ZERO,
            };
            let news = self.listen(patience, &mut latency);
            heard += news;
            if news > 0 {
                last_heard = Instant::now();
            }
            assert!(
                last_heard.elapsed() < PATIENCE,
                "{heard} deliveries of {sent} messages to {listeners}, then nothing"
            );
        }
        Heard {
            messages: goal,
            deliveries: heard,
            elapsed: last_heard - start,
            cpu: cpu_time() - cpu,
            latency: corrected(&latency, talk.pace, last_heard - start, goal),
        }
    }

    /// Returns how many hear each message of a talk.
    fn listeners_of(&self, talk: Talk) -> u64 {
        if talk.in_chorus {
            (self.members.len() - self.speakers) as u64
        } else {
            self.listeners
        }
    }

    /// Returns how much those have heard whose hearing moves the window: one in each room.
    fn heard_by_probes(&self, talk: Talk) -> u64 {
        let rooms = if talk.in_chorus { self.speakers } else { 1 };
        let probes = self.members[self.probe..self.probe + rooms].iter();
        probes.map(|probe| probe.heard).min().unwrap_or(0)
    }

    /// Lets whose turn it is say the message of this number, which was meant to be sent then.
    fn put(&mut self, talk: Talk, meant: Instant, number: u64) {
        let time = (meant - self.clock).as_nanos() as u64;
        talk.text.body(time, &mut self.body);
        let speaks = if talk.in_chorus {
            0..self.speakers
        } else {
            let one = number as usize % self.speakers;
            one..one + 1
        };
        for speaker in &mut self.members[speaks] {
            self.wire.say(&self.body, &mut speaker.unsent);
        }
    }

    /// Says messages as fast as the server takes them until `until` says that it is enough; what
    /// is still on its way is given up.
    pub(crate) fn flood(&mut self, text: Text, until: impl Fn() -> bool) {
        let mut latency = histogram();
        while !until() {
            for speaker in &mut self.members[..self.speakers] {
                while speaker.unsent.len() < 1 << 16 {
                    text.body(0, &mut self.body);
                    self.wire.say(&self.body, &mut speaker.unsent);
                }
                speaker.send();
            }
            self.listen(Duration::from_millis(1), &mut latency);
        }
    }

    /// Returns how many members there are.
    pub(crate) fn count(&self) -> usize {
        self.members.len()
    }

    /// Returns how many members the server has cut off.
    pub(crate) fn gone(&self) -> usize {
        self.members.iter().filter(|member| member.gone).count()
    }

    /// Reads what is there, and returns how many deliveries that was.
    fn listen(&mut self, patience: Duration, latency: &mut Histogram<u64>) -> u64 {
        self.wait(patience);
        let mut deliveries = 0;
        for event in &self.events {
            let member = &mut self.members[event.token().0];
            while !member.gone {
                let (count, plain) = match member.read(&mut self.scratch) {
                    Ok(counts) => counts,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => (0, 0),
                };
                member.gone = count == 0;
                let bytes = &self.scratch[..plain];
                let before = member.heard;
                let mut marks = memchr::memchr_iter(MARK, bytes);
                // One time a read: the oldest, that is the longest.
                if let Some(first) = marks.next() {
                    member.heard += 1 + marks.count() as u64;
                    if let Some(meant) = wire::stamp(&bytes[first + 1..]) {
                        let now = self.clock.elapsed().as_nanos() as u64;
                        latency.saturating_record(now.saturating_sub(meant));
                    }
                }
                deliveries += member.heard - before;
                if count < self.scratch.len() / 2 {
                    break;
                }
            }
        }
        deliveries
    }

    /// Takes in what is said while people join.
    fn listen_to_welcomes(&mut self, patience: Duration) {
        self.wait(patience);
        for event in &self.events {
            let Token(number) = event.token();
            let member = &mut self.members[number];
            member.send();
            while let Ok((all, count)) = member.read(&mut self.scratch) {
                assert!(all > 0, "member {number} is turned away");
                if member.welcome > 0 {
                    member.welcome = member.welcome.saturating_sub(count);
                    self.missing -= usize::from(member.welcome == 0);
                }
                if let Some(answer) = self.wire.answer(number, &self.scratch[..count]) {
                    member.unsent.extend(answer);
                    member.send();
                }
                if all < self.scratch.len() / 2 {
                    break;
                }
            }
        }
    }

    /// Waits until everybody is in.
    fn settle(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let mut quiet_since = Instant::now();
        loop {
            self.listen_to_welcomes(Duration::from_millis(50));
            if !self.events.is_empty() {
                quiet_since = Instant::now();
            }
            let unsent = self.members.iter().any(Member::has_unsent);
            let quiet = self.wire == Wire::Room || quiet_since.elapsed() > QUIET;
            if self.missing == 0 && !unsent && quiet {
                return;
            }
            assert!(Instant::now() < deadline, "{} never got in", self.missing);
        }
    }

    fn wait(&mut self, patience: Duration) {
        match self.poll.poll(&mut self.events, Some(patience)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => panic!("{error}"),
            _ => {}
        }
    }
}

/// Puts in the times that were not measured because the load itself had to wait (coordinated
/// omission): each place in the window sends once in a while, and one message that takes longer
/// stands for all that its place would have sent meanwhile. The window is watched at one receiver,
/// so that others regularly hear a message after the next was sent: up to the median that is the
/// order in which a crowd is served. On a clock nothing is left out.
fn corrected(
    latency: &Histogram<u64>,
    pace: Pace,
    elapsed: Duration,
    messages: u64,
) -> Histogram<u64> {
    match pace {
        Pace::Window(window) => {
            let interval = elapsed.as_nanos() as u64 * window / messages.max(1);
            latency.clone_correct(interval.max(latency.value_at_quantile(0.5)).max(1))
        }
        Pace::PerSecond(_) => latency.clone(),
    }
}
