//! What TLS costs: a room whose members speak it beside one whose members don't, and beside NATS and
//! ngircd with it, in turn, so that their ratios hold on a machine that is not quiet.
//!
//! Not criterion's, since what is compared are programs beside each other, with their memory. Takes
//! how many rounds to run, and words of which each program's name has one (`chatroom`: the room alone),
//! and prints medians. NATS and ngircd are left out where they aren't installed.
//!
//! With `storm`, what it costs those who talk that thousands shake hands at once.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a bench prints what it measured, and fails by panicking"
)]

#[path = "sealed/newcomers.rs"]
mod newcomers;
#[path = "sealed/storm.rs"]
mod storm;
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::machine::{find_program, raise_descriptor_limit};
use support::server::free_address;
use support::tally::median;
use support::{Crowd, Members, Pace, Server, Talk, Tally, Wire};
use tempfile::TempDir;

/// Rounds, if not told otherwise.
const ROUNDS: usize = 3;

/// How long one talk takes, about.
const TALK: Duration = Duration::from_secs(1);

/// Who is there.
const MEMBERS: usize = 900;

/// Who is there when it is measured what a member costs: so many that the fixed costs of a process
/// hardly count, and fewer than a process here may have descriptors for.
const MANY: usize = 9500;

/// What members do: a name, how many speak, and when.
const LOADS: [(&str, usize, Pace); 3] = [
    ("one at a time", 1, Pace::Window(1)),
    ("64 in flight", 1, Pace::Window(64)),
    ("300 speak", 300, Pace::Window(300)),
];

/// Who is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Plain,
    Sealed,
    Nats,
    Ngircd,
}

impl Program {
    const ALL: [Self; 4] = [Self::Plain, Self::Sealed, Self::Nats, Self::Ngircd];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "chatroom",
            Self::Sealed => "chatroom, TLS",
            Self::Nats => "NATS, TLS",
            Self::Ngircd => "ngircd, TLS",
        }
    }

    fn is_installed(self) -> bool {
        match self {
            Self::Plain | Self::Sealed => true,
            Self::Nats => find_program("nats-server").is_some(),
            Self::Ngircd => find_program("ngircd").is_some(),
        }
    }

    /// Starts it with the certificate in `directory`.
    fn start(self, directory: &Path) -> Server {
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.join(name));
        let (certificate, key) = (certificate.display(), key.display());
        let address = free_address();
        let (ip, port) = (address.ip(), address.port());
        let (program, wire, configuration) = match self {
            Self::Plain => return Server::room(),
            Self::Sealed => return Server::sealed_room(directory),
            Self::Nats => (
                "nats-server",
                Wire::Nats,
                format!(
                    "host: \"{ip}\"\nport: {port}\nmax_connections: 20000\nmax_pending: 1GB\n\
                     write_deadline: \"60s\"\n\
                     tls {{\n  cert_file: \"{certificate}\"\n  key_file: \"{key}\"\n  timeout: 30\n}}\n"
                ),
            ),
            Self::Ngircd => (
                "ngircd",
                Wire::Irc,
                format!(
                    "[Global]\nName = irc.test\nInfo = bench\nListen = {ip}\nPorts = {}\n\
                     [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\n\
                     MaxPenaltyTime = 0\nPingTimeout = 3600\nPongTimeout = 3600\n\
                     [Options]\nDNS = no\nIdent = no\nPAM = no\n\
                     [SSL]\nCertFile = {certificate}\nKeyFile = {key}\nPorts = {port}\n",
                    free_address().port()
                ),
            ),
        };
        let file = directory.join(program);
        fs::write(&file, configuration).expect("the directory is ours");
        let mut command = Command::new(find_program(program).expect("it is installed"));
        command.current_dir(directory);
        match self {
            Self::Ngircd => command.args(["--nodaemon", "--config"]).arg(file),
            _ => command.arg("-c").arg(file),
        };
        let mut server = Server::start(command, address, wire);
        server.sealed = true;
        server
    }
}

/// What one program came to.
#[derive(Default)]
struct Sum {
    loads: [Tally; LOADS.len()],
    bytes: Vec<f64>,
}

fn main() {
    newcomers::run_if_asked();
    raise_descriptor_limit();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = arguments.iter().find_map(|argument| argument.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS);
    let words: Vec<_> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-') && argument.parse::<usize>().is_err())
        .collect();
    let is_asked_for = |program: &Program| {
        let has = |word: &&String| program.name().contains(word.as_str());
        words.is_empty() || words.iter().any(has)
    };
    let directory = TempDir::new().expect("there is a place for temporary files");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("it is a name");
    for (name, text) in [
        ("cert.pem", made.cert.pem()),
        ("key.pem", made.signing_key.serialize_pem()),
    ] {
        fs::write(directory.path().join(name), text).expect("the directory is ours");
    }
    if arguments.iter().any(|argument| argument == "storm") {
        return storm::measure(rounds, directory.path());
    }
    let programs: Vec<_> = Program::ALL
        .into_iter()
        .filter(|program| program.is_installed() && is_asked_for(program))
        .collect();
    let mut sums: Vec<_> = programs.iter().map(|_| Sum::default()).collect();
    for _ in 0..rounds {
        for (program, sum) in programs.iter().zip(&mut sums) {
            measure(*program, directory.path(), sum);
        }
    }
    print_loads(&programs, &sums);
    print_memory(&programs, directory.path());
}

fn print_loads(programs: &[Program], sums: &[Sum]) {
    println!("{MEMBERS} members; ratios to the plain room's");
    for (program, sum) in programs.iter().zip(sums) {
        print!("  {:14}", program.name());
        for ((name, ..), (tally, plain)) in LOADS.iter().zip(sum.loads.iter().zip(&sums[0].loads)) {
            print!(
                " {name}: {:>9.0} deliveries/s ({:.2}), {:>5.0} ns of processor each, {:>5.0} of the load's;",
                tally.rate(),
                tally.rate() / plain.rate(),
                tally.cpu_ns(),
                tally.load_cpu_ns()
            );
        }
        println!(" {:.0} bytes a member", median(sum.bytes.iter().copied()));
    }
}

fn print_memory(programs: &[Program], directory: &Path) {
    println!("{MANY} members, after one line; ratios to the first");
    let bytes: Vec<_> = programs
        .iter()
        .map(|program| bytes_of_many(*program, directory))
        .collect();
    for (program, one) in programs.iter().zip(&bytes) {
        let ratio = one / bytes[0];
        println!(
            "  {:14} {one:.0} bytes a member ({ratio:.1})",
            program.name()
        );
    }
}

/// Returns what each of many members costs, in bytes.
fn bytes_of_many(program: Program, directory: &Path) -> f64 {
    // Who joins a channel of ngircd is told of everybody there: ten thousand take it minutes.
    let count = if program == Program::Ngircd {
        MANY / 4
    } else {
        MANY
    };
    let server = program.start(directory);
    let empty = server.resident_bytes();
    let mut crowd = Crowd::join(&server, Members::one_speaker(count));
    crowd.say(&server, Talk::new(1, Pace::Window(1)));
    server.resident_bytes().saturating_sub(empty) as f64 / count as f64
}

fn measure(program: Program, directory: &Path, sum: &mut Sum) {
    for ((_, speakers, pace), tally) in LOADS.iter().zip(&mut sum.loads) {
        let server = program.start(directory);
        let empty = server.resident_bytes();
        let members = Members {
            speakers: *speakers,
            ..Members::one_speaker(MEMBERS)
        };
        let mut crowd = Crowd::join(&server, members);
        let bytes = server.resident_bytes().saturating_sub(empty);
        sum.bytes.push(bytes as f64 / MEMBERS as f64);
        let talk = Talk {
            at_most: TALK,
            awake: true,
            ..Talk::new(u64::MAX >> 32, *pace)
        };
        tally.add(crowd.say(&server, talk));
    }
}
