//! The whole capture in one screen: what was read, who took part, how fast it was, what went wrong.

use std::fmt::{self, Write as _};

use super::account::{FINDINGS_LISTED_MAX, Level};
use super::sink::{Sink, Whole};
use super::text::{Isolated, written};
use super::time::{Seconds, Span};
use crate::trace::chat::units::Framing;
use crate::trace::options::Options;
use crate::trace::packet::Ports;
use crate::trace::tcp::completeness_text;

/// Writes the summary, once everything was read.
#[derive(Debug)]
pub(super) struct Summary {
    ports: Ports,
}

impl Summary {
    /// Returns what these options ask for.
    #[must_use]
    pub(super) fn new(options: &Options) -> Self {
        Self {
            ports: options.ports,
        }
    }
}

impl Sink for Summary {
    fn finish(&mut self, whole: &Whole<'_>, out: &mut String) {
        if whole.nothing_matched {
            return;
        }
        let page = Page {
            whole,
            ports: self.ports,
        };
        written(page.write(out));
    }
}

/// The summary of one capture.
struct Page<'a> {
    whole: &'a Whole<'a>,
    ports: Ports,
}

impl Page<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        self.capture(out)?;
        self.streams(out)?;
        self.latencies(out)?;
        self.findings(out)
    }

    fn capture(&self, out: &mut String) -> fmt::Result {
        let (whole, totals) = (self.whole, self.whole.totals);
        writeln!(
            out,
            "capture    {} packets in {} s, {} on {}, {}",
            totals.frames,
            Seconds(whole.clock.last(), whole.clock.digits()),
            totals.on_port,
            self.ports.words(),
            match whole.framing {
                Framing::Lines => "messages are lines",
                Framing::Segments => "messages are segments",
            }
        )?;
        if whole.other_streams > 0 {
            let packets = totals.tcp - totals.on_port;
            writeln!(
                out,
                "           {packets} packets in {} TCP streams on other ports",
                whole.other_streams
            )?;
        }
        if let (packets @ 1.., fragments) = totals.put_together {
            writeln!(
                out,
                "           {packets} packets put together of {fragments} IP fragments"
            )?;
        }
        for (why, count) in &totals.skipped {
            writeln!(out, "           {count} skipped: {why}")?;
        }
        if whole.evicted > 0 {
            writeln!(
                out,
                "           {} streams forgotten for want of room (--max-streams)",
                whole.evicted
            )?;
        }
        writeln!(
            out,
            "room       {} joined, {} messages, {} left",
            totals.joins, totals.messages, totals.leaves
        )?;
        self.sealed(out)
    }

    fn sealed(&self, out: &mut String) -> fmt::Result {
        let (sealed, opened) = self.whole.totals.sealed;
        if sealed > 0 {
            writeln!(
                out,
                "TLS        {sealed} connections, {opened} of them read"
            )?;
        }
        let Some(keys) = self.whole.keys else {
            return Ok(());
        };
        let (strange, beyond) = keys.left_out();
        write!(out, "secrets    of {} sessions", keys.sessions())?;
        if strange > 0 {
            write!(out, "; lines of the log that are none: {strange}")?;
        }
        if beyond > 0 {
            write!(out, "; for want of room left out: {beyond}")?;
        }
        out.write_char('\n')
    }

    fn streams(&self, out: &mut String) -> fmt::Result {
        let totals = self.whole.totals;
        if totals.rows.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\nstream person               address                  packets     bytes  lasted     conversation"
        )?;
        for row in &totals.rows {
            let (client, at) = row.client(self.ports);
            let name = totals.name(row.stream).unwrap_or(b"-");
            let packets = format!("{}+{}", row.packets[at], row.packets[1 - at]);
            let bytes = format!("{}+{}", row.bytes[at], row.bytes[1 - at]);
            writeln!(
                out,
                "{:>6} {} {:<22} {packets:>9} {bytes:>9}  {:<10} {}",
                row.stream,
                Padded(&Isolated(name).to_string(), 20),
                Address(client.address, client.port),
                Span(row.last_time - row.first_time),
                completeness_text(row.completeness)
            )?;
        }
        if totals.unlisted > 0 {
            writeln!(out, "       {} more streams", totals.unlisted)?;
        }
        Ok(())
    }

    fn latencies(&self, out: &mut String) -> fmt::Result {
        let totals = self.whole.totals;
        if totals.messages == 0 {
            return Ok(());
        }
        let header = ["count", "p50", "p90", "p99", "max"].map(|word| format!("{word:>9}"));
        writeln!(out, "\n{:<27} {}", "latency", header.join(" "))?;
        for (name, columns) in totals.latencies.rows() {
            let columns = columns.map(|column| format!("{column:>9}"));
            writeln!(out, "{name:<27} {}", columns.join(" "))?;
        }
        Ok(())
    }

    fn findings(&self, out: &mut String) -> fmt::Result {
        let findings = self.whole.findings;
        if findings.is_empty() {
            return writeln!(out, "\nfindings   none");
        }
        writeln!(out, "\nfindings")?;
        for finding in findings.iter().take(FINDINGS_LISTED_MAX) {
            let level = match finding.kind.level() {
                Level::Warn => "warn",
                Level::Info => "info",
            };
            writeln!(
                out,
                "  {level}  {finding}\n        {}",
                finding.kind.meaning()
            )?;
        }
        let more =
            (findings.len().saturating_sub(FINDINGS_LISTED_MAX)) as u64 + self.whole.more_findings;
        if more > 0 {
            writeln!(out, "  {more} more findings")?;
        }
        Ok(())
    }
}

struct Address(std::net::IpAddr, u16);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&std::net::SocketAddr::new(self.0, self.1).to_string())
    }
}

/// Text in a column; the isolates around right-to-left text take no room.
struct Padded<'a>(&'a str, usize);

impl fmt::Display for Padded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self
            .0
            .chars()
            .filter(|c| !matches!(c, '\u{2068}' | '\u{2069}'))
            .count();
        f.write_str(self.0)?;
        (wide..self.1).try_for_each(|_| f.write_char(' '))
    }
}
