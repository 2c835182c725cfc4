//! Every command by an operator and by somebody else, typed into `nc`.

use crate::common::program::{Program, nc};
use crate::common::{GREETING, PROMPT, Server};
use crate::house::House;

/// Somebody with `nc`.
struct Person(Program);

impl Person {
    fn join(server: &Server, answer: &str) -> Option<Self> {
        let mut person = Self(Program::start(nc(server.address())?));
        person.0.screen.expect_line(PROMPT);
        person.types(answer);
        person.0.screen.expect_line(GREETING);
        Some(person)
    }

    fn types(&mut self, line: &str) {
        self.0.type_text(&format!("{line}\n"));
    }

    /// Waits for a line that starts so.
    #[track_caller]
    fn reads(&mut self, start: &str) -> String {
        let line = self.0.screen.next_line().expect("nc is still there");
        assert!(line.starts_with(start), "{start:?}: {line:?}");
        line
    }
}

#[test]
fn operators_keep_the_peace_with_nothing_but_nc() {
    let house = House::new();
    let mut server = house.start(&[]);
    let Some(mut chief) = Person::join(&server, &house.chief) else {
        return;
    };
    let [mut ali, mut bob] = ["ali", "bob"].map(|name| Person::join(&server, name).unwrap());
    // What all three read.
    for (order, told) in [
        ("/topic tea", "* The operator chief has set the topic: tea"),
        ("/announce soon", "* The operator chief announces: soon"),
        (
            "/mute bob for 10m",
            "* The operator chief has muted bob until ",
        ),
        ("/unmute BOB", "* The operator chief lets bob speak again."),
        (
            "/slow 5",
            "* The operator chief lets each person say one line in 5 s.",
        ),
        ("/slow 0", "* The operator chief has ended the slow mode."),
        ("/lock", "* The operator chief has locked the room"),
        ("/unlock", "* The operator chief has unlocked the room."),
        (
            "/ban gone for 2h noise",
            "* The operator chief has banned gone until ",
        ),
        ("/unban gone", "* The operator chief lets gone in again."),
        (
            "/ban 192.0.2.0/24",
            "* The operator chief has banned an address for good.",
        ),
        (
            "/unban 192.0.2.0/24",
            "* The operator chief has ended the ban of an address.",
        ),
    ] {
        chief.types(order);
        for person in [&mut chief, &mut ali, &mut bob] {
            person.reads(told);
        }
        bob.types(order);
        bob.reads("* Your command is for operators: /");
    }
    // What one reads alone.
    for (line, told) in [
        ("/topic", "* The topic (by chief): tea"),
        ("/motd", "* The room has no message of the day."),
        ("/whoami", "* You are ali, here since "),
        ("/whois chief", "* That is chief, here since "),
        ("/ignore bob", "* You ignore bob now."),
        ("/ignored", "* You ignore: bob"),
        ("/unignore bob", "* You hear bob again."),
        ("/bans", "* Your command is for operators: /bans"),
        ("/op bob", "* Your command is for operators: /op"),
        ("/deop chief", "* Your command is for operators: /deop"),
        ("/newkey", "* Your name is not kept; /keep keeps it."),
    ] {
        ali.types(line);
        let line = ali.reads(told);
        assert!(
            !line.contains("127.0.0.1") || told.contains("You are"),
            "{line}"
        );
    }
    ali.types("/ignore bob");
    ali.reads("* You ignore bob now.");
    bob.types("do you hear me?");
    chief.reads("bob: do you hear me?");
    chief.types("/kick bob too loud");
    for person in [&mut chief, &mut ali, &mut bob] {
        person.reads("* The operator chief has kicked bob (too loud).");
    }
    // nc stays as long as somebody may type.
    bob.0.end_input();
    assert_eq!(bob.0.screen.next_line(), None, "the end");
    for person in [&mut chief, &mut ali] {
        person.reads("bob has left the chatroom!");
    }
    let log = server.stop();
    let report = log.last().unwrap();
    assert!(
        report.contains("1 names kept (1 of operators), 0 bans, 0 muted"),
        "{report}"
    );
    assert!(report.contains(", 1 kicked"), "{report}");
    assert!(log.contains(&"The operator chief has kicked bob (too loud).".to_owned()));
}
