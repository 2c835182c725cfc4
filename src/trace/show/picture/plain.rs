//! The ladder as text: for a terminal or a mail, and as a Mermaid diagram.

use std::fmt::Write as _;

use super::ladder::{Arrow, Head, Ladder, Rung, Style, isolated};
use crate::trace::show::text::written;

const TIME_WIDTH: usize = 13;
const COLUMN_WIDTH: usize = 16;

/// Returns the ladder as plain text.
#[must_use]
pub(crate) fn text(ladder: &Ladder) -> String {
    let mut out = String::new();
    written(write_text(ladder, &mut out));
    out
}

fn write_text(ladder: &Ladder, out: &mut String) -> std::fmt::Result {
    for part in [
        |head: &Head| head.name.clone(),
        |head: &Head| head.place.clone(),
    ] {
        write!(out, "{:TIME_WIDTH$}", "")?;
        for head in &ladder.heads {
            let name: String = part(head).chars().take(COLUMN_WIDTH - 2).collect();
            let room = (COLUMN_WIDTH - name.chars().count()) / 2;
            let rest = COLUMN_WIDTH - room - name.chars().count();
            write!(out, "{:room$}{}{:rest$}", "", isolated(&name), "")?;
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    for rung in &ladder.rungs {
        match rung {
            Rung::Arrow(arrow) => {
                write!(
                    out,
                    "{:>TIME_WIDTH$}{}",
                    arrow.time,
                    lifelines(arrow, ladder.heads.len())
                )?;
                // A copy's delay stands among the times.
                let label = if arrow.label == arrow.time {
                    ""
                } else {
                    &arrow.label
                };
                let gap = if label.is_empty() || arrow.aside.is_empty() {
                    ""
                } else {
                    "  "
                };
                writeln!(out, "  {}{gap}{}", isolated(label), arrow.aside)?;
            }
            Rung::Pause(text) => writeln!(out, "{:>TIME_WIDTH$}{:7}... {text} ...", "", "")?,
            Rung::More(rows) => writeln!(out, "{rows} more rows not drawn")?,
        }
    }
    if ladder.more_people > 0 {
        writeln!(out, "{} more people not drawn", ladder.more_people)?;
    }
    Ok(())
}

/// Returns the life lines with an arrow across them.
fn lifelines(arrow: &Arrow, columns: usize) -> String {
    let mut cells = vec![' '; columns * COLUMN_WIDTH];
    let place = |column: usize| column * COLUMN_WIDTH + COLUMN_WIDTH / 2;
    for column in 0..columns {
        cells[place(column)] = '|';
    }
    let (from, to) = (place(arrow.from), place(arrow.to));
    let (left, right) = (from.min(to), from.max(to));
    let shaft = match arrow.style {
        Style::Copy | Style::Control | Style::Packet => '-',
        _ => '=',
    };
    for cell in &mut cells[left + 1..right] {
        *cell = shaft;
    }
    if arrow.both_ways || from > to {
        cells[left + 1] = '<';
    }
    if arrow.both_ways || from < to {
        cells[right - 1] = '>';
    }
    cells.into_iter().collect()
}

/// Returns the ladder as a Mermaid sequence diagram.
#[must_use]
pub(crate) fn mermaid(ladder: &Ladder) -> String {
    let mut out = String::from("sequenceDiagram\n");
    written(write_mermaid(ladder, &mut out));
    out
}

fn write_mermaid(ladder: &Ladder, out: &mut String) -> std::fmt::Result {
    for (column, head) in ladder.heads.iter().enumerate() {
        let name = format!("{} {}", head.name, head.place);
        writeln!(out, "    participant P{column} as {}", entities(&name))?;
    }
    for rung in &ladder.rungs {
        match rung {
            Rung::Arrow(arrow) => {
                let shaft = match arrow.style {
                    Style::Copy | Style::Control | Style::Packet => "-->>",
                    Style::Trouble => "-x",
                    _ => "->>",
                };
                let gap = if arrow.aside.is_empty() { "" } else { ", " };
                let text = format!("{}{gap}{}", arrow.label, arrow.aside);
                writeln!(
                    out,
                    "    P{}{shaft}P{}: {}",
                    arrow.from,
                    arrow.to,
                    entities(&text)
                )?;
            }
            Rung::Pause(text) => writeln!(out, "    Note over P0: ... {text} ...")?,
            Rung::More(rows) => writeln!(out, "    Note over P0: {rows} more rows not drawn")?,
        }
    }
    if ladder.more_people > 0 {
        writeln!(
            out,
            "    Note over P0: {} more people not drawn",
            ladder.more_people
        )?;
    }
    Ok(())
}

/// Writes what Mermaid or HTML would take for markup as entities, in Mermaid's way.
fn entities(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' | ';' | '<' | '>' | '&' | '"' | '%' | '\\' | '`' | '{' | '}' | '$' | '*' | '_' => {
                written(write!(safe, "#{};", u32::from(c)));
            }
            c => safe.push(c),
        }
    }
    safe
}
