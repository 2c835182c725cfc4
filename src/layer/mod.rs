//! What may stand between a socket and the lines of a connection: a way in, not another kind of
//! member.
//!
//! All of it is pure: bytes in, bytes out. This folder does not know sockets, the clock, or what the
//! bytes say.

pub mod proxy;
pub mod tls;
pub mod websocket;
