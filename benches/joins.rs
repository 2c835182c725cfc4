//! How fast people get in: many at once, and one while the room is flooded.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::unchecked_time_subtraction,
    reason = "a bench prints what it measured, and fails by panicking"
)]

mod support;

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use support::machine::raise_descriptor_limit;
use support::tally::{histogram, median};
use support::{Crowd, Members, Server, Text, floor};

/// The most that the usual hard limit of 20,000 descriptors lets one process have.
const STORM: usize = 19_500;

/// How many are in the room that is flooded.
const FLOODED: usize = 19_000;

/// How often a newcomer rings at the flooded room.
const EVERY: Duration = Duration::from_millis(50);

/// How long a newcomer waits before the bench fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    floor::run_if_asked();
    let descriptors = raise_descriptor_limit();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    storm(&mut criterion, STORM.min(descriptors));
    newcomer(&mut criterion, FLOODED.min(descriptors));
    criterion.final_summary();
}

/// How long does it take until everybody has been asked for a name, has given it and been
/// greeted? Beside it a floor that asks and greets whoever says anything.
fn storm(criterion: &mut Criterion, members: usize) {
    let mut room = Storms::default();
    let mut floor = Storms::default();
    let mut group = criterion.benchmark_group("join_storm");
    group
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(members as u64));
    group.bench_function(format!("{members} members"), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut elapsed = Duration::ZERO;
            for _ in 0..iterations {
                elapsed += room.storm(&Server::room(), members);
                floor.storm(&Server::welcoming_floor(), members);
            }
            elapsed
        });
    });
    group.finish();
    if !room.seconds.is_empty() {
        room.print("room");
        floor.print("floor");
        println!(
            "  room / floor: time {:.2}, processor {:.2}\n",
            middle(&room.seconds) / middle(&floor.seconds),
            middle(&room.cpu_us) / middle(&floor.cpu_us),
        );
    }
}

/// What came of all storms on one kind of server.
#[derive(Default)]
struct Storms {
    seconds: Vec<f64>,
    cpu_us: Vec<f64>,
    bytes: Vec<f64>,
}

impl Storms {
    fn storm(&mut self, server: &Server, members: usize) -> Duration {
        let (cpu, bytes) = (server.cpu_time(), server.resident_bytes());
        let start = Instant::now();
        // Names of eight characters.
        let crowd = Crowd::join_named(server, Members::one_speaker(members), 8);
        let elapsed = start.elapsed();
        let each = |total: f64| total / crowd.count() as f64;
        let cpu = server.cpu_time() - cpu;
        let bytes = server.resident_bytes().saturating_sub(bytes);
        self.seconds.push(elapsed.as_secs_f64());
        self.cpu_us.push(each(cpu.as_secs_f64() * 1e6));
        self.bytes.push(each(bytes as f64));
        elapsed
    }

    fn print(&self, name: &str) {
        println!(
            "  {name:5} {:.2} s, {:.1} us of processor and {:.0} bytes of memory a join",
            middle(&self.seconds),
            middle(&self.cpu_us),
            middle(&self.bytes),
        );
    }
}

fn middle(values: &[f64]) -> f64 {
    median(values.iter().copied())
}

/// How long does a newcomer wait for the prompt while one member floods everybody? The time is
/// taken from when the newcomer was to ring, on a clock that waits for nobody.
fn newcomer(criterion: &mut Criterion, members: usize) {
    let mut group = criterion.benchmark_group("newcomer");
    group
        .sampling_mode(SamplingMode::Flat)
        .measurement_time(Duration::from_secs(2));
    let mut flood = None;
    let mut waits = histogram();
    group.bench_function(format!("{members} members are flooded"), |bencher| {
        let flood = flood.get_or_insert_with(|| Flood::start(members));
        bencher.iter_custom(|newcomers| {
            let start = Instant::now();
            let wait = |number| ring(flood.address, start + number * EVERY);
            let newcomers = u32::try_from(newcomers).unwrap();
            (0..newcomers)
                .map(wait)
                .inspect(|wait| waits.saturating_record(wait.as_nanos() as u64))
                .sum()
        });
    });
    group.finish();
    if let Some(flood) = flood {
        flood.stop();
        let wait_ms = |quantile| waits.value_at_quantile(quantile) as f64 / 1e6;
        println!(
            "  {} newcomers waited p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, at most {:.1} ms\n",
            waits.len(),
            wait_ms(0.5),
            wait_ms(0.9),
            wait_ms(0.99),
            wait_ms(1.0)
        );
    }
}

/// Connects at the time that was meant, and returns how long after it the prompt was there.
fn ring(address: SocketAddr, meant: Instant) -> Duration {
    sleep(meant.saturating_duration_since(Instant::now()));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let count = stream.read(&mut [0; 64]).unwrap();
    assert!(count > 0, "turned away");
    meant.elapsed()
}

/// A room full of members of whom one never stops talking.
struct Flood {
    address: SocketAddr,
    enough: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Flood {
    fn start(members: usize) -> Self {
        let server = Server::room();
        let address = server.address;
        let mut crowd = Crowd::join(&server, Members::one_speaker(members));
        let enough = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&enough);
        let thread = std::thread::spawn(move || {
            crowd.flood(Text::Ascii(64), || told.load(Ordering::Relaxed));
            assert_eq!(crowd.gone(), 0, "members were cut off");
            drop(server);
        });
        // Until the flood has risen.
        sleep(Duration::from_millis(500));
        Self {
            address,
            enough,
            thread,
        }
    }

    fn stop(self) {
        self.enough.store(true, Ordering::Relaxed);
        self.thread.join().expect("everybody stays to the end");
    }
}
