//! Any bytes as a capture, through every layer and every output.
//!
//! ```text
//! cd tests/fuzz && cargo +nightly fuzz run trace --fuzz-dir . -- -max_total_time=100
//! ```
#![no_main]

use std::sync::OnceLock;

use chatroom::cli::{Cli, Command, TraceOptions};
use chatroom::trace::capture::CaptureReader;
use chatroom::trace::show::clock::Clock;
use chatroom::trace::show::picture::ladder::{Ladder, LadderOptions};
use chatroom::trace::pass::{Pass, Sinks};
use chatroom::trace::show::picture::story::Story;
use chatroom::trace::show::picture::{svg, text};
use clap::Parser;
use libfuzzer_sys::fuzz_target;

fn options() -> &'static TraceOptions {
    static OPTIONS: OnceLock<TraceOptions> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        let words = [
            "chatroom",
            "trace",
            "-l",
            "-m",
            "-s",
            "--details",
            "1-50",
            "x.pcap",
        ];
        match Cli::parse_from(words).command {
            Command::Trace(options) => options,
            _ => unreachable!(),
        }
    })
}

fuzz_target!(|data: &[u8]| {
    let options = options();
    let mut text = Vec::new();
    let sinks = Sinks {
        text: &mut text,
        records: Some(Box::new(std::io::sink())),
        live: false,
    };
    let full = data.len() % 2 == 1;
    let mut pass = Pass::new(options, sinks, Some(Story::new(full)));
    let mut reader = CaptureReader::new(data);
    while let Ok(Some(frame)) = reader.next_frame() {
        pass.frame(&frame).unwrap();
    }
    pass.finish(reader.dropped()).unwrap();
    let Some(mut story) = pass.take_story() else {
        return;
    };
    drop(pass);
    let written = String::from_utf8(text).unwrap();
    assert!(written.chars().all(|c| c == '\n' || !c.is_control()));
    story.finish();
    let how = LadderOptions {
        rows: 500,
        redact: false,
        port: options.port,
    };
    let ladder = Ladder::new(&story, &Clock::new(options.time), how);
    for picture in [
        svg::to_string(&ladder),
        text::plain(&ladder),
        text::mermaid(&ladder),
    ] {
        assert!(picture.chars().all(|c| c == '\n' || !c.is_control()));
    }
});
