//! What is known of a TCP segment once those before it are.

pub mod analysis;
pub mod direction;
pub mod reassembly;
pub mod segment;
pub mod streams;

pub use self::analysis::analyse;
pub use self::segment::{Marks, Scale, Segment};
