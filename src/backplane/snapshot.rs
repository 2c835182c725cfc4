//! A snapshot: the room as it is after a certain batch, so that a node need not hear all from the start.
//! How it is written, in parts of lines of JSON, and read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::event::Text;
use super::state::{Present, Row};
use super::{SNAPSHOT_PART_BYTES_MAX, SNAPSHOT_PARTS_MAX};

/// The version of snapshots; another one is not understood by who knows this.
const VERSION: u32 = 2;

/// What is put before the lines of a part, at most, in bytes.
const HEAD_BYTES_MAX: usize = 512;

/// When a snapshot was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The stream, by what names it among all that were ever there.
    #[serde(default)]
    pub stream: String,
    /// The sequence of the last batch that it knows of.
    pub seq: u64,
    /// The number of the last event that everybody was told of.
    pub events: u64,
    /// The time of the last batch, in milliseconds since 1970.
    pub time: u64,
}

/// A snapshot.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// When it was taken.
    pub moment: Moment,
    /// What it says, those lines of it that can be understood.
    pub lines: Vec<Line<'a>>,
}

/// How each part begins.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    v: u32,
    part: usize,
    parts: usize,
    #[serde(flatten)]
    moment: Moment,
}

/// One line of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line<'a> {
    /// A node, and the counter of its last batch that counted.
    Node(#[serde(borrow)] Text<'a>, u64),
    /// The same of a node that is gone.
    Gone(#[serde(borrow)] Text<'a>, u64),
    /// What the room keeps.
    Keeps(#[serde(borrow)] Row<'a>),
    /// Who is in it.
    Here(#[serde(borrow)] Present<'a>),
    /// What was said lately, as a line of a record.
    Past(#[serde(borrow)] Cow<'a, str>),
}

impl Line<'_> {
    /// Returns the line as JSON, with its line end.
    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// Returns the parts of a snapshot of these lines, each as [`Line::written`]; nothing if they would be
/// too many.
#[must_use]
pub fn parts(moment: &Moment, lines: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let mut bodies: Vec<Vec<u8>> = vec![Vec::new()];
    for line in lines {
        let full =
            |body: &Vec<u8>| body.len() + line.len() > SNAPSHOT_PART_BYTES_MAX - HEAD_BYTES_MAX;
        if bodies.last().is_none_or(full) {
            bodies.push(Vec::new());
        }
        if let Some(body) = bodies.last_mut() {
            body.extend(line);
        }
    }
    let parts = bodies.len();
    let parts = bodies.into_iter().enumerate().map(|(part, body)| {
        let head = Head {
            v: VERSION,
            part,
            parts,
            moment: moment.clone(),
        };
        let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend(body);
        bytes
    });
    let parts: Vec<_> = parts.collect();
    (parts.len() <= SNAPSHOT_PARTS_MAX).then_some(parts)
}

/// Returns the snapshot that these parts are; nothing if there are none. What an older, longer one had
/// more may follow.
///
/// # Errors
/// Says what is wrong with them.
pub fn gather(parts: &[Vec<u8>]) -> Result<Option<Snapshot<'_>>, &'static str> {
    let mut whole: Option<Head> = None;
    let mut lines = Vec::new();
    for part in parts {
        let mut rest = part.split(|&byte| byte == b'\n');
        let head = rest.next().unwrap_or_default();
        let Ok(head) = serde_json::from_slice::<Head>(head) else {
            return Err("a part is none");
        };
        let next = whole.as_ref().map_or(0, |whole| whole.part + 1);
        let belongs = whole
            .as_ref()
            .is_none_or(|whole| whole.moment == head.moment);
        if whole.as_ref().is_some_and(|whole| whole.parts == next) {
            break;
        }
        if head.v != VERSION || !belongs || head.part != next || head.moment.seq == u64::MAX {
            return Err("its parts don't belong together");
        }
        lines.extend(
            rest.filter(|line| !line.is_empty())
                .filter_map(|line| serde_json::from_slice(line).ok()),
        );
        whole = Some(head);
    }
    let Some(Head {
        moment,
        part,
        parts,
        ..
    }) = whole
    else {
        return Ok(None);
    };
    if part + 1 != parts {
        return Err("a part is missing");
    }
    Ok(Some(Snapshot { moment, lines }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seq: u64) -> Moment {
        Moment {
            stream: "first".to_owned(),
            seq,
            events: 7,
            time: 1,
        }
    }

    fn long(seq: u64) -> Vec<Vec<u8>> {
        let line = Line::Past("x".repeat(300_000).into()).written();
        parts(&moment(seq), vec![line.clone(), line.clone(), line]).unwrap()
    }

    #[test]
    fn parts_are_put_together_again() {
        let parts = long(5);
        assert_eq!(parts.len(), 3);
        let snapshot = gather(&parts).unwrap().unwrap();
        assert_eq!((snapshot.moment, snapshot.lines.len()), (moment(5), 3));
        assert!(gather(&[]).unwrap().is_none());
    }

    #[test]
    fn parts_of_two_snapshots_are_none() {
        let (old, new) = (long(5), long(6));
        let mixed = [new[0].clone(), old[1].clone(), old[2].clone()];
        assert!(gather(&mixed).is_err());
        assert!(gather(&new[..2]).is_err(), "one is missing");
        assert!(gather(&new[1..]).is_err(), "the first is missing");
        assert!(gather(&[b"{}".to_vec()]).is_err());
        // What an older, longer one had more is nothing.
        let short = parts(&moment(7), Vec::new()).unwrap();
        let parts = [short, old].concat();
        assert_eq!(gather(&parts).unwrap().unwrap().moment.seq, 7);
    }

    #[test]
    fn what_is_too_large_is_not_put() {
        let line = vec![b'x'; SNAPSHOT_PART_BYTES_MAX - HEAD_BYTES_MAX];
        let lines = |count| vec![line.clone(); count];
        assert!(parts(&moment(1), lines(SNAPSHOT_PARTS_MAX)).is_some());
        assert!(parts(&moment(1), lines(SNAPSHOT_PARTS_MAX + 1)).is_none());
    }
}
