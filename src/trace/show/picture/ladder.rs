//! The ladder: who sent what to whom, from top to bottom, as lines that can be drawn in any way.
//!
//! The server stands leftmost, people in the order of their first packet. A message is one line,
//! its copies follow it; a handshake and a teardown are one line each, and acknowledgements stand
//! beside what they acknowledge, unless every packet was asked for.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::trace::packet::Ports;
use crate::trace::show::account::{CopyRow, Row, Story, What};
use crate::trace::show::text::{Isolated, Safe, Said};
use crate::trace::show::time::{Clock, ShortSpan, Span};

/// A pause so long gets a line of its own.
const PAUSE_NS: i64 = 1_000_000_000;

/// The head of a column.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Name, or what stands for it.
    pub name: String,
    /// Port, with the address if not all are from one.
    pub place: String,
}

/// What an arrow stands for; the name is its class in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// A message.
    Message,
    /// A copy of one.
    Copy,
    /// A name.
    Join,
    /// A farewell.
    Leave,
    /// Opening or closing.
    Control,
    /// Something from the server for one person.
    Notice,
    /// A packet.
    Packet,
    /// A packet in trouble.
    Trouble,
}

impl Style {
    /// Returns its name.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Copy => "copy",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Control => "control",
            Self::Notice => "notice",
            Self::Packet => "packet",
            Self::Trouble => "trouble",
        }
    }
}

/// One line of the ladder.
#[derive(Debug, Clone)]
pub(crate) enum Rung {
    /// An arrow from one column to another, the server's being 0.
    Arrow(Arrow),
    /// Nothing happened for so long.
    Pause(String),
    /// So many rows are not drawn.
    More(u64),
}

/// An arrow.
#[derive(Debug, Clone)]
pub(crate) struct Arrow {
    /// Frame number.
    pub frame: u64,
    /// When, or how long after the original.
    pub time: String,
    /// From this column.
    pub from: usize,
    /// To this column.
    pub to: usize,
    /// Both ends point.
    pub both_ways: bool,
    /// What it stands for.
    pub style: Style,
    /// The words on it.
    pub label: String,
    /// More words, smaller.
    pub aside: String,
    /// Everything about it in one sentence.
    pub title: String,
    /// How many lines after this one belong to it.
    pub followers: usize,
}

/// The ladder.
#[derive(Debug)]
pub(crate) struct Ladder {
    /// The columns, the server's first.
    pub heads: Vec<Head>,
    /// The lines.
    pub rungs: Vec<Rung>,
    /// People who have no column.
    pub more_people: u64,
}

/// How to make it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LadderOptions {
    /// Most rows to draw.
    pub rows_max: usize,
    /// Texts are not to be shown.
    pub redact: bool,
    /// The room's ports.
    pub ports: Ports,
}

impl Ladder {
    /// Makes the ladder of a finished story.
    #[must_use]
    pub(crate) fn new(story: &Story, clock: &Clock, options: LadderOptions) -> Self {
        let mut maker = Maker {
            story,
            clock,
            options,
            labels: HashMap::new(),
            rungs: Vec::new(),
            drawn: 0,
            undrawn: story.beyond,
            last: None,
        };
        if story.full {
            maker.collect_labels();
        }
        for row in &story.rows {
            maker.row(row);
        }
        if maker.undrawn > 0 {
            maker.rungs.push(Rung::More(maker.undrawn));
        }
        Self {
            heads: heads(story, options.ports),
            rungs: maker.rungs,
            more_people: story.more_people,
        }
    }
}

fn heads(story: &Story, ports: Ports) -> Vec<Head> {
    let mut heads = vec![Head {
        name: "server".to_owned(),
        place: ports.words(),
    }];
    let first: Option<IpAddr> = story.columns.first().map(|column| column.client.address);
    let one_place = story
        .columns
        .iter()
        .all(|column| Some(column.client.address) == first);
    for column in &story.columns {
        let (address, port) = (column.client.address, column.client.port);
        let name = if column.name.is_empty() {
            format!("port {port}")
        } else {
            Safe(&column.name).to_string()
        };
        let place = match (one_place, address) {
            (true, _) => format!("port {port}"),
            (false, IpAddr::V4(address)) => format!("{address}:{port}"),
            (false, IpAddr::V6(address)) => format!("[{address}]:{port}"),
        };
        heads.push(Head { name, place });
    }
    heads
}

struct Maker<'a> {
    story: &'a Story,
    clock: &'a Clock,
    options: LadderOptions,
    /// What frames carry, where every packet is drawn.
    labels: HashMap<u64, (Style, String)>,
    rungs: Vec<Rung>,
    drawn: usize,
    undrawn: u64,
    last: Option<i64>,
}

impl Maker<'_> {
    fn row(&mut self, row: &Row) {
        let packet = matches!(row.what, What::Packet(..));
        if packet != self.story.full {
            return;
        }
        let Some(column) = self.story.column_of(row.stream) else {
            self.undrawn += 1;
            return;
        };
        let copies: Vec<_> = row
            .copies
            .iter()
            .filter_map(|copy| Some((copy, self.story.column_of(copy.stream)? + 1)))
            .collect();
        self.undrawn += (row.copies.len() - copies.len()) as u64;
        if self.drawn + 1 + copies.len() > self.options.rows_max {
            self.drawn = self.options.rows_max;
            self.undrawn += 1 + copies.len() as u64;
            return;
        }
        self.drawn += 1 + copies.len();
        self.pause(row.at.time);
        let arrow = self.arrow(row, column + 1, copies.len());
        self.rungs.push(Rung::Arrow(arrow));
        for (copy, to) in copies {
            let copy = Self::copy(row, copy, to);
            self.rungs.push(Rung::Arrow(copy));
        }
    }

    fn pause(&mut self, time: i64) {
        if let Some(last) = self.last
            && time - last > PAUSE_NS
        {
            self.rungs
                .push(Rung::Pause(ShortSpan(time - last).to_string()));
        }
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    fn arrow(&self, row: &Row, column: usize, followers: usize) -> Arrow {
        let mut aside = String::new();
        let (up, style, label) = match &row.what {
            What::Connected(took) => {
                aside = format!("in {}", ShortSpan(*took));
                (true, Style::Control, "connected".to_owned())
            }
            What::Refused => (true, Style::Trouble, "refused".to_owned()),
            What::Joined => (true, Style::Join, self.joined(column)),
            What::Said(text, acked) => {
                if let Some((_, delay)) = acked {
                    aside = format!("ACK +{}", ShortSpan(*delay));
                }
                (true, Style::Message, self.text(text))
            }
            What::Left(how) => {
                how.words().clone_into(&mut aside);
                (true, Style::Leave, "left".to_owned())
            }
            What::Ended(took) => {
                aside = format!("in {}", ShortSpan(*took));
                (true, Style::Control, "closed".to_owned())
            }
            What::Notice(text) => (false, Style::Notice, self.text(text)),
            What::Sealed(up, words) => (*up, Style::Packet, words.clone()),
            What::Trouble(up, words) => (*up, Style::Trouble, (*words).to_owned()),
            What::Packet(up, flags) => match self.labels.get(&row.at.frame) {
                Some((style, label)) => {
                    aside.clone_from(flags);
                    (*up, *style, label.clone())
                }
                None => (*up, Style::Packet, flags.clone()),
            },
        };
        let both_ways = matches!(row.what, What::Connected(_) | What::Ended(_));
        let (from, to) = if up { (column, 0) } else { (0, column) };
        let time = self.clock.write_with(row.at.time, 6);
        let comma = if aside.is_empty() { "" } else { ", " };
        let title = format!("frame {} at {time}: {label}{comma}{aside}", row.at.frame);
        Arrow {
            frame: row.at.frame,
            time,
            from,
            to,
            both_ways,
            style,
            label,
            aside,
            title,
            followers,
        }
    }

    fn copy(row: &Row, copy: &CopyRow, to: usize) -> Arrow {
        let (aside, acked) = match copy.acked {
            Some((ack, delay)) => (
                format!("ACK +{}", ShortSpan(delay)),
                format!("acknowledged in frame {} after {}", ack.frame, Span(delay)),
            ),
            None => ("no ACK".to_owned(), "not acknowledged".to_owned()),
        };
        let time = format!("+{}", ShortSpan(copy.delay));
        let title = format!(
            "frame {}: copy of frame {} after {}, {acked}",
            copy.at.frame,
            row.at.frame,
            Span(copy.delay)
        );
        Arrow {
            frame: copy.at.frame,
            label: time.clone(),
            time,
            from: 0,
            to,
            both_ways: false,
            style: Style::Copy,
            aside,
            title,
            followers: 0,
        }
    }

    fn joined(&self, column: usize) -> String {
        let name = column
            .checked_sub(1)
            .and_then(|at| self.story.columns.get(at));
        let name = name.map_or(&b""[..], |column| &column.name);
        format!("joined as {}", Safe(name))
    }

    fn collect_labels(&mut self) {
        for row in &self.story.rows {
            let (style, label) = match &row.what {
                What::Joined => (Style::Join, "joined".to_owned()),
                What::Said(text, _) => (Style::Message, self.text(text)),
                What::Notice(text) => (Style::Notice, self.text(text)),
                What::Left(_) => (Style::Leave, "left".to_owned()),
                _ => continue,
            };
            self.labels.entry(row.at.frame).or_insert((style, label));
            for copy in &row.copies {
                let label = format!("copy of frame {}, +{}", row.at.frame, ShortSpan(copy.delay));
                self.labels
                    .entry(copy.at.frame)
                    .or_insert((Style::Copy, label));
            }
        }
    }

    fn text(&self, text: &[u8]) -> String {
        if self.options.redact {
            Said { text, redact: true }.to_string()
        } else {
            Safe(text).to_string()
        }
    }
}

/// Returns a text with its right-to-left parts isolated, for a terminal.
#[must_use]
pub(crate) fn isolated(text: &str) -> String {
    Isolated(text.as_bytes()).to_string()
}
