//! The process of those who come at once, with TLS.

use std::io::{self, BufRead, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::process::{Signal, nice, set_parent_process_death_signal};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::support::machine::raise_descriptor_limit;
use crate::support::member::{FIRST_PORT, LAST_PORT, connect};
use crate::support::seal::anybody;

/// What the bench is executed with to be they: this, an address, and how many.
pub(crate) const ARGUMENT: &str = "--come";

/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(25);

/// What each reads in the end.
const PROMPT: &[u8] = b"Please enter your name:\n";
const GREETING: &[u8] = b"Chat with your friends and enjoy\n";

/// Ports that members have not taken.
const FIRST_PORT_FREE: u16 = FIRST_PORT + 4000;

/// The least time that others leave is what is taken.
const NICENESS: i32 = 40;

/// Comes, if this process was executed to, and never returns then.
pub(crate) fn run_if_asked() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(ARGUMENT) {
        return;
    }
    set_parent_process_death_signal(Some(Signal::KILL)).expect("Linux has it");
    nice(NICENESS).expect("one may be nicer");
    raise_descriptor_limit();
    let address = arguments.next().expect("an address").parse().unwrap();
    let count = arguments.next().expect("a number").parse().unwrap();
    let mut crowd = Newcomers::new(count);
    let mut orders = io::stdin().lock().lines();
    say(&mut io::stdout(), "0");
    orders.next();
    say(
        &mut io::stdout(),
        &crowd.come(address).as_nanos().to_string(),
    );
    orders.next();
    say(
        &mut io::stdout(),
        &crowd.give_names().as_nanos().to_string(),
    );
    orders.next();
    std::process::exit(0);
}

/// Says a line to the other process.
pub(crate) fn say(to: &mut impl Write, words: &str) {
    writeln!(to, "{words}")
        .and_then(|()| to.flush())
        .expect("it is there");
}

/// One of them.
struct Newcomer {
    tls: ClientConnection,
    stream: Option<TcpStream>,
    heard: Vec<u8>,
}

impl Newcomer {
    /// Goes on as far as it can, and returns whether it has just heard all of `awaited`.
    fn go_on(&mut self, awaited: &[u8]) -> bool {
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let had = self.heard.ends_with(awaited);
        loop {
            while self.tls.wants_write() && self.tls.write_tls(stream).is_ok() {}
            match self.tls.read_tls(stream) {
                Ok(0) => panic!("turned away"),
                Ok(_) => {
                    let state = self.tls.process_new_packets().expect("a proper handshake");
                    let start = self.heard.len();
                    self.heard
                        .resize(start + state.plaintext_bytes_to_read(), 0);
                    self.tls
                        .reader()
                        .read_exact(&mut self.heard[start..])
                        .unwrap();
                }
                Err(_) => break,
            }
        }
        !had && self.heard.ends_with(awaited)
    }
}

struct Newcomers {
    poll: Poll,
    newcomers: Vec<Newcomer>,
}

impl Newcomers {
    /// Makes everything ready that can be made before: half of what a handshake costs a client.
    fn new(count: usize) -> Self {
        let mut config = anybody::config();
        config.resumption = rustls::client::Resumption::disabled();
        let config: Arc<ClientConfig> = Arc::new(config);
        let newcomer = |_| {
            let name = ServerName::try_from("localhost").unwrap();
            Newcomer {
                tls: ClientConnection::new(Arc::clone(&config), name).unwrap(),
                stream: None,
                heard: Vec::new(),
            }
        };
        Self {
            poll: Poll::new().expect("descriptors are left"),
            newcomers: (0..count).map(newcomer).collect(),
        }
    }

    /// Comes, and returns how long it took until all had seen the prompt.
    fn come(&mut self, address: SocketAddr) -> Duration {
        let start = Instant::now();
        let mut ports = FIRST_PORT_FREE..LAST_PORT;
        for (number, newcomer) in self.newcomers.iter_mut().enumerate() {
            let mut stream = connect(address, number, &mut ports);
            let interest = Interest::READABLE | Interest::WRITABLE;
            let registry = self.poll.registry();
            registry
                .register(&mut stream, Token(number), interest)
                .expect("it is new");
            newcomer.stream = Some(stream);
        }
        self.wait_for(PROMPT, start)
    }

    /// Gives names, and returns how long it took until all had been greeted.
    fn give_names(&mut self) -> Duration {
        let start = Instant::now();
        for (number, newcomer) in self.newcomers.iter_mut().enumerate() {
            let name = format!("n{number}\n");
            newcomer.tls.writer().write_all(name.as_bytes()).unwrap();
            let greeted = newcomer.go_on(GREETING);
            assert!(!greeted, "the prompt was its last word");
        }
        self.wait_for(GREETING, start)
    }

    fn wait_for(&mut self, awaited: &[u8], start: Instant) -> Duration {
        let mut missing = self.newcomers.len();
        let mut events = Events::with_capacity(1024);
        while missing > 0 {
            assert!(start.elapsed() < PATIENCE, "{missing} never got in");
            self.poll
                .poll(&mut events, Some(Duration::from_millis(100)))
                .unwrap();
            for event in &events {
                let newcomer = &mut self.newcomers[event.token().0];
                missing -= usize::from(newcomer.go_on(awaited));
            }
        }
        start.elapsed()
    }
}
