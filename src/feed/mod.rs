//! One encoding of one room: what is owed to everybody who hears it.

pub mod fan_out;
pub mod slow_readers;
pub mod splices;
pub mod transcript;

pub use self::transcript::Transcript;
