//! The record: what everybody was told, a line of JSON each, as programs read it
//! ([`wire::json`](crate::wire::json)).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How far back from its end a record is read for its last lines, in bytes.
const TAIL_BYTES: u64 = 8 * 1024 * 1024;

/// How much is read at once in search of a line's end.
const STEP_BYTES: u64 = 64 * 1024;

/// Takes away the last line of a file if it lacks its end: a crash has cut it.
///
/// # Errors
/// As the system says.
pub fn mend(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(());
    }
    let length = metadata.len();
    let mut end = length;
    let mut bytes = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP_BYTES);
        read_at(file, start, end - start, &mut bytes)?;
        if let Some(at) = memchr::memrchr(b'\n', &bytes) {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(())
}

/// Returns the last `lines` whole lines of a record, if there are so many, looking back a bounded
/// number of bytes; none of a record that isn't there.
///
/// # Errors
/// As the system says.
pub fn tail(path: &Path, lines: usize) -> io::Result<String> {
    if lines == 0 {
        return Ok(String::new());
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return Ok(String::new());
    }
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL_BYTES);
    let mut bytes = Vec::new();
    read_at(&file, start, length - start, &mut bytes)?;
    let end = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    let mut ends = memchr::memrchr_iter(b'\n', &bytes[..end]);
    let from = match ends.nth(lines) {
        Some(at) => at + 1,
        // The first line that was read may have lost its beginning.
        None if start > 0 => memchr::memchr(b'\n', &bytes).map_or(end, |at| at + 1),
        None => 0,
    };
    Ok(String::from_utf8_lossy(&bytes[from..end]).into_owned())
}

fn read_at(mut file: &File, start: u64, length: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    file.seek(SeekFrom::Start(start))?;
    file.take(length).read_to_end(bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, OpenOptions};

    #[test]
    fn a_line_that_was_cut_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let long = "x".repeat(200_000);
        for (text, mended) in [
            ("", ""),
            ("one\n", "one\n"),
            ("one\ntwo", "one\n"),
            ("cut", ""),
            (&format!("one\n{long}"), "one\n"),
            (&long, ""),
        ] {
            fs::write(&path, text).unwrap();
            let file = OpenOptions::new()
                .read(true)
                .append(true)
                .open(&path)
                .unwrap();
            mend(&file).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), mended);
        }
    }

    #[test]
    fn the_last_lines_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        assert_eq!(tail(&path, 3).unwrap(), "", "it isn't there");
        for (text, lines, last) in [
            ("one\ntwo\nthree\n", 2, "two\nthree\n"),
            ("one\ntwo\nthree\n", 3, "one\ntwo\nthree\n"),
            ("one\ntwo\nthree\n", 9, "one\ntwo\nthree\n"),
            ("one\ntwo\nthr", 1, "two\n"),
            ("one", 1, ""),
            ("one\n", 0, ""),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(tail(&path, lines).unwrap(), last, "{lines} of {text:?}");
        }
        let line = "x".repeat(999) + "\n";
        fs::write(&path, line.repeat(9_000)).unwrap();
        let last = tail(&path, usize::MAX).unwrap();
        assert_eq!(
            (last.len(), last.len() % 1000),
            (TAIL_BYTES as usize / 1000 * 1000, 0)
        );
    }
}
