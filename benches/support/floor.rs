//! The floor: the least that one thread can do with epoll. It reads what is readable and writes
//! the whole batch once to everybody else. No lines, no names, no limits: what the kernel costs,
//! and nothing else.
//!
//! It runs in a child process like any other server: a bench executes itself with [`ARGUMENT`].

use std::io::{IoSlice, Read, Write};
use std::net::SocketAddr;
use std::ops::Range;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use rustix::process::{Signal, set_parent_process_death_signal};
use slab::Slab;
use socket2::{Domain, Socket, Type};

use super::wire::WELCOME;

/// What a bench is executed with to be the floor: this and an address.
pub(crate) const ARGUMENT: &str = "--serve-floor";

/// The same, for joins: it welcomes whoever says a name as the room does, and does nothing else.
pub(crate) const WELCOMING_ARGUMENT: &str = "--serve-welcoming-floor";

const LISTENER: Token = Token(usize::MAX);

/// Most slices of one `writev`.
const SLICES_MAX: usize = 1024;

/// Runs the floor if this process was executed to be it, and never returns then.
pub(crate) fn run_if_asked() {
    let mut arguments = std::env::args().skip(1);
    let welcomes = match arguments.next().as_deref() {
        Some(ARGUMENT) => false,
        Some(WELCOMING_ARGUMENT) => true,
        _ => return,
    };
    set_parent_process_death_signal(Some(Signal::KILL)).expect("Linux has it");
    let address = arguments.next().expect("an address").parse().unwrap();
    Floor::new(address, welcomes).run();
}

struct Seat {
    stream: TcpStream,
    /// What the kernel did not take.
    unsent: Vec<u8>,
    /// Whether something in the batch is its own.
    spoke: bool,
}

struct Floor {
    poll: Poll,
    listener: TcpListener,
    seats: Slab<Seat>,
    welcomes: bool,
    batch: Vec<u8>,
    /// Whose each piece of the batch is.
    pieces: Vec<(usize, Range<usize>)>,
    scratch: Vec<u8>,
}

impl Floor {
    fn new(address: SocketAddr, welcomes: bool) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        // Accepted sockets inherit this.
        socket.set_tcp_nodelay(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.bind(&address.into()).unwrap();
        socket.listen(4096).unwrap();
        let mut listener = TcpListener::from_std(socket.into());
        let poll = Poll::new().unwrap();
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)
            .unwrap();
        Self {
            poll,
            listener,
            seats: Slab::new(),
            welcomes,
            batch: Vec::with_capacity(1 << 20),
            pieces: Vec::new(),
            scratch: vec![0; 1 << 16],
        }
    }

    fn run(&mut self) -> ! {
        let mut events = Events::with_capacity(4096);
        loop {
            if self.poll.poll(&mut events, None).is_err() {
                continue;
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    Token(key) => self.read(key),
                }
            }
            if !self.batch.is_empty() {
                self.write();
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let token = Token(self.seats.vacant_key());
            self.poll
                .registry()
                .register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)
                .unwrap();
            self.seats.insert(Seat {
                stream,
                unsent: Vec::new(),
                spoke: false,
            });
        }
    }

    fn read(&mut self, key: usize) {
        let seat = &mut self.seats[key];
        if !seat.unsent.is_empty() {
            let count = seat.stream.write(&seat.unsent).unwrap_or(0);
            seat.unsent.drain(..count);
        }
        while let Ok(count) = seat.stream.read(&mut self.scratch) {
            if count == 0 {
                self.seats.remove(key);
                return;
            }
            if self.welcomes {
                // A socket just accepted takes this much.
                seat.stream.write_all(WELCOME).unwrap();
                return;
            }
            let start = self.batch.len();
            self.batch.extend_from_slice(&self.scratch[..count]);
            self.pieces.push((key, start..self.batch.len()));
            seat.spoke = true;
            if count < self.scratch.len() {
                return;
            }
        }
    }

    fn write(&mut self) {
        for (key, seat) in &mut self.seats {
            if seat.spoke {
                seat.spoke = false;
                let others = others(key, &self.batch, &self.pieces);
                let total: usize = others.iter().map(|slice| slice.len()).sum();
                if total > 0 && seat.unsent.is_empty() {
                    let first = &others[..others.len().min(SLICES_MAX)];
                    let sent = seat.stream.write_vectored(first).unwrap_or(0);
                    if sent < total {
                        seat.unsent.extend(others.concat_from(sent));
                    }
                } else {
                    seat.unsent.extend(others.concat_from(0));
                }
                continue;
            }
            let sent = if seat.unsent.is_empty() {
                seat.stream.write(&self.batch).unwrap_or(0)
            } else {
                0
            };
            seat.unsent.extend_from_slice(&self.batch[sent..]);
        }
        self.batch.clear();
        self.pieces.clear();
    }
}

/// Returns the batch without `key`'s own pieces, neighbours joined.
fn others<'a>(key: usize, batch: &'a [u8], pieces: &[(usize, Range<usize>)]) -> Vec<IoSlice<'a>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (_, piece) in pieces.iter().filter(|(speaker, _)| *speaker != key) {
        match ranges.last_mut() {
            Some(last) if last.end == piece.start => last.end = piece.end,
            _ => ranges.push(piece.clone()),
        }
    }
    ranges
        .into_iter()
        .map(|range| IoSlice::new(&batch[range]))
        .collect()
}

trait ConcatFrom {
    /// Returns all bytes but the first `start`.
    fn concat_from(&self, start: usize) -> Vec<u8>;
}

impl ConcatFrom for Vec<IoSlice<'_>> {
    fn concat_from(&self, start: usize) -> Vec<u8> {
        let bytes: Vec<u8> = self
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        bytes[start..].to_vec()
    }
}
