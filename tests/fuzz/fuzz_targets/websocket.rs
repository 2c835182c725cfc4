#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../targets/mod.rs"]
mod targets;

fuzz_target!(|input: &[u8]| targets::websocket::run(input));
