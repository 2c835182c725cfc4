//! Making foreign text safe to show.
//!
//! What came from the wire may hold anything. Nothing of it reaches a terminal, an SVG, an HTML
//! page or a JSON string but through one of the functions here.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};

/// Most bytes that are shown in hexadecimal.
const HEX_BYTES_MAX: usize = 36;

/// Takes the result of writing to a string, which can't fail.
pub(super) fn written(result: fmt::Result) {
    debug_assert!(result.is_ok());
}

/// Foreign bytes as one safe line: controls as `\x1b`, invisible reordering marks as `\u{202e}`,
/// bytes that aren't UTF-8 as `\xff`.
#[derive(Debug, Clone, Copy)]
pub struct Safe<'a>(pub &'a [u8]);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    c if is_invisible(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                    c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            chunk
                .invalid()
                .iter()
                .try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

/// [`Safe`], in a bidi isolate if it holds right-to-left letters, so that the columns beside it keep
/// their order on a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Isolated<'a>(pub &'a [u8]);

impl fmt::Display for Isolated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right_to_left = self
            .0
            .utf8_chunks()
            .any(|chunk| chunk.valid().chars().any(is_right_to_left));
        if right_to_left {
            write!(f, "\u{2068}{}\u{2069}", Safe(self.0))
        } else {
            Safe(self.0).fmt(f)
        }
    }
}

/// Text for XML and HTML: [`Safe`], with the five characters of markup escaped.
#[derive(Debug, Clone, Copy)]
pub struct Xml<'a>(pub &'a str);

impl fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let safe = Safe(self.0.as_bytes()).to_string();
        for c in safe.chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Not characters of XML 1.0, however they are written.
                '\u{fffe}' | '\u{ffff}' => f.write_str("\u{fffd}")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A JSON string with its quotes; bytes that aren't UTF-8 become U+FFFD.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a>(pub &'a [u8]);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in String::from_utf8_lossy(self.0).chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                c if c.is_control() || is_invisible(c) => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Returns whether a character moves or hides others: line and paragraph separators, bidi controls.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// An IP address as Wireshark writes it: with the last four bytes of a v4-compatible one in decimal.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(address)
                if address.segments()[..6] == [0; 6] && address.segments()[6] != 0 =>
            {
                let [.., high, low] = address.segments();
                let last = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
                write!(f, "::{last}")
            }
            address => address.fmt(f),
        }
    }
}

/// What somebody said, or how much of it there was.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// What.
    pub text: &'a [u8],
    /// It is not to be shown.
    pub redact: bool,
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.redact {
            write!(f, "<{} bytes>", self.text.len())
        } else {
            Isolated(self.text).fmt(f)
        }
    }
}

/// Writes so many low bits, in groups of four from the left.
pub(super) fn bits(value: u16, count: usize) -> String {
    let digits = format!("{value:0count$b}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Bytes in hexadecimal, the first 36 of them.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().take(HEX_BYTES_MAX);
        shown
            .into_iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        if self.0.len() > HEX_BYTES_MAX {
            f.write_str("…")?;
        }
        Ok(())
    }
}

/// A hardware address.
#[derive(Clone, Copy)]
pub(super) struct Mac<'a>(pub(super) &'a [u8]);

impl fmt::Display for Mac<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if at > 0 { ":" } else { "" })?;
        }
        Ok(())
    }
}
