//! One pass over a capture: every frame goes through the layers once, and what comes out of them to
//! every output that was asked for.

use std::io::{self, Write};

use crate::cli::{Failure, FramingOption, TraceOptions};

use super::capture::Frame;
use super::chat::event::Event;
use super::chat::framing::Detection;
use super::chat::units::Framing;
use super::chat::{Chat, Note};
use super::packet::Packet;
use super::show::clock::Clock;
use super::show::details::Details;
use super::show::findings::{Finding, Findings, Level};
use super::show::list::Row;
use super::show::messages::Messages;
use super::show::outputs::Outputs;
use super::show::picture::story::Story;
use super::show::records::{self, PacketRecord};
use super::show::summary::{Summary, Totals};
use super::tcp::{self, Segment, StreamRow, Streams};
use crate::trace::capture::Moment;

/// Most bytes of messages kept back while the packet list has the screen.
const DEFERRED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where outputs go.
pub struct Sinks<'a> {
    /// Lists and reports.
    pub text: &'a mut dyn Write,
    /// The records, if asked for.
    pub records: Option<Box<dyn Write>>,
    /// Flush after every frame, because somebody is watching.
    pub live: bool,
}

impl std::fmt::Debug for Sinks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sinks")
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}

/// Which views were asked for.
#[derive(Debug, Clone, Copy)]
struct Views {
    packets: bool,
    messages: bool,
    summary: bool,
}

/// The pass.
pub struct Pass<'a> {
    options: &'a TraceOptions,
    sinks: Sinks<'a>,
    views: Views,
    clock: Clock,
    detection: Detection,
    streams: Streams,
    chat: Chat,
    findings: Findings,
    messages: Messages,
    /// What is drawn at the end.
    story: Option<Story>,
    details: Details,
    /// What was counted.
    pub totals: Totals,
    /// Lines that are written after the packet list.
    deferred: String,
    buffer: String,
    events: Vec<Event>,
}

/// What the whole capture says.
#[derive(Debug)]
pub struct Outcome {
    /// What was found.
    pub findings: Vec<Finding>,
    /// The summary.
    pub summary: String,
}

impl std::fmt::Debug for Pass<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pass")
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

impl<'a> Pass<'a> {
    /// Returns a pass that has seen nothing.
    #[must_use]
    pub fn new(options: &'a TraceOptions, sinks: Sinks<'a>, story: Option<Story>) -> Self {
        let any = options.packets
            || options.messages
            || options.summary
            || !options.details.is_empty()
            || !options.output.is_empty();
        let views = Views {
            packets: options.packets,
            messages: options.messages || !any,
            summary: options.summary || !any,
        };
        let decided = match options.framing {
            FramingOption::Lines => Some(Framing::Lines),
            FramingOption::Segments => Some(Framing::Segments),
            FramingOption::Auto => None,
        };
        Self {
            options,
            views,
            clock: Clock::new(options.time),
            detection: Detection::new(decided),
            streams: Streams::new(options.max_streams),
            chat: Chat::new(options.port, decided.unwrap_or(Framing::Lines)),
            findings: Findings::default(),
            messages: Messages::new(options.redact),
            story,
            details: Details::new(&options.details, options.redact),
            totals: Totals::default(),
            deferred: String::new(),
            buffer: String::new(),
            events: Vec::new(),
            sinks,
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// Fails when an output can't be written.
    pub fn frame(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        if self.detection.decided().is_none() {
            let packet = Packet::parse(frame).ok();
            let held = self
                .detection
                .hold(frame, packet.as_ref(), self.options.port);
            if let Some(framing) = self.detection.decided() {
                self.release(framing)?;
            }
            if held {
                return Ok(());
            }
        }
        self.step(frame)
    }

    /// Ends the pass: tells what waited for the end.
    ///
    /// # Errors
    /// Fails when an output can't be written.
    pub fn finish(&mut self, dropped: u64) -> io::Result<Outcome> {
        let framing = self.detection.finish();
        self.release(framing)?;
        self.events = self.chat.finish();
        self.tell()?;
        for row in self.streams.rows() {
            self.keep(row);
        }
        self.totals.rows.sort_unstable_by_key(|row| row.stream);
        let (findings, more_findings) = self.findings.finish(dropped, self.totals.last_time);
        let on_port = self.totals.rows.len() as u64 + self.totals.unlisted;
        let mut summary = String::new();
        Summary {
            totals: &self.totals,
            findings: &findings,
            more_findings,
            framing: match framing {
                Framing::Lines => "messages are lines",
                Framing::Segments => "messages are segments",
            },
            port: self.options.port,
            other_streams: u64::from(self.streams.count()).saturating_sub(on_port),
            evicted: self.streams.evicted,
        }
        .append_to(&mut summary);
        self.last_words(&findings, &summary)?;
        Ok(Outcome { findings, summary })
    }

    /// Draws what was kept into the files that were asked for.
    ///
    /// # Errors
    /// Fails when a file can't be written.
    pub fn draw(&mut self, outputs: &mut Outputs, outcome: &Outcome) -> Result<(), Failure> {
        match &mut self.story {
            Some(story) => outputs.draw(self.options, story, &self.clock, &self.totals, outcome),
            None => Ok(()),
        }
    }

    /// Takes what was kept to be drawn.
    pub fn take_story(&mut self) -> Option<Story> {
        self.story.take()
    }

    fn last_words(&mut self, findings: &[Finding], summary: &str) -> io::Result<()> {
        if let Some(records) = &mut self.sinks.records {
            let mut lines = String::new();
            for finding in findings {
                records::append_finding(finding, &mut lines);
            }
            records.write_all(lines.as_bytes())?;
            records.flush()?;
        }
        let mut parts = Vec::new();
        if !self.deferred.is_empty() {
            parts.push(std::mem::take(&mut self.deferred));
        }
        let details = self.details.write(&self.clock);
        if !details.is_empty() {
            parts.push(details);
        }
        if self.views.summary {
            parts.push(summary.to_owned());
        }
        let mut first = !(self.views.packets || self.views.messages);
        for part in parts {
            if !first {
                self.sinks.text.write_all(b"\n")?;
            }
            first = false;
            self.sinks.text.write_all(part.as_bytes())?;
        }
        self.sinks.text.flush()
    }

    /// Replays what was held back, now that it is known what ends a message.
    fn release(&mut self, framing: Framing) -> io::Result<()> {
        self.chat.set_framing(framing);
        for held in self.detection.take_held() {
            self.step(&held.frame())?;
        }
        Ok(())
    }

    fn step(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        // A frame without a time happens when the one before it did.
        let time = match frame.time_ns {
            Some(time) => self.clock.relative(time),
            None => self.totals.last_time,
        };
        self.totals.frames += 1;
        self.totals.digits = frame.digits;
        self.totals.last_time = time;
        self.messages.set_digits(frame.digits);
        let packet = match Packet::parse(frame) {
            Ok(packet) => packet,
            Err(why) => {
                self.totals.skip(why);
                self.details.skipped(frame, time, why);
                return Ok(());
            }
        };
        let port = self.options.port;
        let on_port = packet.src_port == port || packet.dst_port == port;
        self.totals
            .segment((packet.src_port, packet.dst_port), on_port);
        let segment = tcp::analyse(&mut self.streams, frame.number, time, &packet);
        self.forget_ended();
        let at = Moment {
            frame: frame.number,
            time,
        };
        let note = if on_port {
            self.findings.packet(at, &packet, &segment, port);
            let (note, events) = self.chat.push(at, &packet, &segment);
            self.events.extend(events);
            Some(note)
        } else {
            None
        };
        self.packet_outputs(frame, at, &packet, &segment, note.as_ref())?;
        self.details.packet(frame, time, &segment, note.as_ref());
        if !self.events.is_empty() {
            self.tell()?;
        }
        if self.sinks.live {
            self.sinks.text.flush()?;
            if let Some(records) = &mut self.sinks.records {
                records.flush()?;
            }
        }
        Ok(())
    }

    fn forget_ended(&mut self) {
        if !self.streams.has_ended() {
            return;
        }
        for row in self.streams.take_ended() {
            let stream = row.stream;
            if self.keep(row) {
                let events = self.chat.forget(stream);
                self.events.extend(events);
                self.findings.forget(stream);
            }
        }
    }

    /// Keeps a stream for the summary if it is the room's; returns whether it is.
    fn keep(&mut self, row: StreamRow) -> bool {
        let port = self.options.port;
        let on_port = row.first.port == port || row.second.port == port;
        self.details.ended(&row);
        if on_port {
            self.totals.ended(row);
        }
        on_port
    }

    fn packet_outputs(
        &mut self,
        frame: &Frame<'_>,
        at: Moment,
        packet: &Packet<'_>,
        segment: &Segment,
        note: Option<&Note>,
    ) -> io::Result<()> {
        if !self.is_shown(segment.stream, at.time) {
            return Ok(());
        }
        if let Some(story) = &mut self.story
            && note.is_some()
        {
            story.packet(at, packet, segment, self.options.port);
        }
        let timed = frame.time_ns.is_some();
        if self.views.packets {
            let chat = note.is_some_and(|note| note.ends_unit) && !self.options.plain;
            let time = if timed {
                self.clock.write(at.time, frame.digits)
            } else {
                "-".to_owned()
            };
            self.buffer.clear();
            Row {
                number: at.frame,
                time: &time,
                length: frame.length,
                protocol: if chat { "CHAT" } else { "TCP" },
                packet,
                segment,
            }
            .append_to(&mut self.buffer);
            self.sinks.text.write_all(self.buffer.as_bytes())?;
        }
        if let Some(records) = &mut self.sinks.records {
            let record = PacketRecord {
                number: at.frame,
                time: timed.then_some(at.time),
                length: frame.length,
                packet,
                segment,
                phase: note.map(|note| note.phase.name()),
            };
            writeln!(records, "{record}")?;
        }
        Ok(())
    }

    /// Gives what happened to every output.
    fn tell(&mut self) -> io::Result<()> {
        for event in std::mem::take(&mut self.events) {
            self.totals.event(&event);
            self.findings.event(&event);
            let shown = match (event.stream(), event.moment()) {
                (Some(stream), Some(at)) => self.is_shown(stream, at.time),
                (None, Some(at)) => self.options.stream.is_none() && self.is_shown(0, at.time),
                _ => true,
            };
            if !shown {
                continue;
            }
            if let Some(story) = &mut self.story {
                story.event(&event);
            }
            if self.views.messages {
                self.buffer.clear();
                self.messages.write(&event, &self.clock, &mut self.buffer);
                if !self.views.packets {
                    self.sinks.text.write_all(self.buffer.as_bytes())?;
                } else if self.deferred.len() < DEFERRED_BYTES_MAX {
                    self.deferred.push_str(&self.buffer);
                }
            }
            if let Some(records) = &mut self.sinks.records {
                self.buffer.clear();
                records::append_event(&event, self.options.redact, &mut self.buffer);
                records.write_all(self.buffer.as_bytes())?;
            }
        }
        Ok(())
    }

    fn is_shown(&self, stream: u32, time: i64) -> bool {
        let options = self.options;
        options.stream.is_none_or(|only| only == stream)
            && options.from.is_none_or(|from| time >= from)
            && options.to.is_none_or(|to| time <= to)
    }
}

/// Returns how many findings are of level warn.
#[must_use]
pub fn warnings(findings: &[Finding]) -> usize {
    findings
        .iter()
        .filter(|finding| finding.kind.level() == Level::Warn)
        .count()
}
