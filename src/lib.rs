//! One public chat room on one thread.
//!
//! Anyone joins with `nc` or `telnet`; every line a person says reaches everybody else in the room.
//! This page is the map of the house: what lives where, how one message passes through, and the
//! words used for things.
//!
//! # Three rings
//!
//! Dependencies point downwards only.
//!
//! | ring | modules | knows |
//! |---|---|---|
//! | shell | `main.rs`, [`cli`], [`logging`], [`server`], [`client`] | sockets, the poll, signals, the clock; no rules |
//! | hub | [`hub`] with [`hub::connection`], [`feed::fan_out`], [`hub::rate_limit`], [`feed::slow_readers`], [`hub::per_address`], [`hub::limits`], [`hub::disconnect`] | connections generic over their streams; applies what the room decided |
//! | pure | [`mod@line`], [`room`], [`wire`], the client's editor, [`trace`] but for its input and its outputs | bytes and values in, bytes and values out: no sockets, clock, log or threads |
//!
//! # One message through the house
//!
//! ```text
//! socket -> hub::input (one shared 64 KiB scratch) -> line::telnet -> line::framing: &[u8] line
//!        -> line::sanitize: safe &str -> line::command -> Room -> Transcript::append("NAME: TEXT\n")
//!        -> Hub::settle: for each member behind, one write of transcript[cursor..end]
//! ```
//!
//! The transcript holds the room's outgoing lines once for everybody. What a connection is owed is
//! its cursor into the transcript plus, only while it has any, *splices*: own lines to leave out and
//! private lines to put in, each at its place. So a broadcast to N members costs one append and N
//! writes, whatever piled up meanwhile rides in the same write, and someone who stopped reading
//! costs nothing but the socket.
//!
//! # Vocabulary
//!
//! *Listener*, *accept*, *connection*: as in TCP. A *member* is a connection that has given a
//! *name* and so is in the *room*. A *line* is what a person sends; a *command* is a line starting
//! with `/`; a *notice* is the server's word to one person. The *transcript* is the bounded log of
//! what the room heard, a *cursor* a place in it, the *backlog* what lies between a cursor and its
//! end. A *turn* is one pass of the loop, a *budget* what one connection may take of it; to
//! *settle* is to send what is owed and close who must go, to *reap* to free their slots. A *slow
//! reader* is a member whose cursor fell off the transcript's tail; a *disconnect* is why a
//! connection ended.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod cli;
pub mod client;
pub mod failure;
pub mod feed;
pub mod hub;
pub mod line;
pub mod logging;
pub mod room;
pub mod server;
pub mod stream;
pub mod tick;
pub mod trace;
pub mod wire;
