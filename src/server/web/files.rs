//! The page's files, which are part of the program, and what goes with each.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// One file of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    /// Where it is asked for.
    path: &'static str,
    /// Its type, as MIME has it.
    pub(super) content_type: &'static str,
    pub(super) bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/svg+xml";

/// All of them. What is not here isn't there.
const FILES: [File; 17] = [
    file("/", HTML, include_bytes!("page/index.html")),
    file("/style.css", STYLE, include_bytes!("page/style.css")),
    file("/icon.svg", ICON, include_bytes!("page/icon.svg")),
    file("/alerts.js", SCRIPT, include_bytes!("page/alerts.js")),
    file(
        "/completion.js",
        SCRIPT,
        include_bytes!("page/completion.js"),
    ),
    file("/composer.js", SCRIPT, include_bytes!("page/composer.js")),
    file(
        "/connection.js",
        SCRIPT,
        include_bytes!("page/connection.js"),
    ),
    file("/dialogs.js", SCRIPT, include_bytes!("page/dialogs.js")),
    file("/dom.js", SCRIPT, include_bytes!("page/dom.js")),
    file("/links.js", SCRIPT, include_bytes!("page/links.js")),
    file("/main.js", SCRIPT, include_bytes!("page/main.js")),
    file("/memory.js", SCRIPT, include_bytes!("page/memory.js")),
    file("/names.js", SCRIPT, include_bytes!("page/names.js")),
    file("/people.js", SCRIPT, include_bytes!("page/people.js")),
    file("/room.js", SCRIPT, include_bytes!("page/room.js")),
    file("/session.js", SCRIPT, include_bytes!("page/session.js")),
    file("/view.js", SCRIPT, include_bytes!("page/view.js")),
];

const fn file(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> File {
    File {
        path,
        content_type,
        bytes,
    }
}

/// The files, and by which tag each is known to be the same.
#[derive(Debug)]
pub(super) struct Files {
    tags: [String; FILES.len()],
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            tags: FILES.map(|file| tag_of(file.bytes)),
        }
    }

    /// Returns the file at `path` and its tag (RFC 9110, 8.8.3).
    pub(super) fn at(&self, path: &str) -> Option<(File, &str)> {
        let index = FILES.iter().position(|file| file.path == path)?;
        Some((FILES[index], &self.tags[index]))
    }
}

fn tag_of(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let mut tag = String::from("\"");
    for byte in &hash[..12] {
        // Writing to a string can't fail.
        write!(tag, "{byte:02x}").ok();
    }
    tag + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_path_and_tag() {
        let files = Files::new();
        for file in FILES {
            let (found, tag) = files.at(file.path).unwrap();
            assert_eq!(found.bytes, file.bytes);
            assert_eq!(tag.len(), 26, "{tag}");
        }
        assert!(files.at("/index").is_none());
    }

    #[test]
    fn the_page_is_small() {
        let bytes: usize = FILES.iter().map(|file| file.bytes.len()).sum();
        assert!(bytes < 60 * 1024, "{bytes}");
    }
}
