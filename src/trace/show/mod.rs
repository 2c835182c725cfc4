//! Every way in which a capture is shown.

pub mod clock;
pub mod details;
pub mod findings;
pub mod histogram;
pub mod list;
pub mod messages;
pub mod outputs;
pub mod picture;
pub mod records;
pub mod summary;
pub mod text;
