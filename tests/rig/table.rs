//! The README's table of what is sent to programs, and whether a line is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::{Discriminant, discriminant};

use serde_json::{Map, Value};

/// The kinds of messages that the README tells of, each with its members.
#[derive(Debug)]
pub(crate) struct Table(BTreeMap<String, Members>);

/// The members of one kind: each with its type, and whether it may be left out.
type Members = BTreeMap<String, (Discriminant<Value>, bool)>;

impl Table {
    /// Reads the table.
    pub(crate) fn read() -> Self {
        let mut kinds = BTreeMap::<String, Members>::new();
        let examples = include_str!("../../README.md").split('`');
        for example in examples.filter(|text| text.starts_with("{\"event\":")) {
            let (kind, object) = parse(example);
            let known = kinds.contains_key(&kind);
            let members = kinds.entry(kind).or_default();
            for (name, value) in &object {
                let member = (discriminant(value), known);
                members.entry(name.clone()).or_insert(member);
            }
            for (name, (_, may_lack)) in members {
                *may_lack |= !object.contains_key(name);
            }
        }
        Self(kinds)
    }

    /// Returns the kinds that it has.
    pub(crate) fn kinds(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    /// Panics if a line is not one of those; returns its kind.
    pub(crate) fn check(&self, line: &str) -> String {
        let (kind, object) = parse(line);
        let members = self.0.get(&kind);
        let members = members.unwrap_or_else(|| panic!("the README has no such event: {line}"));
        for (name, value) in &object {
            let kind = members.get(name).map(|(kind, _)| kind);
            assert_eq!(kind, Some(&discriminant(value)), "{name} in {line}");
        }
        for (name, (_, may_lack)) in members {
            assert!(
                *may_lack || object.contains_key(name),
                "no {name} in {line}"
            );
        }
        kind
    }
}

fn parse(line: &str) -> (String, Map<String, Value>) {
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => (object["event"].as_str().unwrap().to_owned(), object),
        other => panic!("no object: {other:?}: {line}"),
    }
}
