//! A capture of a room with TLS and without as it happens, and a key log that grows meanwhile.

use super::common::{GREETING, PROMPT, Program, Server, chatroom};
use super::live::{Trace, tcpdump, told_by_log, told_by_trace};
use super::support::has;

/// Starts `join`, and waits until it is in the room.
fn joined(server: &Server, name: &str, key_log: Option<&str>) -> Program {
    let mut join = chatroom();
    join.args(["join", "--name", name]);
    if let Some(key_log) = key_log {
        let mut texts = server.texts().iter();
        let pin = texts.find_map(|text| text.strip_prefix("the certificate's SHA-256: "));
        join.args(["--pin", pin.unwrap()]);
        join.arg(format!("tls://{}", server.tls_address()));
        join.env("SSLKEYLOGFILE", key_log);
    } else {
        join.arg(server.address().to_string());
    }
    let mut person = Program::start(join);
    person.screen.expect_line(PROMPT);
    person.screen.expect_line(GREETING);
    person
}

#[test]
fn a_live_session_of_sealed_and_plain_members_tells_what_the_servers_log_tells() {
    if !has("tcpdump") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name).to_str().unwrap().to_owned();
    let tls = ["--listen", "tls://127.0.0.1:0", "--tls-dir", &path("tls")];
    let mut server = Server::start(&tls);
    let ports = [server.address().port(), server.tls_address().port()];
    let filter = ports.map(|port| format!("tcp port {port}")).join(" or ");
    let Some(mut tcpdump) = tcpdump(&filter) else {
        return;
    };
    let ports = ports.map(|port| port.to_string()).join(",");
    let keys = path("keys");
    std::fs::write(&keys, "").unwrap();
    let mut trace = Trace::start(&mut tcpdump, &["-p", &ports, "--keylog", &keys]);
    let names = ["soheil", "ali", "سهیل"];
    let mut people: Vec<Program> = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        people.push(joined(&server, name, (at > 0).then_some(keys.as_str())));
        trace.shows(" joined from ");
    }
    for round in 0..10 {
        for at in 0..names.len() {
            let text = format!("سلام {round} from {at}");
            people[at].type_text(&format!("{text}\n"));
            for other in (0..names.len()).filter(|&other| other != at) {
                let heard = format!("{}: {text}", names[at]);
                people[other].screen.expect_line(&heard);
            }
            trace.shows(&text);
        }
    }
    for person in &mut people {
        person.end_input();
        person.wait();
        trace.shows("connection is over");
    }
    let expected = told_by_log(server.stop());
    let lines = trace.finish(tcpdump);
    assert_eq!(expected.len(), 3 + 30 + 3);
    assert_eq!(told_by_trace(&lines), expected, "{lines:#?}");
}
