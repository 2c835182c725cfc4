//! The Info column of the packet list, in Wireshark's words.

use std::fmt;

use crate::trace::packet::bytes::u16_at;
use crate::trace::packet::options::{self, EcnMark, TcpOption, TcpOptions, ecn_counters};
use crate::trace::packet::{ACK, Packet, URG};
use crate::trace::tcp::{Marks, Segment};

const FLAG_NAMES: [&str; 9] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
const RESERVED: u16 = 0xe00;

/// The words that stand before the ports, innermost first: each later one is put before the others.
const PREFIXES: [(Marks, &str); 14] = [
    (Marks::REUSED_PORTS, "[TCP Port numbers reused] "),
    (Marks::RETRANSMISSION, "[TCP Retransmission] "),
    (Marks::FAST_RETRANSMISSION, "[TCP Fast Retransmission] "),
    (
        Marks::SPURIOUS_RETRANSMISSION,
        "[TCP Spurious Retransmission] ",
    ),
    (Marks::OUT_OF_ORDER, "[TCP Out-Of-Order] "),
    (Marks::LOST_SEGMENT, "[TCP Previous segment not captured] "),
    (Marks::ACK_LOST_SEGMENT, "[TCP ACKed unseen segment] "),
    (Marks::WINDOW_UPDATE, "[TCP Window Update] "),
    (Marks::WINDOW_FULL, "[TCP Window Full] "),
    (Marks::KEEP_ALIVE, "[TCP Keep-Alive] "),
    (Marks::KEEP_ALIVE_ACK, "[TCP Keep-Alive ACK] "),
    (Marks::ZERO_WINDOW_PROBE, "[TCP ZeroWindowProbe] "),
    (Marks::ZERO_WINDOW, "[TCP ZeroWindow] "),
    (Marks::ZERO_WINDOW_PROBE_ACK, "[TCP ZeroWindowProbeAck] "),
];

/// The flags by name, `PSH, ACK`, or the last three of them as a count of marks, `PSH, ACK, ACE=2`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flags {
    pub(super) bits: u16,
    pub(super) ace: Option<u16>,
}

impl Flags {
    pub(super) fn new(packet: &Packet<'_>, segment: &Segment) -> Self {
        Self {
            bits: packet.flags,
            ace: segment.ace,
        }
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = if self.ace.is_some() { 6 } else { 9 };
        let mut separator = "";
        for (bit, name) in FLAG_NAMES[..names].iter().enumerate() {
            if self.bits & 1 << bit != 0 {
                f.write_str(separator)?;
                f.write_str(name)?;
                separator = ", ";
            }
        }
        if let Some(ace) = self.ace {
            // Also where nothing stands before it, as in Wireshark.
            separator = ", ";
            write!(f, "{separator}ACE={ace}")?;
        }
        if self.bits & RESERVED != 0 {
            f.write_str(separator)?;
            f.write_str("Reserved")?;
        } else if self.bits == 0 && self.ace.is_none() {
            f.write_str("<None>")?;
        }
        Ok(())
    }
}

/// The Info column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Info<'a>(pub &'a Packet<'a>, pub &'a Segment);

impl fmt::Display for Info<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(packet, segment) = self;
        prefixes(f, segment)?;
        write!(f, "{} → {} [", packet.src_port, packet.dst_port)?;
        Flags::new(packet, segment).fmt(f)?;
        write!(f, "] Seq={}", segment.seq)?;
        if packet.has(ACK) {
            write!(f, " Ack={}", segment.ack)?;
        }
        write!(f, " Win={}", segment.window)?;
        if packet.has(URG) {
            write!(f, " Urg={}", packet.urgent)?;
        }
        write!(f, " Len={}", packet.len)?;
        for one in TcpOptions::new(packet.options) {
            option(f, &one, segment)?;
        }
        if packet.has_cut_options() {
            f.write_str("[Packet size limited during capture]")?;
        }
        Ok(())
    }
}

fn option(f: &mut fmt::Formatter<'_>, option: &TcpOption<'_>, segment: &Segment) -> fmt::Result {
    let (kind, value) = option.settled();
    match (kind, value.len()) {
        (options::MSS, 2) => write!(f, " MSS={}", option.u16().unwrap_or(0)),
        (options::WINDOW_SCALE, 1) => {
            let shift = value[0].min(options::WINDOW_SHIFT_MAX);
            write!(f, " WS={}", 1_u32 << shift)
        }
        (options::SACK_PERMITTED, _) => f.write_str(" SACK_PERM"),
        (options::SACK, _) => {
            for (left, right) in option.sack_blocks() {
                let left = left.wrapping_sub(segment.other_base);
                let right = right.wrapping_sub(segment.other_base);
                write!(f, " SLE={left} SRE={right}")?;
            }
            Ok(())
        }
        (options::TIMESTAMPS, 8) => match option.timestamps() {
            Some((value, echo)) => write!(f, " TSval={value} TSecr={echo}"),
            None => Ok(()),
        },
        (options::MD5, _) => f.write_str(" MD5"),
        (options::FAST_OPEN, 0) => f.write_str(" TFO=R"),
        (options::FAST_OPEN, _) => f.write_str(" TFO=C"),
        (options::ACCURATE_ECN_0 | options::ACCURATE_ECN_1, 0) => f.write_str(" AccECN"),
        (options::ACCURATE_ECN_0 | options::ACCURATE_ECN_1, _) => {
            for (mark, bytes) in ecn_counters(kind, value).into_iter().flatten() {
                write!(f, " {}={bytes}", ecn_label(mark))?;
            }
            Ok(())
        }
        (options::EXPERIMENT_1 | options::EXPERIMENT_2, 2..) => {
            write!(f, " ExID={:X}", u16_at(value, 0))
        }
        _ => Ok(()),
    }
}

/// Returns the name of the counter for a mark.
pub(super) fn ecn_label(mark: EcnMark) -> &'static str {
    match mark {
        EcnMark::Zero => "EE0B",
        EcnMark::Experienced => "ECEB",
        EcnMark::One => "EE1B",
    }
}

/// Returns the protocol column: `MPTCP` if that is among the options, else `TCP`.
pub(super) fn protocol(packet: &Packet<'_>) -> &'static str {
    let mut options = TcpOptions::new(packet.options);
    if options.any(|option| option.kind == options::MULTIPATH) {
        "MPTCP"
    } else {
        "TCP"
    }
}

fn prefixes(f: &mut fmt::Formatter<'_>, segment: &Segment) -> fmt::Result {
    if segment.marks.is_empty() {
        return Ok(());
    }
    for (at, (mark, words)) in PREFIXES.iter().enumerate().rev() {
        if segment.marks.any(*mark) {
            f.write_str(words)?;
        }
        // The duplicate ACK stands between the window probe and the keep-alive's answer.
        if at == 11
            && let Some((frame, number)) = segment.duplicate_ack
        {
            write!(f, "[TCP Dup ACK {frame}#{number}] ")?;
        }
    }
    Ok(())
}
