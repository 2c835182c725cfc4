//! Captures made for one thing each, byte by byte: those that are committed are what is made here.

use std::fs;

use chatroom::wire::plain::PROMPT;

use super::house::{House, Made, captured, cut, down, hello, refusal, resume, said, up, welcome};
use super::support::capture;

const SYN: u8 = 0x02;
const PUSH: u8 = 0x18;
const ACK: u8 = 0x10;

/// A TCP segment from one port to another, without a checksum.
fn tcp(ports: (u16, u16), numbers: (u32, u32), flags: u8, options: &[u8], data: &[u8]) -> Vec<u8> {
    let mut options = options.to_vec();
    options.resize(options.len().next_multiple_of(4), 1);
    let words = u8::try_from(5 + options.len() / 4).unwrap();
    let mut tcp = Vec::new();
    tcp.extend(ports.0.to_be_bytes());
    tcp.extend(ports.1.to_be_bytes());
    tcp.extend(numbers.0.to_be_bytes());
    tcp.extend(numbers.1.to_be_bytes());
    tcp.extend([words << 4, flags, 0x10, 0, 0, 0, 0, 0]);
    tcp.extend(options);
    tcp.extend(data);
    tcp
}

/// An IPv4 packet that carries a protocol; `fragment` is the word of flags and offset.
fn ipv4(protocol: u8, id: u16, fragment: u16, up: bool, carried: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + carried.len()).unwrap();
    let mut ip = vec![0x45, 0];
    ip.extend(total.to_be_bytes());
    ip.extend(id.to_be_bytes());
    ip.extend(fragment.to_be_bytes());
    ip.extend([64, protocol, 0, 0]);
    let (person, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let ends = if up {
        [person, server]
    } else {
        [server, person]
    };
    ip.extend(ends.concat());
    ip.extend(carried);
    ip
}

fn ipv6(next: u8, carried: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x60, 0, 0, 0];
    ip.extend(u16::try_from(carried.len()).unwrap().to_be_bytes());
    ip.extend([next, 64]);
    for last in [1, 2] {
        let mut address = [0; 16];
        (address[0], address[15]) = (0xfd, last);
        ip.extend(address);
    }
    ip.extend(carried);
    ip
}

/// The first segment of a connection from a port of its own.
fn opening(port: u16) -> Vec<u8> {
    tcp((port, 5050), (100, 0), SYN, &[], b"")
}

/// A pcap of frames of a link type, a millisecond apart.
fn pcap(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, link] {
        bytes.extend(word.to_le_bytes());
    }
    for (time, frame) in (0_u32..).step_by(1000).zip(frames) {
        let length = u32::try_from(frame.len()).unwrap();
        for word in [1_700_000_000, time, length, length] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
    }
    bytes
}

/// PPP with all of its header and with parts of it, with what isn't IP, and Cisco's HDLC.
fn ppp() -> Vec<u8> {
    let mut frames = Vec::new();
    let mut add = |header: &[u8], version: u8| {
        let segment = opening(54_000 + u16::try_from(frames.len()).unwrap());
        let ip = match version {
            4 => ipv4(6, 1, 0, true, &segment),
            _ => ipv6(6, &segment),
        };
        frames.push([header, &ip].concat());
    };
    for header in [
        &[0xff, 3, 0, 0x21][..],
        &[0, 0x21],
        &[0x21],
        &[0xff, 3, 0x21],
        &[0x0f, 0, 8, 0],
    ] {
        add(header, 4);
    }
    for header in [&[0xff, 3, 0, 0x57][..], &[0x57], &[0x8f, 0, 0x86, 0xdd]] {
        add(header, 6);
    }
    add(&[0xff, 3, 0xc0, 0x21], 4);
    pcap(9, &frames)
}

const SNAP: [u8; 6] = [0xaa, 0xaa, 3, 0, 0, 0];

/// FDDI: LLC frames of several priorities, and others.
fn fddi() -> Vec<u8> {
    let addresses = [
        2, 0x11, 0x22, 0x33, 0x44, 0x55, 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
    ];
    let mut frames = Vec::new();
    for (at, control) in (0_u16..).zip([0x50, 0x57, 0x5f, 0x4f, 0xd0, 0x50]) {
        let segment = opening(54_000 + at);
        let (kind, ip) = if at == 5 {
            ([0x86, 0xdd], ipv6(6, &segment))
        } else {
            ([8, 0], ipv4(6, 1, 0, true, &segment))
        };
        frames.push([&[control][..], &addresses, &SNAP, &kind, &ip].concat());
    }
    pcap(10, &frames)
}

fn option(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len() + 2).unwrap();
    [&[kind, length][..], value].concat()
}

/// Fast open, accurate ECN, their experiments, multipath: on a SYN and on a segment with data.
fn tcp_options() -> Vec<u8> {
    let mut frames = Vec::new();
    let all = [
        option(34, b""),
        option(34, b"cookie42"),
        option(254, &[0xf9, 0x89]),
        option(253, b"\xf9\x89cookie42"),
        option(172, b""),
        option(172, &[0, 0, 1]),
        option(172, &[0, 0, 1, 0, 1, 0]),
        option(172, &[0, 0, 1, 0, 1, 0, 1, 0, 0]),
        option(174, &[0xff, 0xff, 0xff, 0, 0, 2, 0, 0, 3]),
        option(174, &[0, 1]),
        option(254, &[0xac, 0xc0]),
        option(254, &[0xac, 0xc0, 0, 0, 1, 0, 0, 2]),
        option(253, &[0xac, 0xc1, 0, 0, 1]),
        option(253, &[0xac, 0xce, 1]),
        option(254, b"\xe2\xd4data"),
        option(254, b"\x00\x0adata"),
        option(254, b""),
        option(30, b"\x00\x81SenderK1"),
        option(30, b"\x10\x01TokeRand"),
        option(30, b"\x20\x01Acks"),
    ];
    for (port, option) in (54_000..).zip(&all) {
        let with_size = [&[2, 4, 5, 0xb4][..], option].concat();
        let syn = tcp((port, 5050), (100, 0), SYN, &with_size, b"");
        let said = tcp((port, 5050), (101, 7), PUSH, option, b"hi\n");
        frames.extend([syn, said].map(|segment| ipv4(6, 1, 0, true, &segment)));
    }
    // Data in a SYN that the server takes, and in one that it doesn't.
    for (port, taken) in [(54_900, 4), (54_901, 0)] {
        let opening = [option(2, &[5, 0xb4]), option(34, b"cookie42")].concat();
        let answer = tcp(
            (5050, port),
            (500, 101 + taken),
            SYN | ACK,
            &opening[..4],
            b"",
        );
        let after = tcp((port, 5050), (101 + taken, 501), PUSH, &[], b"ali\n");
        let opening = tcp((port, 5050), (100, 0), SYN, &opening, b"ali\n");
        frames.push(ipv4(6, 1, 0, true, &opening));
        frames.push(ipv4(6, 1, 0, false, &answer));
        frames.push(ipv4(6, 1, 0, true, &after));
    }
    pcap(101, &frames)
}

/// The fragments of what an IPv4 packet carries, cut at these places.
fn fragments(id: u16, up: bool, carried: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let starts = [&[0], cuts].concat();
    let ends = [cuts, &[carried.len()]].concat();
    let pieces = starts.into_iter().zip(ends);
    pieces
        .map(|(start, end)| {
            let more = if end < carried.len() { 0x2000 } else { 0 };
            let fragment = u16::try_from(start / 8).unwrap() | more;
            ipv4(6, id, fragment, up, &carried[start..end])
        })
        .collect()
}

/// IPv4 in fragments over Ethernet: in order and not, twice, overlapping, and without an end.
fn fragments_v4() -> Vec<u8> {
    let (up, down) = ((54_000, 5050), (5050, 54_000));
    let mut frames = vec![
        ipv4(6, 1, 0, true, &tcp(up, (100, 0), SYN, &[], b"")),
        ipv4(6, 1, 0, false, &tcp(down, (500, 101), SYN | ACK, &[], b"")),
        ipv4(6, 1, 0, true, &tcp(up, (101, 501), ACK, &[], b"")),
        ipv4(6, 2, 0, true, &tcp(up, (101, 501), PUSH, &[], b"ali\n")),
    ];
    let long = [&[b'x'; 99][..], b"\n"].concat();
    let said = |seq: u32| tcp(up, (seq, 501), PUSH, &[], &long);
    let first = fragments(7, true, &said(105), &[16, 48]);
    frames.extend(first.clone());
    let [a, b, c, d] = &fragments(8, true, &said(205), &[24, 48, 96])[..] else {
        panic!("four fragments");
    };
    frames.extend([d, b, a, c].map(Clone::clone));
    // Another packet's fragment between, and one that comes twice.
    let [a, b] = &fragments(9, true, &said(305), &[40])[..] else {
        panic!("two fragments");
    };
    frames.extend([a, &first[0], a, b].map(Clone::clone));
    // Two that overlap and contradict each other.
    let whole = said(405);
    frames.push(ipv4(6, 10, 0x2000, true, &whole[..48]));
    frames.push(ipv4(6, 10, 4, true, &[&[b'?'; 16], &whole[48..]].concat()));
    // A header in pieces, a packet whose end is missing, one of the server's, and UDP.
    frames.extend(fragments(11, true, &said(505), &[8, 16, 24]));
    frames.push(fragments(12, true, &said(605), &[64])[0].clone());
    let heard = tcp(down, (501, 605), PUSH, &[], b"* somebody is here, too\n");
    frames.extend(fragments(13, false, &heard, &[32]));
    frames.push(ipv4(17, 14, 0x2000, true, &[0; 32]));
    frames.push(ipv4(17, 14, 4, true, &[0; 32]));
    let ethernet = |ip: Vec<u8>| {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        frame.extend(ip);
        frame.resize(frame.len().max(60), 0);
        frame
    };
    let frames: Vec<_> = frames.into_iter().map(ethernet).collect();
    pcap(1, &frames)
}

/// IPv6 in fragments: behind another extension, and with one inside.
fn fragments_v6() -> Vec<u8> {
    let up = (54_000, 5050);
    let part = |next: u8, id: u8, offset: usize, more: bool, data: &[u8]| {
        let word = u16::try_from(offset).unwrap() | u16::from(more);
        let [high, low] = word.to_be_bytes();
        [&[next, 0, high, low, 0, 0, 0, id][..], data].concat()
    };
    let long = [&[b'x'; 99][..], b"\n"].concat();
    let said = |seq: u32| tcp(up, (seq, 7), PUSH, &[], &long);
    let mut frames = vec![ipv6(6, &opening(54_000))];
    let named = [&b"ali\n"[..], &long[4..]].concat();
    let whole = tcp(up, (101, 7), PUSH, &[], &named);
    for (offset, end) in [(48, 120), (0, 16), (16, 48)] {
        let data = &whole[offset..end];
        frames.push(ipv6(44, &part(6, 1, offset, end < 120, data)));
    }
    let hops = [44, 0, 1, 4, 0, 0, 0, 0];
    let whole = said(201);
    for (offset, end) in [(0, 64), (64, 120)] {
        let inner = part(6, 2, offset, end < 120, &whole[offset..end]);
        frames.push(ipv6(0, &[&hops[..], &inner].concat()));
    }
    let whole = [&[6, 0, 1, 4, 0, 0, 0, 0][..], &said(301)].concat();
    for (offset, end) in [(0, 40), (40, 128)] {
        frames.push(ipv6(
            44,
            &part(60, 3, offset, end < 128, &whole[offset..end]),
        ));
    }
    frames.push(ipv6(44, &part(6, 4, 0, true, &said(401)[..80])));
    pcap(101, &frames)
}

/// TCP and UDP in tunnels, over Ethernet.
fn tunnels() -> Vec<u8> {
    let segment = ipv4(6, 1, 0, true, &opening(54_000));
    let datagram = ipv4(17, 1, 0, true, &[0, 1, 0, 2, 0, 8, 0, 0]);
    let addresses = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    let ethernet =
        |kind: u16, carried: &[u8]| [&addresses[..], &kind.to_be_bytes(), carried].concat();
    let inner = ethernet(0x0800, &segment);
    let udp = |port: u16, carried: &[u8]| {
        let length = u16::try_from(8 + carried.len()).unwrap();
        let words = [50_000, port, length, 0].map(u16::to_be_bytes);
        ipv4(17, 1, 0, true, &[words.as_flattened(), carried].concat())
    };
    let vxlan = |carried: &[u8]| udp(4789, &[&[8, 0, 0, 0, 0, 0, 42, 0][..], carried].concat());
    let geneve = |kind: u16, carried: &[u8]| {
        let [high, low] = kind.to_be_bytes();
        let header = [1, 0, high, low, 0, 0, 42, 0, 1, 2, 3, 0];
        udp(6081, &[&header[..], carried].concat())
    };
    let gre = |header: &[u8], carried: &[u8]| ipv4(47, 1, 0, true, &[header, carried].concat());
    let mpls = |label: &[u8], carried: &[u8]| ethernet(0x8847, &[label, carried].concat());
    let frames = [
        vxlan(&inner),
        vxlan(&ethernet(0x0806, &[0; 28])),
        geneve(0x6558, &inner),
        geneve(0x0800, &segment),
        gre(&[0, 0, 8, 0], &segment),
        gre(
            &[0xb0, 0, 0x65, 0x58, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1],
            &inner,
        ),
        gre(&[0, 0, 8, 0], &datagram),
        vxlan(&ethernet(0x0800, &gre(&[0, 0, 8, 0], &segment))),
    ];
    let mut frames = frames.map(|ip| ethernet(0x0800, &ip)).to_vec();
    frames.push(mpls(&[0, 1, 1, 64], &segment));
    frames.push(mpls(&[0, 1, 0, 64, 0, 2, 1, 64], &segment));
    frames.push(mpls(&[0, 1, 1, 64], &datagram));
    pcap(1, &frames)
}

/// A room of both encodings, whose bytes are cut in two at places that differ.
fn json() -> Vec<u8> {
    let mut house = House::default();
    let soheil = house.join("soheil", false);
    let ali = house.join("ali", true);
    let persian = house.join("سهیل", true);
    house.types(soheil, "hello");
    house.types(ali, "a \u{1b}[2J\"b\"");
    house.types(persian, "/me سلام");
    house.types(soheil, "/msg ali psst");
    house.types(ali, "/nick omid");
    house.steps.extend([
        up(4002, "{\"id\":\"9\",\"line\":7}"),
        Made::Down(
            4002,
            refusal("bad-request", "Your line was not understood.", None),
        ),
        up(4002, "not JSON"),
        down(
            4002,
            "{\"event\":\"notice\",\"code\":\"help\",\"text\":\"one\\ntwo\"}",
        ),
        down(4002, "{\"event\":\"later\"}"),
    ]);
    house.leave(persian);
    house.steps.extend([
        Made::Open(4009),
        Made::Up(4009, [b"/json\n".to_vec(), resume(3, "سهیل")].concat()),
        down(4009, PROMPT),
        Made::Down(4009, [hello(), welcome(99, "سهیل", true)].concat()),
        Made::Down(
            4009,
            [said(4, "soheil", "hello"), said(100, "soheil", "x")].concat(),
        ),
    ]);
    let mut place = 0;
    let steps = cut(&house.steps, |bytes| {
        place += 7;
        place % (bytes + 1)
    });
    captured(&steps)
}

#[test]
fn the_made_captures_are_what_is_made_here() {
    for (name, bytes) in [
        ("links_ppp.pcap", ppp()),
        ("links_fddi.pcap", fddi()),
        ("tcp_options.pcap", tcp_options()),
        ("fragments_v4.pcap", fragments_v4()),
        ("fragments_v6.pcap", fragments_v6()),
        ("tunnels.pcap", tunnels()),
        ("json.pcap", json()),
    ] {
        if std::env::var_os("BLESS").is_some() {
            fs::write(capture(name), &bytes).unwrap();
        }
        assert!(fs::read(capture(name)).unwrap() == bytes, "{name}");
    }
}
