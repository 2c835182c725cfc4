//! The page's files, as they are served.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use crate::site::Site;

/// Returns each file of the page, and its text.
fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/web/page");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_page_is_small_and_nothing_in_it_makes_markup_of_text() {
    let files = files();
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    assert!(bytes < 60 * 1024, "{bytes} bytes");
    for (name, text) in &files {
        for bad in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "srcdoc",
            "eval(",
            "new Function",
            "setTimeout('",
            "style=\"",
            "onclick=",
            "http://",
            "https://",
        ] {
            let is_namespace = name == "icon.svg" && bad == "http://";
            assert!(is_namespace || !text.contains(bad), "{bad} in {name}");
        }
        let long = text.lines().find(|line| line.chars().count() > 400);
        assert_eq!(long, None, "a line of {name}");
    }
}

#[test]
fn every_file_is_served_as_it_is() {
    let site = Site::start(&[]);
    for (name, text) in files() {
        let path = if name == "index.html" { "" } else { &name };
        let mut stream = TcpStream::connect(site.web()).unwrap();
        let host = site.web();
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{name}: {head}");
        assert_eq!(body, text, "{name}");
    }
}
