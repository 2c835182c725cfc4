//! Random lives of a room that is kept in order: operators, kept names, bans, mutes, ignores, ghosts
//! that make place, and new starts from what was written down. A model that knows no more than the
//! rules says after each step who must be here and who must have heard what.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use chatroom::room::Name;
use chatroom::room::access::{Access, Kept, Key};
use chatroom::store::state;
use chatroom::wire::plain::GREETING;

use crate::rig::drive::Drive;
use crate::rig::random::Random;
use crate::rig::screen::Screen;
use crate::rig::wire::{EVERYTHING, Mischief, Wire};
use crate::rules::{self, Guesses, KEEPING, Keepers, Model, NAMES, Person, limits, wrong};

const STEPS: usize = 150;
const DAY_MS: u64 = 86_400_000;

struct World {
    drive: Drive,
    random: Random,
    model: Model,
    now_ms: u64,
    lines: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let key = Key::from_bytes([7; 16]);
        let mut access = Access::new(KEEPING);
        let kept = Kept {
            name: Name::parse("chief").unwrap(),
            hash: key.hash(),
            operator: true,
            used_ms: 0,
        };
        access.restore_kept(kept).unwrap();
        let mut model = Model::default();
        model.kept.insert("chief", (key, true));
        let mut world = Self {
            drive: Drive::with(limits(), access),
            random: Random::new(seed),
            model,
            now_ms: 1_764_079_201_000,
            lines: 0,
        };
        world.drive.hub.set_time_of_day(world.now_ms);
        world
    }

    fn step(&mut self) {
        // Often so little that an address has not rested from what it tried before.
        let most = *self.random.pick(&[200, 2000, 20_000]);
        let ms = self.random.below(most) as u64;
        self.pass(ms);
        match self.random.below(14) {
            0 if self.random.one_in(4) => self.guess(),
            0..4 => self.come(),
            4 if self.random.one_in(2) => self.leave(),
            5 if self.random.one_in(12) => self.start_anew(),
            4..8 => self.speak(),
            8..12 => self.order(),
            _ => self.keep_or_ignore(),
        }
        self.check();
    }

    /// Lets time pass, by both of the hub's clocks.
    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.drive.hub.set_time_of_day(self.now_ms);
        self.drive.pass(Duration::from_millis(ms));
    }

    /// Lets somebody connect from one of a few addresses, and answer the prompt.
    fn come(&mut self) {
        let address = IpAddr::from([10, 0, 0, self.random.below(4) as u8]);
        // An operator is seldom away for long.
        let often = self.random.below(4 * NAMES.len() / 3);
        let name = NAMES.get(often).copied().unwrap_or(NAMES[0]);
        let key = match self.random.below(8) {
            0 => None,
            1 => Some(wrong()),
            _ => self.model.kept.get(name).map(|&(key, _)| key),
        };
        self.come_as(address, name, key);
    }

    /// Lets somebody try wrong keys, one after the other.
    fn guess(&mut self) {
        let address = IpAddr::from([10, 0, 0, self.random.below(4) as u8]);
        for _ in 0..self.random.below(12) {
            self.come_as(address, NAMES[0], Some(wrong()));
        }
    }

    fn come_as(&mut self, address: IpAddr, name: &'static str, key: Option<Key>) {
        let is_banned = self.model.banned_addresses.get(&address);
        let is_banned = is_banned.is_some_and(|&until| self.now_ms < until);
        assert_eq!(
            self.drive.hub.admit(address).is_err(),
            is_banned,
            "{address}"
        );
        if is_banned {
            return;
        }
        let mischief = Mischief::Chance(Random::new(self.random.next()));
        let mut wire = Wire::new(EVERYTHING, mischief, Screen::Keeps(Vec::new()));
        wire.address = address;
        let peer = self.drive.accept(wire);
        let kept = self.model.kept.get(name).map(|&(key, _)| key);
        let line = match key {
            Some(key) => format!("{name} {}", key.reveal()),
            None => name.to_owned(),
        };
        self.drive.say(peer, &line);
        self.drive.settle();
        let heard = self.drive.heard(peer);
        let guesses = &mut self.model.guesses;
        let put_off = key.and_then(|_| guesses.refusal(address, self.now_ms));
        assert_eq!(rules::refusal_in(&heard), put_off.as_deref(), "{line}");
        if put_off.is_none() && key.is_some() && kept.is_some() && key != kept {
            guesses.note_wrong(address, self.now_ms);
        }
        let is_in = heard.contains(GREETING);
        let banned = self.model.banned_names.get(name);
        let is_free = self.model.at(name).is_none();
        let may = put_off.is_none()
            && banned.is_none_or(|&until| self.now_ms >= until)
            && match (key, kept) {
                (None, None) => is_free && !self.model.locked,
                // The holder of a kept name is its keeper: a ghost by now.
                (Some(key), Some(kept)) => key == kept,
                _ => false,
            };
        assert_eq!(is_in, may, "{line}: {:?}", self.model);
        if !may {
            self.drive.wire(peer).reset();
            self.drive.settle();
            return;
        }
        if let Some(ghost) = self.model.at(name) {
            self.is_gone(ghost);
        }
        self.model.here.push(Person {
            peer,
            address,
            name,
            keeps: kept.map(|_| name),
            ignores: BTreeSet::new(),
        });
    }

    fn leave(&mut self) {
        if self.model.here.is_empty() {
            return;
        }
        let at = self.random.below(self.model.here.len());
        let peer = self.model.here.remove(at).peer;
        if self.random.one_in(2) {
            self.drive.wire(peer).reset();
        } else {
            self.drive.say(peer, "/quit");
        }
        self.drive.settle();
    }

    /// Takes note that somebody's connection must have ended.
    fn is_gone(&mut self, at: usize) {
        let person = self.model.here.remove(at);
        let wire = self.drive.wire(person.peer);
        assert!(
            wire.dropped || wire.told_end,
            "{} is still here",
            person.name
        );
    }

    fn speak(&mut self) {
        let Some(at) = self.somebody() else {
            return;
        };
        self.lines += 1;
        let speaker = &self.model.here[at];
        let (name, text) = (speaker.name, format!("#{}", self.lines));
        let muted = self.model.muted.get(name);
        let is_heard = muted.is_none_or(|&until| self.now_ms >= until);
        self.drive.say(speaker.peer, &text);
        self.drive.settle();
        let line = format!("{name}: {text}\n");
        for person in &self.model.here {
            let hears = is_heard && person.name != name && !person.ignores.contains(name);
            let count = self.drive.heard(person.peer).matches(&line).count();
            assert_eq!(count, usize::from(hears), "{} hears {line}", person.name);
        }
    }

    fn somebody(&mut self) -> Option<usize> {
        let count = self.model.here.len();
        (count > 0).then(|| self.random.below(count))
    }

    fn keep_or_ignore(&mut self) {
        let Some(at) = self.somebody() else {
            return;
        };
        let Person {
            peer,
            address,
            name,
            keeps,
            ..
        } = self.model.here[at];
        self.drive.heard(peer);
        if self.random.one_in(2) {
            let other = *self.random.pick(&NAMES);
            self.drive.say(peer, &format!("/ignore {other}"));
            self.drive.settle();
            if other != name && self.model.at(other).is_some() {
                self.model.here[at].ignores.insert(other);
            }
        } else if keeps.is_none() && self.random.one_in(2) {
            let has_place = self.model.kept.len() < KEEPING.names_max
                && self.model.keepers.take(address, self.now_ms);
            self.drive.say(peer, "/keep");
            self.drive.settle();
            let told = self.drive.heard(peer);
            let key = told
                .lines()
                .find_map(|line| line.split_once("shown only now: "));
            assert_eq!(key.is_some(), has_place, "{told}");
            if let Some((_, key)) = key {
                self.model
                    .kept
                    .insert(name, (Key::parse(key).unwrap(), false));
                self.model.here[at].keeps = Some(name);
            }
        } else {
            let operators = self.model.kept.values().filter(|kept| kept.1).count();
            let stays = self.model.is_operator(at) && operators == 1;
            self.drive.say(peer, "/unkeep");
            self.drive.settle();
            if let Some(name) = keeps.filter(|_| !stays) {
                self.model.kept.remove(name);
                self.model.here[at].keeps = None;
            }
        }
    }

    /// Lets somebody give an order; nothing comes of it unless it is an operator.
    fn order(&mut self) {
        let Some(anybody) = self.somebody() else {
            return;
        };
        let operators = (0..self.model.here.len()).filter(|&at| self.model.is_operator(at));
        let operators: Vec<usize> = operators.collect();
        let at = if operators.is_empty() || self.random.one_in(4) {
            anybody
        } else {
            *self.random.pick(&operators)
        };
        let other = *self.random.pick(&NAMES);
        let until = self.now_ms + 60_000;
        let kind = self.random.below(9);
        let line = match kind {
            0 => format!("/kick {other}"),
            1 => format!("/ban {other} for 1m"),
            2 => format!("/unban {other}"),
            3 => format!("/mute {other} for 1m"),
            4 => format!("/unmute {other}"),
            5 => "/lock".to_owned(),
            6 => "/unlock".to_owned(),
            7 => format!("/op {other}"),
            _ => format!("/deop {other}"),
        };
        let (peer, address) = (self.model.here[at].peer, self.model.here[at].address);
        self.drive.say(peer, &line);
        self.drive.settle();
        if !self.model.is_operator(at) {
            return;
        }
        let own = self.model.here[at].name;
        let target = self.model.at(other);
        let is_protected = match target {
            Some(target) => self.model.is_operator(target),
            None => self.model.kept.get(other).is_some_and(|kept| kept.1),
        };
        let may = other != own && !is_protected;
        let operators = self.model.kept.values().filter(|kept| kept.1).count();
        match (kind, target) {
            (0, Some(target)) if may => self.is_gone(target),
            (1, target) if may => {
                self.model.banned_names.insert(other, until);
                let theirs = target.map(|target| self.model.here[target].address);
                let theirs = theirs.filter(|theirs| *theirs != address);
                if let Some(theirs) = theirs {
                    let before = self.model.banned_addresses.entry(theirs).or_default();
                    *before = (*before).max(until);
                }
                let is_held = |world: &Self, at: usize| {
                    let person = &world.model.here[at];
                    let held = person.name == other || Some(person.address) == theirs;
                    held && !world.model.is_operator(at)
                };
                while let Some(at) = (0..self.model.here.len()).find(|&at| is_held(self, at)) {
                    self.is_gone(at);
                }
            }
            (2, _) => self.unban(other),
            (3, _) if may => drop(self.model.muted.insert(other, until)),
            (4, _) => drop(self.model.muted.remove(other)),
            (5 | 6, _) => self.model.locked = kind == 5,
            (7, _) => {
                self.model
                    .kept
                    .entry(other)
                    .and_modify(|kept| kept.1 = true);
            }
            (8, _) if operators > 1 => {
                self.model
                    .kept
                    .entry(other)
                    .and_modify(|kept| kept.1 = false);
            }
            _ => {}
        }
    }

    /// The ban of a name holds the address it had with it; what else holds that address stays.
    fn unban(&mut self, name: &str) {
        self.model.banned_names.remove(name);
        let access = self.drive.hub.room().access();
        let now_ms = self.now_ms;
        self.model.banned_addresses.retain(|address, until| {
            let left = access.bans().filter(|ban| ban.until.holds(now_ms));
            let left = left.filter(|ban| ban.block.is_some_and(|block| block.contains(address)));
            let left = left.filter_map(|ban| ban.until.0).max();
            *until = left.unwrap_or(0);
            left.is_some()
        });
    }

    /// Ends the server, and starts another from what was written down.
    fn start_anew(&mut self) {
        let text = state::write(self.drive.hub.room().access());
        let access = state::read(&text, KEEPING, self.now_ms).unwrap();
        self.drive = Drive::with(limits(), access);
        self.model.here.clear();
        self.model.guesses = Guesses::default();
        self.model.keepers = Keepers::default();
        self.model.round_up();
        self.drive.hub.set_time_of_day(self.now_ms);
        let text = state::write(self.drive.hub.room().access());
        let again = state::read(&text, KEEPING, self.now_ms).unwrap();
        assert_eq!(state::write(&again), text);
        if self.random.one_in(8) {
            // Longer than any ban or mute, but not than an unused name is kept.
            self.pass(DAY_MS);
            self.drive.hub.lapse();
            assert_eq!(self.drive.hub.room().access().bans().count(), 0);
        }
    }

    fn check(&self) {
        let room = self.drive.hub.room();
        let names: BTreeSet<&str> = room.names().iter().collect();
        let here: BTreeSet<&str> = self.model.here.iter().map(|person| person.name).collect();
        assert_eq!(names, here, "{:?}", self.model);
        let kept = room.access().kept();
        let kept: Vec<_> = kept
            .map(|kept| (kept.name.as_str(), kept.operator))
            .collect();
        let known = self.model.kept.iter();
        let known: Vec<_> = known
            .map(|(&name, &(_, operator))| (name, operator))
            .collect();
        assert_eq!(kept, known);
        assert!(
            kept.iter().any(|&(_, operator)| operator),
            "nobody is an operator"
        );
        assert_eq!(room.access().is_locked(), self.model.locked);
        for person in &self.model.here {
            assert!(self.drive.is_open(person.peer), "{} was ended", person.name);
        }
    }
}

#[test]
fn a_room_that_is_kept_in_order_keeps_its_promises() {
    crate::for_each_seed(|seed| {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
    });
}
