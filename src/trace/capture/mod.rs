//! The container: frames out of a pcap or pcapng stream, in the order they were written.
//!
//! Knows the file formats and nothing of what a frame holds.

mod error;
mod frame;
pub mod input;
mod pcap;
mod pcapng;
mod reader;
mod record;
mod source;

pub use self::error::CaptureError;
pub use self::frame::{Frame, Moment, OwnedFrame};
pub use self::reader::CaptureReader;
