//! What the tests share: the captures, the binary, tshark, and captures made to measure.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Every capture but the cut ones, which end in an error.
pub(crate) const CAPTURES: [&str; 13] = [
    "session.pcap",
    "chat_nl_rst.pcap",
    "chat_nl_v6_any_sll2.pcap",
    "chat_raw.pcap",
    "chat_raw.pcapng",
    "chat_raw_snap80.pcap",
    "keepalive.pcap",
    "lossy_client.pcap",
    "lossy_server.pcap",
    "refused.pcap",
    "reuse.pcap",
    "simclose.pcap",
    "slow.pcap",
];
/// Made for one thing each: link types, byte orders, clocks, and arbitrary segments of a seeded generator.
pub(crate) const MADE_CAPTURES: [&str; 24] = [
    "big_endian_nanoseconds.pcap",
    "clocks.pcapng",
    "random_headers.pcap",
    "random_cut_options.pcap",
    "fragments_v4.pcap",
    "fragments_v6.pcap",
    "links_ethernet.pcap",
    "links_fddi.pcap",
    "links_loop.pcap",
    "links_null.pcap",
    "links_ppp.pcap",
    "links_sll.pcap",
    "links_sll2.pcap",
    "many_interfaces.pcapng",
    "random_0.pcap",
    "random_1.pcap",
    "random_2.pcap",
    "random_3.pcap",
    "random_4.pcap",
    "random_5.pcap",
    "random_6.pcap",
    "random_7.pcap",
    "random_same_time.pcap",
    "tcp_options.pcap",
];
pub(crate) const CUT_CAPTURES: [&str; 2] = ["cut.pcap", "cut.pcapng"];

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace")
}

pub(crate) fn capture(name: &str) -> PathBuf {
    directory().join("captures").join(name)
}

pub(crate) fn golden(name: &str) -> String {
    fs::read_to_string(directory().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatroom"));
    command.arg("trace");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHATROOM_")) {
        command.env_remove(name);
    }
    command
}

/// Runs `chatroom trace` on a file.
pub(crate) fn trace(arguments: &[&str], file: &Path) -> Output {
    command().args(arguments).arg(file).output().unwrap()
}

pub(crate) fn trace_ok(arguments: &[&str], file: &Path) -> String {
    let output = trace(arguments, file);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{arguments:?} {}: {error}",
        file.display()
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `chatroom trace -` with these bytes on standard input.
pub(crate) fn trace_bytes(arguments: &[&str], bytes: &[u8]) -> Output {
    let mut child = command()
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A capture small enough to lie in the pipe, or a program that stops reading early.
    drop(child.stdin.take().unwrap().write_all(bytes));
    child.wait_with_output().unwrap()
}

/// Runs `chatroom trace -o ENDING` and returns what it wrote.
pub(crate) fn trace_to(ending: &str, arguments: &[&str], file: &Path) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(format!("out.{ending}"));
    let mut all = vec!["-o", path.to_str().unwrap()];
    all.extend(arguments);
    trace(&all, file);
    fs::read_to_string(path).unwrap()
}

/// Returns a field of a flat JSON record, without quotes; empty if it isn't there.
pub(crate) fn field<'a>(record: &'a str, name: &str) -> &'a str {
    let Some((_, rest)) = record.split_once(&format!("\"{name}\":")) else {
        return "";
    };
    if let Some(text) = rest.strip_prefix('"') {
        return text.split('"').next().unwrap();
    }
    let value = rest.split([',', '}', ']']).next().unwrap();
    if value == "null" { "" } else { value }
}

/// Returns the records of one kind.
pub(crate) fn records<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let start = format!("{{\"record\":\"{kind}\"");
    text.lines()
        .filter(|line| line.starts_with(&start))
        .collect()
}

/// Returns whether a program is there; if it isn't but must be, fails.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    let required = std::env::var("CHATROOM_REQUIRE_INTEROP").is_ok_and(|value| value == "1");
    assert!(
        found || !required,
        "{program} is required and not installed"
    );
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Returns whether the tshark whose output is pinned is there.
pub(crate) fn has_tshark() -> bool {
    if !has("tshark") {
        return false;
    }
    let output = Command::new("tshark").arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&output.stdout).contains(" 4.0.");
    if !version {
        eprintln!("skipped: tshark is not of version 4.0");
    }
    version
}

pub(crate) fn tshark(arguments: &[&str], file: &Path) -> String {
    let output = Command::new("tshark")
        .args(["-n", "-d", "tcp.port==0-65535,data"])
        .args(arguments)
        .arg("-r")
        .arg(file)
        .env("TZ", "UTC")
        .stderr(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// One step of a made-up session.
#[derive(Clone, Copy)]
pub(crate) enum Step<'a> {
    /// Client `.0` opens its connection.
    Open(u16),
    /// Client `.0` sends these bytes, which the server acknowledges.
    Up(u16, &'a [u8]),
    /// The server sends these bytes to client `.0`, who acknowledges them.
    Down(u16, &'a [u8]),
    /// Client `.0` closes, then the server does.
    Close(u16),
}

/// A pcap of a made-up session: raw IPv4, 100 us between packets.
pub(crate) fn session(steps: &[Step<'_>]) -> Vec<u8> {
    let mut maker = Maker::default();
    for step in steps {
        maker.step(*step);
    }
    maker.bytes
}

struct Maker {
    bytes: Vec<u8>,
    time_us: u32,
    /// Next sequence numbers, up and down, by client.
    next: std::collections::HashMap<u16, (u32, u32)>,
}

impl Default for Maker {
    fn default() -> Self {
        let mut bytes = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 101] {
            bytes.extend(word.to_le_bytes());
        }
        Self {
            bytes,
            time_us: 0,
            next: std::collections::HashMap::new(),
        }
    }
}

impl Maker {
    fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Open(client) => {
                self.next.insert(client, (1000, 5000));
                self.packet(client, true, 0x02, b"");
                self.packet(client, false, 0x12, b"");
                self.packet(client, true, 0x10, b"");
            }
            Step::Up(client, data) => {
                self.packet(client, true, 0x18, data);
                self.packet(client, false, 0x10, b"");
            }
            Step::Down(client, data) => {
                self.packet(client, false, 0x18, data);
                self.packet(client, true, 0x10, b"");
            }
            Step::Close(client) => {
                self.packet(client, true, 0x11, b"");
                self.packet(client, false, 0x11, b"");
                self.packet(client, true, 0x10, b"");
            }
        }
    }

    fn packet(&mut self, client: u16, up: bool, flags: u8, data: &[u8]) {
        let next = self.next.get_mut(&client).unwrap();
        let (seq, ack) = if up {
            (&mut next.0, next.1)
        } else {
            (&mut next.1, next.0)
        };
        let mut tcp = Vec::new();
        let (src, dst) = if up { (client, 5050) } else { (5050, client) };
        tcp.extend(src.to_be_bytes());
        tcp.extend(dst.to_be_bytes());
        tcp.extend(seq.to_be_bytes());
        tcp.extend(if flags & 0x10 != 0 { ack } else { 0 }.to_be_bytes());
        tcp.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(data);
        *seq += u32::try_from(data.len()).unwrap() + u32::from(flags & 3 != 0);
        let total = u16::try_from(20 + tcp.len()).unwrap();
        let mut frame = vec![0x45, 0];
        frame.extend(total.to_be_bytes());
        frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0]);
        frame.extend(if up {
            [1, 10, 0, 0, 2]
        } else {
            [2, 10, 0, 0, 1]
        });
        frame.extend(tcp);
        self.time_us += 100;
        let length = u32::try_from(frame.len()).unwrap();
        for word in [
            1_700_000_000 + self.time_us / 1_000_000,
            self.time_us % 1_000_000,
            length,
            length,
        ] {
            self.bytes.extend(word.to_le_bytes());
        }
        self.bytes.extend(frame);
    }
}

/// Writes bytes to a file that lasts as long as what is returned.
pub(crate) fn file_with(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file.flush().unwrap();
    file
}
