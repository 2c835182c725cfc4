//! The machine: its cores, its limits, what a process has used of it.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Descriptors a bench needs beside its members' sockets.
const DESCRIPTORS_SPARE: usize = 100;

/// Raises the soft limit of open descriptors to the hard one, for this process and its children,
/// and returns how many sockets one process may open.
pub(crate) fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("the soft limit may rise to the hard one");
    let descriptors = limit.maximum.unwrap_or(1 << 20);
    usize::try_from(descriptors).unwrap() - DESCRIPTORS_SPARE
}

/// Where the servers run and where the load runs, so that neither takes the other's time: the
/// first two cores that this process may use. On a machine with a single core, both anywhere.
static CORES: LazyLock<Option<(usize, usize)>> = LazyLock::new(|| {
    let allowed = sched_getaffinity(None).expect("Linux has sched_getaffinity");
    let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
    cores.next().zip(cores.next())
});

thread_local! {
    /// Nothing has a core of its own at the moment.
    static ANYWHERE: Cell<bool> = const { Cell::new(false) };
}

/// Does `start` on the servers' core, which children inherit, and goes on on the load's core.
pub(crate) fn on_server_core<T>(start: impl FnOnce() -> T) -> T {
    let Some((server, load)) = CORES.filter(|_| !ANYWHERE.get()) else {
        return start();
    };
    restrict_to(&[server]);
    let result = start();
    restrict_to(&[load]);
    result
}

/// Does `measure` with servers and load on whichever of both cores the kernel gives them.
pub(crate) fn anywhere<T>(measure: impl FnOnce() -> T) -> T {
    if let Some((server, load)) = *CORES {
        restrict_to(&[server, load]);
    }
    ANYWHERE.set(true);
    let result = measure();
    ANYWHERE.set(false);
    result
}

fn restrict_to(cores: &[usize]) {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core);
    }
    sched_setaffinity(None, &set).expect("the cores are ours");
}

/// Returns the processor time that all threads of a process have used.
pub(crate) fn cpu_time(process: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("the server runs");
    let nanoseconds = tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|times| times.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    Duration::from_nanos(nanoseconds)
}

/// Returns how much memory a process has in use, in bytes.
pub(crate) fn resident_bytes(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the server runs");
    field(&status, "VmRSS:").map_or(0, |kilobytes| kilobytes * 1024)
}

/// Describes the machine in one line.
pub(crate) fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let gigabytes = field(&memory, "MemTotal:").map_or(0, |kilobytes| kilobytes >> 20);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{model}, {cores} cores, {gigabytes} GB, Linux {}",
        kernel.trim()
    )
}

/// Returns the day, in UTC.
pub(crate) fn today() -> String {
    let date = Command::new("date").args(["-u", "+%F"]).output();
    date.map_or_else(
        |_| "unknown day".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// Returns where `program` is installed.
pub(crate) fn find_program(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(|directory| Path::new(directory).to_owned()))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
