//! The capture as a picture.

pub mod html;
pub mod ladder;
pub mod story;
pub mod svg;
pub mod text;
