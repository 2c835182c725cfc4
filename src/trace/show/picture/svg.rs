//! The ladder as an SVG: no scripts, nothing from elsewhere, light or dark as the reader likes.

use std::collections::HashSet;
use std::fmt;

use super::ladder::{Arrow, Head, Ladder, Rung, Style};
use crate::trace::show::text::{Xml, written};

/// Width of one digit of a time.
const DIGIT_WIDTH: usize = 7;
/// From the times to the server's line.
const FIRST_COLUMN: usize = 62;
const COLUMN_WIDTH: usize = 140;
const HALF_BOX: usize = 60;
const RIGHT_MARGIN: usize = 74;
const MIN_WIDTH: usize = 480;
const HEAD_HEIGHT: usize = 64;
const ARROW_HEIGHT: usize = 34;
const COPY_HEIGHT: usize = 27;
const PAUSE_HEIGHT: usize = 30;
const FOOT_HEIGHT: usize = 18;
/// Width of one character of a label, about; wide characters take two.
const CHARACTER_WIDTH: usize = 8;
/// Most characters of a time.
const TIME_CHARACTERS_MAX: usize = 30;
const HEAD_CHARACTERS: usize = 15;

const STYLE: &str = "\
.ladder{--ground:#ffffff;--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;--box:#f6f8fa;\
--message:#0969da;--copy:#6e7781;--join:#1a7f37;--leave:#8250df;--notice:#7d4e00;--trouble:#cf222e;\
font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;font-size:13px}\
@media(prefers-color-scheme:dark){.ladder{--ground:#0d1117;--ink:#e6edf3;--soft:#9198a1;\
--line:#3d444d;--box:#161b22;--message:#58a6ff;--copy:#9198a1;--join:#3fb950;--leave:#bc8cff;\
--notice:#d29922;--trouble:#f85149}}\
.ladder .ground{fill:var(--ground)}\
.ladder .box{fill:var(--box);stroke:var(--line)}\
.ladder .life{stroke:var(--line);stroke-width:1}\
.ladder text{fill:var(--ink);unicode-bidi:isolate}\
.ladder .name{font-weight:600;text-anchor:middle}\
.ladder .place{fill:var(--soft);font-size:11px;text-anchor:middle}\
.ladder .time{fill:var(--soft);font-size:11px;text-anchor:end;font-variant-numeric:tabular-nums}\
.ladder .label,.ladder .aside,.ladder .pause{paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}\
.ladder .aside{fill:var(--soft);font-size:11px}\
.ladder .pause{fill:var(--soft);font-size:11px;text-anchor:middle}\
.ladder .arrow{stroke:var(--c);stroke-width:1.5;fill:none}\
.ladder .head{fill:var(--c);stroke:none}\
.ladder .bracket{stroke:var(--line);stroke-width:1.5;fill:none}\
.ladder .row{--c:var(--soft)}\
.ladder .message{--c:var(--message)}.ladder .copy{--c:var(--copy)}.ladder .join{--c:var(--join)}\
.ladder .leave{--c:var(--leave)}.ladder .notice{--c:var(--notice)}.ladder .trouble{--c:var(--trouble)}\
.ladder .copy .label,.ladder .control .label,.ladder .packet .label{fill:var(--soft);font-size:12px}\
.ladder .trouble .label{fill:var(--trouble);font-size:12px}\
.ladder .join .label{fill:var(--join)}.ladder .leave .label{fill:var(--leave)}\
.ladder .notice .label{fill:var(--notice);font-size:12px}\
.ladder .control .arrow,.ladder .packet .arrow{stroke-dasharray:4 3}\
.ladder .row:target .label{font-weight:700}";

/// Writes the ladder as a whole SVG document.
///
/// # Errors
/// Fails when the writer does.
pub(crate) fn write(ladder: &Ladder, out: &mut dyn fmt::Write) -> fmt::Result {
    let canvas = Canvas::new(ladder);
    let width = canvas.width;
    let bottom = HEAD_HEIGHT + ladder.rungs.iter().map(height).sum::<usize>();
    let note = if ladder.more_people > 0 {
        PAUSE_HEIGHT
    } else {
        0
    };
    let total = bottom + note + FOOT_HEIGHT;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" viewBox=\"0 0 {width} {total}\" width=\"{width}\" height=\"{total}\" role=\"img\">"
    )?;
    writeln!(out, "<title>The room's traffic, from top to bottom</title>")?;
    writeln!(out, "<style>{STYLE}</style>")?;
    writeln!(
        out,
        "<rect class=\"ground\" width=\"{width}\" height=\"{total}\"/>"
    )?;
    for (column, head) in ladder.heads.iter().enumerate() {
        canvas.write_head(out, column, head, bottom)?;
    }
    canvas.write_rungs(out, &ladder.rungs)?;
    if ladder.more_people > 0 {
        let (x, y) = (width / 2, bottom + 19);
        let people = ladder.more_people;
        writeln!(
            out,
            "<text class=\"pause\" x=\"{x}\" y=\"{y}\">{people} more people not drawn</text>"
        )?;
    }
    writeln!(out, "</svg>")
}

fn height(rung: &Rung) -> usize {
    match rung {
        Rung::Arrow(arrow) if arrow.style == Style::Copy => COPY_HEIGHT,
        Rung::Arrow(_) => ARROW_HEIGHT,
        Rung::Pause(_) | Rung::More(_) => PAUSE_HEIGHT,
    }
}

/// Where things are.
struct Canvas {
    width: usize,
    time_width: usize,
}

impl Canvas {
    fn new(ladder: &Ladder) -> Self {
        let times = ladder.rungs.iter().map(|rung| match rung {
            Rung::Arrow(arrow) => arrow.time.chars().count(),
            _ => 0,
        });
        let time_width = times.max().unwrap_or(0).min(TIME_CHARACTERS_MAX) * DIGIT_WIDTH + 22;
        let columns = (ladder.heads.len() - 1) * COLUMN_WIDTH;
        let width = time_width + FIRST_COLUMN + columns + RIGHT_MARGIN;
        Self {
            width: width.max(MIN_WIDTH),
            time_width,
        }
    }

    fn column_x(&self, column: usize) -> usize {
        self.time_width + FIRST_COLUMN + column * COLUMN_WIDTH
    }

    fn write_head(
        &self,
        out: &mut dyn fmt::Write,
        column: usize,
        head: &Head,
        bottom: usize,
    ) -> fmt::Result {
        let x = self.column_x(column);
        let half = HALF_BOX;
        writeln!(
            out,
            "<line class=\"life\" x1=\"{x}\" y1=\"54\" x2=\"{x}\" y2=\"{bottom}\"/>"
        )?;
        writeln!(
            out,
            "<g class=\"column\"><title>{} {}</title><rect class=\"box\" x=\"{}\" y=\"10\" width=\"{}\" height=\"44\" rx=\"8\"/>",
            Xml(&head.name),
            Xml(&head.place),
            x - half,
            half * 2
        )?;
        writeln!(
            out,
            "<text class=\"name\" x=\"{x}\" y=\"29\">{}</text><text class=\"place\" x=\"{x}\" y=\"45\">{}</text></g>",
            Xml(&fitted(&head.name, HEAD_CHARACTERS)),
            Xml(&fitted(&head.place, HEAD_CHARACTERS + 3))
        )
    }

    fn write_rungs(&self, out: &mut dyn fmt::Write, rungs: &[Rung]) -> fmt::Result {
        let mut seen = HashSet::new();
        let mut y = HEAD_HEIGHT;
        for (at, rung) in rungs.iter().enumerate() {
            match rung {
                Rung::Arrow(arrow) => {
                    let anchor = seen.insert(arrow.frame);
                    let following = rungs[at + 1..].iter();
                    let span = following.take(arrow.followers).map(height).sum();
                    self.write_arrow(out, arrow, y, anchor, span)?;
                }
                Rung::Pause(text) => {
                    writeln!(
                        out,
                        "<text class=\"pause\" x=\"{}\" y=\"{}\">… {} …</text>",
                        self.column_x(0),
                        y + 19,
                        Xml(text)
                    )?;
                }
                Rung::More(rows) => {
                    let (x, y) = (self.width / 2, y + 19);
                    writeln!(
                        out,
                        "<text class=\"pause\" x=\"{x}\" y=\"{y}\">{rows} more rows not drawn</text>"
                    )?;
                }
            }
            y += height(rung);
        }
        Ok(())
    }

    fn write_arrow(
        &self,
        out: &mut dyn fmt::Write,
        arrow: &Arrow,
        y: usize,
        anchor: bool,
        span: usize,
    ) -> fmt::Result {
        let copy = arrow.style == Style::Copy;
        let (text_y, line_y) = if copy {
            (y + 11, y + 18)
        } else {
            (y + 14, y + 23)
        };
        write!(out, "<g class=\"row {}\"", arrow.style.name())?;
        if anchor {
            write!(out, " id=\"f{}\"", arrow.frame)?;
        }
        write!(out, "><title>{}</title>", Xml(&arrow.title))?;
        write!(
            out,
            "<text class=\"time\" x=\"{}\" y=\"{}\">{}</text>",
            self.time_width - 14,
            line_y + 4,
            Xml(&fitted(&arrow.time, TIME_CHARACTERS_MAX))
        )?;
        if span > 0 {
            let x = self.time_width - 6;
            write!(
                out,
                "<path class=\"bracket\" d=\"M{} {line_y}H{x}V{}H{}\"/>",
                x + 5,
                line_y + span - 4,
                x + 5
            )?;
        }
        let (from, to) = (self.column_x(arrow.from), self.column_x(arrow.to));
        write!(out, "<path class=\"arrow\" d=\"M{from} {line_y}H{to}\"/>")?;
        write_point(out, from, to, line_y)?;
        if arrow.both_ways {
            write_point(out, to, from, line_y)?;
        }
        self.write_words(out, arrow, from.min(to) + 10, text_y)
    }

    /// Writes what stands on an arrow and beside it.
    fn write_words(
        &self,
        out: &mut dyn fmt::Write,
        arrow: &Arrow,
        left: usize,
        y: usize,
    ) -> fmt::Result {
        let room = (self.width - left - 6) / CHARACTER_WIDTH;
        let aside = if arrow.aside.is_empty() {
            String::new()
        } else {
            fitted(&arrow.aside, 40)
        };
        // A copy's delay stands among the times.
        let words = if arrow.label == arrow.time {
            ""
        } else {
            &arrow.label
        };
        let label = fitted(words, room.saturating_sub(wide(&aside) + 2).max(4));
        write!(
            out,
            "<text class=\"label\" x=\"{left}\" y=\"{y}\">{}",
            Xml(&label)
        )?;
        if !aside.is_empty() {
            write!(
                out,
                "<tspan class=\"aside\" dx=\"8\">{}</tspan>",
                Xml(&aside)
            )?;
        }
        writeln!(out, "</text></g>")
    }
}

/// Draws the point of an arrow at `to`.
fn write_point(out: &mut dyn fmt::Write, from: usize, to: usize, y: usize) -> fmt::Result {
    let back = if from < to { to - 8 } else { to + 8 };
    write!(
        out,
        "<path class=\"head\" d=\"M{to} {y}L{back} {}L{back} {}Z\"/>",
        y - 4,
        y + 4
    )
}

/// Returns how many character widths a text takes, about.
fn wide(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if u32::from(c) >= 0x1100 && !matches!(c, '\u{2000}'..='\u{206f}') {
                2
            } else {
                1
            }
        })
        .sum()
}

/// Returns as much of a text as fits.
fn fitted(text: &str, room: usize) -> String {
    if wide(text) <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += wide(c.encode_utf8(&mut [0; 4]));
        if used > room {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

/// Returns the ladder as an SVG document.
#[must_use]
pub(crate) fn to_string(ladder: &Ladder) -> String {
    let mut out = String::new();
    written(write(ladder, &mut out));
    out
}
