//! The report as one HTML page: the ladder, who took part, the latencies, the messages, the
//! findings. No scripts, nothing from elsewhere.

use std::fmt::{self, Write as _};

use super::ladder::{Ladder, Rung, Style};
use super::svg;
use crate::trace::packet::Ports;
use crate::trace::show::account::{FINDINGS_LISTED_MAX, Finding, Level, Totals};
use crate::trace::show::text::{Safe, Xml, written};
use crate::trace::show::time::Span;
use crate::trace::tcp::completeness_text;

const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#fff;--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;--warn:#cf222e}\
@media(prefers-color-scheme:dark){:root{--ground:#0d1117;--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--warn:#f85149}}\
body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--ground);color:var(--ink);\
font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}\
.wide{overflow-x:auto;border:1px solid var(--line);border-radius:8px}\
.wide svg{display:block}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.35rem .7rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;white-space:nowrap}\
th{color:var(--soft);font-weight:600;white-space:nowrap}\
tr:last-child td{border-bottom:0}\
td.n,th.n{text-align:right;white-space:nowrap}\
td.text{white-space:normal;unicode-bidi:isolate;overflow-wrap:anywhere;min-width:14rem}\
a{color:inherit}.warn{color:var(--warn)}\
.finding{padding:.4rem 0;border-bottom:1px solid var(--line)}.finding:last-of-type{border-bottom:0}\
.soft{color:var(--soft)}";

/// What the page is made of.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// The ladder.
    pub ladder: &'a Ladder,
    /// What was counted.
    pub totals: &'a Totals,
    /// What was found.
    pub findings: &'a [Finding],
    /// Time of the last frame.
    pub last_time: i64,
    /// The name of the capture.
    pub file: &'a str,
    /// The room's port.
    pub ports: Ports,
}

/// Returns the page.
#[must_use]
pub(crate) fn to_string(page: &Page<'_>) -> String {
    let mut out = String::new();
    written(page.write(&mut out));
    out
}

impl Page<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let totals = self.totals;
        writeln!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
        )?;
        writeln!(out, "<title>{}: the room's traffic</title>", Xml(self.file))?;
        writeln!(out, "<style>{STYLE}</style>\n</head>\n<body>")?;
        writeln!(out, "<h1>{}</h1>", Xml(self.file))?;
        writeln!(
            out,
            "<p class=\"soft\">{} packets in {}, {} on {}; {} joined, {} messages, {} left</p>",
            totals.frames,
            Span(self.last_time),
            totals.on_port,
            self.ports.words(),
            totals.joins,
            totals.messages,
            totals.leaves
        )?;
        self.findings(out)?;
        writeln!(out, "<h2>What happened</h2>\n<div class=\"wide\">")?;
        svg::write(self.ladder, out)?;
        writeln!(out, "</div>")?;
        self.people(out)?;
        self.latencies(out)?;
        self.messages(out)?;
        writeln!(out, "</body>\n</html>")
    }

    fn findings(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "<h2>Findings</h2>")?;
        if self.findings.is_empty() {
            return writeln!(out, "<p>None.</p>");
        }
        for finding in self.findings.iter().take(FINDINGS_LISTED_MAX) {
            let class = match finding.kind.level() {
                Level::Warn => "warn",
                Level::Info => "info",
            };
            let name = Safe(&finding.name).to_string();
            write!(
                out,
                "<div class=\"finding\"><b class=\"{class}\">{}</b> <bdi>{}</bdi> {}",
                finding.kind.name(),
                Xml(&name),
                Xml(&finding.detail)
            )?;
            if !finding.frames.is_empty() {
                write!(
                    out,
                    " <span class=\"soft\">{}</span>",
                    Xml(&finding.frame_list())
                )?;
            }
            let meaning = Xml(finding.kind.meaning());
            writeln!(out, "<br><span class=\"soft\">{meaning}</span></div>")?;
        }
        Ok(())
    }

    fn people(&self, out: &mut String) -> fmt::Result {
        if self.totals.rows.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<h2>Connections</h2>\n<div class=\"wide\"><table><tr><th class=\"n\">stream</th><th>person</th><th>address</th><th class=\"n\">packets</th><th class=\"n\">bytes</th><th class=\"n\">lasted</th><th>conversation</th></tr>"
        )?;
        for row in &self.totals.rows {
            let (client, at) = row.client(self.ports);
            let name = Safe(self.totals.name(row.stream).unwrap_or(b"-")).to_string();
            writeln!(
                out,
                "<tr><td class=\"n\">{}</td><td><bdi>{}</bdi></td><td>{}</td><td class=\"n\">{}+{}</td><td class=\"n\">{}+{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
                row.stream,
                Xml(&name),
                std::net::SocketAddr::new(client.address, client.port),
                row.packets[at],
                row.packets[1 - at],
                row.bytes[at],
                row.bytes[1 - at],
                Span(row.last_time - row.first_time),
                completeness_text(row.completeness)
            )?;
        }
        writeln!(out, "</table></div>")
    }

    fn latencies(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "<h2>Latency</h2>\n<div class=\"wide\"><table><tr><th></th><th class=\"n\">count</th><th class=\"n\">p50</th><th class=\"n\">p90</th><th class=\"n\">p99</th><th class=\"n\">max</th></tr>"
        )?;
        for (name, columns) in self.totals.latencies.rows() {
            let cells = columns.map(|column| format!("<td class=\"n\">{column}</td>"));
            writeln!(out, "<tr><td>{}</td>{}</tr>", Xml(name), cells.concat())?;
        }
        writeln!(out, "</table></div>")
    }

    fn messages(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "<h2>Messages</h2>\n<div class=\"wide\"><table><tr><th class=\"n\">time</th><th class=\"n\">frame</th><th>person</th><th>text</th><th class=\"n\">copies</th></tr>"
        )?;
        for line in &self.ladder.rungs {
            let Rung::Arrow(arrow) = line else {
                continue;
            };
            if arrow.style != Style::Message {
                continue;
            }
            let name = self
                .ladder
                .heads
                .get(arrow.from)
                .map_or("", |head| head.name.as_str());
            writeln!(
                out,
                "<tr><td class=\"n\">{}</td><td class=\"n\"><a href=\"#f{}\">{}</a></td><td><bdi>{}</bdi></td><td class=\"text\">{}</td><td class=\"n\">{}</td></tr>",
                Xml(&arrow.time),
                arrow.frame,
                arrow.frame,
                Xml(name),
                Xml(&arrow.label),
                arrow.followers
            )?;
        }
        writeln!(out, "</table></div>")
    }
}
