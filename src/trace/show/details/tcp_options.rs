//! The options of a TCP header as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};

use super::expert::{expert, expert_info, remark_on_idle};
use crate::trace::packet::bytes::{u16_at, u32_at};
use crate::trace::packet::options::{self, TcpOption, TcpOptions};
use crate::trace::packet::{Packet, SYN};
use crate::trace::show::text::Hex;
use crate::trace::tcp::{Segment, not_after};

/// An option in its packet.
struct Shown<'a> {
    value: &'a [u8],
    option: &'a TcpOption<'a>,
    packet: &'a Packet<'a>,
    segment: &'a Segment,
}

type Write = fn(&mut String, &Shown<'_>) -> fmt::Result;

/// How one kind of option is shown.
struct Kind {
    number: u8,
    /// Its name in the list of options.
    listed: &'static str,
    /// Its name where its number stands.
    name: &'static str,
    /// The length that it must have, with kind and length, if it must have one.
    length: Option<usize>,
    /// Writes the rest of its first line, and ends it.
    head: Option<Write>,
    /// Writes what stands behind its length.
    body: Option<Write>,
}

const KINDS: [Kind; 9] = [
    Kind {
        number: options::END,
        listed: "End of Option List (EOL)",
        name: "End of Option List",
        length: None,
        head: None,
        body: None,
    },
    Kind {
        number: options::NOP,
        listed: "No-Operation (NOP)",
        name: "No-Operation",
        length: None,
        head: None,
        body: None,
    },
    Kind {
        number: options::MSS,
        listed: "Maximum segment size",
        name: "Maximum Segment Size",
        length: Some(4),
        head: Some(segment_size_head),
        body: Some(segment_size),
    },
    Kind {
        number: options::WINDOW_SCALE,
        listed: "Window scale",
        name: "Window Scale",
        length: Some(3),
        head: Some(window_scale_head),
        body: Some(window_scale),
    },
    Kind {
        number: options::SACK_PERMITTED,
        listed: "SACK permitted",
        name: "SACK Permitted",
        length: None,
        head: None,
        body: None,
    },
    Kind {
        number: options::SACK,
        listed: "SACK",
        name: "SACK",
        length: None,
        head: Some(sack_head),
        body: Some(sack),
    },
    Kind {
        number: options::TIMESTAMPS,
        listed: "Timestamps",
        name: "Time Stamp Option",
        length: Some(10),
        head: Some(timestamps_head),
        body: Some(timestamps),
    },
    Kind {
        number: options::MD5,
        listed: "TCP MD5 signature",
        name: "MD5 Signature Option",
        length: Some(18),
        head: None,
        body: Some(md5),
    },
    Kind {
        number: options::FAST_OPEN,
        listed: "TCP Fast Open",
        name: "TCP Fast Open Cookie",
        length: None,
        head: None,
        body: Some(fast_open),
    },
];

/// How every other kind is shown.
const UNKNOWN: Kind = Kind {
    number: u8::MAX,
    listed: "Unknown",
    name: "Unknown",
    length: None,
    head: None,
    body: Some(payload),
};

/// Returns how a kind is shown, if it is known.
fn known(number: u8) -> Option<&'static Kind> {
    KINDS.iter().find(|known| known.number == number)
}

/// Writes the options.
pub(super) fn tree(out: &mut String, packet: &Packet<'_>, segment: &Segment) -> fmt::Result {
    if packet.options.is_empty() {
        return Ok(());
    }
    write!(out, "    Options: ({} bytes)", packet.header_len - 20)?;
    for option in TcpOptions::new(packet.options) {
        match known(option.kind) {
            Some(kind) => write!(out, ", {}", kind.listed)?,
            None => write!(out, ", {} (0x{:02x})", UNKNOWN.listed, option.kind)?,
        }
    }
    out.push('\n');
    let mut idle = 0;
    for option in &mut TcpOptions::new(packet.options) {
        remark_on_idle(out, option.kind, &mut idle)?;
        let shown = Shown {
            value: option.value,
            option: &option,
            packet,
            segment,
        };
        one(out, &shown)?;
    }
    let has_size = TcpOptions::new(packet.options).any(|option| option.kind == options::MSS);
    if packet.has(SYN) && !has_size && !packet.has_cut_options() {
        let words = "The SYN packet does not contain a MSS option";
        expert_info(out, 8, "Note", "Protocol", words)?;
    }
    Ok(())
}

fn one(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let (number, length) = (shown.option.kind, shown.value.len() + 2);
    let kind = known(number).unwrap_or(&UNKNOWN);
    let wrong = kind.length.filter(|right| *right != length);
    write!(out, "        TCP Option - {}", kind.listed)?;
    match (wrong, kind.head) {
        (None, Some(head)) => head(out, shown)?,
        _ => out.push('\n'),
    }
    writeln!(out, "            Kind: {} ({number})", kind.name)?;
    if number > options::NOP {
        writeln!(out, "            Length: {length}")?;
    }
    match (wrong, kind.body) {
        (Some(right), _) => expert(out, 16, "Note", &format!("option length should be {right}")),
        (None, Some(body)) => body(out, shown),
        (None, None) => Ok(()),
    }
}

fn segment_size_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    writeln!(out, ": {} bytes", u16_at(shown.value, 0))?;
    if shown.packet.has(SYN) {
        return Ok(());
    }
    let words = "The non-SYN packet does contain a MSS option";
    expert_info(out, 12, "Warning", "Protocol", words)
}

fn segment_size(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    writeln!(out, "            MSS Value: {}", u16_at(shown.value, 0))
}

/// Returns what a shift multiplies a window by.
fn factor(shift: u8) -> u32 {
    1 << shift.min(options::WINDOW_SHIFT_MAX)
}

fn window_scale_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let shift = shown.value[0];
    writeln!(out, ": {shift} (multiply by {})", factor(shift))
}

fn window_scale(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let shift = shown.value[0];
    writeln!(out, "            Shift count: {shift}")?;
    if shift > options::WINDOW_SHIFT_MAX {
        let words = "Window scale shift exceeds 14";
        expert_info(out, 16, "Warning", "Protocol", words)?;
    }
    writeln!(out, "            [Multiplier: {}]", factor(shift))
}

fn timestamps_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let (value, echo) = (u32_at(shown.value, 0), u32_at(shown.value, 4));
    writeln!(out, ": TSval {value}, TSecr {echo}")
}

fn timestamps(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let (value, echo) = (u32_at(shown.value, 0), u32_at(shown.value, 4));
    writeln!(out, "            Timestamp value: {value}")?;
    writeln!(out, "            Timestamp echo reply: {echo}")
}

/// Returns the SACK blocks, relative to the first number.
fn blocks(shown: &Shown<'_>) -> Vec<(u32, u32)> {
    let base = shown.segment.other_base;
    shown
        .option
        .sack_blocks()
        .map(|(left, right)| (left.wrapping_sub(base), right.wrapping_sub(base)))
        .collect()
}

fn sack_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    for (left, right) in blocks(shown) {
        write!(out, " {left}-{right}")?;
    }
    out.write_char('\n')
}

fn sack(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let blocks = blocks(shown);
    for (left, right) in &blocks {
        writeln!(out, "            left edge = {left} (relative)")?;
        writeln!(out, "            right edge = {right} (relative)")?;
    }
    writeln!(out, "            [TCP SACK Count: {}]", blocks.len())?;
    duplicate_sack(out, &blocks, shown.segment.ack)
}

/// Tells of a first block that reports a duplicate (RFC 2883): it was acknowledged before, or lies
/// in the second.
fn duplicate_sack(out: &mut String, blocks: &[(u32, u32)], ack: u32) -> fmt::Result {
    let &[(left, right), ref others @ ..] = blocks else {
        return Ok(());
    };
    let inside = |other: &(u32, u32)| not_after(other.0, left) && not_after(right, other.1);
    if !not_after(right, ack) && !others.first().is_some_and(inside) {
        return Ok(());
    }
    writeln!(out, "            [D-SACK Left Edge = {left} (relative)]")?;
    writeln!(out, "            [D-SACK Right Edge = {right} (relative)]")?;
    writeln!(out, "            D-SACK Sequence")?;
    expert_info(out, 16, "Warning", "Sequence", "D-SACK Sequence")
}

fn md5(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    writeln!(out, "            MD5 digest: {}", Hex(shown.value))
}

fn fast_open(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    match shown.value {
        [] => writeln!(out, "            Fast Open Cookie Request"),
        cookie => writeln!(out, "            Fast Open Cookie: {}", Hex(cookie)),
    }
}

fn payload(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    match shown.value {
        [] => Ok(()),
        payload => writeln!(out, "            Payload: {}", Hex(payload)),
    }
}
