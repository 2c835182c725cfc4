//! The colours of names.

use std::collections::{HashMap, HashSet};

use super::event::Event;

/// The most names whose colours are remembered; more have theirs by their letters alone.
const NAMES_MAX: usize = 1000;

/// The brightness (relative luminance, WCAG 2) a colour may have: within it, the contrast to black
/// and to white is at least 3.
const BRIGHTNESS: std::ops::RangeInclusive<f64> = 0.1..=0.3;

/// How much a colour must differ from grey, of 255.
const SATURATION_MIN: u8 = 80;

/// The sixteen colours of every terminal, but those too near to its background.
const SIXTEEN: [&str; 8] = ["31", "32", "33", "35", "36", "91", "94", "95"];

/// The levels of red, green and blue in the cube of 256 colours, which starts at 16.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Hues of the whole circle, each in two strengths, where any colour can be had.
const HUES: u16 = 60;

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Depth {
    #[default]
    None,
    Sixteen,
    Cube,
    Full,
}

impl Depth {
    /// Returns what a terminal has that calls itself so (`TERM`, `COLORTERM`).
    pub(super) fn of_terminal(term: &str, colorterm: &str) -> Self {
        if matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct") {
            Self::Full
        } else if term.contains("256color") {
            Self::Cube
        } else {
            Self::Sixteen
        }
    }

    fn palette(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Sixteen => SIXTEEN.map(str::to_owned).to_vec(),
            Self::Cube => cube().map(|(index, _)| format!("38;5;{index}")).collect(),
            Self::Full => full()
                .map(|[red, green, blue]| format!("38;2;{red};{green};{blue}"))
                .collect(),
        }
    }
}

/// Gives each name a colour: the one that its letters ask for, or another while somebody has that.
#[derive(Debug)]
pub(super) struct Colours {
    /// As SGR parameters; empty without colours.
    palette: Vec<String>,
    given: HashMap<String, usize>,
    taken: HashSet<usize>,
}

impl Colours {
    /// Returns the colours of a terminal, given to nobody yet.
    pub(super) fn new(depth: Depth) -> Self {
        Self {
            palette: depth.palette(),
            given: HashMap::new(),
            taken: HashSet::new(),
        }
    }

    /// Returns whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.palette.is_empty()
    }

    /// Returns the colour of `name`, as SGR parameters; none without colours.
    pub(super) fn of(&mut self, name: &str) -> Option<&str> {
        let count = self.palette.len();
        let wanted = hash(name).checked_rem(count as u64)? as usize;
        let index = self.given.get(name).copied().unwrap_or_else(|| {
            let mut others = (0..count).map(|step| (wanted + step) % count);
            let free = others.find(|index| !self.taken.contains(index));
            let index = free.unwrap_or(wanted);
            if self.given.len() < NAMES_MAX {
                self.given.insert(name.to_owned(), index);
                self.taken.insert(index);
            }
            index
        });
        self.palette.get(index).map(String::as_str)
    }

    /// Keeps the colour of somebody who is called otherwise now, and frees that of somebody who left.
    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::Renamed { from, to } => {
                if let Some(index) = self.given.remove(from) {
                    self.given.insert(to.clone(), index);
                }
            }
            Event::Left(name) => {
                if let Some(index) = self.given.remove(name)
                    && !self.given.values().any(|other| *other == index)
                {
                    self.taken.remove(&index);
                }
            }
            _ => {}
        }
    }
}

/// FNV-1a of the letters: the same in every session.
fn hash(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash >> 32
}

/// Returns the colours of the cube that are neither too dark, nor too light, nor grey.
fn cube() -> impl Iterator<Item = (usize, [u8; 3])> {
    (0..216_usize).filter_map(|at| {
        let colour = [at / 36, at / 6 % 6, at % 6].map(|level| CUBE[level]);
        let [least, most] = [colour.iter().min()?, colour.iter().max()?];
        let fits = most - least >= SATURATION_MIN && BRIGHTNESS.contains(&brightness(colour));
        fits.then_some((16 + at, colour))
    })
}

/// Returns each hue, pure and mixed with white, as bright as it may be on any background.
fn full() -> impl Iterator<Item = [u8; 3]> {
    (0..2 * HUES).map(|at| {
        let pure = [0, 2, 1].map(|third| {
            let from_red = at % HUES + third * HUES / 3;
            let away = (from_red % HUES).abs_diff(HUES / 2);
            let sixth = HUES / 6;
            255 * away.saturating_sub(sixth).min(sixth) / sixth
        });
        let white = if at < HUES { 0 } else { 2 };
        in_the_middle(pure.map(|part| part + (255 - part) * white / 5))
    })
}

/// Returns the colour made darker or lighter until it is as far from black as from white.
fn in_the_middle(colour: [u16; 3]) -> [u8; 3] {
    let wanted = f64::midpoint(*BRIGHTNESS.start(), *BRIGHTNESS.end());
    let scaled = |by: u16| {
        colour.map(|part| {
            let darkened = part * by.min(128) / 128;
            (darkened + (255 - darkened) * by.saturating_sub(128) / 128) as u8
        })
    };
    let steps: Vec<_> = (0..=256).map(scaled).collect();
    let at = steps.partition_point(|colour| brightness(*colour) < wanted);
    steps.get(at).copied().unwrap_or_default()
}

/// Returns the relative luminance, from 0 (black) to 1 (white).
fn brightness(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_colour_is_too_dark_or_too_light() {
        let colours: Vec<_> = cube().map(|(_, colour)| colour).chain(full()).collect();
        for colour in &colours {
            let brightness = brightness(*colour);
            let (on_black, on_white) = ((brightness + 0.05) / 0.05, 1.05 / (brightness + 0.05));
            assert!(on_black >= 3.0 && on_white >= 3.0, "{colour:?}");
        }
        assert!(cube().count() >= 50, "{}", cube().count());
        let full: HashSet<_> = full().collect();
        assert_eq!(full.len(), 2 * usize::from(HUES));
    }

    #[test]
    fn a_terminal_tells_how_many_colours_it_has() {
        for (term, colorterm, depth) in [
            ("xterm", "", Depth::Sixteen),
            ("xterm-256color", "", Depth::Cube),
            ("xterm-256color", "truecolor", Depth::Full),
            ("xterm-direct", "", Depth::Full),
            ("", "", Depth::Sixteen),
        ] {
            assert_eq!(Depth::of_terminal(term, colorterm), depth);
        }
    }

    #[test]
    fn names_keep_their_colours_and_share_none_while_there_are_enough() {
        let mut colours = Colours::new(Depth::Cube);
        let count = colours.palette.len();
        let names: Vec<_> = (0..count).map(|number| format!("n{number}")).collect();
        let mut seen = HashSet::new();
        for name in &names {
            assert!(seen.insert(colours.of(name).unwrap().to_owned()), "{name}");
        }
        let first = colours.of(&names[0]).map(str::to_owned);
        assert!(colours.of("one more").is_some());
        colours.follow(&Event::Renamed {
            from: names[0].clone(),
            to: "renamed".to_owned(),
        });
        assert_eq!(colours.of("renamed").map(str::to_owned), first);
        colours.follow(&Event::Left("renamed".to_owned()));
        colours.follow(&Event::Left("one more".to_owned()));
        let freed = colours.of("ali").map(str::to_owned);
        assert_eq!(freed, first, "the only one that nobody has");
        assert_eq!(Colours::new(Depth::None).of("ali"), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut colours = Colours::new(Depth::Full);
        for number in 0..2 * NAMES_MAX {
            colours.of(&number.to_string());
        }
        assert_eq!(colours.given.len(), NAMES_MAX);
    }
}
