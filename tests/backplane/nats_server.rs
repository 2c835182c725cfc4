//! Real NATS servers, as children, and a client on a plain socket.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chatroom::backplane::nats::credentials::Credentials;
use chatroom::backplane::nats::{Client, Options};
use chatroom::backplane::{Incoming, Link};
use chatroom::tick::Tick;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::program::tool;

/// How long anything may take here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A NATS server on 127.0.0.1, killed when dropped.
#[derive(Debug)]
pub(crate) struct Nats {
    child: Child,
    directory: TempDir,
    flags: Vec<String>,
    pub(crate) port: u16,
}

/// Returns the program; another than the installed one by `CHATROOM_NATS_SERVER`.
#[track_caller]
fn program() -> Option<Command> {
    match std::env::var_os("CHATROOM_NATS_SERVER") {
        Some(program) => Some(Command::new(program)),
        None => tool("nats-server", "nats-server"),
    }
}

/// Returns a port that is free at this moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Nats {
    /// Starts one with streams; `None` where there is no such program.
    #[track_caller]
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&["-js"], "")
    }

    /// Starts one with these flags and this configuration.
    #[track_caller]
    pub(crate) fn start_with(flags: &[&str], configuration: &str) -> Option<Self> {
        Self::start_in(tempfile::tempdir().unwrap(), flags, configuration)
    }

    /// Starts one with its files in `directory`.
    #[track_caller]
    pub(crate) fn start_in(
        directory: TempDir,
        flags: &[&str],
        configuration: &str,
    ) -> Option<Self> {
        let mut flags: Vec<_> = flags.iter().map(ToString::to_string).collect();
        if !configuration.is_empty() {
            let path = directory.path().join("nats.conf");
            fs::write(&path, configuration).unwrap();
            flags.extend(["-c".to_owned(), path.to_str().unwrap().to_owned()]);
        }
        let mut program = program()?;
        let child = run(&mut program, directory.path(), &flags, None);
        let port = port_of(directory.path(), &child);
        Some(Self {
            child,
            directory,
            flags,
            port,
        })
    }

    /// Starts it again where it was, after it was killed.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        let mut program = program().unwrap();
        self.child = run(
            &mut program,
            self.directory.path(),
            &self.flags,
            Some(self.port),
        );
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address()).is_err() {
            assert!(
                Instant::now() < deadline,
                "the NATS server doesn't start again"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn run(program: &mut Command, directory: &Path, flags: &[String], port: Option<u16>) -> Child {
    let port = port.map_or_else(|| "-1".to_owned(), |port| port.to_string());
    let log = fs::File::create(directory.join("log")).unwrap();
    program
        .args(["-a", "127.0.0.1", "-p", &port, "-sd"])
        .arg(directory.join("store"))
        .arg("--ports_file_dir")
        .arg(directory)
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Returns the port that a server has written down.
fn port_of(directory: &Path, child: &Child) -> u16 {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let files = fs::read_dir(directory)
            .unwrap()
            .map(|file| file.unwrap().path());
        let mut ports = files.filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.ends_with(&format!("_{}.ports", child.id()))
        });
        let told = ports.next().map(|path| fs::read_to_string(path).unwrap());
        let json = told.and_then(|told| serde_json::from_str::<serde_json::Value>(&told).ok());
        if let Some(url) = json.as_ref().and_then(|json| json["nats"][0].as_str()) {
            return url.rsplit_once(':').unwrap().1.parse().unwrap();
        }
        let log = fs::read_to_string(directory.join("log")).unwrap_or_default();
        assert!(
            Instant::now() < deadline,
            "the NATS server doesn't start: {log}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Three servers that are one, each with its own files.
pub(crate) fn cluster() -> Option<Vec<Nats>> {
    let routes: Vec<_> = (0..3).map(|_| free_port()).collect();
    let urls: Vec<_> = routes
        .iter()
        .map(|port| format!("nats://127.0.0.1:{port}"))
        .collect();
    (0..3)
        .map(|index| {
            let configuration = format!(
                "server_name: n{index}\njetstream {{}}\ncluster {{ name: c, listen: \"127.0.0.1:{}\", \
                 routes: [{}] }}\n",
                routes[index],
                urls.join(", ")
            );
            Nats::start_with(&[], &configuration)
        })
        .collect()
}

/// What a node hears, as its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Up {
        first_seq: u64,
        last_seq: u64,
    },
    Snapshot(Vec<Vec<u8>>),
    Batch {
        seq: u64,
        time_ms: u64,
        payload: Vec<u8>,
    },
    Told(Vec<u8>),
    Beat(String),
    Refused {
        counter: u64,
        round: u32,
        why: String,
    },
    Down(String),
}

impl From<Incoming<'_>> for Heard {
    fn from(incoming: Incoming<'_>) -> Self {
        match incoming {
            Incoming::Up {
                first_seq,
                last_seq,
                ..
            } => Self::Up {
                first_seq,
                last_seq,
            },
            Incoming::Snapshot { parts } => Self::Snapshot(parts),
            Incoming::Batch {
                seq,
                time_ms,
                payload,
            } => Self::Batch {
                seq,
                time_ms,
                payload: payload.to_vec(),
            },
            Incoming::Told { payload } => Self::Told(payload.to_vec()),
            Incoming::Beat { boot } => Self::Beat(boot.to_owned()),
            Incoming::Refused {
                counter,
                round,
                why,
            } => Self::Refused {
                counter,
                round,
                why,
            },
            Incoming::Down { why } => Self::Down(why),
        }
    }
}

/// A node's client on a plain socket that waits a little for each read.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) client: Client,
    servers: Vec<SocketAddr>,
    next: usize,
    stream: Option<TcpStream>,
    started: Instant,
    /// Why servers were of no use.
    pub(crate) problems: Vec<(String, bool)>,
    heard: std::collections::VecDeque<Heard>,
}

pub(crate) fn options(room: &str) -> Options {
    Options {
        room: room.to_owned(),
        replicas: 1,
        max_age: Duration::from_hours(1),
        max_bytes: None,
        credentials: Credentials::None,
        inbox: format!("t{}", free_port()),
    }
}

impl Node {
    pub(crate) fn new(options: Options, servers: &[SocketAddr]) -> Self {
        Self {
            client: Client::new(options),
            servers: servers.to_vec(),
            next: 0,
            stream: None,
            started: Instant::now(),
            problems: Vec::new(),
            heard: std::collections::VecDeque::new(),
        }
    }

    /// Returns a node that is up, and what the stream holds: the first and the last sequence.
    #[track_caller]
    pub(crate) fn up(options: Options, servers: &[SocketAddr]) -> (Self, u64, u64) {
        let mut node = Self::new(options, servers);
        node.client.listen_as("boot1");
        let Heard::Up {
            first_seq,
            last_seq,
        } = node.expect(|heard| matches!(heard, Heard::Up { .. }))
        else {
            unreachable!()
        };
        (node, first_seq, last_seq)
    }

    pub(crate) fn now(&self) -> Tick {
        Tick::START + self.started.elapsed()
    }

    /// Goes on once: connects, reads, hears and writes what can be.
    pub(crate) fn turn(&mut self) {
        let now = self.now();
        if self.stream.is_none() {
            self.connect();
        }
        let result = self.read_and_write();
        let problem = self
            .client
            .problem()
            .map(|problem| (problem.why.clone(), problem.for_good));
        let problem = problem.or_else(|| result.err().map(|error| (error.to_string(), false)));
        if let Some((why, for_good)) = problem {
            self.client.disconnected(&why);
            self.problems.push((why, for_good));
            self.stream = None;
            self.next += 1;
            std::thread::sleep(Duration::from_millis(20));
        }
        self.drain(now);
    }

    fn connect(&mut self) {
        let server = self.servers[self.next % self.servers.len()];
        match TcpStream::connect_timeout(&server, Duration::from_secs(2)) {
            Ok(stream) => {
                stream
                    .set_read_timeout(Some(Duration::from_millis(2)))
                    .unwrap();
                stream
                    .set_write_timeout(Some(Duration::from_secs(1)))
                    .unwrap();
                stream.set_nodelay(true).unwrap();
                self.stream = Some(stream);
                self.client.connected(false, self.now());
            }
            Err(_) => self.next += 1,
        }
    }

    fn read_and_write(&mut self) -> std::io::Result<()> {
        let now = self.now();
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let mut scratch = vec![0; 64 * 1024];
        match stream.read(&mut scratch) {
            Ok(0) => {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            Ok(bytes) => self.client.receive(&scratch[..bytes], now),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        self.drain(now);
        self.client.tick(now);
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        if !self.client.output().is_empty() {
            match stream.write(self.client.output()) {
                Ok(bytes) => self.client.sent(bytes),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn drain(&mut self, now: Tick) {
        while let Some(incoming) = self.client.next(now) {
            self.heard.push_back(incoming.into());
        }
    }

    /// Takes out the next that is heard, waiting for it.
    #[track_caller]
    pub(crate) fn next_heard(&mut self) -> Heard {
        self.next_heard_within(PATIENCE).unwrap_or_else(|| {
            panic!(
                "nothing is heard: {:?}, {:?}",
                self.problems,
                self.client.problem()
            )
        })
    }

    pub(crate) fn next_heard_within(&mut self, patience: Duration) -> Option<Heard> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Some(heard);
            }
            if Instant::now() >= deadline {
                return None;
            }
            self.turn();
        }
    }

    /// Takes out what is heard up to the first that `is_wanted`, and returns that.
    #[track_caller]
    pub(crate) fn expect(&mut self, is_wanted: impl Fn(&Heard) -> bool) -> Heard {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let heard = self.next_heard();
            if is_wanted(&heard) {
                return heard;
            }
            assert!(Instant::now() < deadline, "it is not heard");
        }
    }

    /// Returns why the first server was of no use, and whether for good.
    #[track_caller]
    pub(crate) fn first_problem(&mut self) -> (String, bool) {
        let deadline = Instant::now() + PATIENCE;
        while self.problems.is_empty() {
            assert!(Instant::now() < deadline, "nothing goes wrong");
            self.turn();
        }
        self.problems[0].clone()
    }

    /// Sends what waits to be sent.
    pub(crate) fn flush(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.client.waiting_bytes() > 0 && Instant::now() < deadline {
            self.turn();
        }
    }

    /// Cuts the connection.
    pub(crate) fn cut(&mut self) {
        self.stream = None;
        self.client.disconnected("cut");
    }
}
