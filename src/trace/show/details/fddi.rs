//! FDDI as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};

use crate::trace::show::text::Mac;

/// Writes the header of an asynchronous LLC frame.
pub(super) fn tree(out: &mut String, data: &[u8]) -> fmt::Result {
    let control = data[0];
    let low = control & 0x0f;
    let priority = (low < 8).then_some(low);
    let kind = match priority {
        Some(priority) => format!("Async LLC frame, priority {priority}"),
        None => format!("Async LLC frame, control {low:x}"),
    };
    writeln!(out, "Fiber Distributed Data Interface, {kind}")?;
    writeln!(out, "    Frame Control: 0x{control:02x} ({kind})")?;
    out.push_str("        0101 .... = Class/Length/Format: Async LLC (0x5)\n");
    if let Some(priority) = priority {
        writeln!(out, "        .... .{priority:03b} = Priority: {priority}")?;
    }
    writeln!(out, "    Destination: {}", Swapped(&data[1..7]))?;
    writeln!(out, "    Source: {}", Swapped(&data[7..13]))
}

/// A hardware address that is written with the bits of each byte in the other order.
struct Swapped<'a>(&'a [u8]);

impl fmt::Display for Swapped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = self.0.iter().map(|byte| byte.reverse_bits()).collect();
        Mac(&bytes).fmt(f)
    }
}
