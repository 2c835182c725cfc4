//! Takes telnet's own talk out of a stream: option negotiation and commands (RFC 854, RFC 855).
//!
//! Every option offered or asked for is refused, once; so a client can't draw us into a loop of
//! answers. UTF-8 never contains the byte 255, so a stream without telnet passes untouched.

/// Interpret As Command: starts each telnet sequence.
const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// Subnegotiation begins; it lasts until IAC SE.
const SB: u8 = 250;
/// "Are you there?"
const AYT: u8 = 246;
/// Subnegotiation ends.
const SE: u8 = 240;

/// What the filter remembers of one stream between chunks.
#[derive(Debug, Default)]
pub struct Telnet {
    state: State,
    /// Offers (WILL) already refused, a bit each option.
    refused_offers: [u64; 4],
    /// Requests (DO) already refused.
    refused_requests: [u64; 4],
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Data,
    /// After IAC.
    Command,
    /// After IAC and one of WILL, WONT, DO, DONT: the option comes next.
    Option(u8),
    /// Inside a subnegotiation, of any length: nothing of it is kept.
    Subnegotiation,
    /// After IAC inside a subnegotiation.
    SubnegotiationCommand,
}

/// What the filter wants said to the client.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// These bytes, as they are.
    Refuse([u8; 3]),
    /// Something a person can see (RFC 854, "Are You There").
    Here,
}

impl Telnet {
    /// Removes telnet sequences from `chunk` in place and returns how many bytes of it remain.
    pub fn filter(&mut self, chunk: &mut [u8], mut answer: impl FnMut(Answer)) -> usize {
        let mut kept = 0;
        let mut at = 0;
        while at < chunk.len() {
            if self.state == State::Data {
                let data = memchr::memchr(IAC, &chunk[at..]).unwrap_or(chunk.len() - at);
                chunk.copy_within(at..at + data, kept);
                kept += data;
                at += data;
                if at < chunk.len() {
                    self.state = State::Command;
                    at += 1;
                }
                continue;
            }
            let byte = chunk[at];
            at += 1;
            if self.step(byte, &mut answer) {
                chunk[kept] = byte;
                kept += 1;
            }
        }
        kept
    }

    /// Returns whether the filter has anything to do for a stream whose next bytes are `chunk`.
    #[must_use]
    pub fn needed(state: Option<&Self>, chunk: &[u8]) -> bool {
        state.is_some_and(|telnet| telnet.state != State::Data)
            || memchr::memchr(IAC, chunk).is_some()
    }

    /// Returns whether nothing has to be remembered.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state == State::Data
            && self.refused_offers == [0; 4]
            && self.refused_requests == [0; 4]
    }

    /// Takes one byte of a sequence; returns whether it is data after all.
    fn step(&mut self, byte: u8, answer: &mut impl FnMut(Answer)) -> bool {
        let escaped = self.state == State::Command && byte == IAC;
        self.state = match self.state {
            State::Command => match byte {
                WILL | WONT | DO | DONT => State::Option(byte),
                SB => State::Subnegotiation,
                AYT => {
                    answer(Answer::Here);
                    State::Data
                }
                _ => State::Data,
            },
            State::Option(verb) => {
                self.refuse(verb, byte, answer);
                State::Data
            }
            State::Subnegotiation if byte == IAC => State::SubnegotiationCommand,
            State::SubnegotiationCommand if byte == SE => State::Data,
            State::Subnegotiation | State::SubnegotiationCommand => State::Subnegotiation,
            State::Data => State::Data,
        };
        escaped
    }

    /// Refuses what is offered or asked for, the first time. WONT and DONT need no answer: they
    /// say how things already are.
    fn refuse(&mut self, verb: u8, option: u8, answer: &mut impl FnMut(Answer)) {
        let (refused, refusal) = match verb {
            WILL => (&mut self.refused_offers, DONT),
            DO => (&mut self.refused_requests, WONT),
            _ => return,
        };
        let (word, bit) = (usize::from(option / 64), 1 << (option % 64));
        if refused[word] & bit == 0 {
            refused[word] |= bit;
            answer(Answer::Refuse([IAC, refusal, option]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filtered(chunks: &[&[u8]]) -> (Vec<u8>, Vec<Answer>) {
        let mut telnet = Telnet::default();
        let (mut data, mut answers) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let mut chunk = chunk.to_vec();
            let kept = telnet.filter(&mut chunk, |answer| answers.push(answer));
            data.extend_from_slice(&chunk[..kept]);
        }
        (data, answers)
    }

    #[test]
    fn sequences_are_taken_out() {
        for (stream, data) in [
            (&b"plain"[..], &b"plain"[..]),
            (b"a\xff\xffb", b"a\xffb"),
            (b"a\xff\xf1b", b"ab"),
            (b"a\xff\xfb\x01b", b"ab"),
            (b"a\xff\xfa\x18\x00xterm\xff\xf0b", b"ab"),
            (b"a\xff\xfa\x18\xff\xff\xf0x\xff\xf0b", b"ab"),
            (b"a\xff", b"a"),
        ] {
            assert_eq!(filtered(&[stream]).0, data, "{stream:?}");
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            assert_eq!(filtered(&bytes).0, data, "{stream:?} byte by byte");
        }
    }

    #[test]
    fn every_option_is_refused_once() {
        for option in 0..=255 {
            for (verb, refusal) in [
                (WILL, Some(DONT)),
                (DO, Some(WONT)),
                (WONT, None),
                (DONT, None),
            ] {
                let offer = [IAC, verb, option];
                let (data, answers) = filtered(&[&offer, &offer, &offer]);
                assert!(data.is_empty());
                let expected: Vec<Answer> = refusal
                    .map(|r| Answer::Refuse([IAC, r, option]))
                    .into_iter()
                    .collect();
                assert_eq!(answers, expected);
            }
        }
    }

    #[test]
    fn are_you_there_is_answered() {
        assert_eq!(filtered(&[b"\xff\xf6"]), (vec![], vec![Answer::Here]));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_data_and_answers(
            stream in proptest::collection::vec(
                prop_oneof![4 => Just(IAC), 4 => 239_u8..=254, 1 => any::<u8>()],
                0..40,
            ),
            cut in 0_usize..40,
        ) {
            let cut = cut.min(stream.len());
            prop_assert_eq!(filtered(&[&stream[..cut], &stream[cut..]]), filtered(&[&stream]));
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(filtered(&bytes), filtered(&[&stream]));
        }
    }
}
