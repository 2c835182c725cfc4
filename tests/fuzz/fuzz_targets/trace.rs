//! Any bytes as a capture, through every layer and every output, with the secrets of one of the corpus.
//!
//! ```text
//! cd tests/fuzz && cargo +nightly fuzz run trace --fuzz-dir . -- -max_total_time=100
//! ```
#![no_main]

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::OnceLock;

use chatroom::cli::{Cli, Command};
use chatroom::trace::capture::CaptureReader;
use chatroom::trace::options::Options;
use chatroom::trace::pass::Pass;
use chatroom::trace::show::outputs::Outputs;
use chatroom::trace::tls::key_log::KeyLog;
use clap::Parser;
use libfuzzer_sys::fuzz_target;

fn options() -> &'static Options {
    static OPTIONS: OnceLock<Options> = OnceLock::new();
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
            Command::Trace(options) => (&options).into(),
            _ => unreachable!(),
        }
    })
}

/// All that the files would hold.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let options = Options {
        full: data.len() % 2 == 1,
        rows_max: 500,
        ..options().clone()
    };
    let (mut text, files) = (Vec::new(), Shared::default());
    let mut outputs = Outputs::new(&options, &mut text, false);
    for name in ["x.ndjson", "x.svg", "x.txt", "x.mmd", "x.html"] {
        let file = Box::new(files.clone());
        outputs.write_to(&options, name, file).unwrap();
    }
    let keys = include_bytes!("../../trace/captures/sealed.keys");
    let keys = KeyLog::following(Box::new(&keys[..]));
    let mut pass = Pass::new(&options, outputs).with_keys(keys);
    let mut reader = CaptureReader::new(data);
    while let Ok(Some(frame)) = reader.next_frame() {
        pass.frame(&frame).unwrap();
    }
    pass.finish(reader.dropped()).unwrap();
    drop(pass);
    text.extend_from_slice(&files.0.borrow());
    let text = String::from_utf8(text).unwrap();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
});
