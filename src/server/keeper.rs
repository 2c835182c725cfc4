//! What outlives the server, and what is read for it: between the hub and the files.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use log::{error, info};
use mio::Registry;
use mio::net::TcpStream;

use super::sources::Source;
use super::{Options, boot, since_epoch};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::hub::limits::Limits;
use crate::room::Access;
use crate::store::lists::Files;
use crate::store::{self, Health, Store, record, state};
use crate::tick::Tick;

/// How often what is over is looked for.
const LAPSE_EVERY: Duration = Duration::from_hours(1);

/// How many lines of a record are looked through for one that newcomers are shown: not all are told
/// to plain people.
const LINES_FOR_ONE: usize = 8;

/// Brings what is to outlive the server to the files, and what they say to the hub.
#[derive(Debug)]
pub(super) struct Keeper {
    store: Option<Store>,
    files: Files,
    /// When what is over is looked for next.
    lapse_at: Option<Tick>,
}

impl Keeper {
    /// Opens the files, and returns a hub that goes on where the last one ended.
    ///
    /// # Errors
    /// Says which file can't be had or understood.
    pub(super) fn open(
        options: &Options,
        limits: Limits,
        registry: &Registry,
    ) -> Result<(Self, Hub<TcpStream>), Failure> {
        let paths = &options.paths;
        let tokens = store::Tokens {
            pipe: Source::Writer.into(),
            reports: Source::Reports.into(),
        };
        // First, so that nobody else writes to what is read next.
        let store = paths.any().then(|| Store::open(paths, registry, tokens));
        let store = store.transpose()?;
        let access = read_state(options)?;
        let mut hub = Hub::with(limits, Tick::START, &boot(), access);
        hub.set_time_of_day(since_epoch().as_millis() as u64);
        if let Some(path) = &paths.record {
            let lines = limits.history_lines.saturating_mul(LINES_FOR_ONE);
            let past = record::tail(path, lines);
            let past = past
                .map_err(|error| Failure::new(format!("can't read {}: {error}", path.display())))?;
            if options.backplane.is_none() {
                hub.recall(&past);
            }
            hub.begin_record();
        }
        hub.set_lists(options.files.read().map_err(Failure::new)?);
        let keeper = Self {
            store,
            files: options.files.clone(),
            lapse_at: hub
                .room()
                .access()
                .keeps()
                .then_some(Tick::START + LAPSE_EVERY),
        };
        Ok((keeper, hub))
    }

    /// Hands over what has happened since.
    pub(super) fn keep(&mut self, hub: &mut Hub<TcpStream>, now: Tick) {
        if self.lapse_at.take_if(|at| *at <= now).is_some() {
            hub.lapse();
            self.lapse_at = Some(now + LAPSE_EVERY);
        }
        let Some(store) = &mut self.store else {
            return;
        };
        if let Some(record) = hub.record_mut() {
            store.record(record);
            record.clear();
        }
        let access = hub.room().access();
        if store.wants_state(access.version(), now) {
            store.save(&state::write(access), access.version(), now);
        }
        store.flush();
    }

    /// Returns how the files are doing, if any are written.
    pub(super) fn health(&self) -> Option<Health> {
        self.store.as_ref().map(Store::health)
    }

    /// Returns when something is due.
    pub(super) fn deadline(&self, hub: &Hub<TcpStream>) -> Option<Tick> {
        let version = hub.room().access().version();
        let store = self.store.as_ref();
        let store = store.and_then(|store| store.deadline(version));
        store.into_iter().chain(self.lapse_at).min()
    }

    /// Lets the writer have more.
    pub(super) fn flush(&mut self) {
        if let Some(store) = &mut self.store {
            store.flush();
        }
    }

    /// Logs what the writer says.
    pub(super) fn listen(&mut self, now: Tick) {
        if let Some(store) = &mut self.store {
            store.listen(now);
        }
    }

    /// Starts another writer if the last has ended.
    pub(super) fn restart_if_due(&mut self, registry: &Registry, now: Tick) {
        if let Some(store) = &mut self.store {
            store.restart_if_due(registry, now);
        }
    }

    /// Reads the lists anew, and lets the record's file be opened anew. Where a list is wrong all stay
    /// as they are.
    pub(super) fn reload(&mut self, hub: &mut Hub<TcpStream>) {
        if let Some(store) = &mut self.store {
            store.reopen();
            store.flush();
        }
        match self.files.read() {
            Ok(lists) => {
                hub.set_lists(lists);
                info!("The lists are read anew, the record is opened anew.");
            }
            Err(why) => error!("the lists stay as they were: {why}"),
        }
    }

    /// Lets everything be written that is left.
    pub(super) fn finish(&mut self, hub: &mut Hub<TcpStream>) {
        let Some(mut store) = self.store.take() else {
            return;
        };
        if let Some(record) = hub.record_mut() {
            store.record(record);
        }
        let access = hub.room().access();
        if access.keeps() {
            store.save(&state::write(access), access.version(), Tick::START);
        }
        store.finish();
    }
}

fn read_state(options: &Options) -> Result<Access, Failure> {
    let Some(path) = &options.paths.state else {
        if options.backplane.is_some() {
            // The other machines keep it.
            return Ok(Access::new(options.keeping));
        }
        return Ok(Access::default());
    };
    let failed = |why: String| Failure::new(format!("{}: {why}", path.display()));
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Access::new(options.keeping)),
        Err(error) => Err(failed(error.to_string())),
        Ok(text) => {
            let now_ms = since_epoch().as_millis() as u64;
            state::read(&text, options.keeping, now_ms).map_err(failed)
        }
    }
}

/// What the room keeps, in words; nothing where it keeps nothing.
pub(super) struct Kept<'a>(pub(super) &'a Access);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = self.0;
        if !access.keeps() {
            return Ok(());
        }
        let operators = access.kept().filter(|kept| kept.operator).count();
        write!(
            f,
            "; {} names kept ({operators} of operators), {} bans, {} muted",
            access.kept().count(),
            access.bans().count(),
            access.mutes().count(),
        )?;
        f.write_str(if access.is_locked() { ", locked" } else { "" })
    }
}
