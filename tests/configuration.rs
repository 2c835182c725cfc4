//! The configuration file: what it says, what wins over it, what is wrong with it, and what is read
//! anew while the server runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::fs;
use std::process::{Command, Output};

use common::{Server, Signal, chatroom};
use tempfile::TempDir;

/// A directory with a configuration file in it.
struct Configuration(TempDir);

impl Configuration {
    fn new(text: &str) -> Self {
        let configuration = Self(tempfile::tempdir().unwrap());
        configuration.write(text);
        configuration
    }

    fn path(&self) -> String {
        self.0
            .path()
            .join("chatroom.toml")
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// Puts a new file in the place of the old one, as editors do.
    fn write(&self, text: &str) {
        let new = self.0.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path()).unwrap();
    }

    fn serve(&self, flags: &[&str]) -> Command {
        let mut command = chatroom();
        command
            .args(["serve", "--config", &self.path()])
            .args(flags);
        command
    }

    /// Checks it, without any server.
    fn check(&self, flags: &[&str]) -> Output {
        self.serve(flags).arg("--check").output().unwrap()
    }
}

#[test]
fn settings_take_effect() {
    let configuration = Configuration::new(
        "# The room.\nlisten = [\"127.0.0.1:0\", \"127.0.0.2:0\"]\nhistory = 1\nannounce-joins = true\nmax-line-bytes = 700\n",
    );
    let server = Server::run(configuration.serve(&[]));
    assert_eq!(server.addresses().len(), 2);
    let mut ali = server.join("ali");
    ali.say("x".repeat(701));
    ali.expect_notice("700");
    ali.say("hello");
    ali.say("/who");
    ali.expect_notice("ali");
    let mut bob = server.join("bob");
    bob.expect_notice("The line from before you came");
    bob.expect("ali: hello");
    ali.expect("bob is joined to the chatroom!");
}

#[test]
fn flags_and_variables_win_over_the_file() {
    let configuration = Configuration::new(
        "listen = \"127.0.0.1:7777\"\nrate = 7\nburst = 70\nhistory = 3\nlog-talk = false\nannounce-joins = true\n",
    );
    let mut command = configuration.serve(&["--rate", "8", "--announce-joins=no", "--check"]);
    let output = command.env("CHATROOM_BURST", "80").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let path = configuration.path();
    for line in [
        format!("listen = \"127.0.0.1:7777\"  # {path}:1"),
        "rate = 8  # --rate".to_owned(),
        "burst = 80  # CHATROOM_BURST".to_owned(),
        format!("history = 3  # {path}:4"),
        format!("log-talk = false  # {path}:5"),
        "announce-joins = false  # --announce-joins".to_owned(),
        "grace = 5  # default".to_owned(),
        "# max-connections is not set".to_owned(),
    ] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    // What is told is a configuration itself.
    let again = Configuration::new(&told);
    assert!(again.check(&[]).status.success(), "{told}");
}

#[test]
fn everything_wrong_is_told_with_its_line() {
    let configuration = Configuration::new(
        "rate = 7\nhistroy = 3\nburst = \"many\"\n\n[limits]\nx = 1\n[[listen]]\n",
    );
    let output = configuration.check(&[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    let path = configuration.path();
    for error in [
        format!("{path}:2: there is no setting `histroy`; did you mean `history`?"),
        format!("{path}:3: invalid value 'many' for '--burst <LINES>'"),
        format!("{path}:5: there is no setting `limits`"),
        format!("{path}:7: `listen` takes ADDR:PORT, or a list of them in [ ]"),
    ] {
        assert!(told.contains(&error), "{error}: {told}");
    }
    for (text, error) in [
        ("rate = 7\nrate = 8\n", ":2: "),
        ("a = \n", ":1: "),
        ("announce-joins = 3\n", ":1: "),
        (
            "announce-joins = [true]\n",
            "`announce-joins` takes true or false",
        ),
        ("rate = 1.5\n", "`rate` takes LINES"),
        (
            "listen = \"nowhere\"\n",
            ":1: invalid value 'nowhere' for '--listen",
        ),
        ("config = \"other\"\n", "there is no setting `config`"),
    ] {
        let configuration = Configuration::new(text);
        let output = configuration.check(&[]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(error), "{text}: {told}");
    }
}

#[test]
fn a_check_finds_contradictions_and_starts_nothing() {
    let configuration = Configuration::new("burst = 0\n");
    let output = configuration.check(&[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--burst 0"));
    // The address is in use, and that is no matter.
    let server = Server::start(&[]);
    let listen = server.address().to_string();
    let output = chatroom()
        .args(["serve", "--check", "--listen", &listen])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let output = chatroom()
        .args(["serve", "--config", "/nonexistent/x.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("/nonexistent/x.toml: No such file"), "{told}");
}

#[test]
fn the_file_that_is_generated_says_the_defaults() {
    let output = chatroom().args(["generate", "config"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let plain = Configuration::new(&text).check(&[]).stdout;
    // Each setting that has a default, taken out of its comment.
    let set: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| !line.starts_with(' ') && !line.contains('"') || line.starts_with("log-"))
        .collect();
    let set = set.join("\n");
    assert!(set.lines().count() > 10, "{text}");
    let output = Configuration::new(&set).check(&[]);
    assert!(output.status.success(), "{output:?}");
    let values = |told: &[u8]| {
        let told = String::from_utf8(told.to_vec()).unwrap();
        let values = told
            .lines()
            .map(|line| line.split("  #").next().unwrap().to_owned());
        values.collect::<Vec<_>>()
    };
    assert_eq!(values(&output.stdout), values(&plain));
}

#[test]
fn hup_reads_the_file_anew_and_a_bad_one_changes_nothing() {
    let configuration = Configuration::new("log-talk = true\n");
    let mut server = Server::run(configuration.serve(&["--listen", "127.0.0.1:0"]));
    let mut ali = server.join("ali");
    let bob = server.join("bob");
    for _ in 0..2 {
        configuration.write("log-talk = true\n");
        server.signal(Signal::HUP);
        server.expect_log("Reloaded: log-level and log-talk are as they are set now.");
        bob.say("told");
        ali.expect("bob: told");
        server.expect_log("bob said told");
        configuration.write("log-talk = false\n");
        server.signal(Signal::HUP);
        server.expect_log("Reloaded: log-level and log-talk are as they are set now.");
        bob.say("not told");
        ali.expect("bob: not told");
        configuration.write("log-talk = true\nhistroy = 3\n");
        server.signal(Signal::HUP);
        let path = configuration.path();
        server.expect_log(&format!(
            "Not reloaded, all stays as it was: {path}:2: there is no setting `histroy`; did you mean `history`?"
        ));
        bob.say("still not told");
        ali.expect("bob: still not told");
    }
    let log = server.stop().join("\n");
    assert!(!log.contains("not told"), "{log}");
}

#[test]
fn hup_changes_the_level_of_the_log() {
    let configuration = Configuration::new("log-level = \"info\"\n");
    let mut server = Server::run(configuration.serve(&["--listen", "127.0.0.1:0"]));
    configuration.write("log-level = \"warn\"\n");
    server.signal(Signal::HUP);
    let mut ali = server.join("ali");
    let bob = server.join("bob");
    bob.say("hello");
    ali.expect("bob: hello");
    let log = server.stop().join("\n");
    assert!(!log.contains("bob said hello"), "{log}");
}
