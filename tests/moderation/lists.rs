//! What is read: lists of addresses, the message of the day, the password, at the start and at HUP.

use std::fs;

use crate::common::{GREETING, PROMPT, Server, Signal, chatroom};
use crate::house::{House, connect_from};
use crate::table::Table;

const READ_ANEW: &str = "The lists are read anew, the record is opened anew.";

#[test]
fn lists_are_read_at_the_start_and_at_hup_and_a_bad_one_keeps_the_old() {
    let house = House::new();
    let [allow, deny, motd] = ["allow", "deny", "motd"].map(|name| house.path(name));
    fs::write(&allow, "127.0.0.0/28\n").unwrap();
    fs::write(&deny, "127.0.0.9 # eve\n").unwrap();
    fs::write(&motd, "be kind\n").unwrap();
    let files = [&allow, &deny, &motd].map(|path| path.to_str().unwrap());
    let mut server = house.start(&["--allow", files[0], "--deny", files[1], "--motd", files[2]]);
    let refusal = |server: &Server, host| {
        let mut peer = connect_from(host, server.address());
        let line = peer.line();
        (line != PROMPT).then(|| {
            peer.expect_end();
            line
        })
    };
    assert_eq!(refusal(&server, 1), None);
    assert_eq!(
        refusal(&server, 9).as_deref(),
        Some("* Your address may not come in.")
    );
    let not_allowed = "* Your address is none of those that may come in.";
    assert_eq!(refusal(&server, 99).as_deref(), Some(not_allowed));
    let mut ali = server.join("ali");
    ali.expect("* The message of the day:");
    ali.expect("*   be kind");

    fs::write(&deny, "ten\n").unwrap();
    fs::write(&motd, "be brief\n").unwrap();
    server.signal(Signal::HUP);
    let told = format!(
        "the lists stay as they were: {}: line 1: \"ten\" is no address and no block like 10.0.0.0/8",
        files[1]
    );
    server.expect_log(&told);
    assert!(refusal(&server, 9).is_some());

    fs::write(&deny, "127.0.0.1\n").unwrap();
    server.signal(Signal::HUP);
    server.expect_log(READ_ANEW);
    assert_eq!(refusal(&server, 9), None);
    // Who is here stays.
    ali.say("/motd");
    ali.expect("* The message of the day:");
    ali.expect("*   be brief");
}

#[test]
fn a_bad_file_stops_the_start_and_is_named() {
    let house = House::new();
    fs::write(house.path("state"), "# mine\nkeep ali\n").unwrap();
    fs::write(house.path("deny"), "\n10.0.0.0/99\n").unwrap();
    for (flag, name, why) in [
        (
            "--state",
            "state",
            ": line 2: \"\" is neither operator nor member",
        ),
        ("--deny", "deny", ": line 2: \"10.0.0.0/99\" is no address"),
        ("--motd", "nothing", ": No such file or directory"),
        ("--record", ".", ": Is a directory"),
        ("--state", "no/where", ": No such file or directory"),
    ] {
        let path = house.path(name);
        let output = chatroom()
            .args(["serve", "--listen", "127.0.0.1:0", flag])
            .arg(&path)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.contains(path.to_str().unwrap().trim_end_matches('.')) && told.contains(why),
            "{told}"
        );
    }
}

#[test]
fn two_servers_never_write_one_state() {
    let house = House::new();
    let mut first = house.start(&[]);
    let path = house.path("state");
    let second = chatroom()
        .args(["serve", "--listen", "127.0.0.1:0", "--state"])
        .arg(&path)
        .output()
        .unwrap();
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(
        told.contains("another chatroom writes to ") && told.contains("give each its own"),
        "{told}"
    );
    first.stop();
    // And the next one has it at once.
    house.start(&[]).stop();
}

#[test]
fn the_password_is_asked_for_before_the_name() {
    let house = House::new();
    let password = house.path("password");
    fs::write(&password, "open sesame\nnot this\n").unwrap();
    let flags = [
        "--password-file",
        password.to_str().unwrap(),
        "--log-addresses",
    ];
    let mut server = house.start(&flags);
    let asks = "Please enter the password:";
    let mut ali = server.connect();
    ali.expect(asks);
    ali.say("sesame");
    ali.expect_notice("That is not the password.");
    ali.expect(asks);
    ali.say("open sesame");
    ali.expect(PROMPT);
    ali.say("ali");
    ali.expect(GREETING);
    // Three wrong ones end the connection.
    let mut eve = server.connect();
    eve.expect(asks);
    for attempt in 1..=3 {
        eve.say(format!("guess {attempt}"));
        eve.expect_notice("That is not the password.");
        if attempt < 3 {
            eve.expect(asks);
        }
    }
    eve.expect_end();
    // A browser is told so all the same.
    let mut browser = server.connect();
    browser.expect(asks);
    browser.say("GET / HTTP/1.1");
    browser.expect_notice("That was HTTP");
    // In JSON behind it.
    let mut bot = server.connect();
    bot.expect(asks);
    bot.say("open sesame\n/json\n{\"name\":\"bot\"}");
    bot.expect(PROMPT);
    assert!(bot.line().starts_with("{\"event\":\"hello\","));
    assert!(bot.line().starts_with("{\"event\":\"welcome\","));
    // And by a program that asks to be told in JSON first.
    let mut program = connect_from(2, server.address());
    program.expect(asks);
    program.say("/json");
    assert!(program.line().starts_with("{\"event\":\"hello\","));
    let asked = program.line();
    assert_eq!(asked, "{\"event\":\"password\",\"needed\":true}");
    assert_eq!(Table::read().check(&asked), "password");
    program.say("{\"name\":\"zed\"}");
    assert!(program.line().contains("\"code\":\"password-first\""));
    program.say("{\"password\":\"guess\"}");
    assert!(program.line().contains("\"code\":\"wrong-password\""));
    program.expect("{\"event\":\"password\",\"needed\":true}");
    program.say("{\"password\":\"open sesame\"}\n{\"name\":\"zed\"}");
    program.expect("{\"event\":\"password\",\"needed\":false}");
    assert!(program.line().starts_with("{\"event\":\"welcome\","));
    let log = server.stop().join("\n");
    assert!(
        log.contains("[127.0.0.1] a name is refused: That is not the password."),
        "{log}"
    );
    assert!(log.contains("1 too many wrong keys or passwords"), "{log}");
    assert!(!log.contains("sesame") && !log.contains("guess"), "{log}");
}
