//! What is known of a TCP segment once those before it are.
//!
//! Each packet goes through [`analyse`]: the table finds its stream, the stream its direction, and
//! what Wireshark would say of it comes back as a [`Segment`]. [`reassembly`] puts the bytes of one
//! direction in order.

mod analysis;
mod direction;
pub mod reassembly;
mod segment;
mod stream;
mod streams;
#[cfg(test)]
mod tests;

pub use self::analysis::analyse;
pub use self::direction::not_after;
pub use self::segment::{Marks, Scale, Segment, Side};
pub use self::stream::{StreamRow, completeness_text};
pub use self::streams::Streams;
