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

/// All of them. What is not here isn't there.
const FILES: [File; 1] = [File {
    path: "/",
    content_type: HTML,
    bytes: include_bytes!("page/index.html"),
}];

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
