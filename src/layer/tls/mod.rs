//! TLS 1.3 on the server's side: a handshake by rustls, and from then on a record layer of our own.
//!
//! rustls keeps seven kilobytes for each connection. What TLS needs once a handshake is over is far
//! less: a secret, a key, an initial vector and a number for each direction. So [`handshake`] hands
//! those over to a [`session`], whose records are sealed and opened with the AEADs of the same
//! crypto library. All of it can be written down.
//!
//! # Why a nonce is never used twice
//!
//! A nonce is the initial vector combined with the number of the record, so it is used twice under
//! one key only if a number is. [`keys::Keys`] is the one place that makes nonces:
//!
//! - Each one moves the number on before it is used, whether or not the record can be sealed. No code
//!   sets a number back but the one that changes the key in the same call.
//! - Each direction has keys of its own, so that a peer can't reflect a record.
//! - The number has 64 bits, and the key is changed after 2^23 records.
//! - `Keys` can't be cloned. Its start is the number that rustls had come to, and rustls' connection
//!   is consumed for it: it seals nothing any more.
//! - What was sealed and not sent is kept as it is, by whoever writes it; nothing is sealed again.
//!
//! # Why nothing is used before its tag is checked
//!
//! [`keys::Keys::open`] checks the tag over the whole record, and a record that fails ends the session:
//! its bytes are never counted as plaintext, and nothing is opened behind it.
//!
//! This folder does not know sockets: what is sent is put into a buffer, what has come is handed to
//! it, in pieces of any size.

pub mod alert;
pub mod fingerprint;
pub mod handshake;
pub mod keys;
pub mod record;
pub mod session;
