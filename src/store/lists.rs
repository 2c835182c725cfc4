//! What an operator of the machine writes for the room: lists of addresses, the message of the day,
//! the password. Read at the start and again when the server is told to.

use std::fs;
use std::path::PathBuf;

use crate::hub::{Gate, Lists};
use crate::line::sanitize;
use crate::room::access::KeyHash;
use crate::room::access::blocks::{self, Blocks};
use crate::wire::json::FIRST_LINE;

/// Longest file, in bytes: a message is shown to everybody, a list read while the room waits.
const MOTD_BYTES_MAX: usize = 8 * 1024;
/// See [`MOTD_BYTES_MAX`].
const LIST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Which files there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The message of the day.
    pub motd: Option<PathBuf>,
    /// The only addresses that may come in.
    pub allow: Option<PathBuf>,
    /// Addresses that may not.
    pub deny: Option<PathBuf>,
    /// The password of the room.
    pub password: Option<PathBuf>,
}

impl Files {
    /// Reads all of them.
    ///
    /// # Errors
    /// Says which file, which line, and what is wrong.
    pub fn read(&self) -> Result<Lists, String> {
        let text = |path: &Option<PathBuf>| path.as_ref().map(read).transpose();
        let motd = text(&self.motd)?.unwrap_or_default();
        if motd.len() > MOTD_BYTES_MAX {
            let bytes = motd.len();
            return Err(format!(
                "the message of the day has {bytes} bytes; give at most {MOTD_BYTES_MAX}"
            ));
        }
        let blocks = |path: &Option<PathBuf>| {
            let list = text(path)?.map(|text| parse_blocks(&text));
            list.transpose()
                .map_err(|why| format!("{}: {why}", shown(path.as_ref())))
        };
        let password = text(&self.password)?;
        let password = password.map(|text| {
            let line = text.lines().next().unwrap_or_default();
            if line.is_empty() {
                Err(format!(
                    "{}: line 1: the password is empty",
                    shown(self.password.as_ref())
                ))
            } else if line == FIRST_LINE {
                Err(format!(
                    "{}: line 1: programs say {FIRST_LINE} in place of the password; give another",
                    shown(self.password.as_ref())
                ))
            } else {
                Ok(KeyHash::of(line.as_bytes()))
            }
        });
        Ok(Lists {
            motd: safe_lines(&motd),
            gate: Gate {
                allow: blocks(&self.allow)?,
                deny: blocks(&self.deny)?.unwrap_or_default(),
            },
            password: password.transpose()?,
        })
    }
}

/// Returns the blocks that a list has, one a line; `#` starts a comment.
fn parse_blocks(text: &str) -> Result<Blocks<()>, String> {
    let mut list = Blocks::default();
    for (number, line) in (1..).zip(text.lines()) {
        let entry = line.split('#').next().unwrap_or_default().trim();
        if entry.is_empty() {
            continue;
        }
        let block = blocks::parse(entry).ok_or_else(|| {
            format!("line {number}: {entry:?} is no address and no block like 10.0.0.0/8")
        })?;
        list.insert(block, ());
    }
    Ok(list)
}

fn safe_lines(text: &str) -> String {
    let mut buffer = String::new();
    let lines = text.trim_end().lines();
    let lines = lines.map(|line| sanitize::safe(line.as_bytes(), &mut buffer).to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn read(path: &PathBuf) -> Result<String, String> {
    let failed = |error| format!("can't read {}: {error}", path.display());
    let metadata = fs::metadata(path).map_err(failed)?;
    // Of what is no file, such as a pipe, reading might never end.
    if !metadata.is_file() {
        return Err(format!("can't read {}: it is no file", path.display()));
    }
    if metadata.len() > LIST_BYTES_MAX {
        return Err(format!(
            "{} has more than {LIST_BYTES_MAX} bytes",
            path.display()
        ));
    }
    fs::read_to_string(path).map_err(failed)
}

fn shown(path: Option<&PathBuf>) -> String {
    path.map_or_else(String::new, |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, Option<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        fs::write(&path, text).unwrap();
        (folder, Some(path))
    }

    #[test]
    fn lists_say_who_may_come_in() {
        let (_allowed, allow) = file("# friends\n10.0.0.0/8\n\n2001:db8::/32 # far away\n");
        let (_denied, deny) = file("10.6.6.6\n");
        let files = Files {
            allow,
            deny,
            ..Files::default()
        };
        let gate = files.read().unwrap().gate;
        for (address, refusal) in [
            ("10.1.2.3", None),
            ("2001:db8::7", None),
            ("10.6.6.6", Some("denied")),
            ("203.0.113.7", Some("not-allowed")),
        ] {
            let refused = gate.refusal(address.parse().unwrap());
            assert_eq!(refused.map(|answer| answer.code()), refusal, "{address}");
        }
        let open = Files::default().read().unwrap().gate;
        assert!(open.refusal("203.0.113.7".parse().unwrap()).is_none());
        let (_none, allow) = file("");
        let closed = Files {
            allow,
            ..Files::default()
        }
        .read()
        .unwrap()
        .gate;
        assert!(
            closed.refusal("10.1.2.3".parse().unwrap()).is_some(),
            "an empty list allows nobody"
        );
    }

    #[test]
    fn a_bad_line_names_its_file_and_number() {
        let (_folder, deny) = file("10.0.0.1\nten\n");
        let path = shown(deny.as_ref());
        let error = Files {
            deny,
            ..Files::default()
        }
        .read()
        .unwrap_err();
        assert!(
            error.starts_with(&format!("{path}: line 2: \"ten\" is no address")),
            "{error}"
        );
        let motd = Some(PathBuf::from("/nonexistent/motd"));
        let error = Files {
            motd,
            ..Files::default()
        }
        .read()
        .unwrap_err();
        assert!(
            error.starts_with("can't read /nonexistent/motd: "),
            "{error}"
        );
        let motd = Some(PathBuf::from("/dev/null"));
        let error = Files {
            motd,
            ..Files::default()
        }
        .read()
        .unwrap_err();
        assert!(error.ends_with("it is no file"), "{error}");
        let (_folder, password) = file("\nsecret\n");
        let error = Files {
            password,
            ..Files::default()
        }
        .read()
        .unwrap_err();
        assert!(error.ends_with("line 1: the password is empty"), "{error}");
    }

    #[test]
    fn a_message_is_made_safe_to_show() {
        let (_folder, motd) = file("be kind\r\n\u{1B}[2Jand brief\n\n");
        let lists = Files {
            motd,
            ..Files::default()
        }
        .read()
        .unwrap();
        assert_eq!(lists.motd, "be kind\n\u{FFFD}[2Jand brief");
    }
}
