//! Putting IP packets together from their fragments.
//!
//! The rules are Wireshark's: a packet is whole with the fragment that fills its last hole, and where
//! fragments overlap, the bytes of the one that starts first count. A fragment that wasn't captured
//! whole is of no use.
//!
//! Invariant: `bytes` is what all that wait cost, at most [`BYTES_MAX`] after each frame.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use super::ip::{Ip, Part};
use crate::trace::capture::Frame;

/// Most bytes of fragments that wait for the others of their packets; the oldest packets go first.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most fragments of one packet.
const FRAGMENTS_MAX: usize = 2048;
/// Most bytes that a packet carries.
const CARRIED_BYTES_MAX: u32 = 65_535;
/// What a waiting fragment costs besides its bytes.
const FRAGMENT_COST: usize = 128;
/// Most packets that don't wait any more and still stand in the order of those that do, if there are
/// more of them than of those.
const STALE_MAX: usize = 256;
/// How long the fragments of a packet wait for each other (RFC 8200), in the capture's time.
const AWAITED_NS: i64 = 60_000_000_000;

/// An IP packet that was put together.
#[derive(Debug, Clone)]
pub struct Datagram {
    /// The bytes of the frame that completed it up to its fragment, and then all that it carries.
    pub data: Vec<u8>,
    /// Where that starts.
    pub carried_at: usize,
    /// Its fragments, by what they carry.
    pub fragments: Vec<Fragment>,
    pub(super) ip_at: usize,
    pub(super) ip: Ip,
    /// Where the last fragment ends in its frame.
    pub(super) end: usize,
}

/// One fragment of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// The frame that it came in.
    pub frame: u64,
    /// Where it stands in what the packet carries.
    pub offset: u32,
    /// How long it is.
    pub len: u32,
    /// Another carries some of it, too.
    pub overlaps: bool,
    /// And it carries something else.
    pub conflicts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    /// Only in IPv4, where it tells fragments of one id apart.
    protocol: u8,
}

/// The fragments of one packet.
#[derive(Debug)]
struct Waiting {
    /// Tells it from earlier ones with its key.
    number: u64,
    since: i64,
    /// By offset, and by arrival where that is the same.
    parts: Vec<(Fragment, Vec<u8>)>,
    /// How much the packet carries, once its end was seen.
    total: Option<u32>,
}

/// The fragments that wait.
#[derive(Debug, Default)]
pub struct Fragments {
    waiting: HashMap<Key, Waiting>,
    /// In the order of their first fragments; with some that don't wait any more, but less than half.
    order: VecDeque<(Key, u64)>,
    bytes: usize,
    next_number: u64,
    now: i64,
}

impl Fragments {
    /// Takes a fragment; returns the packet if that is whole now.
    pub(super) fn add(
        &mut self,
        frame: &Frame<'_>,
        ip_at: usize,
        ip: &Ip,
        part: Part,
    ) -> Option<Datagram> {
        self.now = frame.time_ns.unwrap_or(self.now);
        self.forget_old();
        let len = usize::try_from(ip.len).ok()?;
        let data = frame.data.get(ip.at..ip.at + len)?;
        let end = part.offset + ip.len;
        if ip.len == 0 || end > CARRIED_BYTES_MAX {
            return None;
        }
        let key = Key {
            src: ip.src,
            dst: ip.dst,
            id: part.id,
            protocol: if ip.src.is_ipv4() { ip.protocol } else { 0 },
        };
        let fragment = Fragment {
            frame: frame.number,
            offset: part.offset,
            len: ip.len,
            overlaps: false,
            conflicts: false,
        };
        let waiting = self.entry(key);
        if !part.more {
            waiting.total.get_or_insert(end);
        }
        let at = waiting
            .parts
            .partition_point(|(other, _)| other.offset <= part.offset);
        waiting.parts.insert(at, (fragment, data.to_vec()));
        let (total, count) = (waiting.whole(), waiting.parts.len());
        self.bytes += len + FRAGMENT_COST;
        if let Some(total) = total {
            let waiting = self.forget(&key)?;
            return Some(waiting.put_together(frame, ip_at, ip, total));
        }
        if count >= FRAGMENTS_MAX {
            self.forget(&key);
        }
        while self.bytes > BYTES_MAX && self.forget_oldest() {}
        None
    }

    fn entry(&mut self, key: Key) -> &mut Waiting {
        let (number, since) = (self.next_number, self.now);
        self.waiting.entry(key).or_insert_with(|| {
            self.next_number += 1;
            self.order.push_back((key, number));
            Waiting {
                number,
                since,
                parts: Vec::new(),
                total: None,
            }
        })
    }

    fn forget_old(&mut self) {
        while let Some((key, number)) = self.order.front() {
            let waiting = self.waiting.get(key);
            let young = waiting.filter(|waiting| waiting.number == *number);
            if young.is_some_and(|waiting| self.now.saturating_sub(waiting.since) <= AWAITED_NS) {
                return;
            }
            self.forget_oldest();
        }
    }

    /// Forgets the packet that has waited longest, or what is left of one that waits no more; returns
    /// whether there was any.
    fn forget_oldest(&mut self) -> bool {
        let Some((key, number)) = self.order.pop_front() else {
            return false;
        };
        if self
            .waiting
            .get(&key)
            .is_some_and(|one| one.number == number)
        {
            self.forget(&key);
        }
        true
    }

    fn forget(&mut self, key: &Key) -> Option<Waiting> {
        let waiting = self.waiting.remove(key)?;
        let cost = |(_, data): &(Fragment, Vec<u8>)| data.len() + FRAGMENT_COST;
        self.bytes -= waiting.parts.iter().map(cost).sum::<usize>();
        if self.order.len() > 2 * self.waiting.len() + STALE_MAX {
            let waiting = &self.waiting;
            self.order
                .retain(|(key, number)| waiting.get(key).is_some_and(|one| one.number == *number));
        }
        Some(waiting)
    }
}

impl Waiting {
    /// Returns how much the packet carries, if no byte of that is missing.
    fn whole(&self) -> Option<u32> {
        let total = self.total?;
        let mut covered = 0;
        for (fragment, _) in &self.parts {
            if fragment.offset > covered {
                break;
            }
            covered = covered.max(fragment.offset + fragment.len);
        }
        (covered >= total).then_some(total)
    }

    fn put_together(mut self, frame: &Frame<'_>, ip_at: usize, ip: &Ip, total: u32) -> Datagram {
        let mut carried: Vec<u8> = Vec::with_capacity(total as usize);
        for (fragment, data) in &mut self.parts {
            let offset = fragment.offset as usize;
            let known = carried.len().saturating_sub(offset).min(data.len());
            fragment.overlaps = known > 0;
            fragment.conflicts = known > 0 && carried[offset..offset + known] != data[..known];
            carried.extend_from_slice(&data[known..]);
        }
        carried.truncate(total as usize);
        Datagram {
            data: [&frame.data[..ip.at], &carried].concat(),
            carried_at: ip.at,
            fragments: self.parts.iter().map(|(fragment, _)| *fragment).collect(),
            ip_at,
            ip: Ip {
                len: total,
                part: None,
                ..*ip
            },
            end: ip.at + ip.len as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    /// Takes fragments of 8 bytes each of a packet with an id at a time; returns what was put together.
    fn add(
        fragments: &mut Fragments,
        id: u32,
        time: i64,
        offset: u32,
        last: bool,
    ) -> Option<Vec<u8>> {
        let data = [b'a' + (offset / 8) as u8; 8];
        let frame = Frame {
            number: 1,
            time_ns: Some(time),
            digits: 6,
            link: 101,
            length: 8,
            data: &data,
        };
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let part = Part {
            id,
            offset,
            more: !last,
        };
        let ip = Ip {
            src: address,
            dst: address,
            id: 0,
            protocol: 6,
            at: 0,
            len: 8,
            part: Some(part),
        };
        fragments.add(&frame, 0, &ip, part).map(|whole| whole.data)
    }

    #[test]
    fn fragments_in_any_order_make_the_packet() {
        for order in [[0, 8, 16], [16, 8, 0], [8, 0, 16], [16, 0, 8]] {
            let mut fragments = Fragments::default();
            let [first, second, third] = order;
            assert_eq!(add(&mut fragments, 1, 0, first, first == 16), None);
            assert_eq!(add(&mut fragments, 2, 0, second, second == 16), None);
            assert_eq!(add(&mut fragments, 1, 0, second, second == 16), None);
            let whole = add(&mut fragments, 1, 0, third, third == 16).unwrap();
            assert_eq!(whole, b"aaaaaaaabbbbbbbbcccccccc");
            assert_eq!(fragments.bytes, 8 + FRAGMENT_COST);
        }
    }

    #[test]
    fn fragments_that_come_too_late_are_of_another_packet() {
        let mut fragments = Fragments::default();
        assert_eq!(add(&mut fragments, 1, 0, 0, false), None);
        assert_eq!(add(&mut fragments, 1, AWAITED_NS + 1, 8, true), None);
        assert!(add(&mut fragments, 1, AWAITED_NS + 2, 0, false).is_some());
        assert!(fragments.waiting.is_empty() && fragments.bytes == 0);
    }

    #[test]
    fn what_waits_is_bounded_however_much_comes() {
        let mut fragments = Fragments::default();
        for id in 0..100_000 {
            assert_eq!(add(&mut fragments, id, 0, 0, false), None);
            assert!(fragments.bytes <= BYTES_MAX);
        }
        assert!(fragments.order.len() <= BYTES_MAX / FRAGMENT_COST);
        assert!(add(&mut fragments, 99_999, 0, 8, true).is_some());
        assert_eq!(add(&mut fragments, 0, 0, 8, true), None);
        for _ in 0..3 * FRAGMENTS_MAX {
            assert_eq!(add(&mut fragments, 1, 0, 0, false), None);
        }
        let longest = fragments.waiting.values().map(|one| one.parts.len()).max();
        assert!(longest.unwrap() < FRAGMENTS_MAX);
        for id in 0..10_000 {
            assert_eq!(add(&mut fragments, id, 0, 8, true), None);
            assert!(add(&mut fragments, id, 0, 0, false).is_some());
        }
        assert!(fragments.order.len() <= 2 * fragments.waiting.len() + STALE_MAX);
    }
}
