//! Members on WebSocket among others.

use std::io::Write;

use super::common::{CLOSING, GREETING, PROMPT, Peer, Signal};
use super::peer::{JSON, Web, dial_sealed, serve};
use super::rig::frames::{CLOSE, FIN, TEXT, frame};

#[test]
fn the_reference_conversation_is_held_by_nc_and_browsers_alike() {
    let mut server = serve(&[]);
    let mut soheil = server.join("soheil");
    let mut ali = Web::join(&server, "ali");
    soheil.say("hello this is soheil");
    ali.expect("soheil: hello this is soheil");
    ali.say("hi soheil im ali");
    soheil.expect("ali: hi soheil im ali");
    let mut hasan = Web::join(&server, "hasan");
    hasan.say("hi guys");
    for heard in [&mut ali.line(), &mut soheil.line()] {
        assert_eq!(heard, "hasan: hi guys");
    }
    soheil.say("hello hasan how are you");
    ali.expect("soheil: hello hasan how are you");
    hasan.expect("soheil: hello hasan how are you");
    // Two lines in one message.
    hasan.say("im fine thanks\nhwo else is in chat?");
    for line in ["hasan: im fine thanks", "hasan: hwo else is in chat?"] {
        soheil.expect(line);
        ali.expect(line);
    }
    ali.say("im here too");
    soheil.expect("ali: im here too");
    hasan.expect("ali: im here too");
    soheil.say("i must go. by guys");
    soheil.finish();
    for web in [&mut ali, &mut hasan] {
        web.expect("soheil: i must go. by guys");
        web.expect("soheil has left the chatroom!");
    }
    hasan.leave();
    ali.expect("hasan has left the chatroom!");
    ali.say("/quit");
    assert_eq!(ali.close_code(), Some(1000));
    server.expect_log("ali has left the chatroom!");
}

#[test]
fn commands_notices_and_private_lines_are_as_everywhere() {
    let server = serve(&["--max-line-bytes", "128"]);
    let mut nc = server.join("nc");
    let mut web = Web::open(&server);
    web.expect(PROMPT);
    web.say("NC");
    assert!(web.line().starts_with("* "));
    web.expect(PROMPT);
    web.say("web");
    web.expect(GREETING);
    web.say("/who");
    assert!(web.line().contains("nc"));
    web.say("/msg nc psst");
    assert!(nc.line().ends_with("web (privately): psst"));
    assert!(web.line().contains("reached"));
    web.say(&"x".repeat(129));
    assert!(web.line().contains("128"));
    // Its own lines are not sent back, others' are, and in their order.
    for number in 0..50 {
        web.say(&format!("own {number}"));
        nc.say(format!("other {number}"));
    }
    for number in 0..50 {
        web.expect(&format!("nc: other {number}"));
        nc.expect(&format!("web: own {number}"));
    }
}

#[test]
fn a_page_is_told_in_json_of_the_same_room() {
    let server = serve(&["--announce-joins"]);
    let mut nc = server.join("nc");
    let mut page = Web::open_with(&server, JSON);
    assert!(page.line().starts_with("{\"event\":\"hello\","));
    page.say("{\"name\":\"page\"}");
    assert!(page.line().starts_with("{\"event\":\"welcome\","));
    assert!(page.line().contains("\"names\":[\"nc\",\"page\"]"));
    nc.expect("page is joined to the chatroom!");
    page.say("{\"id\":\"1\",\"line\":\"hello\"}");
    nc.expect("page: hello");
    assert!(page.line().starts_with("{\"event\":\"ack\",\"id\":\"1\""));
    nc.say("سلام");
    let said = page.line();
    assert!(
        said.starts_with("{\"event\":\"said\"") && said.contains("سلام"),
        "{said}"
    );
    page.say("not json");
    assert!(page.line().starts_with("{\"event\":\"error\""));
    page.leave();
    nc.expect("page has left the chatroom!");
}

#[test]
fn a_password_is_asked_for_before_the_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "open sesame\n").unwrap();
    let server = serve(&["--password-file", file.to_str().unwrap()]);
    for fields in ["", JSON] {
        let mut web = Web::open_with(&server, fields);
        let question = web.line();
        assert!(question.to_lowercase().contains("password"), "{question}");
        web.say("wrong");
        assert!(web.line().starts_with("* "));
        assert_eq!(web.line(), question);
        web.say("open sesame");
        if fields.is_empty() {
            web.expect(PROMPT);
        } else {
            // Nothing else before.
            assert!(web.line().starts_with("{\"event\":\"hello\","));
        }
    }
}

#[test]
fn the_end_of_the_room_is_told_with_its_code() {
    let mut server = serve(&[]);
    let mut ears = server.join("ears");
    let mut web = Web::join(&server, "web");
    let mut nameless = Web::open(&server);
    nameless.expect(PROMPT);
    // Without a word, as browsers that are killed: like any connection that breaks.
    let gone = Web::join(&server, "gone");
    drop(gone);
    ears.expect("gone has left the chatroom!");
    web.expect("gone has left the chatroom!");
    server.signal(Signal::TERM);
    web.expect(CLOSING);
    assert_eq!(web.close_code(), Some(1001));
    assert!(nameless.line().starts_with("* "));
    assert_eq!(nameless.close_code(), Some(1001));
    web.send(frame(FIN | CLOSE, b"\x03\xe9"));
    drop((web, nameless, ears));
    assert!(server.wait().success());
}

#[test]
fn who_does_not_give_a_name_in_time_is_told_so() {
    let server = serve(&["--name-timeout", "1"]);
    let mut web = Web::open(&server);
    web.expect(PROMPT);
    assert!(web.line().contains("Your name did not come"));
    assert_eq!(web.close_code(), Some(1008));
}

#[test]
fn what_is_left_of_a_message_when_its_connection_ends_is_no_line() {
    let server = serve(&[]);
    let mut ears = server.join("ears");
    let mut web = Web::join(&server, "web");
    web.send([frame(FIN | TEXT, b"whole"), frame(TEXT, b"ha")].concat());
    web.stream.shutdown(std::net::Shutdown::Both).unwrap();
    ears.expect("web: whole");
    ears.expect("web has left the chatroom!");
}

#[test]
fn members_within_tls_are_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let mut server = serve(&["--listen", "https://127.0.0.1:0", "--tls-dir", path]);
    let mut nc = Peer::join(server.address(), "nc");
    let mut web = Web::over(dial_sealed(server.sealed_web_address()), "");
    web.enter("web");
    web.say("hello");
    nc.expect("web: hello");
    let long = "x".repeat(4000);
    for _ in 0..100 {
        nc.say(&long);
    }
    for _ in 0..100 {
        web.expect(&format!("nc: {long}"));
    }
    // Two frames in one record, and one in two.
    let frames = [frame(FIN | TEXT, b"one"), frame(FIN | TEXT, b"two")].concat();
    web.send(&frames[..11]);
    web.send(&frames[11..]);
    nc.expect("web: one");
    nc.expect("web: two");
    web.leave();
    nc.expect("web has left the chatroom!");
    web.stream.flush().ok();
    server.stop();
}
