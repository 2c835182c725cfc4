//! The client over TLS: whom it takes for the right server, and how it talks then.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::common::{GREETING, PROMPT, Program, Server, chatroom, program};
use super::person::serve;

/// Returns `chatroom join` to the server's TLS port, with an empty home of its own.
fn join(server: &Server, home: &Path) -> Command {
    let mut command = chatroom();
    command.arg("join").env("XDG_STATE_HOME", home);
    // Nobody's own authorities.
    command.env("SSL_CERT_FILE", "/nonexistent");
    command.arg(format!("tls://{}", server.tls_address()));
    command
}

fn fingerprint(server: &Server) -> String {
    let mut texts = server.texts().iter();
    let found = texts.find_map(|text| text.strip_prefix("the certificate's SHA-256: "));
    found.unwrap().to_owned()
}

/// Joins, talks, and leaves.
#[track_caller]
fn talks(command: Command, server: &Server, name: &str) {
    let mut ali = server.join(&format!("ali-{name}"));
    let mut person = Program::start(command);
    person.screen.expect_line(PROMPT);
    person.type_text(&format!("{name}\n"));
    person.screen.expect_line(GREETING);
    person.type_text("hello\n");
    ali.expect(&format!("{name}: hello"));
    ali.say("hi");
    person.screen.expect_line(&format!("ali-{name}: hi"));
    person.end_input();
    assert_eq!(person.wait().code(), Some(0));
    ali.expect(&format!("{name} has left the chatroom!"));
}

/// Runs to the end, which is a failure, and returns why.
#[track_caller]
fn fails(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_pin_is_enough_and_another_one_is_refused() {
    let (server, _directory) = serve(&[]);
    let home = tempfile::tempdir().unwrap();
    let mut command = join(&server, home.path());
    command.args(["--pin", &fingerprint(&server)]);
    talks(command, &server, "bob");
    let mut command = join(&server, home.path());
    command.args(["--pin", &"ab".repeat(32)]);
    assert!(fails(command).contains("not that of --pin"));
    assert!(
        !home.path().join("chatroom").exists(),
        "nothing is remembered"
    );
}

#[test]
fn authorities_that_are_named_are_believed_and_nobody_else() {
    let (server, directory) = serve(&[]);
    let home = tempfile::tempdir().unwrap();
    let ca = directory.path().join("self-signed.pem");
    let with_ca = |host: &str| {
        let mut command = chatroom();
        command.arg("join").env("XDG_STATE_HOME", home.path());
        command.arg("--ca").arg(&ca);
        command.arg(format!("tls://{host}:{}", server.tls_address().port()));
        command
    };
    talks(with_ca("localhost"), &server, "carl");
    // It is of another name.
    assert!(fails(with_ca("127.0.0.1")).contains("not valid for name"));
    let (other, _other_directory) = serve(&[]);
    let mut command = chatroom();
    command.arg("join").arg("--ca").arg(&ca);
    command.arg(format!("tls://localhost:{}", other.tls_address().port()));
    fails(command);
}

#[test]
fn in_a_pipe_a_server_that_was_never_seen_is_refused_and_the_pin_is_named() {
    let (server, _directory) = serve(&[]);
    let home = tempfile::tempdir().unwrap();
    let why = fails(join(&server, home.path()));
    assert!(
        why.contains(&format!("give --pin {}", fingerprint(&server))),
        "{why}"
    );
}

#[test]
fn a_server_that_was_confirmed_is_known_again_and_another_in_its_place_is_refused() {
    let Some(mut script) = program::tool("script", "bsdutils") else {
        return;
    };
    let (server, _directory) = serve(&[]);
    let home = tempfile::tempdir().unwrap();
    let address = format!("tls://{}", server.tls_address());
    // A terminal, to be asked at.
    let shell = format!("{} join --plain {address}", env!("CARGO_BIN_EXE_chatroom"));
    script.args(["-qec", &shell, "/dev/null"]);
    script.env("XDG_STATE_HOME", home.path());
    script.env("XDG_CONFIG_HOME", "/nonexistent");
    let mut person = Program::start(script);
    let shown = fingerprint(&server);
    while person.screen.next_line().unwrap().trim_end() != shown {}
    person.type_text("yes\n");
    // The terminal's echo comes before or after the question, which has no line end.
    while !person
        .screen
        .next_line()
        .unwrap()
        .trim_end()
        .ends_with(PROMPT)
    {}
    person.type_text("dave\n/quit\n");
    while person.screen.next_line().is_some() {}
    let file = home.path().join("chatroom/known_servers");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        format!("{address} {shown}\n")
    );
    talks(join(&server, home.path()), &server, "eve");
    fs::write(&file, format!("{address} {}\n", "ab".repeat(32))).unwrap();
    let why = fails(join(&server, home.path()));
    assert!(
        why.contains("IS NOT THE ONE IT WAS") && why.contains("known_servers"),
        "{why}"
    );
}

#[test]
fn the_key_log_is_written_by_the_client_and_never_by_the_server() {
    let home = tempfile::tempdir().unwrap();
    let [of_client, of_server] = ["client.keys", "server.keys"].map(|name| home.path().join(name));
    let directory = tempfile::tempdir().unwrap();
    let mut command = chatroom();
    command.env("SSLKEYLOGFILE", &of_server);
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--listen",
        "tls://127.0.0.1:0",
    ]);
    command.arg("--tls-dir").arg(directory.path());
    let server = Server::run(command);
    let mut command = join(&server, home.path());
    command.args(["--pin", &fingerprint(&server)]);
    command.env("SSLKEYLOGFILE", &of_client);
    talks(command, &server, "frank");
    let keys = fs::read_to_string(of_client).unwrap();
    assert!(keys.contains("SERVER_TRAFFIC_SECRET_0 "), "{keys}");
    assert!(!of_server.exists());
}

#[test]
fn a_whole_talk_in_a_pipe_is_heard_to_its_last_line() {
    let (server, _directory) = serve(&["--rate", "0"]);
    let home = tempfile::tempdir().unwrap();
    let mut ali = server.join("ali");
    let mut command = join(&server, home.path());
    command.args(["--pin", &fingerprint(&server), "--name", "bot"]);
    let mut person = Program::start(command);
    // Far more than a socket takes at once.
    let lines: Vec<String> = (0..3000)
        .map(|number| format!("line {number} {}", "x".repeat(300)))
        .collect();
    person.type_text(&(lines.join("\n") + "\nthe last"));
    person.end_input();
    for line in lines {
        ali.expect(&format!("bot: {line}"));
    }
    ali.expect("bot: the last");
    ali.expect("bot has left the chatroom!");
    assert_eq!(person.wait().code(), Some(0));
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let (server, _directory) = serve(&[]);
    let mut command = chatroom();
    command.args(["join", "--pin", &"ab".repeat(32)]);
    command.arg(format!("tls://{}", server.address()));
    let why = fails(command);
    assert!(why.contains("can't speak TLS with tls://"), "{why}");
    let mut command = chatroom();
    command.args(["join", "--pin", &"ab".repeat(32)]);
    let output = command.arg(server.address().to_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// Starts a server with TLS where one was before.
fn serve_at(address: std::net::SocketAddr, tls_dir: &Path) -> Server {
    let mut command = chatroom();
    command.args(["serve", "--log-level", "debug"]);
    command.args(["--listen", "127.0.0.1:0"]);
    command.args(["--listen", &format!("tls://{address}"), "--tls-dir"]);
    command.arg(tls_dir);
    Server::run(command)
}

#[test]
fn a_client_comes_back_to_the_server_it_knows_and_tells_another_one_nothing() {
    let [own, others, home] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let mut server = serve_at("127.0.0.1:0".parse().unwrap(), own.path());
    let address = server.tls_address();
    let mut command = join(&server, home.path());
    command.args(["--pin", &fingerprint(&server), "--name", "bot", "--json"]);
    let mut bot = Program::start(command);
    let mut comes = |words: &str| {
        loop {
            let line = bot.screen.next_line().expect("it goes on");
            if line.contains(words) {
                return;
            }
        }
    };
    comes("\"event\":\"welcome\"");
    server.stop();
    // Somebody else listens where it was.
    let mut other = serve_at(address, others.path());
    other.expect_log_with(|text| text.contains("alert") || text.contains("certificate unknown"));
    let texts = other.stop();
    assert!(!texts.iter().any(|text| text.contains("bot")), "{texts:?}");
    let server = serve_at(address, own.path());
    comes("\"event\":\"welcome\"");
    let mut ali = server.join("ali");
    ali.say("hi bot");
    comes("\"text\":\"hi bot\"");
    bot.type_text("{\"line\":\"hi ali\"}\n");
    ali.expect("bot: hi ali");
    bot.end_input();
    assert_eq!(bot.wait().code(), Some(0));
}
