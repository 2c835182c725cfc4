//! Lines of the room as scripts want them.

use super::clock::Clock;
use super::event::Event;
use super::incoming::Fragment;
use super::options::Options;
use super::theme::Theme;

/// Writes fragments of lines as the options ask for; byte for byte as they came if they ask nothing.
#[derive(Debug)]
pub(super) struct Printer {
    quiet: bool,
    theme: Theme,
    clock: Option<Clock>,
    /// The line whose fragments are coming is left out.
    skipping: bool,
}

impl Printer {
    /// Returns a printer for what `options` ask for.
    pub(super) fn new(options: &Options, theme: Theme) -> Self {
        Self {
            quiet: options.quiet,
            theme,
            clock: (options.timestamps == Some(true)).then(Clock::default),
            skipping: false,
        }
    }

    /// Adds `fragment` to `shown`; `me` is the name of the one who reads it.
    pub(super) fn print(&mut self, fragment: &Fragment, me: &str, shown: &mut Vec<u8>) {
        let as_it_came = self.theme.is_plain();
        // To know what a line tells takes longer than to copy it.
        let event = match fragment.whole() {
            Some(_) if self.quiet || !as_it_came => Some(Event::of(fragment)),
            _ => None,
        };
        if fragment.starts {
            self.skipping = self.quiet && event.as_ref().is_some_and(|event| !event.is_talk());
        }
        if self.skipping {
            return;
        }
        if fragment.starts {
            self.print_time(None, shown);
        }
        match event {
            Some(event) if !as_it_came => {
                let line = self.theme.show(&event, me).text;
                shown.extend_from_slice(line.as_bytes());
            }
            _ => shown.extend_from_slice(fragment.text.as_bytes()),
        }
        if fragment.ends {
            shown.push(b'\n');
        }
    }

    /// Adds what a server that speaks in objects tells, and when it says it was.
    pub(super) fn print_event(
        &mut self,
        event: &Event,
        me: &str,
        at_ms: Option<u64>,
        shown: &mut Vec<u8>,
    ) {
        if self.quiet && !event.is_talk() {
            return;
        }
        self.print_time(at_ms, shown);
        let line = self.theme.show(event, me).text;
        shown.extend_from_slice(line.as_bytes());
        shown.push(b'\n');
    }

    fn print_time(&mut self, at_ms: Option<u64>, shown: &mut Vec<u8>) {
        if let Some(clock) = &mut self.clock {
            let time = self.theme.dim(&clock.minute(at_ms));
            shown.extend_from_slice(time.as_bytes());
            shown.push(b' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::colours::Depth;
    use super::*;

    fn printed(printer: &mut Printer, text: &str, starts: bool, ends: bool) -> String {
        let fragment = Fragment {
            text: text.to_owned(),
            starts,
            ends,
        };
        let mut shown = Vec::new();
        printer.print(&fragment, "me", &mut shown);
        String::from_utf8(shown).unwrap()
    }

    fn printer(quiet: bool, timestamps: bool) -> Printer {
        Printer {
            quiet,
            theme: Theme::new(Depth::None, false),
            clock: timestamps.then(Clock::default),
            skipping: false,
        }
    }

    #[test]
    fn quiet_leaves_the_talk() {
        let mut printer = printer(true, false);
        for (line, shown) in [
            ("Please enter your name:", false),
            ("Chat with your friends and enjoy", false),
            ("ali is joined to the chatroom!", false),
            ("ali: hi", true),
            ("* ali waves", true),
            ("ali (privately): psst", true),
            (
                "* Your line was not sent: it is longer than 4096 bytes.",
                false,
            ),
            ("ali has left the chatroom!", false),
        ] {
            let expected = if shown {
                format!("{line}\n")
            } else {
                String::new()
            };
            assert_eq!(printed(&mut printer, line, true, true), expected);
        }
    }

    #[test]
    fn a_line_in_fragments_has_one_time() {
        let mut printer = printer(false, true);
        let start = printed(&mut printer, "ali: ", true, false);
        assert_eq!(
            (start.len(), &start[2..3], &start[5..]),
            (11, ":", " ali: ")
        );
        assert_eq!(printed(&mut printer, "hi", false, true), "hi\n");
    }
}
