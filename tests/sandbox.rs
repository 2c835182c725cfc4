//! What the server has given up once it has started.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::{env, thread};

use chatroom::server::sandbox::{self, Options};
use common::{Program, Server, Signal, chatroom};
use rustix::process::{Pid, kill_process};

/// Where the child built for it finds what it may read.
const DIRECTORY: &str = "CHATROOM_TEST_SANDBOX";

/// Returns a field of `/proc/PID/status`.
fn status(pid: u32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.unwrap_or_default().trim().to_owned()
}

/// Returns what the server says that holds.
fn holds(server: &Server) -> String {
    let told = server
        .texts()
        .iter()
        .find_map(|text| text.strip_prefix("sandbox: "));
    told.expect("it says what holds").to_owned()
}

#[test]
fn the_server_says_what_it_has_given_up_and_the_kernel_agrees() {
    let server = Server::start(&[]);
    let holds = holds(&server);
    for layer in [
        "no capabilities, no new privileges",
        "no files",
        "system calls",
    ] {
        assert!(holds.contains(layer), "{layer}: {holds}");
    }
    assert_eq!(status(server.id(), "Seccomp"), "2");
    assert_eq!(status(server.id(), "NoNewPrivs"), "1");
    for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(status(server.id(), set), "0000000000000000", "{set}");
    }
}

#[test]
fn without_a_sandbox_nothing_is_given_up() {
    let server = Server::start(&["--no-sandbox"]);
    assert_eq!(holds(&server), "nothing is given up (--no-sandbox)");
    assert_eq!(status(server.id(), "Seccomp"), "0");
    assert_eq!(status(server.id(), "NoNewPrivs"), "0");
}

#[test]
fn only_the_directory_of_the_configuration_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chatroom.toml");
    fs::write(&path, "history = 3\n").unwrap();
    let server = Server::start(&["--config", path.to_str().unwrap()]);
    let readable = format!("no files but to read in {}", directory.path().display());
    assert!(holds(&server).contains(&readable), "{}", holds(&server));
}

#[test]
fn root_becomes_somebody_else() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: not root");
        return;
    }
    let mut server = Server::start(&["--user", "nobody"]);
    assert!(
        holds(&server).starts_with("user nobody, "),
        "{}",
        holds(&server)
    );
    for ids in [status(server.id(), "Uid"), status(server.id(), "Gid")] {
        let mut ids = ids.split_whitespace();
        let first = ids.next().unwrap();
        assert!(first != "0" && ids.all(|id| id == first));
    }
    assert!(
        !status(server.id(), "Groups")
            .split_whitespace()
            .any(|group| group == "0")
    );
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say("hello");
    bob.expect("ali: hello");
    server.stop();
}

#[test]
fn nobody_becomes_a_user_that_is_not_there() {
    let mut command = chatroom();
    command.args(["serve", "--listen", "127.0.0.1:0", "--user", "no such user"]);
    let mut program = Program::start(command);
    assert_eq!(program.wait().code(), Some(2));
    program.errors.read_to_end();
    let error = program.errors.next_line().unwrap();
    assert!(error.contains("there is no such user"), "{error}");
}

#[test]
fn somebody_who_is_not_root_can_become_nobody_else() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: not root");
        return;
    }
    // A copy that others can start.
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = directory.path().join("chatroom");
    fs::copy(chatroom().get_program(), &copy).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(copy)
        .args(["serve", "--listen", "127.0.0.1:0", "--user", "root"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("can't become the user root"), "{error}");
}

/// A child that tries what is forbidden; [`what_is_forbidden_is_refused`] starts it.
#[test]
#[ignore = "the child of another test"]
fn child() {
    let Some(readable) = env::var_os(DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let pid = Pid::from_raw(std::process::id().cast_signed()).unwrap();
    sandbox::enter(&Options {
        wanted: true,
        user: None,
        readable: vec![readable.clone()],
        sockets: Vec::new(),
        connects_to: Vec::new(),
    })
    .unwrap();
    let kind = |error: std::io::Error| error.kind();
    for (what, outcome) in [
        ("read a file", File::open("/etc/passwd").map(drop)),
        (
            "read what it may",
            File::open(readable.join("it")).map(drop),
        ),
        ("write there", File::create(readable.join("new")).map(drop)),
        (
            "write what it may read",
            File::options()
                .append(true)
                .open(readable.join("it"))
                .map(drop),
        ),
        ("remove it", fs::remove_file(readable.join("it"))),
        ("list it", fs::read_dir(&readable).map(drop)),
        ("listen", TcpListener::bind("127.0.0.1:0").map(drop)),
        ("connect", TcpStream::connect("127.0.0.1:9").map(drop)),
        ("open a socket", UdpSocket::bind("127.0.0.1:0").map(drop)),
        (
            "open a socket of this machine",
            UnixDatagram::unbound().map(drop),
        ),
        (
            "start a program",
            Command::new("/bin/true").status().map(drop),
        ),
        (
            "start a thread",
            thread::Builder::new().spawn(|| {}).map(drop),
        ),
        ("kill", kill_process(pid, Signal::CONT).map_err(Into::into)),
        (
            "change its limits",
            rustix::process::setrlimit(
                rustix::process::Resource::Core,
                rustix::process::Rlimit {
                    current: Some(0),
                    maximum: Some(0),
                },
            )
            .map_err(Into::into),
        ),
    ] {
        println!("{what}: {:?}", outcome.map_err(kind));
    }
    std::io::stdout().flush().unwrap();
}

#[test]
fn what_is_forbidden_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("it"), "x").unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let outcomes: Vec<_> = told
        .lines()
        .filter(|line| line.ends_with(')'))
        .filter_map(|line| line.split_once(": "))
        .collect();
    assert_eq!(outcomes.len(), 14, "{output:?}");
    let refused = format!("Err({:?})", ErrorKind::PermissionDenied);
    for (what, outcome) in outcomes {
        let wanted = if what == "read what it may" {
            "Ok(())"
        } else {
            &refused
        };
        assert_eq!(outcome, wanted, "{what}");
    }
    assert!(directory.path().join("it").exists());
}
