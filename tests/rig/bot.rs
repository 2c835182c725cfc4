//! A program in the room, told in JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::common::{PROMPT, Peer, Server};
use crate::table::Table;

/// Somebody who is told in JSON; every line is held to the README.
pub(crate) struct Bot {
    pub(crate) peer: Peer,
    pub(crate) table: Table,
    pub(crate) seen: BTreeSet<String>,
    pub(crate) hello: Value,
    pub(crate) welcome: Value,
}

impl Bot {
    /// Connects, and asks for JSON.
    pub(crate) fn connect(server: &Server) -> Self {
        let mut bot = Self {
            peer: server.connect(),
            table: Table::read(),
            seen: BTreeSet::new(),
            hello: Value::Null,
            welcome: Value::Null,
        };
        bot.peer.expect(PROMPT);
        bot.peer.say("/json");
        bot.hello = bot.next();
        assert_eq!(bot.hello["event"], "hello");
        bot
    }

    /// Comes in under a name, and is told who is here.
    pub(crate) fn join(server: &Server, name: &str) -> Self {
        let mut bot = Self::connect(server);
        bot.send(&json!({"name": name}));
        bot.welcome = bot.expect("welcome", json!({"name": name, "resumed": false}));
        bot.expect("members", json!({"more": 0}));
        bot
    }

    pub(crate) fn send(&self, object: &Value) {
        self.peer.say(object.to_string());
    }

    pub(crate) fn say(&self, id: &str, line: &str) {
        self.send(&json!({"id": id, "line": line}));
    }

    /// Waits for a line.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        let line = self.peer.line();
        self.seen.insert(self.table.check(&line));
        serde_json::from_str(&line).unwrap()
    }

    /// Waits for a line, which must be of a kind and have these members.
    #[track_caller]
    pub(crate) fn expect(&mut self, kind: &str, members: Value) -> Value {
        let object = self.next();
        assert_eq!(object["event"], kind, "{object}");
        for (name, value) in members.as_object().unwrap() {
            assert_eq!(&object[name], value, "{name} in {object}");
        }
        object
    }

    /// Returns what brings it back, knowing everything up to `seq`.
    pub(crate) fn resume(&self, seq: &Value, name: &str) -> Value {
        let (boot, token) = (&self.hello["boot"], &self.welcome["token"]);
        json!({"resume": {"boot": boot, "seq": seq, "name": name, "token": token}})
    }
}
