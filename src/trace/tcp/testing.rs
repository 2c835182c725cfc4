//! Packets for the tests of this layer.

use std::net::{IpAddr, Ipv4Addr};

use crate::trace::packet::Packet;

/// Returns a packet between two ports of one address, with sequence and acknowledgement numbers.
pub(super) fn packet(
    ports: (u16, u16),
    flags: u16,
    numbers: (u32, u32),
    payload: &[u8],
) -> Packet<'_> {
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
