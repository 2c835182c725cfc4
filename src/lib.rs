//! One public chat room on one thread.
//!
//! Anyone joins with `nc` or `telnet`; every line a person says reaches everybody else in the room.
//! This page is the map of the house: what lives where, how one message passes through, and the
//! words used for things.
//!
//! # The rooms
//!
//! Dependencies point downwards only; each module's head says what it does not know.
//!
//! | ring | modules | knows |
//! |---|---|---|
//! | shell | `main.rs`, [`cli`], [`server`], [`store`] (files, and the process that writes them), [`client`] | the command line, sockets, the poll, signals, the clock, files, the terminal; no rules |
//! | hub | [`hub`] (connections between the room and the wire), [`feed`] (one encoding of one room) | connections generic over a [`stream::Stream`] and told the time ([`tick`]): all of it runs in a simulation |
//! | pure | [`backplane`] (the order of a room on many machines, and a client of NATS), [`layer`] (TLS records, PROXY headers: what may stand before a connection's lines), [`wire`] (events to bytes and back), [`room`] (who is in it, what may happen), [`mod@line`] (bytes to lines), the client's editor, [`trace`] but for opening files | bytes and values in, bytes and values out: no sockets, clock, log or threads |
//!
//! [`failure`] and [`logging`] serve the shell. The hub's parts own their fields: `connections` (who
//! is there) with `slots`, `admission` (the way in), `exits` (the way out), `delivery` (what is
//! owed) with [`hub::patience`] (how long the room waits for it to be read), `queues`, `silence`,
//! [`hub::rate_limit`], `guesses`, [`hub::limits`], [`hub::counters`]. The room's
//! are its names and [`room::access`] (who may be here and speak). The server's: `keeper` (what outlives it),
//! `doors` (what is listened
//! on, with [`server::listener`]), `ending` (signals), `notify` (systemd), `http` and `metrics` (for
//! those who look after it), [`server::backplane`] (the sockets to NATS), `turns` (how long they take), [`server::sandbox`].
//!
//! # A member's line through the house
//!
//! 1. The poll tells `server` that a socket is readable; its token is a [`room::MemberId`].
//! 2. [`Hub::ready`](hub::Hub::ready) reads it into the one buffer of [`line::input::Reader`].
//! 3. [`line::telnet`] takes telnet's own talk out, [`line::framing`] cuts the rest at line ends.
//! 4. [`line::sanitize`] makes the line safe to show, [`line::command`] says what it asks for.
//! 5. [`Room::decide`](room::Room::decide) says what shall happen: an [`Event`](room::Event) for
//!    all, or [`Effect`](room::Effect)s for single members. It changes nothing.
//! 6. The event is logged, and added to the record if there is one ([`store::record`]), and [`wire::plain`] writes it, once for all, to the end of the feed's
//!    [`Transcript`](feed::Transcript); the sender's own cursor skips it ([`feed::splices`]).
//! 7. [`Room::apply`](room::Room::apply) makes it so.
//! 8. [`Hub::settle`](hub::Hub::settle) goes round the members ([`feed::fan_out`]): one write of
//!    `transcript[cursor..end]` for each who is behind, whatever piled up riding along.
//! 9. A member whose socket takes no more is watched ([`feed::slow_readers`]); whether the room waits
//!    for it is [`hub::patience`]'s matter, and it is cut when the transcript has moved past it.
//! 10. [`Hub::reap`](hub::Hub::reap) frees the slots of those who have gone.
//!
//! # A packet through the trace
//!
//! [`trace`]'s head describes it: [`trace::capture`] -> [`trace::packet`] -> [`trace::tcp`] ->
//! [`trace::chat`] -> [`trace::show`], each a folder that knows only those before it.
//!
//! # Vocabulary
//!
//! *Listener*, *accept*, *connection*: as in TCP. A *member* is a connection that has given a
//! *name* and so is in the *room*. A *line* is what a person sends; a *command* is a line starting
//! with `/`; a *notice* is the server's word to one person. An *event* is something that happens to
//! the room, in one order for all. A *feed* is one encoding of one room: its *transcript* is the
//! bounded log of what the room heard, a *cursor* a place in it, the *backlog* what lies between a
//! cursor and its end, a *splice* a place where one member hears something else than the others, the
//! *fan-out* the way round all members. A *turn* is one pass of the loop, a *budget* what one
//! connection may take of it; to *settle* is to send what is owed and close who must go, to *reap*
//! to free their slots. A *slow reader* is a member whose cursor fell off the transcript's tail;
//! *patience* is how long the room waits for few before that, the *flow* what may be said meanwhile.
//! A *lame duck* is a room that lets nobody in any
//! more and closes soon. A *disconnect* is why a connection ended; to *drain* is to be sent what is still owed after it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod backplane;
pub mod cli;
pub mod client;
pub mod failure;
pub mod feed;
pub mod hub;
pub mod layer;
pub mod line;
pub mod logging;
pub mod room;
pub mod server;
pub mod store;
pub mod stream;
pub mod tick;
pub mod trace;
pub mod wire;
