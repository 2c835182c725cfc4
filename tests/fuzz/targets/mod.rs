//! The fuzz targets' bodies, each a function of any bytes that panics where a promise is broken.
//! `cargo fuzz` runs them on what it makes up, `tests/corpus.rs` on what is kept of that.
#![allow(dead_code, reason = "each fuzz target runs one of these")]

pub(crate) mod commands;
pub(crate) mod hub;
pub(crate) mod lines;
pub(crate) mod names;
pub(crate) mod wire;

/// Panics if `text` could do harm on a terminal.
pub(crate) fn assert_safe(text: &str) {
    let harmful = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(harmful), "not safe to show: {text:?}");
}
