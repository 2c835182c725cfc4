//! Keys and the password: given where they are asked for, and shown nowhere.

use super::super::super::secrets::Secrets;
use super::*;
use crate::wire::plain::ASK_PASSWORD;

const KEY: &str = "2eef-4b2f-26e9-9b3c-deda-540d-105a-bb6b";
const HELLO: &str = r#"{"event":"hello","version":1,"server":"x","boot":"b","line_bytes":99,"rate":1,"burst":1,"ids":4}"#;
const WELCOME: &str = r#"{"event":"welcome","seq":3,"name":"ali","resumed":false,"token":"t"}"#;
const MEMBERS: &str = r#"{"event":"members","count":1,"names":["ali"],"more":0}"#;

/// A person's conversation, and the server's lines.
struct Side(Session);

impl Side {
    fn new(name: Option<&str>, has_key: bool, is_plain: bool) -> Self {
        let mut secrets = Secrets::new(None, true);
        if has_key {
            secrets.learn("ali", Key::parse(KEY).unwrap());
        }
        let entry = Entry::new(name).unwrap().with(secrets);
        Self(Session::new(entry, is_plain, true))
    }

    /// Hears lines, and returns what is sent and what the person is told.
    fn hear(&mut self, lines: &[&str]) -> (String, Vec<Told>) {
        for line in lines {
            let line = format!("{line}\n");
            self.0.hear(line.as_bytes(), Instant::now());
        }
        self.taken()
    }

    fn types(&mut self, line: &str) -> (String, Vec<Told>) {
        assert!(self.0.take_line(line.to_owned()));
        self.taken()
    }

    fn taken(&mut self) -> (String, Vec<Told>) {
        self.0.pump();
        let told: Vec<_> = std::iter::from_fn(|| self.0.take_told()).collect();
        for told in &told {
            let shown = format!("{told:?}");
            assert!(!shown.contains("2eef"), "{shown}");
        }
        let out = mem::take(self.0.out());
        (String::from_utf8(out).unwrap(), told)
    }

    fn loses(&mut self) {
        self.0.hear_end();
        self.0.lose(Instant::now());
    }
}

#[test]
fn a_kept_name_is_given_with_its_key_on_each_connection() {
    let mut plain = Side::new(Some("ali"), true, true);
    for _ in 0..2 {
        assert_eq!(plain.hear(&[PROMPT]).0, format!("ali {KEY}\n"));
        plain.hear(&[GREETING]);
        plain.loses();
    }
    let mut objects = Side::new(Some("ali"), true, false);
    assert_eq!(objects.hear(&[PROMPT]).0, "/json\n");
    let wanted = format!("{{\"key\":\"{KEY}\",\"name\":\"ali\"}}\n");
    assert_eq!(objects.hear(&[HELLO]).0, wanted);
    objects.hear(&[WELCOME, MEMBERS]);
    objects.loses();
    let resume = objects.hear(&[PROMPT, HELLO]).0;
    assert!(
        resume.contains("\"resume\"") && resume.contains(KEY),
        "{resume}"
    );
}

#[test]
fn what_is_typed_behind_a_name_is_its_key_from_then_on() {
    let mut side = Side::new(None, false, true);
    side.hear(&[PROMPT]);
    let (sent, told) = side.types(&format!("ali {KEY}"));
    assert_eq!(
        (sent, told),
        (format!("ali {KEY}\n"), vec![Told::Name("ali".to_owned())])
    );
    side.hear(&[GREETING]);
    side.loses();
    assert_eq!(side.hear(&[PROMPT]).0, format!("ali {KEY}\n"));
}

#[test]
fn after_a_wrong_key_the_answer_is_a_name_and_never_said() {
    for is_plain in [true, false] {
        let mut side = Side::new(Some("ali"), true, is_plain);
        side.hear(&[PROMPT]);
        if is_plain {
            side.hear(&["* That is not the key of ali.", PROMPT]);
        } else {
            let error =
                r#"{"event":"error","code":"wrong-key","text":"That is not the key of ali."}"#;
            side.hear(&[HELLO, error]);
        }
        assert!(side.0.asks_name());
        let (sent, _) = side.types(&format!("ali {KEY}"));
        assert!(sent.contains(KEY) && !sent.contains("line"), "{sent}");
        side.hear(if is_plain {
            &[GREETING][..]
        } else {
            &[WELCOME, MEMBERS]
        });
        assert!(side.0.is_inside());
        // By now it would be said to the room.
        let (sent, told) = side.types(&format!("ali {KEY}"));
        assert!(
            sent.is_empty() && matches!(told[..], [Told::Word(_)]),
            "{sent} {told:?}"
        );
        let (sent, told) = side.types(&format!("/nick bob {KEY}"));
        assert!(sent.contains(KEY) && told.is_empty(), "{sent} {told:?}");
    }
}

#[test]
fn a_name_that_is_kept_no_more_is_given_without_its_key() {
    let mut side = Side::new(Some("ali"), true, true);
    side.hear(&[PROMPT]);
    let notice = "* That name is not kept, so give it without a key: ali";
    assert_eq!(side.hear(&[notice, PROMPT]).0, "ali\n");
    side.hear(&[GREETING]);
    assert!(side.0.is_inside());
}

#[test]
fn a_key_that_the_server_gives_is_kept_and_not_shown() {
    let first = format!("* Your name is kept for you. This is its key, shown only now: {KEY}");
    let second = format!("* Your answer to the question for a name is from now on: ali {KEY}");
    let object = format!("{{\"event\":\"key\",\"name\":\"ali\",\"key\":\"{KEY}\"}}");
    for is_plain in [true, false] {
        let mut side = Side::new(Some("ali"), false, is_plain);
        side.hear(&[PROMPT]);
        let told = if is_plain {
            side.hear(&[GREETING]);
            side.hear(&[&first, &second]).1
        } else {
            side.hear(&[HELLO, WELCOME, MEMBERS]);
            side.hear(&[&object]).1
        };
        let (name, key) = ("ali".to_owned(), Key::parse(KEY).unwrap());
        assert_eq!(told, [Told::Key { name, key }]);
        side.loses();
        let (sent, _) = side.hear(if is_plain {
            &[PROMPT][..]
        } else {
            &[PROMPT, HELLO]
        });
        assert!(sent.contains(KEY), "{sent}");
        side.hear(if is_plain {
            &[GREETING][..]
        } else {
            &[WELCOME, MEMBERS]
        });
        let unkept = "Your name ali is not kept any more.";
        let told = if is_plain {
            side.hear(&[&format!("* {unkept}")]).1
        } else {
            side.hear(&[&format!(
                "{{\"event\":\"notice\",\"code\":\"unkept\",\"text\":\"{unkept}\"}}"
            )])
            .1
        };
        assert!(told.contains(&Told::Unkept("ali".to_owned())), "{told:?}");
        assert_eq!(side.0.entry.secrets().key("ali"), None);
    }
}

#[test]
fn the_password_is_asked_of_the_person_once_and_given_again_on_each_connection() {
    let ask = r#"{"event":"password","needed":true}"#;
    let taken = r#"{"event":"password","needed":false}"#;
    let wrong = r#"{"event":"error","code":"wrong-password","text":"That is not the password."}"#;
    let mut side = Side::new(Some("ali"), false, false);
    assert_eq!(side.hear(&[ASK_PASSWORD]).0, "/json\n");
    let (sent, told) = side.hear(&[HELLO, ask]);
    assert!(sent.is_empty() && told == [told_event(Event::AskPassword)]);
    assert!(side.0.asks_password());
    let given = |password: &str| format!("{{\"password\":\"{password}\"}}\n");
    assert_eq!(side.types("sesame"), (given("sesame"), Vec::new()));
    let (sent, _) = side.hear(&[wrong, ask]);
    assert!(
        sent.is_empty() && side.0.asks_password(),
        "the name has to wait"
    );
    assert!(side.0.take_refusal().is_some());
    assert_eq!(
        side.types("/open sesame"),
        (given("/open sesame"), Vec::new())
    );
    assert_eq!(side.hear(&[taken]).0, "{\"name\":\"ali\"}\n");
    side.hear(&[WELCOME, MEMBERS]);
    side.loses();
    assert_eq!(
        side.hear(&[ASK_PASSWORD, HELLO, ask]).0,
        "/json\n".to_owned() + &given("/open sesame")
    );

    let mut side = Side::new(Some("ali"), false, true);
    side.hear(&[ASK_PASSWORD]);
    assert_eq!(side.types("sesame").0, "sesame\n");
    assert_eq!(side.hear(&[PROMPT]).0, "ali\n");
    side.hear(&[GREETING]);
    side.loses();
    assert_eq!(side.hear(&[ASK_PASSWORD]).0, "sesame\n");
}

#[test]
fn what_was_piped_in_was_taken_for_the_password_that_a_file_gives() {
    let mut side = Side::new(None, false, true);
    assert!(
        side.0.wants_input(1),
        "it may pass: nobody asks for a password"
    );
    side.0
        .entry
        .secrets()
        .set_password(Some("sesame".to_owned()));
    assert!(!side.0.wants_input(1), "it comes behind the password");
    assert_eq!(side.hear(&[ASK_PASSWORD]).0, "sesame\n");
    assert!(side.0.wants_input(1));
}
