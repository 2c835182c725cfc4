//! What fuzzing has found worth keeping, through the same code. New inputs: `tests/fuzz/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says where"
)]

#[path = "fuzz/targets/mod.rs"]
mod targets;

use std::fs;
use std::path::Path;

/// Runs `target` on each file of its corpus.
fn replay(name: &str, target: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(corpus.join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "only {} files", files.len());
    for file in files {
        println!("{}", file.display());
        target(&fs::read(&file).unwrap());
    }
}

#[test]
fn lines() {
    replay("lines", targets::lines::run);
}

#[test]
fn names() {
    replay("names", targets::names::run);
}

#[test]
fn commands() {
    replay("commands", targets::commands::run);
}

#[test]
fn requests() {
    replay("requests", targets::requests::run);
}

#[test]
fn the_hub() {
    replay("hub", targets::hub::run);
}

#[test]
fn tls() {
    replay("tls", targets::tls::run);
}

#[test]
fn websocket() {
    replay("websocket", targets::websocket::run);
}
