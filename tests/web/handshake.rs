//! Who may open a WebSocket, and what the others are told.

use super::peer::{Web, ask, asking, serve};

#[test]
fn what_is_no_proper_request_has_a_status() {
    let server = serve(&[]);
    let right = asking("");
    for (request, status) in [
        ("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 426),
        (right.replace("Version: 13", "Version: 8"), 426),
        (right.replace("Key: dGhl", "Key: dGh"), 400),
        (right.replace("Host: localhost\r\n", ""), 400),
        (right.replace("GET /ws", "POST /ws"), 405),
        (right.replace("GET /ws", "GET /wss"), 404),
        (asking("Host: localhost\r\n"), 400),
        (asking("Content-Length: 5\r\n") + "hello", 400),
        // Said before the answer: whoever does that takes another for the server.
        (right.clone() + "\u{1}", 400),
    ] {
        let answer = ask(&server, &request);
        assert_eq!(answer.status, status, "{request}");
        let version = (status == 426).then_some("13");
        assert_eq!(answer.field("sec-websocket-version"), version);
    }
    assert_eq!(ask(&server, &right).status, 101);
}

#[test]
fn only_the_own_page_and_those_that_are_named_may_connect() {
    let server = serve(&[
        "--web-origin",
        "https://chat.example.org,http://other.example",
    ]);
    let local = server.web_address();
    let asked = |host: &str, origin: &str| {
        let request = asking(&format!("Origin: {origin}\r\n"));
        let request = request.replace("Host: localhost", &format!("Host: {host}"));
        ask(&server, &request).status
    };
    let own = local.to_string();
    for (host, origin, status) in [
        (&*own, &*format!("http://{local}"), 101),
        ("localhost:8080", "http://localhost:8080", 101),
        ("chat.example.org", "https://chat.example.org", 101),
        (&own, "http://other.example", 101),
        (&own, "https://other.example", 403),
        (&own, "http://evil.example", 403),
        (&own, "null", 403),
        // Its name leads here, but it isn't ours.
        ("evil.example", "http://evil.example", 403),
    ] {
        assert_eq!(asked(host, origin), status, "{origin} at {host}");
    }
    // Programs other than browsers say no origin.
    assert_eq!(ask(&server, &asking("")).status, 101);
}

#[test]
fn a_room_that_is_full_or_closed_to_somebody_says_so() {
    let server = serve(&["--max-connections", "1"]);
    let mut first = Web::join(&server, "first");
    // The page is not to be had, either.
    let answer = ask(&server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status, 503);
    first.leave();

    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("deny");
    std::fs::write(&list, "203.0.113.0/24\n").unwrap();
    let deny = list.to_str().unwrap();
    let server = serve(&["--deny", deny, "--proxy-from", "127.0.0.1"]);
    let from = "X-Forwarded-For: 203.0.113.7\r\n";
    let mut refused = Web::open_with(&server, from);
    let words = refused.line();
    assert!(words.starts_with("* "), "{words}");
    assert_eq!(refused.close_code(), Some(1008));
    let fields = format!("{from}{}", super::peer::JSON);
    let mut refused = Web::open_with(&server, &fields);
    let words = refused.line();
    assert!(words.starts_with("{\"event\":"), "{words}");
    assert_eq!(refused.close_code(), Some(1008));
}
