//! Remarks, as Wireshark's experts make them.

use std::fmt::{self, Write as _};

use crate::trace::packet::options;

/// Writes a remark on the sequence of things.
pub(super) fn expert(out: &mut String, indent: usize, severity: &str, words: &str) -> fmt::Result {
    expert_info(out, indent, severity, "Sequence", words)
}

/// Writes a remark.
pub(super) fn expert_info(
    out: &mut String,
    indent: usize,
    severity: &str,
    group: &str,
    words: &str,
) -> fmt::Result {
    let (space, inner) = (" ".repeat(indent), " ".repeat(indent + 4));
    writeln!(out, "{space}[Expert Info ({severity}/{group}): {words}]")?;
    writeln!(
        out,
        "{inner}[{words}]\n{inner}[Severity level: {severity}]\n{inner}[Group: {group}]"
    )
}

/// Counts options that do nothing, 1 in IP and in TCP, and remarks on the fourth in a row.
pub(super) fn remark_on_idle(out: &mut String, kind: u8, idle: &mut u32) -> fmt::Result {
    *idle = if kind == options::NOP { *idle + 1 } else { 0 };
    if *idle != 4 {
        return Ok(());
    }
    let words = "4 NOP in a row - a router may have removed some options";
    expert_info(out, 8, "Warning", "Protocol", words)
}
