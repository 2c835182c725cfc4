//! From bytes to lines to commands. Pure: no sockets, no clock, no log.
//!
//! In the order a byte meets them: [`telnet`] takes out what a telnet client says to the server's
//! terminal and not to people, [`framing`] cuts at line ends, [`sanitize`] makes a line safe to show,
//! [`command`] tells talk from commands, [`wrong_protocol`] people from programs at the wrong port.
//! [`input`] is what a connection keeps of it.

pub mod command;
pub mod framing;
pub mod input;
pub mod order;
pub mod sanitize;
pub mod telnet;
pub mod wrong_protocol;
