//! Keys of names and the room's password: kept in files, asked for once, never on the screen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::termios::LocalModes;

use crate::common::{GREETING, PATIENCE, Program, Server, chatroom};
use crate::desk::Desk;

const ASK: &str = "Please enter the password:";

/// A room that keeps names, and somebody's home.
struct House {
    folder: tempfile::TempDir,
    server: Server,
}

impl House {
    fn new(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("room.state");
        let state = ["--state", state.to_str().unwrap()];
        let server = Server::start(&[&state, flags].concat());
        Self { folder, server }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn join(&self, flags: &[&str]) -> Command {
        let mut command = chatroom();
        command.arg("join").arg(self.server.address().to_string());
        command.args(flags).env("XDG_STATE_HOME", self.path("home"));
        command
    }

    fn desk(&self, flags: &[&str]) -> Desk {
        Desk::run(&self.join(flags), 24, 80)
    }

    fn store(&self) -> String {
        fs::read_to_string(self.path("home/chatroom/keys")).unwrap_or_default()
    }
}

fn has_echo(desk: &Desk) -> bool {
    desk.modes().local_modes.contains(LocalModes::ECHO)
}

/// Waits until the terminal shows what is typed, or doesn't: it writes nothing about that.
#[track_caller]
fn wait_for_echo(desk: &mut Desk, shows: bool) {
    let deadline = Instant::now() + PATIENCE;
    while has_echo(desk) != shows {
        assert!(Instant::now() < deadline, "{:?}", desk.rows());
        desk.wait(Duration::from_millis(5));
        desk.look();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Lets ali keep the name at a terminal, and returns the key that the store has.
fn keep(house: &House) -> String {
    let mut ali = house.desk(&["--name", "ali"]);
    ali.expect(&[GREETING, "> "]);
    ali.enter("/keep");
    ali.wait_until("it is kept", |desk| {
        let rows = desk.rows().join("");
        rows.contains("* The key of ali is kept in ") && rows.ends_with("> ")
    });
    let store = house.store();
    let key = store.trim().rsplit(' ').next().unwrap().to_owned();
    let wanted = format!("{} ali {key}\n", house.server.address());
    assert_eq!(store, wanted);
    let written = String::from_utf8_lossy(&ali.written).into_owned();
    assert!(!written.contains(&key), "the key is on the screen");
    key
}

#[test]
fn a_key_goes_from_the_server_to_the_store_and_back_and_never_over_the_screen() {
    let house = House::new(&[]);
    let key = keep(&house);
    assert_eq!(mode(&house.path("home/chatroom/keys")), 0o600);
    assert_eq!(mode(&house.path("home/chatroom")), 0o700);
    // With the key alone one is let in.
    let mut ali = house.desk(&["--name", "ali"]);
    ali.expect(&[GREETING, "> "]);
    // Another key takes its place.
    ali.enter("/newkey");
    ali.wait_until("it is told", |desk| {
        desk.rows().join("").contains("is kept in")
    });
    let other = house.store();
    assert!(
        !other.contains(&key) && other.lines().count() == 1,
        "{other}"
    );
    ali.enter("/unkeep");
    ali.wait_until("it is told", |desk| {
        desk.rows().join("").contains("not kept any more")
    });
    ali.press("\x04");
    assert_eq!(ali.exit_code(), 0);
    assert_eq!(house.store().trim(), "");
    let written = String::from_utf8_lossy(&ali.written).into_owned();
    assert!(!written.contains(&key) && !written.contains(other.trim().rsplit(' ').next().unwrap()));
}

#[test]
fn what_is_typed_behind_a_name_is_hidden_and_not_to_be_had_back() {
    let house = House::new(&[]);
    let key = keep(&house);
    fs::remove_file(house.path("home/chatroom/keys")).unwrap();
    let log = house.path("talk.log");
    let mut ali = house.desk(&["--log", log.to_str().unwrap()]);
    ali.expect(&["> "]);
    ali.press(&format!("ali {key}"));
    let hidden = format!("> ali {}", "*".repeat(key.len()));
    ali.expect(&[&hidden]);
    ali.press("\r");
    ali.expect(&["you: ali", GREETING, "> "]);
    ali.press("\x1b[A");
    ali.expect(&["> ali (key)"]);
    // By mistake, into the talk.
    ali.press("\x03");
    ali.enter(&format!("ali {key}"));
    ali.wait_until("it is not sent", |desk| {
        desk.rows()
            .join("")
            .contains("* Not sent: there is a key in it")
    });
    ali.enter("hello");
    ali.expect_row("you: hello");
    ali.press("\x04");
    ali.exit_code();
    assert!(!fs::read_to_string(&log).unwrap().contains(&key));
    let rows = ali.all_rows().join("\n");
    assert!(!rows.contains(&key), "{rows}");
}

#[test]
fn the_password_is_asked_for_without_echo_and_given_again_after_a_break() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, "open sesame\n").unwrap();
    let flags = ["--password-file", password.to_str().unwrap()];
    let house = House::new(&flags);
    let mut ali = house.desk(&["--name", "ali"]);
    ali.expect(&[ASK, "(not shown) > "]);
    ali.enter("sesame");
    ali.expect(&[ASK, "* That is not the password.", ASK, "(not shown) > "]);
    ali.press("open sesame");
    ali.press("\x1b[A");
    ali.press("\r");
    ali.expect(&[GREETING, "> "]);
    ali.press("\x1b[A");
    let written = String::from_utf8_lossy(&ali.written).into_owned();
    assert!(!written.contains("sesame"), "{written}");
    // On a terminal without an editor, the terminal itself hides it.
    for flags in [&["--name", "bob", "--plain"][..], &["--plain"]] {
        let mut bob = house.desk(flags);
        bob.expect_row(ASK);
        wait_for_echo(&mut bob, false);
        bob.enter("open sesame");
        if flags.len() == 1 {
            bob.expect_row("Please enter your name:");
            wait_for_echo(&mut bob, true);
            bob.enter("zed");
        }
        bob.expect_row(GREETING);
        bob.look();
        assert!(!String::from_utf8_lossy(&bob.written).contains("sesame"));
    }
    let mut gone = house.desk(&["--plain"]);
    gone.expect_row(ASK);
    wait_for_echo(&mut gone, false);
    gone.signal(crate::common::Signal::TERM);
    gone.exit_code();
    assert!(has_echo(&gone), "left as it was");
}

#[test]
fn scripts_give_key_and_password_from_files_or_the_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    fs::write(&path, "open sesame\n").unwrap();
    let path = path.to_str().unwrap();
    let house = House::new(&["--password-file", path]);
    let mut ears = house.server.connect();
    ears.expect(ASK);
    ears.say("open sesame\nears");
    ears.expect("Please enter your name:");
    ears.expect(GREETING);
    for (flags, input) in [
        (&["--name", "bot", "--password-file", path][..], "hi\n"),
        (&["--name", "bot"], "open sesame\nhi\n"),
        (&[], "open sesame\nbot\nhi\n"),
        (&["--plain", "--name", "bot"], "open sesame\nhi\n"),
        (&["--plain", "--password-file", path], "bot\nhi"),
        (
            &["--json", "--name", "bot", "--password-file", path],
            "hi\n",
        ),
        (
            &["--json"],
            "{\"password\":\"open sesame\"}\n{\"name\":\"bot\"}\n{\"line\":\"hi\"}\n",
        ),
        (&["--json"], "open sesame\nbot\nhi\n"),
    ] {
        let mut bot = Program::start(house.join(flags));
        bot.type_text(input);
        bot.end_input();
        ears.expect("bot: hi");
        ears.expect("bot has left the chatroom!");
        assert_eq!(bot.wait().code(), Some(0), "{flags:?}");
    }
    let wrong = house.write("wrong", "sesame\n");
    let output = house
        .join(&["--name", "bot", "--password-file", &wrong])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let output = house.join(&["--name", "bot"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "nobody gives it: {output:?}");
    // Somebody keeps a name, and a script comes by its key.
    ears.say("/keep");
    ears.expect_notice("Your name is kept for you.");
    let answer = ears.expect_notice("Your answer to the question");
    let answer = answer.rsplit_once(": ").unwrap().1;
    let keys = house.write("keys", &format!("# mine\n{answer}\n"));
    for flags in [&[][..], &["--plain"], &["--json"]] {
        let flags = [&["--key-file", &keys, "--password-file", path], flags].concat();
        let mut bot = Program::start(house.join(&flags));
        bot.type_text("/whoami\n");
        bot.end_input();
        bot.wait();
        let said = bot.screen.read_to_end();
        let said = String::from_utf8_lossy(said);
        assert!(
            said.contains("You are ears") && !said.contains(answer),
            "{said}"
        );
    }
}

#[test]
fn the_topic_stays_at_hand() {
    let folder = tempfile::tempdir().unwrap();
    let made = chatroom()
        .args(["generate", "key", "chief", "--operator"])
        .output()
        .unwrap();
    let told = String::from_utf8(made.stderr).unwrap();
    let answer = told
        .lines()
        .find_map(|line| line.split_once("from then on: "))
        .unwrap()
        .1
        .to_owned();
    let state = folder.path().join("room.state");
    fs::write(&state, made.stdout).unwrap();
    let server = Server::start(&["--state", state.to_str().unwrap()]);
    let mut chief = server.connect();
    chief.expect("Please enter your name:");
    chief.enter(&answer);
    chief.say("/topic tea at five");
    chief.expect_notice("has set the topic");
    for flags in [&["--name", "ali"][..], &["--name", "bob", "--quiet"]] {
        let mut desk = Desk::join(server.address(), flags);
        desk.expect(&["topic: tea at five", "> "]);
        chief.say("/topic coffee");
        desk.expect(&["topic: coffee", "> "]);
        chief.say("/topic -");
        desk.wait_until("it is gone", |desk| {
            !desk.rows().iter().any(|row| row.starts_with("topic: "))
        });
        chief.say("/topic tea at five");
        desk.expect(&["topic: tea at five", "> "]);
    }
}
