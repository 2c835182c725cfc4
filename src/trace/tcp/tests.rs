//! What is known of packets that are made here.

use std::net::{IpAddr, Ipv4Addr};

use super::{Marks, Streams, analyse};
use crate::trace::packet::{ACK, Packet, SYN};

/// Returns a packet between two ports of one address, with sequence and acknowledgement numbers.
fn packet(ports: (u16, u16), flags: u16, numbers: (u32, u32), payload: &[u8]) -> Packet<'_> {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Packet {
        src: address,
        dst: address,
        src_port: ports.0,
        dst_port: ports.1,
        seq: numbers.0,
        ack: numbers.1,
        flags,
        window: 1000,
        checksum: 0,
        urgent: 0,
        ip_id: 0,
        header_len: 20,
        options: &[],
        len: payload.len() as u32,
        payload,
        ip_at: 0,
        tcp_at: 20,
        end: 40 + payload.len(),
        datagram: None,
    }
}

const UP: (u16, u16) = (4000, 5050);
const DOWN: (u16, u16) = (5050, 4000);

#[test]
fn the_third_ack_for_the_same_byte_makes_a_retransmission_fast() {
    let mut streams = Streams::new(10);
    let mut frame = 0_u32;
    let mut marks = |ports, flags, numbers, payload: &[u8]| {
        frame += 1;
        let time = i64::from(frame) * 1_000_000;
        let packet = packet(ports, flags, numbers, payload);
        analyse(&mut streams, frame.into(), time, &packet).marks
    };
    marks(UP, SYN, (0, 0), b"");
    marks(DOWN, SYN | ACK, (0, 1), b"");
    marks(UP, ACK, (1, 1), b"");
    marks(UP, ACK, (1, 1), b"aa");
    marks(UP, ACK, (5, 1), b"cc");
    assert_eq!(marks(DOWN, ACK, (1, 3), b""), Marks::default());
    for _ in 0..2 {
        assert_eq!(marks(DOWN, ACK, (1, 3), b""), Marks::DUPLICATE_ACK);
    }
    assert_eq!(marks(UP, ACK, (3, 1), b"bb"), Marks::FAST_RETRANSMISSION);
    assert_eq!(marks(DOWN, ACK, (1, 7), b""), Marks::default());
    assert!(marks(UP, ACK, (3, 1), b"bb").any(Marks::SPURIOUS_RETRANSMISSION));
}

#[test]
fn ports_used_again_are_a_stream_of_their_own() {
    let mut streams = Streams::new(10);
    let number = |streams: &mut Streams, port, flags, seq| {
        let segment = analyse(streams, 1, 0, &packet((port, 5050), flags, (seq, 0), b""));
        (segment.stream, segment.marks.any(Marks::REUSED_PORTS))
    };
    assert_eq!(number(&mut streams, 4000, SYN, 1), (0, false));
    assert_eq!(number(&mut streams, 4001, SYN, 1), (1, false));
    assert_eq!(number(&mut streams, 4000, SYN, 1), (0, false));
    assert_eq!(number(&mut streams, 4000, SYN, 9), (2, true));
    assert_eq!(streams.take_ended().len(), 1);
}

#[test]
fn the_longest_unused_is_forgotten_first() {
    let mut streams = Streams::new(3);
    for port in [4000, 4001, 4002, 4000, 4003, 4000] {
        analyse(&mut streams, 1, 0, &packet((port, 5050), ACK, (1, 1), b""));
    }
    let ended: Vec<_> = streams.take_ended().iter().map(|row| row.stream).collect();
    assert_eq!((ended, streams.count(), streams.evicted), (vec![1], 4, 1));
    assert_eq!(streams.rows().len(), 3);
}

#[test]
fn marks_are_counted_by_who_has_sent_its_counters() {
    let mut streams = Streams::new(10);
    let mut counts = |ports, flags, options: &'static [u8]| {
        let packet = Packet {
            options,
            header_len: 20 + options.len() as u8,
            ..packet(ports, flags, (1, 1), b"")
        };
        analyse(&mut streams, 1, 0, &packet).ace.is_some()
    };
    let counters = &[172, 5, 0, 0, 1, 1, 1, 1];
    let experiment = &[254, 7, 0xac, 0xc1, 0, 0, 1, 0];
    assert!(!counts(UP, SYN, counters));
    assert!(counts(UP, ACK, b""));
    assert!(!counts(UP, SYN, b""));
    assert!(!counts(DOWN, ACK, &[172, 4, 0, 0]));
    assert!(!counts(DOWN, ACK, experiment));
    assert!(counts(DOWN, ACK, b""));
}
