//! How one says something to everybody in each server's own words.
//!
//! Every payload starts with `^` and the time it was meant to be sent, so that deliveries are
//! counted and timed alike whatever is written around them.

/// Hexadecimal digits of a time in nanoseconds: enough for three days.
pub(crate) const STAMP_DIGITS: usize = 12;

/// Marks a payload; appears nowhere else.
pub(crate) const MARK: u8 = b'^';

/// What a member of the room reads before it is in: the prompt and the greeting.
pub(crate) const WELCOME: &[u8] = b"Please enter your name:\nChat with your friends and enjoy\n";

/// What asks for a WebSocket, and how that is answered, but for what is made of the key.
const OPENING: &[u8] = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";
const OPENED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: ";
const ACCEPT_BYTES: usize = 32;

/// Returns a WebSocket's message; a mask of zeros leaves it as it is.
fn framed(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    if text.len() < 0x7E {
        frame.push(0x80 | text.len() as u8);
    } else {
        frame.push(0xFE);
        frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(text);
    frame
}

/// Returns what makes a stream as a room's is, and has it pushed as to a node.
fn follow_stream() -> Vec<u8> {
    let mut hello = b"CONNECT {\"verbose\":false}\r\nSUB heard 1\r\nSUB answers 2\r\n".to_vec();
    for (what, how) in [
        (
            "STREAM.CREATE.room",
            "{\"name\":\"room\",\"subjects\":[\"room\"],\"storage\":\"file\",\"max_bytes\":1073741824}",
        ),
        (
            "CONSUMER.CREATE.room",
            "{\"stream_name\":\"room\",\"config\":{\"deliver_policy\":\"all\",\
             \"deliver_subject\":\"heard\",\"ack_policy\":\"none\",\"replay_policy\":\"instant\",\
             \"mem_storage\":true}}",
        ),
    ] {
        let bytes = how.len();
        hello.extend(format!("PUB $JS.API.{what} answers {bytes}\r\n{how}\r\n").as_bytes());
    }
    hello
}

/// The protocol of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// The room's: a name, then lines.
    Room,
    /// The same, where one of so many who listen is told in JSON.
    RoomWithJson(usize),
    /// The room's over WebSocket: frames whose text is the lines.
    Web,
    /// Lines alone: the floor.
    Raw,
    /// Lines alone, and everybody hears of each newcomer: `ncat --chat`.
    Ncat,
    /// Redis pub/sub.
    Redis,
    /// NATS.
    Nats,
    /// NATS with a stream that keeps what is published, which a consumer pushes to one listener.
    Stream,
    /// IRC.
    Irc,
    /// MQTT 3.1.1.
    Mqtt,
}

impl Wire {
    /// Returns whether those who speak are not among those who listen: they publish.
    pub(crate) fn speakers_are_apart(self) -> bool {
        matches!(self, Self::Redis | Self::Nats | Self::Stream | Self::Mqtt)
    }

    /// Returns how many may be on their way in at once: what the server's accept queue holds.
    pub(crate) fn joining_at_once(self) -> usize {
        match self {
            Self::Room | Self::RoomWithJson(_) | Self::Web | Self::Raw => 1024,
            Self::Redis | Self::Nats | Self::Stream => 64,
            Self::Mqtt => 16,
            Self::Irc | Self::Ncat => 4,
        }
    }

    /// Returns how many bytes one hears at least before one is in. Where a server says nothing, or
    /// as much as it likes, one is in when all is quiet; but its first byte shows that it has
    /// accepted: data to a queue that was full is sent again only after a while.
    pub(crate) fn welcome_bytes(self, member: usize, speaks: bool) -> usize {
        match self {
            // The prompt and the answer to `/json` are less, with its name it is told more.
            Self::RoomWithJson(of) if !speaks && member % of == of - 1 => 200,
            Self::Room | Self::RoomWithJson(_) => WELCOME.len(),
            Self::Web => OPENED.len() + ACCEPT_BYTES + 2 + WELCOME.len(),
            Self::Raw => 0,
            Self::Redis => usize::from(!speaks),
            Self::Nats | Self::Stream | Self::Irc | Self::Mqtt | Self::Ncat => 1,
        }
    }

    /// Returns what one says to be in. `name_chars` is how long a name is made, at least.
    pub(crate) fn hello(self, member: usize, speaks: bool, name_chars: usize) -> Vec<u8> {
        let digits = name_chars.saturating_sub(1);
        match (self, speaks) {
            (Self::Raw | Self::Ncat, _) | (Self::Redis, true) => Vec::new(),
            (Self::RoomWithJson(of), false) if member % of == of - 1 => {
                format!("/json\n{{\"name\":\"u{member:0digits$}\"}}\n").into_bytes()
            }
            (Self::Web, _) => OPENING.to_vec(),
            (Self::Room | Self::RoomWithJson(_), _) => format!("u{member:0digits$}\n").into_bytes(),
            (Self::Irc, _) => {
                format!("NICK u{member}\r\nUSER u{member} 0 * :u\r\nJOIN #room\r\n").into_bytes()
            }
            (Self::Redis, false) => b"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nroom\r\n".to_vec(),
            (Self::Nats | Self::Stream, true) => b"CONNECT {\"verbose\":false}\r\n".to_vec(),
            (Self::Nats, false) => b"CONNECT {\"verbose\":false}\r\nSUB room 1\r\n".to_vec(),
            (Self::Stream, false) => follow_stream(),
            (Self::Mqtt, _) => {
                let id = format!("c{member}");
                let id_bytes = u8::try_from(id.len()).unwrap();
                // CONNECT: version 4, clean session, no keep-alive.
                let mut hello = vec![
                    0x10,
                    12 + id_bytes,
                    0,
                    4,
                    b'M',
                    b'Q',
                    b'T',
                    b'T',
                    4,
                    2,
                    0,
                    0,
                ];
                hello.extend([0, id_bytes]);
                hello.extend(id.as_bytes());
                if !speaks {
                    hello.extend(b"\x82\x09\x00\x01\x00\x04room\x00");
                }
                hello
            }
        }
    }

    /// Returns what is to be answered to what a server says while one joins.
    pub(crate) fn answer(self, member: usize, heard: &[u8]) -> Option<Vec<u8>> {
        if self == Self::Web {
            let opened = heard.starts_with(OPENED);
            return opened.then(|| framed(format!("u{member}").as_bytes()));
        }
        let text = std::str::from_utf8(heard).ok()?;
        let ping = text.lines().find_map(|line| line.strip_prefix("PING"));
        match self {
            Self::Irc | Self::Nats | Self::Stream => {
                ping.map(|cookie| format!("PONG{cookie}\r\n").into_bytes())
            }
            _ => None,
        }
    }

    /// Appends the saying of `body`.
    pub(crate) fn say(self, body: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Room | Self::RoomWithJson(_) | Self::Raw | Self::Ncat => {
                out.extend(body);
                out.push(b'\n');
            }
            Self::Web => out.extend(framed(body)),
            Self::Irc => {
                out.extend(b"PRIVMSG #room :");
                out.extend(body);
                out.extend(b"\r\n");
            }
            Self::Redis => {
                out.extend(b"*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n$");
                out.extend(format!("{}\r\n", body.len()).as_bytes());
                out.extend(body);
                out.extend(b"\r\n");
            }
            Self::Nats | Self::Stream => {
                out.extend(format!("PUB room {}\r\n", body.len()).as_bytes());
                out.extend(body);
                out.extend(b"\r\n");
            }
            Self::Mqtt => {
                let mut left = 6 + body.len();
                out.push(0x30);
                loop {
                    let low = u8::try_from(left % 128).unwrap();
                    left /= 128;
                    out.push(if left > 0 { low | 128 } else { low });
                    if left == 0 {
                        break;
                    }
                }
                out.extend(b"\x00\x04room");
                out.extend(body);
            }
        }
    }
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// ASCII of this many bytes.
    Ascii(usize),
    /// Persian of about this many bytes: two a letter, and a ZWNJ here and there.
    Persian(usize),
}

impl Text {
    /// Puts a payload that was to be sent at `time_ns` together.
    pub(crate) fn body(self, time_ns: u64, body: &mut Vec<u8>) {
        body.clear();
        body.push(MARK);
        body.extend(format!("{time_ns:0STAMP_DIGITS$x}").as_bytes());
        match self {
            Self::Ascii(bytes) => body.resize(bytes.max(body.len()), b'x'),
            Self::Persian(bytes) => {
                let mut letters = "می\u{200c}خواهم به خانه بروم ".chars().cycle();
                let mut utf8 = [0; 4];
                while body.len() + 3 <= bytes {
                    let letter = letters.next().unwrap();
                    body.extend(letter.encode_utf8(&mut utf8).as_bytes());
                }
            }
        }
    }
}

/// Reads the time out of what follows a [`MARK`].
pub(crate) fn stamp(after_mark: &[u8]) -> Option<u64> {
    let digits = after_mark.get(..STAMP_DIGITS)?;
    digits.iter().try_fold(0, |time, digit| {
        Some(time << 4 | u64::from(char::from(*digit).to_digit(16)?))
    })
}
