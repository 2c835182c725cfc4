//! Accurate ECN, experiments, and multipath TCP as far as its kind.

use std::fmt::{self, Write as _};

use super::classic::{Shown, fast_open, payload};
use crate::trace::packet::bytes::u16_at;
use crate::trace::packet::options::{self, EcnMark, ecn_counters};
use crate::trace::show::details::expert::expert;
use crate::trace::show::info::ecn_label;
use crate::trace::show::text::Hex;

/// Tells of an experiment by what it is now, behind its number.
pub(super) fn experiment_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let Some(id) = experiment_id(shown) else {
        return out.write_char('\n');
    };
    write!(out, ": {}", experiment_name(id))?;
    match shown.option.settled().0 {
        options::ACCURATE_ECN_0 | options::ACCURATE_ECN_1 => {
            out.push_str(": Accurate ECN");
            accurate_ecn_head(out, shown)
        }
        _ => out.write_char('\n'),
    }
}

pub(super) fn experiment(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let Some(id) = experiment_id(shown) else {
        let words = format!("option length {} smaller than 4", shown.value.len() + 2);
        return expert(out, 16, "Note", &words);
    };
    let name = experiment_name(id);
    writeln!(
        out,
        "            Experiment Identifier: {name} (0x{id:04x})"
    )?;
    match shown.option.settled().0 {
        options::FAST_OPEN => fast_open(out, shown),
        options::ACCURATE_ECN_0 | options::ACCURATE_ECN_1 => accurate_ecn(out, shown),
        _ if shown.value.len() > 2 => writeln!(out, "            Data: {}", Hex(&shown.value[2..])),
        _ => Ok(()),
    }
}

fn experiment_id(shown: &Shown<'_>) -> Option<u16> {
    (shown.value.len() >= 2).then(|| u16_at(shown.value, 0))
}

fn experiment_name(id: u16) -> &'static str {
    match id {
        0x0348 => "Host ID",
        0xacc0 => "Accurate ECN - Order 0",
        0xacc1 => "Accurate ECN - Order 1",
        0xacce => "Accurate ECN",
        0xe2d4 => "Shared Memory communications over RMDA protocol",
        0xf989 => "Fast Open",
        _ => "Unknown",
    }
}

pub(super) fn accurate_ecn_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let (kind, value) = shown.option.settled();
    let counters = ecn_counters(kind, value).filter(|_| !value.is_empty());
    if let Some(counters) = counters {
        let order = u8::from(kind == options::ACCURATE_ECN_1);
        write!(out, " (Order {order})")?;
        for (at, (mark, bytes)) in counters.enumerate() {
            let separator = if at == 0 { ":" } else { "," };
            write!(out, "{separator} {} {bytes}", ecn_label(mark))?;
        }
    }
    out.write_char('\n')
}

pub(super) fn accurate_ecn(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let (kind, value) = shown.option.settled();
    let Some(counters) = ecn_counters(kind, value) else {
        let kind = shown.option.kind;
        let lengths = if kind < options::EXPERIMENT_1 {
            "2, 5, 8, or 11"
        } else {
            "4, 7, 10, or 13"
        };
        let length = shown.value.len() + 2;
        let words = format!("option length should be {lengths} instead of {length}");
        return expert(out, 16, "Note", &words);
    };
    for (mark, bytes) in counters {
        let mark = match mark {
            EcnMark::Zero => "ECT(0)",
            EcnMark::Experienced => "CE",
            EcnMark::One => "ECT(1)",
        };
        writeln!(
            out,
            "            Accurate ECN Echo {mark} Byte Counter: {bytes}"
        )?;
    }
    Ok(())
}

/// Tells which of its messages a multipath option is; more of it is not told.
pub(super) fn multipath_head(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    match shown.value.first() {
        Some(first) => writeln!(out, ": {}", multipath_name(first >> 4)),
        None => out.write_char('\n'),
    }
}

pub(super) fn multipath(out: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let Some(first) = shown.value.first() else {
        return Ok(());
    };
    let (subtype, name) = (first >> 4, multipath_name(first >> 4));
    writeln!(
        out,
        "            {subtype:04b} .... = Multipath TCP subtype: {name} ({subtype})"
    )?;
    payload(out, shown)
}

fn multipath_name(subtype: u8) -> &'static str {
    match subtype {
        0 => "Multipath Capable",
        1 => "Join Connection",
        2 => "Data Sequence Signal",
        3 => "Add Address",
        4 => "Remove Address",
        5 => "Change Subflow Priority",
        6 => "TCP Fallback",
        7 => "Fast Close",
        8 => "TCP Reset",
        _ => "Unknown",
    }
}
