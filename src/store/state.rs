//! The state file: what the room keeps of people beyond their visit, for people to read.
//!
//! One entry a line; `#` starts a comment line:
//!
//! ```text
//! keep ali operator used 2026-11-25T14:00:01Z sha256 9f86d08...
//! keep bob member used 2026-11-24T09:12:00Z sha256 2c26b46...
//! ban name eve block 203.0.113.7/32 until 2026-11-26T14:00:00Z by ali too loud
//! ban name - block 198.51.100.0/24 until ever by ali
//! mute carl until 2026-11-25T15:00:00Z
//! topic ali tea and cake
//! slow 10
//! locked
//! ```

use std::fmt::Write as _;

use crate::room::Name;
use crate::room::access::span::{Moment, Until};
use crate::room::access::{Access, Ban, Keeping, Kept, KeyHash, Mute, Topic, blocks};

const HEAD: &str = "\
# The state of a chatroom, one entry a line. The server writes this file anew whenever something
# changes: edit it only while the server is stopped.
";

/// Writes what is to outlive the server.
#[must_use]
pub fn write(access: &Access) -> String {
    let mut out = String::from(HEAD);
    for kept in access.kept() {
        out.push_str(&kept_line(kept));
    }
    for ban in access.bans() {
        let name = ban.name.as_ref().map_or("-", Name::as_str);
        let block = ban
            .block
            .map_or_else(|| "-".to_owned(), |block| block.to_string());
        let (until, by) = (Ends(ban.until), ban.by.as_str());
        let space = if ban.reason.is_empty() { "" } else { " " };
        line(
            &mut out,
            format_args!(
                "ban name {name} block {block} until {until} by {by}{space}{}",
                ban.reason
            ),
        );
    }
    for (name, mute) in access.mutes() {
        let until = Ends(mute.until);
        line(
            &mut out,
            format_args!("mute {} until {until}", name.as_str()),
        );
    }
    if let Some(Topic { text, by }) = access.topic() {
        line(&mut out, format_args!("topic {} {text}", by.as_str()));
    }
    if access.slow_s() > 0 {
        line(&mut out, format_args!("slow {}", access.slow_s()));
    }
    if access.is_locked() {
        out.push_str("locked\n");
    }
    out
}

/// Returns the line of the state file that keeps a name, with its line end.
#[must_use]
pub fn kept_line(kept: &Kept) -> String {
    let role = if kept.operator { "operator" } else { "member" };
    let (name, used, hash) = (kept.name.as_str(), Moment(kept.used_ms), kept.hash.to_hex());
    format!("keep {name} {role} used {used} sha256 {hash}\n")
}

/// Returns the state that `text` writes.
///
/// # Errors
/// Says in which line what is wrong.
pub fn read(text: &str, keeping: Keeping, now_ms: u64) -> Result<Access, String> {
    let mut access = Access::new(keeping);
    let mut room = (None, false, 0);
    for (number, entry) in (1..).zip(text.lines()) {
        if entry.starts_with('#') || entry.trim().is_empty() {
            continue;
        }
        read_entry(entry, &mut access, &mut room, now_ms)
            .map_err(|why| format!("line {number}: {why}"))?;
    }
    let (topic, locked, slow_s) = room;
    access.restore_room(topic, locked, slow_s);
    access.lapse(now_ms);
    Ok(access)
}

fn read_entry(
    entry: &str,
    access: &mut Access,
    (topic, locked, slow_s): &mut (Option<Topic>, bool, u32),
    now_ms: u64,
) -> Result<(), String> {
    let mut words = Words(entry);
    match words.next() {
        "keep" => {
            let kept = Kept {
                name: words.name()?,
                operator: match words.next() {
                    "operator" => true,
                    "member" => false,
                    other => return Err(format!("{other:?} is neither operator nor member")),
                },
                used_ms: words.after("used", |text| Some(Moment::parse(text)?.0))?,
                hash: words.after("sha256", KeyHash::parse)?,
            };
            access.restore_kept(kept)?;
            words.end()
        }
        "ban" => {
            access.restore_ban(read_ban(words)?, now_ms);
            Ok(())
        }
        "mute" => {
            let name = words.name()?;
            let until = words.after("until", ends)?;
            access.restore_mute(&name, Mute { until });
            words.end()
        }
        "topic" => {
            let by = words.name()?;
            let text = words.0.to_owned();
            *topic = Some(Topic { text, by });
            Ok(())
        }
        "slow" => {
            let text = words.next();
            *slow_s = text
                .parse()
                .map_err(|_| format!("{text:?} is no number of seconds"))?;
            words.end()
        }
        "locked" => {
            *locked = true;
            words.end()
        }
        other => Err(format!(
            "{other:?} is no entry; known are keep, ban, mute, topic, slow, locked"
        )),
    }
}

fn read_ban(mut words: Words<'_>) -> Result<Ban, String> {
    Ok(Ban {
        name: words.after("name", |text| {
            unless_dash(text, |text| Name::parse(text).ok())
        })?,
        block: words.after("block", |text| unless_dash(text, blocks::parse))?,
        until: words.after("until", ends)?,
        by: words.after("by", |text| Name::parse(text).ok())?,
        reason: words.0.to_owned(),
    })
}

/// The words of an entry that have not been read.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> &'a str {
        let (word, rest) = self.0.split_once(' ').unwrap_or((self.0, ""));
        self.0 = rest;
        word
    }

    fn name(&mut self) -> Result<Name, String> {
        let text = self.next();
        Name::parse(text).map_err(|why| format!("{text:?} is no name: it {why}"))
    }

    /// Reads what follows a certain word.
    fn after<T>(
        &mut self,
        word: &str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, String> {
        if self.next() != word {
            return Err(format!("the word {word:?} is missing"));
        }
        let text = self.next();
        read(text).ok_or_else(|| format!("what follows {word:?} is wrong: {text:?}"))
    }

    fn end(&self) -> Result<(), String> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(format!("{:?} is too much", self.0))
        }
    }
}

/// Returns what `text` is, nothing if it is a dash.
#[expect(clippy::option_option, reason = "wrong, nothing, or something")]
fn unless_dash<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text == "-" {
        Some(None)
    } else {
        read(text).map(Some)
    }
}

fn ends(text: &str) -> Option<Until> {
    if text == "ever" {
        Some(Until(None))
    } else {
        Moment::parse(text).map(|moment| Until(Some(moment.0)))
    }
}

/// Until when something holds, as the file has it.
struct Ends(Until);

impl std::fmt::Display for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.0 {
            // Seconds are whole in the file: rather a little longer than too short.
            Some(until_ms) => Moment(until_ms.saturating_add(999)).fmt(f),
            None => f.write_str("ever"),
        }
    }
}

fn line(out: &mut String, entry: std::fmt::Arguments<'_>) {
    let written = writeln!(out, "{entry}");
    debug_assert!(written.is_ok(), "writing to a string can't fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEPING: Keeping = Keeping {
        names_max: 10,
        days: 90,
    };
    const NOW: u64 = 1_764_079_201_000;
    const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn full() -> String {
        format!(
            "{HEAD}keep ali operator used 2025-11-25T14:00:01Z sha256 {HASH}\n\
             keep سهیل member used 2025-11-24T09:12:00Z sha256 {HASH}\n\
             ban name eve block 203.0.113.7/32 until 2025-11-26T14:00:00Z by ali too  loud\n\
             ban name - block 2001:db8::/64 until ever by ali\n\
             ban name zed block - until ever by ali\n\
             mute carl until ever\n\
             topic ali tea and cake\n\
             slow 10\n\
             locked\n"
        )
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = full();
        let access = read(&text, KEEPING, NOW).unwrap();
        assert_eq!(write(&access), text);
        assert!(access.is_locked() && access.slow_s() == 10);
        let eve = access.refusal("203.0.113.7".parse().unwrap(), NOW).unwrap();
        let told = "You are banned until 2025-11-26 14:00 UTC (too  loud)";
        assert_eq!(eve.to_string(), told);
        assert_eq!(write(&Access::new(KEEPING)), HEAD);
        assert_eq!(write(&read(HEAD, KEEPING, NOW).unwrap()), HEAD);
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let access = read(&full(), KEEPING, NOW + 91 * 86_400_000).unwrap();
        let text = write(&access);
        assert!(
            text.contains("keep ali operator") && !text.contains("keep سهیل"),
            "{text}"
        );
        assert!(
            !text.contains("name eve") && text.contains("2001:db8::/64"),
            "{text}"
        );
    }

    #[test]
    fn a_damaged_line_is_named() {
        for (entry, why) in [
            ("kep ali", "\"kep\" is no entry"),
            ("keep a:b member", "is no name: it has a colon"),
            ("keep ali king", "neither operator nor member"),
            ("keep ali member", "the word \"used\" is missing"),
            (
                "keep ali member used yesterday",
                "what follows \"used\" is wrong",
            ),
            (
                "keep ali member used 2025-11-25T14:00:01Z sha256 12",
                "what follows \"sha256\"",
            ),
            (
                "ban name eve block 10.0.0.0/33 until ever by ali",
                "what follows \"block\"",
            ),
            (
                "ban name eve block - until ever",
                "the word \"by\" is missing",
            ),
            ("mute carl until ever now", "\"now\" is too much"),
            ("slow fast", "no number of seconds"),
            ("locked up", "\"up\" is too much"),
        ] {
            let error = read(&format!("\n# x\n{entry}\nlocked\n"), KEEPING, NOW).unwrap_err();
            assert!(
                error.starts_with("line 3: ") && error.contains(why),
                "{entry}: {error}"
            );
        }
        let twice = format!("keep ali member used 2025-11-25T14:00:01Z sha256 {HASH}\n").repeat(2);
        let error = read(&twice, KEEPING, NOW).unwrap_err();
        assert!(
            error.starts_with("line 2: this name is kept already"),
            "{error}"
        );
    }
}
