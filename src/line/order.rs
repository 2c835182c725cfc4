//! What only operators may ask for.

use super::sanitize::is_invisible;

/// Longest time that `/slow` may set, in seconds.
const SLOW_S_MAX: u32 = 3600;

/// Longest time that something holds, in seconds: ten years. What is to hold longer holds for good.
const SPAN_S_MAX: u64 = 10 * 366 * 24 * 3600;

/// What only operators may ask for; names as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order<'a> {
    /// `/op NAME`: make the keeper of a name an operator.
    Op(&'a str),
    /// `/deop NAME`: make it none.
    Deop(&'a str),
    /// `/kick NAME [REASON]`: end a connection.
    Kick {
        /// Whose.
        name: &'a str,
        /// Why; may be empty.
        reason: &'a str,
    },
    /// `/ban NAME|ADDRESS|CIDR [for 10m] [REASON]`: let somebody in no more.
    Ban {
        /// Whom.
        who: &'a str,
        /// For how long, in milliseconds; for good, if it isn't said.
        for_ms: Option<u64>,
        /// Why; may be empty.
        reason: &'a str,
    },
    /// `/unban NAME|ADDRESS|CIDR`: let somebody in again.
    Unban(&'a str),
    /// `/bans`: list who is banned or muted.
    Bans,
    /// `/mute NAME [for 10m]`: let somebody say nothing.
    Mute {
        /// Whom.
        name: &'a str,
        /// For how long, in milliseconds; for good, if it isn't said.
        for_ms: Option<u64>,
    },
    /// `/unmute NAME`: let somebody speak again.
    Unmute(&'a str),
    /// `/topic TEXT`: say what the room is about.
    Topic(&'a str),
    /// `/announce TEXT`: say something to all.
    Announce(&'a str),
    /// `/slow SECONDS`: let each person say one line in that time.
    Slow(u32),
    /// `/lock`: let nobody new in.
    Lock,
    /// `/unlock`: let people in again.
    Unlock,
    /// `/unkeep NAME`: let a name be anybody's again.
    Free(&'a str),
}

/// How a command is used, and what it does.
pub type Usage = (&'static str, &'static str);

/// How each command of operators is used, and what it does.
pub const USAGE: [Usage; 14] = [
    ("/kick NAME [REASON]", "ends NAME's connection"),
    (
        "/ban WHO [for 2h] [REASON]",
        "lets WHO in no more: a NAME and its address, an ADDRESS, a BLOCK/24; 10m, 2h, 7d",
    ),
    ("/unban WHO", "lets WHO in again"),
    ("/bans", "lists who is banned or muted"),
    ("/mute NAME [for 10m]", "lets NAME say nothing"),
    ("/unmute NAME", "lets NAME speak again"),
    ("/topic TEXT", "says what the room is about; - for nothing"),
    ("/announce TEXT", "says TEXT to all"),
    (
        "/slow SECONDS",
        "one line a person in that time; 0 for any number",
    ),
    ("/lock", "lets nobody new in but who has a key"),
    ("/unlock", "lets people in again"),
    ("/op NAME", "makes an operator of who keeps NAME"),
    ("/deop NAME", "makes none of it again"),
    ("/unkeep NAME", "lets NAME be anybody's again"),
];

impl Order<'_> {
    /// Returns the first word of the command.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Op(_) => "/op",
            Self::Deop(_) => "/deop",
            Self::Kick { .. } => "/kick",
            Self::Ban { .. } => "/ban",
            Self::Unban(_) => "/unban",
            Self::Bans => "/bans",
            Self::Mute { .. } => "/mute",
            Self::Unmute(_) => "/unmute",
            Self::Topic(_) => "/topic TEXT",
            Self::Announce(_) => "/announce",
            Self::Slow(_) => "/slow",
            Self::Lock => "/lock",
            Self::Unlock => "/unlock",
            Self::Free(_) => "/unkeep NAME",
        }
    }
}

/// Returns the order that starts with `word` and goes on with `argument`, or how it is used where it
/// lacks what it needs; nothing if no order starts so.
pub(super) fn parse<'a>(word: &str, argument: &'a str) -> Option<Result<Order<'a>, &'static str>> {
    let is_it = |usage: &&Usage| {
        let known = usage.0.split(' ').next().unwrap_or_default();
        known[1..].eq_ignore_ascii_case(word)
    };
    let usage = USAGE.iter().find(is_it)?.0;
    Some(of(usage, argument).ok_or(usage))
}

/// Returns the order of this usage, if it has what it needs.
fn of<'a>(usage: &str, argument: &'a str) -> Option<Order<'a>> {
    match usage {
        "/bans" => return Some(Order::Bans),
        "/lock" => return Some(Order::Lock),
        "/unlock" => return Some(Order::Unlock),
        _ if argument.chars().all(is_invisible) => return None,
        _ => {}
    }
    let (who, rest) = split(argument);
    Some(match usage {
        "/kick NAME [REASON]" => Order::Kick {
            name: who,
            reason: rest,
        },
        "/unban WHO" => Order::Unban(argument),
        "/unmute NAME" => Order::Unmute(argument),
        "/op NAME" => Order::Op(argument),
        "/deop NAME" => Order::Deop(argument),
        "/announce TEXT" => Order::Announce(argument),
        "/slow SECONDS" => Order::Slow(argument.parse().ok().filter(|&s| s <= SLOW_S_MAX)?),
        "/mute NAME [for 10m]" => match limited(rest) {
            (for_ms, "") => Order::Mute { name: who, for_ms },
            _ => return None,
        },
        _ => {
            let (for_ms, reason) = limited(rest);
            Order::Ban {
                who,
                for_ms,
                reason,
            }
        }
    })
}

/// Takes `for 10m` off the start of a text.
fn limited(text: &str) -> (Option<u64>, &str) {
    let (word, rest) = split(text);
    let (span, after) = split(rest);
    match span_ms(span) {
        Some(ms) if word.eq_ignore_ascii_case("for") => (Some(ms), after),
        _ => (None, text),
    }
}

/// Takes the first word off a text.
fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

/// Returns how long `text` is, in milliseconds: a number and `s`, `m`, `h` or `d`.
fn span_ms(text: &str) -> Option<u64> {
    let unit_s = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse::<u64>().ok()?.checked_mul(unit_s)?;
    (1..=SPAN_S_MAX)
        .contains(&seconds)
        .then_some(seconds * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::command::Command;

    #[test]
    fn orders_are_read() {
        let ban = |who, for_ms, reason| Order::Ban {
            who,
            for_ms,
            reason,
        };
        for (line, order) in [
            ("/op ali", Order::Op("ali")),
            ("/DEOP ali", Order::Deop("ali")),
            (
                "/kick bob",
                Order::Kick {
                    name: "bob",
                    reason: "",
                },
            ),
            (
                "/kick bob too loud ",
                Order::Kick {
                    name: "bob",
                    reason: "too loud",
                },
            ),
            ("/ban bob", ban("bob", None, "")),
            ("/ban bob for 10m", ban("bob", Some(600_000), "")),
            (
                "/ban 10.0.0.0/8 FOR 7d too  loud",
                ban("10.0.0.0/8", Some(604_800_000), "too  loud"),
            ),
            ("/ban bob for nothing", ban("bob", None, "for nothing")),
            ("/ban bob 10m", ban("bob", None, "10m")),
            ("/unban 10.0.0.0/8", Order::Unban("10.0.0.0/8")),
            ("/bans", Order::Bans),
            (
                "/mute bob",
                Order::Mute {
                    name: "bob",
                    for_ms: None,
                },
            ),
            (
                "/mute bob for 2h",
                Order::Mute {
                    name: "bob",
                    for_ms: Some(7_200_000),
                },
            ),
            ("/unmute bob", Order::Unmute("bob")),
            ("/topic tea", Order::Topic("tea")),
            ("/announce  tea is ready", Order::Announce("tea is ready")),
            ("/slow 10", Order::Slow(10)),
            ("/lock now", Order::Lock),
            ("/unlock", Order::Unlock),
        ] {
            assert_eq!(Command::parse(line), Command::Order(order), "{line}");
        }
    }

    #[test]
    fn spans_are_read() {
        for (text, ms) in [
            ("1s", Some(1000)),
            ("10m", Some(600_000)),
            ("2h", Some(7_200_000)),
            ("7d", Some(7 * 86_400_000)),
            ("3660d", Some(SPAN_S_MAX * 1000)),
            ("3661d", None),
            ("0m", None),
            ("m", None),
            ("10", None),
            ("-1m", None),
            ("+1m", None),
            ("1.5h", None),
            ("10minutes", None),
            ("99999999999999999999d", None),
            ("", None),
            ("١m", None),
        ] {
            assert_eq!(span_ms(text), ms, "{text}");
        }
    }

    #[test]
    fn an_order_without_what_it_needs_is_told_how_it_is_used() {
        for (line, usage) in [
            ("/op", "/op NAME"),
            ("/kick \u{200B}", "/kick NAME [REASON]"),
            ("/ban", "/ban WHO [for 2h] [REASON]"),
            ("/mute bob 10m", "/mute NAME [for 10m]"),
            ("/slow", "/slow SECONDS"),
            ("/slow fast", "/slow SECONDS"),
            ("/slow -1", "/slow SECONDS"),
            ("/slow 3601", "/slow SECONDS"),
            ("/announce", "/announce TEXT"),
        ] {
            assert_eq!(Command::parse(line), Command::Incomplete(usage), "{line}");
        }
        assert_eq!(Command::parse("/topic"), Command::Topic);
        assert_eq!(Command::parse("/bang"), Command::Unknown("/bang"));
    }
}
