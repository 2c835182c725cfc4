//! What the screen shows: lines that stay, and below them the area that is drawn again and again.

use std::collections::VecDeque;
use std::io::Write as _;
use std::mem;

use super::layout::{Area, Size};
use super::wrap::wrap;

/// The most lines kept for painting the screen anew.
const LINES_MAX: usize = 1000;

/// The most bytes kept for painting the screen anew.
const BYTES_MAX: usize = 256 * 1024;

/// Everything a terminal is told, gathered until it is written at once.
///
/// Lines go above the area: the area is wiped, the lines are written and scroll up as any output
/// would, the area is drawn below them. So the terminal's own scrollback, selection and links keep
/// working. After a resize, of which nobody knows what the terminal made, the whole screen is
/// painted anew from the lines kept.
#[derive(Debug)]
pub(super) struct Screen {
    size: Size,
    output: Vec<u8>,
    /// Each with how far from the left it goes on in further rows.
    lines: VecDeque<(String, usize)>,
    lines_bytes: usize,
    /// The row of the cursor within the area, while that is on the screen.
    drawn: Option<usize>,
    /// What stands above may be of before the client's time; it is kept for the scrollback.
    foreign: bool,
}

impl Screen {
    pub(super) fn new(size: Size) -> Self {
        Self {
            size,
            output: Vec::new(),
            lines: VecDeque::new(),
            lines_bytes: 0,
            drawn: None,
            foreign: true,
        }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Takes over another size; the screen has to be painted anew.
    pub(super) fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// Returns whether the area is on the screen.
    pub(super) fn is_drawn(&self) -> bool {
        self.drawn.is_some()
    }

    /// Adds a line above the area, which is wiped for it; further rows of it start `hang` columns
    /// from the left.
    pub(super) fn print(&mut self, line: &str, hang: usize) {
        self.wipe();
        let (text, _) = wrap(line, hang, self.size.columns);
        self.output.extend_from_slice(text.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        self.keep(line, hang);
    }

    /// Takes the area off the screen; the cursor is where it began.
    pub(super) fn wipe(&mut self) {
        if let Some(cursor_row) = self.drawn.take() {
            self.go_up(cursor_row);
            self.output.extend_from_slice(b"\r\x1b[J");
        }
    }

    /// Draws the area at the cursor.
    pub(super) fn draw(&mut self, area: &Area) {
        self.wipe();
        self.output
            .extend_from_slice(area.rows.join("\r\n").as_bytes());
        self.go_up(area.rows.len() - 1 - area.cursor_row);
        self.output.push(b'\r');
        self.output.extend_from_slice(area.before_cursor.as_bytes());
        self.drawn = Some(area.cursor_row);
    }

    /// Notes that others wrote to the terminal: the area is to be drawn where the cursor is now.
    pub(super) fn lose(&mut self) {
        self.drawn = None;
        self.output.extend_from_slice(b"\r\x1b[J");
    }

    /// Paints the last lines anew, leaving room for an area of `area_rows`.
    pub(super) fn paint(&mut self, area_rows: usize) {
        let Size { rows, columns } = self.size;
        if mem::take(&mut self.foreign) {
            self.go_to_row(rows);
            self.output.extend(std::iter::repeat_n(b'\n', rows));
        }
        // Row by row: clearing at once would push the screen into the scrollback on some terminals.
        for row in 1..=rows {
            self.go_to_row(row);
            self.output.extend_from_slice(b"\x1b[2K");
        }
        self.go_to_row(1);
        self.drawn = None;
        let room = rows.saturating_sub(area_rows);
        let mut taken = 0;
        let mut shown = Vec::new();
        for (line, hang) in self.lines.iter().rev() {
            if taken >= room {
                break;
            }
            let (text, line_rows) = wrap(line, *hang, columns);
            taken += line_rows;
            shown.push(text);
        }
        for text in shown.iter().rev() {
            self.output.extend_from_slice(text.as_bytes());
            self.output.extend_from_slice(b"\r\n");
        }
    }

    /// Adds bytes that leave the cursor where it is.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Returns how much is to be written, in bytes.
    pub(super) fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// Takes what is to be written.
    pub(super) fn take_output(&mut self) -> Vec<u8> {
        mem::take(&mut self.output)
    }

    fn keep(&mut self, line: &str, hang: usize) {
        self.lines_bytes += line.len();
        self.lines.push_back((line.to_owned(), hang));
        while self.lines.len() > LINES_MAX || self.lines_bytes > BYTES_MAX {
            self.lines_bytes -= self.lines.pop_front().map_or(0, |(line, _)| line.len());
        }
    }

    fn go_up(&mut self, rows: usize) {
        if rows > 0 {
            self.command(format_args!("\x1b[{rows}A"));
        }
    }

    fn go_to_row(&mut self, row: usize) {
        self.command(format_args!("\x1b[{row};1H"));
    }

    fn command(&mut self, command: std::fmt::Arguments<'_>) {
        let written = self.output.write_fmt(command);
        debug_assert!(written.is_ok(), "writing to a vector can't fail");
    }
}
