//! What the server tells those who look after it: `/metrics`, as Prometheus reads it, and `/healthz`.

use std::fmt::{Display, Write};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::arrivals::Handshakes;
use super::http::{Request, Response, Status};
use super::turns::{BOUNDS_US, Turns};
use crate::hub::Hub;
use crate::hub::disconnect::Disconnect;
use crate::logging;
use crate::store::Health;
use crate::stream::Stream;
use crate::tick::Tick;

/// What is known of the process.
#[derive(Debug)]
pub(super) struct Process {
    /// Its memory; open from the start, since later files can't be opened any more.
    memory: Option<File>,
    /// How large a page of memory is, in bytes; asked at the start, for the same reason.
    page_bytes: u64,
    /// When it started, since 1970 (UTC).
    started: Duration,
}

impl Process {
    /// Takes a first look, if there will be others.
    pub(super) fn new(started: Duration, watched: bool) -> Self {
        let memory = watched.then(|| File::open("/proc/self/statm"));
        Self {
            memory: memory.and_then(Result::ok),
            page_bytes: rustix::param::page_size() as u64,
            started,
        }
    }

    /// Returns how much memory is resident, in bytes.
    fn resident_bytes(&self) -> Option<u64> {
        let mut text = [0; 128];
        let length = self.memory.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(&text[..length]).ok()?;
        let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
        Some(pages * self.page_bytes)
    }
}

/// What is looked at to answer.
#[derive(Debug)]
pub(super) struct View<'a, S> {
    pub(super) hub: &'a Hub<S>,
    pub(super) turns: &'a Turns,
    /// How the files are doing, if any are written.
    pub(super) files: Option<Health>,
    pub(super) process: &'a Process,
    pub(super) handshakes: Handshakes,
    /// Nobody new comes in any more.
    pub(super) ending: bool,
    pub(super) now: Tick,
}

impl<S: Stream> View<'_, S> {
    /// Answers a request.
    pub(super) fn answer(&self, request: &Request<'_>) -> Response {
        match request.path {
            "/metrics" => Response {
                status: Status::Ok,
                content_type: "text/plain; version=0.0.4; charset=utf-8",
                body: self.metrics(),
            },
            "/healthz" => self.health(),
            _ => Response::text(Status::NotFound, "There are /metrics and /healthz.\n"),
        }
    }

    fn health(&self) -> Response {
        if self.ending {
            Response::text(Status::Unavailable, "closing\n")
        } else if let Some(late) = self.turns.late(self.now) {
            let words = format!("the loop was late by {:.1} s\n", late.as_secs_f64());
            Response::text(Status::Unavailable, words)
        } else {
            // The room goes on: a new start would cost more than it mends.
            let words = match self.files {
                Some(files) if !files.has_writer => "ok, but nobody writes the files\n",
                Some(files) if !files.is_written => "ok, but the files can't be written\n",
                _ => "ok\n",
            };
            Response::text(Status::Ok, words)
        }
    }

    fn files(&self, text: &mut Exposition) {
        let Some(files) = self.files else {
            return;
        };
        text.gauge(
            "chatroom_files_written",
            "1 while state and record can be written, 0 while they can't.",
            u8::from(files.has_writer && files.is_written),
        );
        text.counter(
            "chatroom_record_lines_dropped_total",
            "Lines of the record that were lost because the disk was too slow, or nobody wrote.",
            files.lines_lost,
        );
    }

    fn metrics(&self) -> String {
        let mut text = Exposition::default();
        let version = env!("CARGO_PKG_VERSION");
        text.family("chatroom_build_info", "gauge", "The version that runs.");
        text.sample("chatroom_build_info", &[("version", &version)], 1);
        self.people(&mut text);
        self.traffic(&mut text);
        self.readers(&mut text);
        self.backplane(&mut text);
        self.files(&mut text);
        self.machine(&mut text);
        text.0
    }

    fn people(&self, text: &mut Exposition) {
        let figures = self.hub.figures();
        text.gauge("chatroom_members", "Members of the room.", figures.members);
        text.gauge(
            "chatroom_nameless_connections",
            "Connections that have given no name yet.",
            figures.nameless,
        );
        text.gauge(
            "chatroom_departing_connections",
            "Connections that have left and are still being sent what they are owed.",
            figures.departing,
        );
        text.gauge(
            "chatroom_websocket_connections",
            "Connections that came by the page's WebSocket, in the room or not.",
            figures.websockets,
        );
        let counters = self.hub.counters();
        text.counter(
            "chatroom_connections_accepted_total",
            "Connections that came in.",
            counters.accepted,
        );
        let name = "chatroom_connections_refused_total";
        text.family(name, "counter", "Connections that were turned away.");
        for (reason, count) in counters.refused() {
            text.sample(name, &[("reason", reason)], count);
        }
        let name = "chatroom_tls_handshakes_total";
        text.family(name, "counter", "TLS handshakes that came to their end.");
        for (result, count) in [
            ("completed", self.handshakes.completed),
            ("failed", self.handshakes.failed),
        ] {
            text.sample(name, &[("result", &result)], count);
        }
        let name = "chatroom_disconnects_total";
        text.family(name, "counter", "Connections that ended.");
        for why in Disconnect::ALL {
            let count = self.hub.disconnects().of(why);
            text.sample(name, &[("reason", &why)], count);
        }
    }

    fn traffic(&self, text: &mut Exposition) {
        let (counters, figures) = (self.hub.counters(), self.hub.figures());
        for (name, help, count) in [
            (
                "chatroom_received_lines_total",
                "Lines heard, commands and names among them.",
                counters.lines_in,
            ),
            (
                "chatroom_received_bytes_total",
                "Bytes read from connections.",
                counters.bytes_in,
            ),
            (
                "chatroom_deliveries_total",
                "Lines owed to members, each once for each it goes to.",
                figures.deliveries,
            ),
            (
                "chatroom_sent_bytes_total",
                "Bytes written to connections.",
                counters.bytes_out,
            ),
            (
                "chatroom_slowed_senders_total",
                "Times somebody was slowed for saying more than the rate allows.",
                counters.slowed,
            ),
            (
                "chatroom_log_lines_dropped_total",
                "Lines of the log that were lost.",
                logging::lost(),
            ),
        ] {
            text.counter(name, help, count);
        }
    }

    fn readers(&self, text: &mut Exposition) {
        let figures = self.hub.figures();
        text.counter(
            "chatroom_waiting_seconds_total",
            "How long those in a burst, or everybody, had to wait for others to catch up.",
            figures.waited.as_secs_f64(),
        );
        text.gauge(
            "chatroom_members_behind",
            "Members who take what they are sent slower than it comes.",
            figures.behind,
        );
        text.gauge(
            "chatroom_backlog_used_bytes",
            "How far behind the last of them is.",
            figures.backlog_bytes,
        );
        text.gauge(
            "chatroom_backlog_limit_bytes",
            "How far behind a member may be before it is cut.",
            figures.backlog_bytes_max,
        );
    }

    /// Tells of the backplane, if there is one.
    fn backplane(&self, text: &mut Exposition) {
        let Some(figures) = self.hub.backplane_figures() else {
            return;
        };
        for (name, help, value) in [
            (
                "chatroom_backplane_up",
                "Whether the backplane is connected: 1 or 0.",
                usize::from(figures.up),
            ),
            (
                "chatroom_backplane_nodes",
                "Nodes that the room is on, those whose lease has not lapsed yet.",
                figures.nodes,
            ),
            (
                "chatroom_backplane_members_elsewhere",
                "Members who are connected to other nodes.",
                figures.elsewhere,
            ),
            (
                "chatroom_backplane_waiting_bytes",
                "Bytes of events that the stream has not handed back.",
                figures.waiting_bytes,
            ),
        ] {
            text.gauge(name, help, value);
        }
        for (name, help, count) in [
            (
                "chatroom_backplane_batches_received_total",
                "Batches that the stream has handed back, of all nodes.",
                figures.batches_in,
            ),
            (
                "chatroom_backplane_batches_published_total",
                "Batches published, those published again among them.",
                figures.batches_out,
            ),
            (
                "chatroom_backplane_refused_events_total",
                "Events that could not happen any more when their turn came.",
                figures.refused,
            ),
            (
                "chatroom_backplane_malformed_total",
                "Batches and events in the stream that no node can have written.",
                figures.malformed,
            ),
        ] {
            text.counter(name, help, count);
        }
    }

    fn machine(&self, text: &mut Exposition) {
        let name = "chatroom_loop_turn_seconds";
        text.family(name, "histogram", "How long the turns of the loop took.");
        let mut count = 0;
        for (index, more) in self.turns.buckets.iter().enumerate() {
            count += more;
            let bound = BOUNDS_US.get(index);
            let bound = bound.map(|&us| Duration::from_micros(us).as_secs_f64());
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
            text.sample(&format!("{name}_bucket"), &[("le", &bound)], count);
        }
        text.sample(&format!("{name}_sum"), &[], self.turns.total.as_secs_f64());
        text.sample(&format!("{name}_count"), &[], count);
        if let Some(bytes) = self.process.resident_bytes() {
            text.gauge("process_resident_memory_bytes", "Resident memory.", bytes);
        }
        text.gauge(
            "process_start_time_seconds",
            "When the process started, since 1970.",
            self.process.started.as_secs_f64(),
        );
    }
}

/// Prometheus' text format, 0.0.4.
#[derive(Debug, Default)]
struct Exposition(String);

/// Writing to a string can't fail.
impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.0.push_str(name);
        // No label here holds a quote, a backslash or a line end.
        for (index, (label, value)) in labels.iter().enumerate() {
            let start = if index == 0 { '{' } else { ',' };
            write!(self.0, "{start}{label}=\"{value}\"").ok();
        }
        let end = if labels.is_empty() { "" } else { "}" };
        writeln!(self.0, "{end} {value}").ok();
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help);
        self.sample(name, &[], value);
    }
}
