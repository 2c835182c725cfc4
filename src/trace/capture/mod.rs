//! The container: frames out of a pcap or pcapng stream.

pub mod input;
pub mod pcapng;
pub mod reader;

pub use self::reader::{CaptureError, CaptureReader, Frame};
