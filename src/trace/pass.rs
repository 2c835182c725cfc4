//! One pass over a capture: every frame goes through the layers once, and what they say of it to the
//! account and to every output.

use super::capture::{Frame, Moment};
use super::chat::Chat;
use super::chat::event::Event;
use super::chat::framing::Detection;
use super::chat::units::Framing;
use super::options::Options;
use super::packet::{Fragments, Packet};
use super::show::account::{Account, Level, Story, Totals};
use super::show::outputs::{Outputs, WriteError};
use super::show::seen::{Found, Seen};
use super::show::sink::Whole;
use super::show::time::{Clock, Seconds};
use super::tcp::{self, StreamRow, Streams};
use super::tls::key_log::KeyLog;

/// The pass.
#[derive(Debug)]
pub struct Pass<'a> {
    options: &'a Options,
    outputs: Outputs<'a>,
    clock: Clock,
    detection: Detection,
    fragments: Fragments,
    streams: Streams,
    chat: Chat,
    account: Account,
    /// A TCP packet was among those that were asked for.
    matched: bool,
}

impl<'a> Pass<'a> {
    /// Returns a pass that has seen nothing.
    #[must_use]
    pub fn new(options: &'a Options, outputs: Outputs<'a>) -> Self {
        let story = outputs.draw().then(|| Story::new(options.full));
        let framing = options.framing.unwrap_or(Framing::Lines);
        Self {
            options,
            outputs,
            clock: Clock::new(options.time),
            detection: Detection::new(options.framing),
            fragments: Fragments::default(),
            streams: Streams::new(options.streams_max),
            chat: Chat::new(options.ports, framing),
            account: Account::new(options.ports, story),
            matched: false,
        }
    }

    /// Returns the pass with these secrets of sealed connections.
    #[must_use]
    pub fn with_keys(mut self, keys: KeyLog) -> Self {
        self.chat.set_keys(keys);
        self
    }

    /// Returns what was counted.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.account.totals
    }

    /// Says so if nothing is what was asked for, and what there is instead.
    #[must_use]
    pub fn nothing_matched(&self) -> Option<String> {
        let asked = self.options.asked_for();
        if self.matched || asked.is_empty() {
            return None;
        }
        let last = self.streams.count().saturating_sub(1);
        let time = Seconds(self.clock.last(), self.clock.digits());
        Some(format!(
            "nothing matches {asked} (there are streams 0 to {last}, until {time} s)"
        ))
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// Fails when an output can't be written.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<(), WriteError> {
        if self.detection.decided().is_none() {
            let held = self.detection.hold(frame, self.options.ports);
            if let Some(framing) = self.detection.decided() {
                self.release(framing)?;
            }
            if held {
                return Ok(());
            }
        }
        self.step(frame)
    }

    /// Ends the pass: tells what waited for the end. `dropped` is how many packets the kernel says it
    /// dropped; returns how many findings are of level warn.
    ///
    /// # Errors
    /// Fails when an output can't be written.
    pub fn finish(&mut self, dropped: u64) -> Result<usize, WriteError> {
        let framing = self.detection.finish();
        self.release(framing)?;
        let events = self.chat.finish();
        self.tell(&events)?;
        drop(events);
        for row in self.streams.rows() {
            self.end_stream(&row);
        }
        let (findings, more_findings) = self.account.finish(dropped, self.clock.last());
        let totals = &self.account.totals;
        self.outputs.finish(&Whole {
            totals,
            findings: &findings,
            more_findings,
            story: self.account.story.as_ref(),
            nothing_matched: self.nothing_matched().is_some(),
            clock: &self.clock,
            framing,
            keys: self.options.key_log.is_some().then(|| self.chat.keys()),
            other_streams: u64::from(self.streams.count()).saturating_sub(totals.streams()),
            evicted: self.streams.evicted,
        })?;
        let warnings = findings
            .iter()
            .filter(|finding| finding.kind.level() == Level::Warn);
        Ok(warnings.count())
    }

    /// Replays what was held back, now that it is known what ends a message.
    fn release(&mut self, framing: Framing) -> Result<(), WriteError> {
        self.chat.set_framing(framing);
        for held in self.detection.take_held() {
            self.step(&held.frame())?;
        }
        Ok(())
    }

    fn step(&mut self, frame: &Frame<'_>) -> Result<(), WriteError> {
        let at = Moment {
            frame: frame.number,
            time: self.clock.tick(frame),
        };
        let mut whole = None;
        let packet = match Packet::read(frame, &mut self.fragments, &mut whole) {
            Ok(packet) => packet,
            Err(why) => {
                let seen = Seen {
                    frame,
                    at,
                    clock: &self.clock,
                    found: Err(why),
                };
                self.account.packet(&seen, false);
                return self.outputs.packet(&seen, false);
            }
        };
        let segment = tcp::analyse(&mut self.streams, at.frame, at.time, &packet);
        let mut events = self.forget_ended();
        let ports = self.options.ports;
        let on_port = ports.has(packet.src_port) || ports.has(packet.dst_port);
        let note = on_port.then(|| {
            let (note, more) = self.chat.push(at, &packet, &segment);
            events.extend(more);
            note
        });
        let seen = Seen {
            frame,
            at,
            clock: &self.clock,
            found: Ok(Found {
                packet: &packet,
                segment: &segment,
                note: note.as_ref(),
            }),
        };
        let shown = is_shown(self.options, Some(segment.stream), at.time);
        self.matched |= shown;
        self.account.packet(&seen, shown);
        self.outputs.packet(&seen, shown)?;
        self.tell(&events)?;
        self.outputs.end_frame()
    }

    /// Forgets the streams that are over; returns what that makes happen.
    fn forget_ended(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.streams.has_ended() {
            for row in self.streams.take_ended() {
                if self.end_stream(&row) {
                    events.extend(self.chat.forget(row.stream));
                    self.account.forget(row.stream);
                }
            }
        }
        events
    }

    /// Says that a stream is over; returns whether it is the room's.
    fn end_stream(&mut self, row: &StreamRow) -> bool {
        self.outputs.stream(row);
        self.account.stream(row)
    }

    /// Gives what happened to the account and to every output.
    fn tell(&mut self, events: &[Event]) -> Result<(), WriteError> {
        for event in events {
            let at = event.moment();
            let shown = at.is_none_or(|at| is_shown(self.options, event.stream(), at.time));
            self.account.event(event, shown);
            self.outputs.event(event, &self.clock, shown)?;
        }
        Ok(())
    }
}

/// Returns whether what happened in a stream, or in none, at a time is among what was asked for.
fn is_shown(options: &Options, stream: Option<u32>, time: i64) -> bool {
    options.stream.is_none_or(|only| stream == Some(only))
        && options.from.is_none_or(|from| time >= from)
        && options.to.is_none_or(|to| time <= to)
}
