//! All encodings of one room.

use std::iter;
use std::ops::Range;
use std::time::Duration;

use super::fan_out::FanOut;
use super::history::{History, Mark, Past};
use super::{Feed, FeedOptions};
use crate::room::{Event, Names};
use crate::tick::Tick;
use crate::wire::{Encoding, Stamp, json, plain};

/// For how long JSON is written on when nobody reads it any more: whoever comes back within this
/// time is sent what it missed. Longer than anybody may take to read what it is owed at the end.
const JSON_KEPT: Duration = Duration::from_mins(5);

/// A place in the transcript of each encoding: plain, JSON.
pub type Ends = [u64; 2];

/// Where an event stands in the transcript of each encoding.
#[derive(Debug, Default)]
pub struct Stands {
    plain: Option<Range<u64>>,
    json: Option<Range<u64>>,
}

impl Stands {
    /// Returns where it stands in one encoding; nowhere if nobody is told of it there.
    #[must_use]
    pub fn in_encoding(&self, encoding: Encoding) -> Option<Range<u64>> {
        match encoding {
            Encoding::Plain => self.plain.clone(),
            Encoding::Json => self.json.clone(),
        }
    }
}

/// All encodings of one room, and the way round those who hear it.
#[derive(Debug)]
pub struct Feeds {
    options: FeedOptions,
    plain: Feed,
    /// Only while somebody reads it, and [`JSON_KEPT`] longer.
    json: Option<Box<JsonFeed>>,
    /// Where the hub is on its way round those who hear the room.
    pub fan_out: FanOut<Ends>,
    /// Of the plain transcript.
    history: History,
}

/// The room in JSON.
#[derive(Debug)]
struct JsonFeed {
    feed: Feed,
    /// From here on the transcript has every event; before, only what plain people heard.
    complete_from: u64,
    /// Since when nobody reads it.
    unused_since: Option<Tick>,
    /// The line that is being written.
    line: Vec<u8>,
}

impl Feeds {
    /// Returns the feeds of a room that has not heard anything.
    #[must_use]
    pub fn new(options: FeedOptions) -> Self {
        Self {
            options,
            plain: Feed::new(options.backlog_bytes, options.stall_timeout),
            json: None,
            fan_out: FanOut::default(),
            history: History::new(options.history_lines),
        }
    }

    /// Returns the feed of one encoding. For those who are no members yet and hear nothing of the
    /// room, any will do where there is none.
    #[must_use]
    pub fn of(&self, encoding: Encoding) -> &Feed {
        match (encoding, &self.json) {
            (Encoding::Json, Some(json)) => &json.feed,
            _ => &self.plain,
        }
    }

    /// The same, to change it.
    pub fn of_mut(&mut self, encoding: Encoding) -> &mut Feed {
        match (encoding, &mut self.json) {
            (Encoding::Json, Some(json)) => &mut json.feed,
            _ => &mut self.plain,
        }
    }

    /// Returns each feed that there is.
    pub fn iter(&self) -> impl Iterator<Item = &Feed> {
        let json = self.json.as_ref().map(|json| &json.feed);
        iter::once(&self.plain).chain(json)
    }

    /// Returns each feed that there is, to change it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Feed> {
        let json = self.json.as_mut().map(|json| &mut json.feed);
        iter::once(&mut self.plain).chain(json)
    }

    /// Returns how many members hear the room.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.iter().map(|feed| feed.readers).sum()
    }

    /// Returns the ends of the transcripts.
    #[must_use]
    pub fn ends(&self) -> Ends {
        let json = self.json.as_ref();
        let json = json.map_or(0, |json| json.feed.transcript.end());
        [self.plain.transcript.end(), json]
    }

    /// Writes an event down, and returns where it stands. `names` are those before the event,
    /// `slots` how many may hear it.
    pub fn append(
        &mut self,
        event: &Event<'_>,
        names: &Names,
        stamp: Stamp,
        slots: usize,
    ) -> Stands {
        let starts = self.ends();
        let plain = self.append_plain(event, names, stamp);
        let json = self
            .json
            .as_mut()
            .zip(json::Message::of(event, names, stamp))
            .map(|(json, message)| json.append(&message));
        let stands = Stands { plain, json };
        if stands.plain.is_some() || stands.json.is_some() {
            self.fan_out.extend(slots, starts);
        }
        stands
    }

    fn append_plain(
        &mut self,
        event: &Event<'_>,
        names: &Names,
        stamp: Stamp,
    ) -> Option<Range<u64>> {
        if matches!(event, Event::Joined { .. }) && !self.options.announce_joins {
            return None;
        }
        let line = plain::Line::of(event, names)?;
        Some(self.append_line(line, stamp))
    }

    fn append_line(&mut self, line: plain::Line<'_>, stamp: Stamp) -> Range<u64> {
        let stands = self.plain.append(&line.parts());
        let start = stands.start;
        self.history.note(Mark { stamp, start }, self.plain.reach());
        stands
    }

    /// Writes something down that was said before anybody was here.
    pub fn recall(&mut self, line: plain::Line<'_>, stamp: Stamp) {
        if self.options.announce_joins || !matches!(line, plain::Line::Joined(_)) {
            self.append_line(line, stamp);
        }
    }

    /// Returns whether those who hear the room are owed more than `bytes_max` bytes each, on average,
    /// between where the fan-out has come round and the transcripts' ends, or any of them half a
    /// transcript.
    #[must_use]
    pub fn is_behind(&self, bytes_max: u64) -> bool {
        let ends = self.ends();
        let sent = self.fan_out.sent_up_to(ends);
        let (mut owed, mut readers) = (0, 0);
        for (at, feed) in self.iter().enumerate() {
            // The transcript of JSON may be another than when the round began.
            let behind = ends[at].saturating_sub(sent[at]);
            if behind > feed.transcript.capacity() as u64 / 2 {
                return true;
            }
            // What few are told in many bytes doesn't hold up the many.
            owed += behind * feed.readers as u64;
            readers += feed.readers as u64;
        }
        owed > bytes_max * readers
    }

    /// Returns what a newcomer is shown of the talk so far, if it is anything.
    #[must_use]
    pub fn past(&self) -> Option<Past> {
        self.history.past(self.plain.reach())
    }

    /// Returns the last of the lines that a newcomer is shown, at most `lines_max`, each with its stamp.
    pub fn past_lines(&self, lines_max: usize) -> impl Iterator<Item = (Stamp, String)> {
        let marks: Vec<_> = self.history.since(self.plain.reach()).collect();
        let skipped = marks.len().saturating_sub(lines_max);
        let transcript = self.plain.transcript();
        marks.into_iter().skip(skipped).map(|mark| {
            let line = transcript.line(mark.start);
            (mark.stamp, String::from_utf8_lossy(&line).into_owned())
        })
    }

    /// Counts a member in who hears the room in JSON.
    pub fn enter_json(&mut self) {
        if self.json.is_none() {
            self.json = Some(Box::new(self.begin_json()));
        }
        if let Some(json) = &mut self.json {
            json.unused_since = None;
            json.feed.readers += 1;
        }
    }

    /// Counts a member out who has left.
    pub fn leave(&mut self, encoding: Encoding, now: Tick) {
        let feed = self.of_mut(encoding);
        feed.readers -= 1;
        if let Some(json) = &mut self.json
            && json.feed.readers == 0
        {
            json.unused_since.get_or_insert(now);
        }
    }

    /// Returns where JSON starts that tells of events from number `seq` on, as far as a newcomer may
    /// be made to hear them.
    #[must_use]
    pub fn json_from(&self, seq: u64) -> u64 {
        let json = self.of(Encoding::Json);
        json.from(seq, json.reach())
    }

    /// Returns where JSON starts that tells of every event after number `seq`, and how many of them
    /// it leaves out, since it doesn't have them any more. The next one will have number `next`.
    #[must_use]
    pub fn json_after(&self, seq: u64, next: u64) -> (u64, u64) {
        let complete_from = self.json.as_ref().map_or(0, |json| json.complete_from);
        let feed = self.of(Encoding::Json);
        // A program may claim to know any number.
        let wanted = seq.saturating_add(1);
        let start = feed.from(wanted, feed.reach().max(complete_from));
        let first = json::seq_of(&feed.transcript.line(start)).unwrap_or(next);
        (start, first.saturating_sub(wanted))
    }

    /// Takes note that events before this place were not written down: who comes back and knows only
    /// what was before is told how many it misses.
    pub fn note_gap(&mut self) {
        if let Some(json) = &mut self.json {
            json.complete_from = json.feed.transcript.end();
        }
    }

    /// Returns when JSON needs to be written no more.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        let unused_since = self.json.as_ref()?.unused_since?;
        Some(unused_since + JSON_KEPT)
    }

    /// Writes JSON no more if it is time to.
    pub fn retire(&mut self, now: Tick) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.json = None;
        }
    }

    /// Returns the room in JSON from here on, and so much of the talk so far as a newcomer is shown.
    fn begin_json(&self) -> JsonFeed {
        let backlog_bytes = 2 * self.options.backlog_bytes;
        let mut json = JsonFeed {
            feed: Feed::new(backlog_bytes, self.options.stall_timeout),
            complete_from: 0,
            unused_since: None,
            line: Vec::new(),
        };
        let transcript = self.plain.transcript();
        for mark in self.history.since(self.plain.reach()) {
            let line = transcript.line(mark.start);
            let line = String::from_utf8_lossy(&line);
            let message = match plain::Line::parse(&line) {
                // What an operator did, or the server said: its words are all that is left of it.
                plain::Line::Notice(text) => Some(json::Message::Announced {
                    seq: mark.stamp.seq,
                    time: mark.stamp.time_ms,
                    text: text.into(),
                }),
                line => json::Message::of_line(line, mark.stamp),
            };
            message.map(|message| json.append(&message));
        }
        json.complete_from = json.feed.transcript.end();
        json
    }
}

impl JsonFeed {
    fn append(&mut self, message: &json::Message<'_>) -> Range<u64> {
        self.line.clear();
        message.put(&mut self.line);
        self.feed.append(&[&self.line])
    }
}

impl Feed {
    /// Returns where the first line of JSON at `oldest` or behind it starts whose number is `seq` or
    /// more.
    fn from(&self, seq: u64, oldest: u64) -> u64 {
        let is_older = |line: &[u8]| json::seq_of(line).is_some_and(|number| number < seq);
        self.transcript.partition_point(oldest, is_older)
    }
}
