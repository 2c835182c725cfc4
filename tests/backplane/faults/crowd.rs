//! People who talk, on plain sockets, and come back under another name when they were cut off.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::common::{GREETING, PROMPT, Server};

/// How long one is silent between two lines.
const APART: Duration = Duration::from_millis(400);

/// How long nothing new has to be heard until all is quiet.
const QUIET: Duration = Duration::from_secs(12);

/// One who was in the room, from coming to leaving.
#[derive(Debug)]
pub(crate) struct Person {
    /// A name that nobody else ever had.
    pub(crate) name: String,
    /// How many lines were said: they are their numbers, from 1.
    pub(crate) said: u64,
    /// The lines that were heard, as they are shown.
    pub(crate) heard: Vec<String>,
    /// Was there to the end.
    pub(crate) stayed: bool,
}

#[derive(Debug)]
struct Seat {
    node: usize,
    stream: TcpStream,
    unread: Vec<u8>,
    entered: bool,
    person: Person,
    next: Instant,
}

/// All people there are and were.
#[derive(Debug)]
pub(crate) struct Crowd {
    seats: Vec<Option<Seat>>,
    gone: Vec<Person>,
    comings: u64,
    /// When somebody at each node has heard something last.
    heard_at: Vec<Instant>,
}

impl Crowd {
    pub(crate) fn new(nodes: usize, people: usize) -> Self {
        Self {
            seats: (0..nodes * people).map(|_| None).collect(),
            gone: Vec::new(),
            comings: 0,
            heard_at: vec![Instant::now(); nodes],
        }
    }

    pub(crate) fn present(&self) -> usize {
        self.seats
            .iter()
            .flatten()
            .filter(|seat| seat.entered)
            .count()
    }

    pub(crate) fn said(&self) -> u64 {
        let present = self.seats.iter().flatten().map(|seat| &seat.person);
        present.chain(&self.gone).map(|person| person.said).sum()
    }

    /// Returns when somebody at each node has heard something last.
    pub(crate) fn heard_at(&self) -> &[Instant] {
        &self.heard_at
    }

    /// Returns whether nobody has heard anything for a while.
    pub(crate) fn is_quiet(&self) -> bool {
        self.heard_at.iter().all(|at| at.elapsed() >= QUIET)
    }

    /// Returns whether somebody has still to be let in.
    pub(crate) fn is_waiting(&self) -> bool {
        self.seats.iter().flatten().any(|seat| !seat.entered)
    }

    /// Has everybody hear, and speak who `may`; who is gone comes back if one may.
    pub(crate) fn turn(&mut self, nodes: &[Option<Server>], may: bool) {
        for (index, place) in self.seats.iter_mut().enumerate() {
            let node = index % nodes.len();
            if let Some(seat) = place {
                let alive = seat.hear(&mut self.heard_at[node]) && (!may || seat.speak());
                if !alive {
                    self.gone.extend(place.take().map(|seat| seat.person));
                }
            } else if may && let Some(server) = &nodes[node] {
                self.comings += 1;
                *place = Seat::take(node, server, format!("p{}", self.comings));
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }

    /// Returns all who were ever there.
    pub(crate) fn into_people(self) -> Vec<Person> {
        let stayed = self.seats.into_iter().flatten().map(|seat| Person {
            stayed: seat.entered,
            ..seat.person
        });
        self.gone.into_iter().chain(stayed).collect()
    }
}

impl Seat {
    fn take(node: usize, server: &Server, name: String) -> Option<Self> {
        let stream =
            TcpStream::connect_timeout(&server.address(), Duration::from_millis(100)).ok()?;
        stream.set_nonblocking(true).ok()?;
        Some(Self {
            node,
            stream,
            unread: Vec::new(),
            entered: false,
            person: Person {
                name,
                said: 0,
                heard: Vec::new(),
                stayed: false,
            },
            next: Instant::now(),
        })
    }

    /// Reads what there is; returns whether the connection lives.
    fn hear(&mut self, heard_at: &mut Instant) -> bool {
        let mut bytes = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return false,
                Ok(length) => self.unread.extend_from_slice(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        while let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
            let line: Vec<_> = self.unread.drain(..=end).collect();
            let line = String::from_utf8(line).unwrap().trim_end().to_owned();
            if line == PROMPT {
                let name = format!("{}\n", self.person.name);
                if self.stream.write(name.as_bytes()).is_err() {
                    return false;
                }
            } else if line == GREETING {
                self.entered = true;
                // Not all at once.
                self.next = Instant::now() + APART * (self.node as u32 + 1) / 3;
            } else if line.starts_with("* ") {
                println!("{} on node {}: {line}", self.person.name, self.node);
            } else {
                *heard_at = Instant::now();
                self.person.heard.push(line);
            }
        }
        true
    }

    /// Says the next line if it is time; returns whether the connection lives.
    fn speak(&mut self) -> bool {
        let now = Instant::now();
        if !self.entered || now < self.next {
            return true;
        }
        let line = format!("{}\n", self.person.said + 1);
        match self.stream.write(line.as_bytes()) {
            Ok(length) => {
                // Lines of a few bytes are taken whole or not at all.
                assert_eq!(length, line.len());
                self.person.said += 1;
                self.next = now + APART;
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}
