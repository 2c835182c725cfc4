//! The options of a TCP header as a tree, in Wireshark's words: a table of the kinds that are known.

mod classic;
mod newer;

use std::fmt::{self, Write as _};

use self::classic::Shown;
use super::expert::{expert, expert_info, remark_on_idle};
use crate::trace::packet::options::{self, TcpOptions};
use crate::trace::packet::{Packet, SYN};
use crate::trace::tcp::Segment;

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

const KINDS: [Kind; 14] = [
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
        head: Some(classic::segment_size_head),
        body: Some(classic::segment_size),
    },
    Kind {
        number: options::WINDOW_SCALE,
        listed: "Window scale",
        name: "Window Scale",
        length: Some(3),
        head: Some(classic::window_scale_head),
        body: Some(classic::window_scale),
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
        head: Some(classic::sack_head),
        body: Some(classic::sack),
    },
    Kind {
        number: options::TIMESTAMPS,
        listed: "Timestamps",
        name: "Time Stamp Option",
        length: Some(10),
        head: Some(classic::timestamps_head),
        body: Some(classic::timestamps),
    },
    Kind {
        number: options::MD5,
        listed: "TCP MD5 signature",
        name: "MD5 Signature Option",
        length: Some(18),
        head: None,
        body: Some(classic::md5),
    },
    Kind {
        number: options::FAST_OPEN,
        listed: "TCP Fast Open",
        name: "TCP Fast Open Cookie",
        length: None,
        head: None,
        body: Some(classic::fast_open),
    },
    Kind {
        number: options::MULTIPATH,
        listed: "MPTCP",
        name: "Multipath TCP",
        length: None,
        head: Some(newer::multipath_head),
        body: Some(newer::multipath),
    },
    Kind {
        number: options::ACCURATE_ECN_0,
        listed: "Accurate ECN",
        name: "Accurate ECN Order 0",
        length: None,
        head: Some(newer::accurate_ecn_head),
        body: Some(newer::accurate_ecn),
    },
    Kind {
        number: options::ACCURATE_ECN_1,
        listed: "Accurate ECN",
        name: "Accurate ECN Order 1",
        length: None,
        head: Some(newer::accurate_ecn_head),
        body: Some(newer::accurate_ecn),
    },
    Kind {
        number: options::EXPERIMENT_1,
        listed: "Experimental",
        name: "RFC3692-style Experiment 1",
        length: None,
        head: Some(newer::experiment_head),
        body: Some(newer::experiment),
    },
    Kind {
        number: options::EXPERIMENT_2,
        listed: "Experimental",
        name: "RFC3692-style Experiment 2",
        length: None,
        head: Some(newer::experiment_head),
        body: Some(newer::experiment),
    },
];

/// How every other kind is shown.
const UNKNOWN: Kind = Kind {
    number: u8::MAX,
    listed: "Unknown",
    name: "Unknown",
    length: None,
    head: None,
    body: Some(classic::payload),
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
    match number {
        options::MULTIPATH => out.push_str("        Multipath Transmission Control Protocol"),
        _ => write!(out, "        TCP Option - {}", kind.listed)?,
    }
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
