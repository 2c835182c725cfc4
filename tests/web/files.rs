//! The page's files, as browsers ask for them.

use std::io::{Read, Write};

use super::common::program;
use super::peer::{ask, dial, dial_sealed, read_answer, serve};

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn the_page_comes_with_what_keeps_it_safe() {
    let server = serve(&[]);
    let page = ask(&server, GET);
    assert_eq!(page.status, 200);
    assert_eq!(page.field("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body.starts_with(b"<!doctype html>"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(page.field(name), Some(value), "{name}");
    }
    let policy = page.field("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "));
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    let head = ask(&server, &GET.replace("GET", "HEAD"));
    assert_eq!(head.head, page.head);
}

#[test]
fn who_has_the_page_is_not_sent_it_again() {
    let server = serve(&[]);
    let tag = ask(&server, GET).field("etag").unwrap().to_owned();
    let with = |tags: &str| GET.replace("\r\n\r\n", &format!("\r\nIf-None-Match: {tags}\r\n\r\n"));
    for (tags, status) in [
        (tag.clone(), 304),
        (format!("\"x\", W/{tag}"), 304),
        ("\"x\"".to_owned(), 200),
    ] {
        let answer = ask(&server, &with(&tags));
        assert_eq!(
            (answer.status, answer.field("etag")),
            (status, Some(&*tag)),
            "{tags}"
        );
        assert_eq!(answer.body.is_empty(), status == 304);
    }
}

#[test]
fn what_is_not_there_or_not_allowed_is_told_shortly() {
    let server = serve(&[]);
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9000));
    for (request, status) in [
        ("GET /index.php HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
            405,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
            400,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        ("GET / HTTP/2.0\r\n\r\n", 400),
        ("hello\r\n\r\n", 400),
        ("\x16\x03\x01\n", 400),
        (&long, 431),
    ] {
        let answer = ask(&server, request);
        assert_eq!(answer.status, status, "{request:.60}");
        assert!(answer.body.len() < 100, "{:?}", answer.body);
        assert!(answer.field("content-security-policy").is_some());
        let allow = (status == 405).then_some("GET, HEAD");
        assert_eq!(answer.field("allow"), allow);
    }
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let server = serve(&[]);
    let mut stream = dial(server.web_address());
    for _ in 0..3 {
        stream.write_all(GET.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream, false).status, 200);
    }
    // All at once, in pieces that end anywhere; in the end it wants no more.
    let missing = "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let all = [GET, missing, GET, missing, &last, GET].concat();
    for piece in all.as_bytes().chunks(37) {
        stream.write_all(piece).unwrap();
    }
    for (head_only, status) in [(false, 200), (true, 404), (false, 200), (true, 404)] {
        assert_eq!(read_answer(&mut stream, head_only).status, status);
    }
    let answer = read_answer(&mut stream, false);
    assert_eq!(
        (answer.status, answer.field("connection")),
        (200, Some("close"))
    );
    let mut rest = Vec::new();
    // What came behind it may have been unread.
    stream.read_to_end(&mut rest).ok();
    assert!(rest.is_empty());
}

#[test]
fn one_connection_asks_so_often_and_no_more() {
    let server = serve(&[]);
    let mut stream = dial(server.web_address());
    let mut answered = 0;
    for _ in 0..300 {
        if stream.write_all(GET.as_bytes()).is_err() {
            break;
        }
        let mut byte = [0];
        if stream.peek(&mut byte).unwrap_or(0) == 0 {
            break;
        }
        read_answer(&mut stream, false);
        answered += 1;
    }
    assert_eq!(answered, 100);
}

#[test]
fn the_page_is_served_within_tls() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let mut server = serve(&["--listen", "https://127.0.0.1:0", "--tls-dir", path]);
    let mut stream = dial_sealed(server.sealed_web_address());
    for _ in 0..2 {
        stream.write_all(GET.as_bytes()).unwrap();
        let page = read_answer(&mut stream, false);
        assert_eq!(page.status, 200);
        assert!(page.body.starts_with(b"<!doctype html>"));
    }
    stream.write_all(b"GET /x HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut stream, false).status, 404);
    assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0, "an orderly end");
    let mut plain = dial(server.sealed_web_address());
    plain.write_all(GET.as_bytes()).unwrap();
    let answer = read_answer(&mut plain, false);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body, b"The page is at https://, not http://.\n");
    server.stop();
}

#[test]
fn curl_gets_the_page() {
    let server = serve(&[]);
    let Some(mut curl) = program::tool("curl", "curl") else {
        return;
    };
    let url = format!("http://{}/", server.web_address());
    let output = curl.args(["-si", &url]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("<!doctype html>"), "{text}");
}

#[test]
fn a_browser_at_the_plain_port_is_told_where_the_page_is() {
    let server = serve(&[]);
    let mut stream = dial(server.address());
    stream.write_all(GET.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let page = format!("the page is at http://{}/", server.web_address());
    assert!(said.contains(&page), "{said}");
}
