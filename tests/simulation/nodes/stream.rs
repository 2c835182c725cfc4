//! A model of the stream, and of each node's way to it: late, cut off, and not to be relied on.

use std::collections::{BTreeSet, VecDeque};

use chatroom::backplane::{Incoming, Link};

use crate::rig::random::Random;

/// The stream, and what the nodes have put beside it.
#[derive(Default)]
pub struct Stream {
    /// The batches, with the times at which they were taken.
    pub batches: Vec<(u64, Vec<u8>)>,
    /// How many of them are held; all without.
    pub held_max: Option<usize>,
    pub ids: BTreeSet<(String, u64, u32)>,
    pub snapshot: Vec<Vec<u8>>,
}

impl Stream {
    /// Returns the first sequence that is held; one more than the last where none is.
    pub fn first_seq(&self) -> u64 {
        let held = self.held_max.unwrap_or(usize::MAX);
        self.batches.len().saturating_sub(held) as u64 + 1
    }
}

/// A batch on its way.
struct OnItsWay {
    boot: String,
    counter: u64,
    round: u32,
    payload: Vec<u8>,
}

/// A node's way to the stream, as its hub sees it.
#[derive(Default)]
pub struct Port {
    pub is_up: bool,
    boot: String,
    on_their_way: VecDeque<OnItsWay>,
    /// Published over connections that are broken: they may come yet.
    late: VecDeque<OnItsWay>,
    /// The sequence that is told next.
    next: Option<u64>,
    wants_snapshot: bool,
    has_told_snapshot: bool,
    /// What is told to other nodes: boot and payload.
    pub letters: Vec<(String, Vec<u8>)>,
    pub beats: Vec<String>,
    pub put: Option<Vec<Vec<u8>>>,
    refused: Vec<(u64, u32)>,
}

impl Link for Port {
    fn listen_as(&mut self, boot: &str) {
        boot.clone_into(&mut self.boot);
    }

    fn follow_from(&mut self, seq: u64) {
        self.next = Some(seq.max(1));
    }

    fn fetch_snapshot(&mut self) {
        self.wants_snapshot = true;
    }

    fn publish(&mut self, counter: u64, round: u32, payload: &[u8]) {
        let (boot, payload) = (self.boot.clone(), payload.to_vec());
        self.on_their_way.push_back(OnItsWay {
            boot,
            counter,
            round,
            payload,
        });
    }

    fn tell(&mut self, boot: &str, payload: &[u8]) {
        self.letters.push((boot.to_owned(), payload.to_vec()));
    }

    fn beat(&mut self) {
        self.beats.push(self.boot.clone());
    }

    fn put_snapshot(&mut self, parts: Vec<Vec<u8>>) {
        self.put = Some(parts);
    }

    fn waiting_bytes(&self) -> usize {
        0
    }
}

impl Port {
    pub fn boot(&self) -> &str {
        &self.boot
    }

    /// Breaks the connection: what is on its way is lost, or comes later.
    pub fn cut(&mut self, random: &mut Random) {
        self.is_up = false;
        let kept = random.below(self.on_their_way.len() + 1);
        self.late.extend(self.on_their_way.drain(..).take(kept));
        self.letters.clear();
        self.put = None;
    }

    /// Returns whether nothing is on its way, and all that the stream has was told.
    pub fn is_quiet(&self, stream: &Stream) -> bool {
        let told = self
            .next
            .is_some_and(|next| next > stream.batches.len() as u64);
        self.on_their_way.is_empty() && self.late.is_empty() && told && self.put.is_none()
    }

    /// Lets the stream take what comes next, if it does.
    pub fn bring(&mut self, stream: &mut Stream, time_ms: u64, random: &mut Random, flaky: bool) {
        if self.is_up
            && let Some(parts) = self.put.take()
        {
            stream.snapshot = parts;
        }
        let late = random.one_in(2);
        let next = if late || !self.is_up {
            self.late.pop_front()
        } else {
            self.on_their_way.pop_front()
        };
        let Some(batch) = next else {
            return;
        };
        if flaky && random.one_in(8) {
            // It is not taken; or it is, and that is not known.
            self.refused.push((batch.counter, batch.round));
            if random.one_in(2) {
                return;
            }
        }
        let id = (batch.boot, batch.counter, batch.round);
        // The stream remembers ids for some time only.
        if stream.ids.insert(id) || random.one_in(6) {
            stream.batches.push((time_ms, batch.payload));
        }
    }

    /// Returns what the node is told next, if it is connected.
    pub fn next<'s>(&mut self, stream: &'s Stream) -> Option<Incoming<'s>> {
        if !self.is_up {
            return None;
        }
        if let Some((counter, round)) = self.refused.pop() {
            let why = "maximum bytes exceeded".to_owned();
            return Some(Incoming::Refused {
                counter,
                round,
                why,
            });
        }
        let asks = !self.has_told_snapshot || self.wants_snapshot;
        // What is put first is there first.
        if asks && self.put.is_none() {
            (self.has_told_snapshot, self.wants_snapshot) = (true, false);
            let parts = stream.snapshot.clone();
            return Some(Incoming::Snapshot { parts });
        }
        let seq = self.next?.max(stream.first_seq());
        let (time_ms, payload) = stream.batches.get(seq as usize - 1)?;
        self.next = Some(seq + 1);
        Some(Incoming::Batch {
            seq,
            time_ms: *time_ms,
            payload,
        })
    }
}
