//! Whom the person doesn't want to hear.

use super::event::Event;

/// The most names ignored.
const NAMES_MAX: usize = 1000;

/// The names ignored, and what those people are called meanwhile.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    names: Vec<String>,
    renamed: Vec<String>,
}

impl Ignored {
    /// Returns a list of `names`.
    pub(super) fn new(names: Vec<String>) -> Self {
        Self {
            names,
            renamed: Vec::new(),
        }
    }

    /// Returns the names, as they were given.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Adds a name; `false` if it is there, or there are too many.
    pub(super) fn add(&mut self, name: &str) -> bool {
        let fits = !self.has(name) && self.names.len() < NAMES_MAX;
        if fits {
            self.names.push(name.to_owned());
        }
        fits
    }

    /// Removes a name; `false` if it is not there.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let before = self.names.len() + self.renamed.len();
        self.names.retain(|ignored| !is_same(ignored, name));
        self.renamed.retain(|ignored| !is_same(ignored, name));
        self.names.len() + self.renamed.len() < before
    }

    /// Returns whether an event is of somebody ignored; follows them to other names.
    pub(super) fn hides(&mut self, event: &Event) -> bool {
        let (Event::Said { name, .. }
        | Event::SaidPrivately { name, .. }
        | Event::Did { name, .. }
        | Event::Joined(name)
        | Event::Left(name)
        | Event::Renamed { from: name, .. }) = event
        else {
            return false;
        };
        if !self.has(name) {
            return false;
        }
        match event {
            Event::Renamed { to, .. } if !self.has(to) && self.renamed.len() < NAMES_MAX => {
                self.renamed.push(to.clone());
            }
            Event::Left(_) => self.renamed.retain(|ignored| !is_same(ignored, name)),
            _ => {}
        }
        true
    }

    fn has(&self, name: &str) -> bool {
        let mut all = self.names.iter().chain(&self.renamed);
        all.any(|ignored| is_same(ignored, name))
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str) -> Event {
        Event::Said {
            name: name.to_owned(),
            text: "hi".to_owned(),
        }
    }

    #[test]
    fn somebody_ignored_is_followed_to_another_name() {
        let mut ignored = Ignored::new(vec!["Bob".to_owned()]);
        assert!(ignored.hides(&said("bob")) && !ignored.hides(&said("ali")));
        assert!(!ignored.add("BOB") && ignored.add("eve"));
        assert!(ignored.hides(&Event::Renamed {
            from: "bob".to_owned(),
            to: "robert".to_owned(),
        }));
        assert!(ignored.hides(&said("Robert")));
        assert!(ignored.hides(&Event::Left("robert".to_owned())));
        assert!(!ignored.hides(&said("robert")), "somebody else by now");
        assert!(ignored.remove("bob") && !ignored.remove("bob"));
        assert_eq!(ignored.names(), ["eve"]);
        assert!(!ignored.hides(&Event::Notice("bob".to_owned())));
    }
}
