//! The keys of names in files: those that a person is given, and the client's own store of them.
//!
//! A line for each: `SERVER NAME KEY`, the server as it was joined; in a file that a person writes
//! the server may be left out. `#` starts a comment.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::secrets::{KEYS_MAX, is_same};
use crate::failure::Failure;
use crate::room::access::Key;
use crate::wire::plain::KEY_LINES;

/// The client's directory in the state directory, and the store in it.
const DIRECTORY: &str = "chatroom";
const STORE: &str = "keys";

/// Longest file of keys, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Returns where a person's programs keep what they learn; nowhere without a home.
pub(super) fn state_directory() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let home = || Some(PathBuf::from(set("HOME")?).join(".local/state"));
    let state = set("XDG_STATE_HOME").map(PathBuf::from).or_else(home)?;
    Some(state.join(DIRECTORY))
}

/// Reads the keys that a file has for `server`.
///
/// # Errors
/// Fails as wrong usage when it can't be read, or a line is none; says which, and nothing of it.
pub(super) fn read(path: &Path, server: &str) -> Result<Vec<(String, Key)>, Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("can't use --key-file {}: {why}", path.display()))
    };
    let text = text_of(path).map_err(|error| wrong(&error))?;
    let mut keys = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match Entry::parse(line) {
            Some(entry) if entry.is_of(server) => keys.push((entry.name.to_owned(), entry.key)),
            Some(_) => {}
            None if is_comment(line) => {}
            None => return Err(wrong(&format!("line {number} is not NAME KEY"))),
        }
    }
    keys.truncate(KEYS_MAX);
    Ok(keys)
}

/// Where the client keeps the keys it was given of one server's names.
#[derive(Debug, Clone)]
pub(super) struct Store {
    path: PathBuf,
    server: String,
}

impl Store {
    /// Returns the person's store; none without a home.
    pub(super) fn find(server: String) -> Option<Self> {
        let path = state_directory()?.join(STORE);
        Some(Self { path, server })
    }

    /// Returns the keys it has; none where there is no file. What is no entry is passed over.
    ///
    /// # Errors
    /// Fails when there is a file and it can't be read.
    pub(super) fn read(&self) -> Result<Vec<(String, Key)>, Failure> {
        let text = self.text().map_err(|error| {
            let path = self.path.display();
            Failure::new(format!("can't read the keys in {path}: {error}"))
        })?;
        let entries = text.lines().filter_map(Entry::parse);
        let own = entries.filter(|entry| entry.is_of(&self.server));
        let keys = own.map(|entry| (entry.name.to_owned(), entry.key));
        Ok(keys.take(KEYS_MAX).collect())
    }

    /// Keeps the key of a name, and returns what a person is told. Where it can't be kept they are
    /// told the key: it is shown only once.
    pub(super) fn keep(&self, name: &str, key: Key) -> Vec<String> {
        let path = self.path.display();
        match self.change(name, Some(key)) {
            Ok(()) => vec![format!(
                "The key of {name} is kept in {path}, for you alone to read; join answers with it."
            )],
            Err(error) => {
                let key = key.reveal();
                let [first, second] = KEY_LINES;
                vec![
                    format!("{first}{key}"),
                    format!("{second}{name} {key}"),
                    format!("Note it: it can't be kept in {path} ({error})."),
                ]
            }
        }
    }

    /// Forgets the key of a name, and returns what went wrong, if anything did.
    pub(super) fn forget(&self, name: &str) -> Option<String> {
        let error = self.change(name, None).err()?;
        let path = self.path.display();
        Some(format!("The key of {name} is still in {path}: {error}"))
    }

    /// Puts a key in the place of the one that a name has, or none.
    fn change(&self, name: &str, key: Option<Key>) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or_else(|| Path::new("."));
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(directory)?;
        fs::set_permissions(directory, Permissions::from_mode(0o700))?;
        // Another client waits for as long: what it keeps is not lost.
        let lock = File::open(directory)?;
        lock.lock()?;
        let text = self.text()?;
        let is_other = |line: &&str| {
            let entry = Entry::parse(line);
            !entry.is_some_and(|entry| {
                entry.server == Some(&*self.server) && is_same(entry.name, name)
            })
        };
        let mut lines: Vec<_> = text.lines().filter(is_other).map(str::to_owned).collect();
        let before = text.lines().count();
        match key {
            Some(key) => lines.push(format!("{} {name} {}", self.server, key.reveal())),
            None if lines.len() == before => return Ok(()),
            None => {}
        }
        self.write(&(lines.join("\n") + "\n"))
    }

    fn text(&self) -> io::Result<String> {
        match text_of(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            read => read,
        }
    }

    /// Writes a new file and puts it in the place of the old one, so that there is always one.
    fn write(&self, text: &str) -> io::Result<()> {
        let new = self.path.with_extension("new");
        // One that a client left which was killed may be readable for others.
        drop(fs::remove_file(&new));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(new, &self.path)
    }
}

/// One line of a file of keys.
struct Entry<'l> {
    server: Option<&'l str>,
    name: &'l str,
    key: Key,
}

impl<'l> Entry<'l> {
    fn parse(line: &'l str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let words = [words.next(), words.next(), words.next(), words.next()];
        let (server, name, key) = match words {
            [Some(name), Some(key), None, None] => (None, name, key),
            [Some(server), Some(name), Some(key), None] => (Some(server), name, key),
            _ => return None,
        };
        let key = Key::parse(key)?;
        Some(Self { server, name, key })
    }

    fn is_of(&self, server: &str) -> bool {
        self.server.is_none_or(|own| own == server)
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(FILE_BYTES_MAX + 1);
    file.read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let why = format!("it has more than {FILE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "2eef-4b2f-26e9-9b3c-deda-540d-105a-bb6b";

    fn key() -> Key {
        Key::parse(KEY).unwrap()
    }

    fn store(directory: &tempfile::TempDir, server: &str) -> Store {
        let path = directory.path().join("state/chatroom/keys");
        let server = server.to_owned();
        Store { path, server }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn keys_are_kept_apart_by_server_for_their_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let [here, there] = ["here:5050", "there:5050"].map(|server| store(&directory, server));
        assert_eq!(here.read().unwrap(), []);
        assert_eq!(here.forget("ali"), None, "no file is needed to forget");
        let told = here.keep("ali", Key::default());
        assert!(told.len() == 1 && !told[0].contains("0000"), "{told:?}");
        there.keep("ali", Key::default());
        let text = fs::read_to_string(&here.path).unwrap();
        fs::write(&here.path, format!("# mine\n{text}what is this\n")).unwrap();
        here.keep("ali", key());
        here.keep("bob", key());
        assert_eq!(
            fs::read_to_string(&here.path).unwrap(),
            format!(
                "# mine\nthere:5050 ali {}\nwhat is this\nhere:5050 ali {KEY}\nhere:5050 bob {KEY}\n",
                Key::default().reveal()
            )
        );
        assert_eq!(here.forget("ali"), None);
        assert_eq!(here.read().unwrap(), [("bob".to_owned(), key())]);
        assert_eq!(there.read().unwrap().len(), 1);
        assert_eq!(mode(&here.path), 0o600);
        assert_eq!(mode(here.path.parent().unwrap()), 0o700);
        let files = fs::read_dir(here.path.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "nothing else is left");
    }

    #[test]
    fn a_key_that_cant_be_kept_is_told() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("state"), "in the way").unwrap();
        let told = store(&directory, "here:5050").keep("ali", key()).join("\n");
        assert!(told.contains(&format!("ali {KEY}")) && told.contains("can't be kept"));
    }

    #[test]
    fn a_file_of_keys_may_leave_the_server_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let other = format!("there:5050 bob {KEY}");
        fs::write(&path, format!("# bots\n\nali {KEY}\n{other}\n")).unwrap();
        let keys = read(&path, "here:5050").unwrap();
        assert_eq!(keys, [("ali".to_owned(), key())]);
        fs::write(&path, format!("ali {KEY}\n{KEY}\n")).unwrap();
        let failure = read(&path, "here:5050").unwrap_err();
        assert_eq!(failure.exit_code, 2);
        assert!(failure.message.contains("line 2") && !failure.message.contains("2eef"));
        assert!(read(&directory.path().join("none"), "x").is_err());
    }
}
