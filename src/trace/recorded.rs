//! A record of the room (`serve --record`) told as the talk of a capture is: time, line of the file,
//! who said what.

use std::io::{self, BufRead, BufReader, Read, Write};

use super::Options;
use super::show::text::{Isolated, Said};
use super::show::time::Clock;
use crate::failure::Failure;
use crate::room::notice::CLOSING;
use crate::wire::json::{Coming, Deed, Message, Talk};

/// Longest line that is looked at, in bytes: the longest of the room, as JSON.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Digits of a second: a record has milliseconds.
const DIGITS: u8 = 3;

const MILLISECOND_NS: i64 = 1_000_000;

/// Returns whether what begins so is a record rather than a capture.
pub(super) fn begins_with(start: &[u8]) -> bool {
    start.starts_with(b"{\"")
}

/// What was counted.
#[derive(Debug, Default)]
struct Totals {
    lines: u64,
    events: u64,
    said: u64,
    /// What is cut, or no event.
    bad: Option<String>,
}

/// Tells a record.
///
/// # Errors
/// Fails when packets of it are asked for, when there is nothing of what was asked for, when a line is
/// no event, and when it can't be read or told.
pub(super) fn show(
    stream: impl Read,
    options: &Options,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let file = options.file.display();
    let of_packets = options.packets || !options.details.is_empty() || !options.output.is_empty();
    if of_packets || options.stream.is_some() {
        return Err(Failure::usage(format!(
            "{file}: it is a record and has no packets: -l, -d, -o and --stream take a capture"
        )));
    }
    let totals = match tell(BufReader::new(stream), options, out) {
        Ok(totals) => totals,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        Err(error) => return Err(Failure::new(format!("{file}: {error}"))),
    };
    if let Some(why) = totals.bad {
        return Err(Failure::usage(format!("{file}: {why}")));
    }
    if totals.events == 0 {
        return Err(Failure::new(format!(
            "{file}: nothing of what was asked for"
        )));
    }
    Ok(())
}

fn tell(
    mut stream: BufReader<impl Read>,
    options: &Options,
    out: &mut impl Write,
) -> io::Result<Totals> {
    let mut clock = Clock::new(options.time);
    let mut totals = Totals::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = stream
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        totals.lines += 1;
        let number = totals.lines;
        if line.pop_if(|last| *last == b'\n').is_none() {
            totals.bad = Some(format!("it ends in the middle of line {number}"));
            break;
        }
        match Message::parse(&line) {
            Ok(message) => {
                let time_ms = time_of(&message);
                let at = time_ms
                    .map(|ms| clock.move_to(ms.cast_signed().saturating_mul(MILLISECOND_NS)));
                let is_asked = |at: i64| {
                    options.from.is_none_or(|from| at >= from)
                        && options.to.is_none_or(|to| at <= to)
                };
                if let Some(at) = at.filter(|&at| is_asked(at)) {
                    totals.events += 1;
                    totals.said += u64::from(matches!(message, Message::Said(_) | Message::Me(_)));
                    if options.messages || !options.summary {
                        let time = clock.write_with(at, DIGITS);
                        write!(out, "{time:>12} {number:>6}  ")?;
                        put(&message, options.redact, out)?;
                        if stream.buffer().is_empty() {
                            // Somebody may watch it grow.
                            out.flush()?;
                        }
                    }
                }
            }
            // One of a kind that came later than this program.
            Err(error) if error.is_data() => {}
            Err(_) => {
                totals.bad = Some(format!("line {number} is no event of a record"));
                break;
            }
        }
    }
    if options.summary || !options.messages {
        let Totals {
            lines,
            events,
            said,
            ..
        } = totals;
        writeln!(
            out,
            "record: {said} lines said, {events} events told, {lines} lines read"
        )?;
    }
    out.flush()?;
    Ok(totals)
}

/// Returns when something was that everybody was told, in milliseconds since 1970 (UTC).
fn time_of(message: &Message<'_>) -> Option<u64> {
    match message {
        Message::Closing { time, .. } => Some(*time),
        message => message.as_past().map(|(_, time)| time),
    }
}

fn put(message: &Message<'_>, redact: bool, out: &mut impl Write) -> io::Result<()> {
    let said = |text| Said { text, redact };
    match message {
        Message::Said(Talk { name, text, .. }) => {
            writeln!(
                out,
                "{}: {}",
                Isolated(name.as_bytes()),
                said(text.as_bytes())
            )
        }
        Message::Me(Talk { name, text, .. }) => {
            writeln!(
                out,
                "* {} {}",
                Isolated(name.as_bytes()),
                said(text.as_bytes())
            )
        }
        Message::Joined(Coming { name, .. }) => {
            writeln!(out, "{} joined", Isolated(name.as_bytes()))
        }
        Message::Left(Coming { name, .. }) => writeln!(out, "{} left", Isolated(name.as_bytes())),
        Message::Renamed { name, to, .. } => {
            let (name, to) = (Isolated(name.as_bytes()), Isolated(to.as_bytes()));
            writeln!(out, "{name} is now known as {to}")
        }
        Message::Act(Deed { text, .. }) | Message::Announced { text, .. } => {
            writeln!(out, "the server to all: {}", said(text.as_bytes()))
        }
        _ => writeln!(out, "the server to all: {CLOSING}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    const RECORD: &str = r#"{"event":"joined","seq":1,"time":1764065000000,"name":"ali"}
{"event":"said","seq":2,"time":1764065001250,"name":"ali","text":"hi \u001b[2J"}
{"event":"later","seq":3,"what":[]}
{"event":"me","seq":4,"time":1764065002000,"name":"ali","text":"waves"}
{"event":"renamed","seq":5,"time":1764065003000,"name":"ali","to":"zed"}
{"event":"act","seq":6,"time":1764065004000,"code":"locked","by":"chief","text":"The operator chief has locked the room."}
{"event":"left","seq":7,"time":1764065005000,"name":"zed"}
{"event":"closing","seq":8,"time":1764065006000}
"#;

    fn told(record: &str, flags: &[&str]) -> (String, Option<(u8, String)>) {
        let arguments = [&["chatroom", "trace", "room.record"], flags].concat();
        let Command::Trace(options) = Cli::try_parse_from(arguments).unwrap().command else {
            panic!("it is trace");
        };
        let mut out = Vec::new();
        let failure = show(record.as_bytes(), &(&options).into(), &mut out).err();
        let failure = failure.map(|failure| (failure.exit_code, failure.message));
        (String::from_utf8(out).unwrap(), failure)
    }

    #[test]
    fn a_record_is_told_as_the_talk_of_a_capture() {
        let (text, failure) = told(RECORD, &[]);
        let wanted = "       0.000      1  ali joined
       1.250      2  ali: hi \\x1b[2J
       2.000      4  * ali waves
       3.000      5  ali is now known as zed
       4.000      6  the server to all: The operator chief has locked the room.
       5.000      7  zed left
       6.000      8  the server to all: The chatroom is closing.
record: 2 lines said, 7 events told, 8 lines read
";
        assert_eq!((text.as_str(), failure), (wanted, None));
        assert!(begins_with(&RECORD.as_bytes()[..4]) && !begins_with(b"{ }"));
    }

    #[test]
    fn parts_are_asked_for_and_secrets_left_out() {
        let (text, _) = told(
            RECORD,
            &["--from", "1.5", "--to", "2", "--redact", "--time", "utc"],
        );
        assert!(
            text.starts_with("2025-11-25 10:03:22.000      4  * ali <5 bytes>\nrecord: 1 "),
            "{text}"
        );
        assert_eq!(told(RECORD, &["--from", "99"]).1.unwrap().0, 1);
        for flag in [
            &["-l"][..],
            &["-d", "1"],
            &["-o", "x.svg"],
            &["--stream", "0"],
        ] {
            assert_eq!(told(RECORD, flag).1.unwrap().0, 2, "{flag:?}");
        }
    }

    #[test]
    fn what_is_cut_or_damaged_is_told_up_to_there() {
        let whole = RECORD.lines().next().unwrap();
        for (end, why) in [
            (
                "{\"event\":\"said\",\"se",
                "it ends in the middle of line 2",
            ),
            ("{\"event\":\n", "line 2 is no event of a record"),
            ("\u{0}\n", "line 2 is no event of a record"),
        ] {
            let (text, failure) = told(&format!("{whole}\n{end}"), &["--messages"]);
            assert_eq!(text, "       0.000      1  ali joined\n");
            let (code, message) = failure.unwrap();
            assert!(code == 2 && message.ends_with(why), "{message}");
        }
    }
}
