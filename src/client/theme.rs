//! How the lines of the room look on a screen.

use super::colours::{Colours, Depth};
use super::editor::width;
use super::event::Event;
use crate::line::command::Command;
use crate::wire::plain::{SAYS, SAYS_PRIVATELY, STAR};

/// How lines are shown.
#[derive(Debug)]
pub(super) struct Theme {
    /// With bold, dim and reverse, and with names kept apart from text of another writing direction.
    marks: bool,
    colours: Colours,
}

/// A line to show.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// How many columns from the left further rows of it start.
    pub(super) hang: usize,
    /// It is meant for us: it names us, or nobody else hears it.
    pub(super) calls: bool,
}

impl Shown {
    /// Returns what is no call for anybody.
    fn told(text: String, hang: usize) -> Self {
        Self {
            text,
            hang,
            calls: false,
        }
    }
}

impl Theme {
    /// Returns a theme of that many colours; with `marks`, bold and the like, and names kept apart
    /// from text of another writing direction.
    pub(super) fn new(depth: Depth, marks: bool) -> Self {
        Self {
            marks,
            colours: Colours::new(depth),
        }
    }

    /// Returns whether lines are shown as they came.
    pub(super) fn is_plain(&self) -> bool {
        !self.marks && self.colours.is_empty()
    }

    /// Returns how `event` is shown to the one called `me`.
    pub(super) fn show(&mut self, event: &Event, me: &str) -> Shown {
        match event {
            Event::Said { name, text } => self.show_talk(["", name, SAYS, text], me),
            Event::SaidPrivately { name, text } => self.show_private(name, text),
            Event::Did { name, text } => self.show_talk([STAR, name, " ", text], me),
            Event::AskPassword | Event::Prompt | Event::Entered | Event::Text(_) => {
                Shown::told(event.line(), 0)
            }
            Event::OwnName { .. } | Event::Here { .. } | Event::Notice(_) => {
                Shown::told(self.dim(&event.line()), STAR.len())
            }
            Event::Joined(_) | Event::Left(_) | Event::Renamed { .. } => {
                self.colours.follow(event);
                Shown::told(self.dim(&event.line()), 0)
            }
        }
    }

    /// Takes other colours from now on.
    pub(super) fn set_depth(&mut self, depth: Depth) {
        self.colours = Colours::new(depth);
    }

    fn show_talk(&mut self, [lead, name, middle, text]: [&str; 4], me: &str) -> Shown {
        let isolate =
            self.marks && (name.contains(is_right_to_left) || text.contains(is_right_to_left));
        let mut shown = lead.to_owned();
        if isolate {
            shown.push(FIRST_STRONG_ISOLATE);
        }
        self.put_name(&mut shown, name);
        if isolate {
            shown.push(POP_ISOLATE);
        }
        shown.push_str(middle);
        let calls = self.put_mentions(&mut shown, text, me);
        Shown {
            text: shown,
            hang: width(lead) + width(name) + width(middle),
            calls,
        }
    }

    fn show_private(&mut self, name: &str, text: &str) -> Shown {
        let lead = self.private_lead();
        // Nobody in it is set off: all of it is meant for us.
        let mut shown = self.show_talk([lead, name, SAYS_PRIVATELY, ""], "");
        self.styled(&mut shown.text, PRIVATE, text);
        shown.calls = true;
        shown
    }

    /// Returns what stands before a private line, to be told from others without its style.
    fn private_lead(&self) -> &'static str {
        if self.marks { PRIVATE_SIGN } else { "" }
    }

    /// Returns how a line that we sent is shown, with `me` as what we are called; `None` if it says
    /// nothing to anybody.
    pub(super) fn show_own(&mut self, line: &str, me: &str) -> Option<Shown> {
        let mut shown = String::new();
        let (hang, text) = match Command::parse(line) {
            Command::Say(text) => {
                self.styled(&mut shown, BOLD, me);
                shown.push_str(SAYS);
                (width(me) + SAYS.len(), text)
            }
            Command::Me(text) => {
                shown.push_str(STAR);
                self.styled(&mut shown, BOLD, me);
                shown.push(' ');
                (STAR.len() + width(me) + 1, text)
            }
            Command::Message { to, text } => {
                let lead = self.private_lead();
                shown.push_str(lead);
                self.styled(&mut shown, BOLD, me);
                shown.push_str(PRIVATELY_TO);
                self.put_name(&mut shown, to);
                shown.push_str(PRIVATELY_SAYS);
                let around = PRIVATELY_TO.len() + PRIVATELY_SAYS.len();
                let hang = width(lead) + width(me) + around + width(to);
                self.styled(&mut shown, PRIVATE, text);
                return Some(Shown::told(shown, hang));
            }
            _ => return None,
        };
        shown.push_str(text);
        Some(Shown::told(shown, hang))
    }

    /// Returns how something that we typed is shown if others don't see it.
    pub(super) fn show_typed(&self, line: &str) -> Shown {
        let text = self.dim(&[YOU, SAYS, line].concat());
        Shown::told(text, YOU.len() + SAYS.len())
    }

    /// Returns `text` as something that matters less.
    pub(super) fn dim(&self, text: &str) -> String {
        let mut shown = String::new();
        self.styled(&mut shown, DIM, text);
        shown
    }

    fn styled(&self, shown: &mut String, style: &str, text: &str) {
        if self.marks {
            put_styled(shown, style, text);
        } else {
            shown.push_str(text);
        }
    }

    fn put_name(&mut self, shown: &mut String, name: &str) {
        match self.colours.of(name) {
            Some(colour) => put_styled(shown, colour, name),
            None => shown.push_str(name),
        }
    }

    /// Adds `text` with each mention of `me` set off; returns whether there was one.
    fn put_mentions(&self, shown: &mut String, text: &str, me: &str) -> bool {
        let mut rest = text;
        let mut before = None;
        let mut mentioned = false;
        while let Some(character) = rest.chars().next() {
            let length = match mention(rest, me) {
                Some(length) if !before.is_some_and(char::is_alphanumeric) => {
                    self.styled(shown, REVERSED, &rest[..length]);
                    mentioned = true;
                    length
                }
                _ => {
                    shown.push(character);
                    character.len_utf8()
                }
            };
            before = rest[..length].chars().next_back();
            rest = &rest[length..];
        }
        mentioned
    }
}

/// Returns whether `character` is of a script written from right to left.
fn is_right_to_left(character: char) -> bool {
    matches!(
        character,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}

/// Returns the length of `me` where `text` starts with it as a whole word, in any case.
fn mention(text: &str, me: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    let mut end = None;
    for wanted in me.chars() {
        let (at, character) = characters.next()?;
        if !character.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
        end = Some(at + character.len_utf8());
    }
    end.filter(|&end| !text[end..].starts_with(char::is_alphanumeric))
}

fn put_styled(shown: &mut String, style: &str, text: &str) {
    shown.extend(["\x1b[", style, "m", text, "\x1b[0m"]);
}

/// What we are called on our own screen.
pub(super) const YOU: &str = "you";

/// What stands around the name of somebody we wrote to alone.
const PRIVATELY_TO: &str = " (privately to ";
const PRIVATELY_SAYS: &str = "): ";

/// What stands before a private line.
const PRIVATE_SIGN: &str = "» ";

const BOLD: &str = "1";
/// Italic and underlined: a terminal has one of them.
const PRIVATE: &str = "3;4";
const DIM: &str = "2";
const REVERSED: &str = "7";

/// UAX #9: what follows, up to the pop, is ordered by itself and moves nothing around it.
const FIRST_STRONG_ISOLATE: char = '\u{2068}';
const POP_ISOLATE: char = '\u{2069}';

#[cfg(test)]
mod tests {
    use super::super::incoming::Fragment;
    use super::*;

    fn plain() -> Theme {
        Theme::new(Depth::None, false)
    }

    fn rich() -> Theme {
        Theme::new(Depth::Sixteen, true)
    }

    fn colour_of(name: &str) -> String {
        let mut colours = Colours::new(Depth::Sixteen);
        colours.of(name).unwrap().to_owned()
    }

    fn event(line: &str) -> Event {
        Event::of(&Fragment {
            text: line.to_owned(),
            starts: true,
            ends: true,
        })
    }

    fn shown(mut theme: Theme, line: &str) -> Shown {
        theme.show(&event(line), "soheil")
    }

    #[test]
    fn without_colours_a_line_stays_as_it_is() {
        for line in [
            "ali: hi soheil",
            "* ali waves at soheil",
            "سهیل: سلام",
            "ali has left the chatroom!",
            "* Nobody here is called x",
            "",
        ] {
            assert_eq!(shown(plain(), line).text, line);
        }
    }

    #[test]
    fn names_have_colours_and_comings_are_dim() {
        let colour = colour_of("ali");
        assert_eq!(
            shown(rich(), "ali: hi").text,
            format!("\x1b[{colour}mali\x1b[0m: hi")
        );
        assert_eq!(
            shown(rich(), "ali has left the chatroom!").text,
            "\x1b[2mali has left the chatroom!\x1b[0m"
        );
    }

    #[test]
    fn a_mention_is_a_whole_word_in_any_case() {
        for (text, mentions) in [
            ("soheil", 1),
            ("hi SOHEIL, and soheil!", 2),
            ("@soheil: hi", 1),
            ("soheila", 0),
            ("xsoheil", 0),
            ("sohei", 0),
            ("سلام soheil", 1),
        ] {
            let line = format!("ali: {text}");
            let shown = shown(rich(), &line);
            assert_eq!(shown.text.matches("\x1b[7m").count(), mentions, "{text}");
            assert_eq!(shown.calls, mentions > 0, "{text}");
        }
        assert!(shown(rich(), "ali (privately): x").calls);
        let nobody = rich().show(&event("ali: x"), "");
        assert!(!nobody.calls);
    }

    #[test]
    fn a_private_line_has_a_sign_and_a_style_of_its_own() {
        let line = "ali (privately): hi soheil";
        assert_eq!(shown(plain(), line).text, line);
        let mut uncoloured = Theme::new(Depth::None, true);
        let told = uncoloured.show(&event(line), "soheil");
        let text = "» ali (privately): \x1b[3;4mhi soheil\x1b[0m";
        assert_eq!((told.text.as_str(), told.hang), (text, 19));
        let own = uncoloured.show_own("/msg ali psst", YOU).unwrap().text;
        let text = "» \x1b[1myou\x1b[0m (privately to ali): \x1b[3;4mpsst\x1b[0m";
        assert_eq!(own, text);
    }

    #[test]
    fn a_name_is_isolated_where_writing_directions_may_meet() {
        let text = shown(rich(), "سهیل: hello").text;
        let colour = colour_of("سهیل");
        let expected = format!("\u{2068}\x1b[{colour}mسهیل\x1b[0m\u{2069}: hello");
        assert_eq!(text, expected);
        assert!(!shown(rich(), "ali: hello").text.contains('\u{2068}'));
    }

    #[test]
    fn own_lines_tell_what_others_see() {
        for (line, own) in [
            ("hello", "you: hello"),
            ("//x", "you: /x"),
            ("/me waves", "* you waves"),
            ("/msg ali psst", "you (privately to ali): psst"),
        ] {
            assert_eq!(plain().show_own(line, YOU).unwrap().text, own);
        }
        assert_eq!(
            rich().show_own("hi", YOU).unwrap().text,
            "\x1b[1myou\x1b[0m: hi"
        );
        assert_eq!(rich().show_own("/who", YOU), None);
        assert_eq!(rich().show_typed("/who").text, "\x1b[2myou: /who\x1b[0m");
    }
}
