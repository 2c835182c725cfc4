//! The options that have been there for long.

use std::fmt::{self, Write as _};

use crate::trace::packet::bytes::{u16_at, u32_at};
use crate::trace::packet::options::{self, TcpOption};
use crate::trace::packet::{ACK, Packet, SYN};
use crate::trace::show::details::expert::{expert, expert_info};
use crate::trace::show::text::Hex;
use crate::trace::tcp::{Segment, not_after};

/// An option in its packet.
pub(super) struct Shown<'a> {
    pub(super) value: &'a [u8],
    pub(super) option: &'a TcpOption<'a>,
    pub(super) packet: &'a Packet<'a>,
    pub(super) segment: &'a Segment,
}

pub(super) fn segment_size_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    writeln!(out, ": {} bytes", u16_at(shown.value, 0))?;
    if shown.packet.has(SYN) {
        return Ok(());
    }
    let words = "The non-SYN packet does contain a MSS option";
    expert_info(out, 12, "Warning", "Protocol", words)
}

pub(super) fn segment_size(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    writeln!(out, "            MSS Value: {}", u16_at(shown.value, 0))
}

/// Returns what a shift multiplies a window by.
fn factor(shift: u8) -> u32 {
    1 << shift.min(options::WINDOW_SHIFT_MAX)
}

pub(super) fn window_scale_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let shift = shown.value[0];
    writeln!(out, ": {shift} (multiply by {})", factor(shift))
}

pub(super) fn window_scale(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let shift = shown.value[0];
    writeln!(out, "            Shift count: {shift}")?;
    if shift > options::WINDOW_SHIFT_MAX {
        let words = "Window scale shift exceeds 14";
        expert_info(out, 16, "Warning", "Protocol", words)?;
    }
    writeln!(out, "            [Multiplier: {}]", factor(shift))
}

pub(super) fn timestamps_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let (value, echo) = (u32_at(shown.value, 0), u32_at(shown.value, 4));
    writeln!(out, ": TSval {value}, TSecr {echo}")
}

pub(super) fn timestamps(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
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

pub(super) fn sack_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    for (left, right) in blocks(shown) {
        write!(out, " {left}-{right}")?;
    }
    out.write_char('\n')
}

pub(super) fn sack(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
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

pub(super) fn md5(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    writeln!(out, "            MD5 digest: {}", Hex(shown.value))
}

pub(super) fn fast_open(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let cookie = shown.option.settled().1;
    if cookie.is_empty() {
        return writeln!(out, "            Fast Open Cookie Request");
    }
    writeln!(out, "            Fast Open Cookie: {}", Hex(cookie))?;
    if shown.packet.has(SYN) && !shown.packet.has(ACK) {
        return expert(out, 16, "Note", "TCP SYN with TFO Cookie");
    }
    Ok(())
}

pub(super) fn payload(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    match shown.value {
        [] => Ok(()),
        payload => writeln!(out, "            Payload: {}", Hex(payload)),
    }
}
