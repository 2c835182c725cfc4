//! What a client's frames say: text, and control frames between it.
//!
//! A state machine of sixteen bytes, since every WebSocket has one. Text stays where it was read to,
//! unmasked and moved together; only the payload of a control frame that has come in part is kept
//! elsewhere, at most [`CONTROL_BYTES_MAX`] bytes.

use super::Code;
use super::frame::{CONTROL_BYTES_MAX, FIN, opcode};
use super::text::Utf8;

/// How many bytes have to be free before what is decoded: the line end behind a message whose
/// head came earlier.
pub const SPARE_BYTES: usize = 1;

/// Bits in the first byte of a frame that only extensions set, and there are none.
const RESERVED: u8 = 0x70;

/// The bits of a frame's first byte that say what it is, and which of these control frames have.
const OPCODE: u8 = 0x0F;
const CONTROL: u8 = 0x08;

/// Set in the second byte of a frame that is masked.
const MASKED: u8 = 0x80;

/// What has come of the frame under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing.
    First,
    /// Its first byte.
    Second,
    /// What says how long it is, but for so many bytes.
    Length(u8),
    /// How long it is, and its mask but for so many bytes.
    Mask(u8),
    /// Its head.
    Payload,
    /// No more frames come: what still does is not looked at.
    Over,
}

/// Decodes what one client sends.
#[derive(Debug, Clone)]
pub struct Decoder {
    /// How much of the payload has not come; once no more frames come, the code to close with.
    left: u32,
    /// Turned so that its first byte is for the next byte of the payload.
    mask: [u8; 4],
    stage: Stage,
    /// The first byte of the frame.
    first: u8,
    text: Utf8,
    /// A message is under way.
    in_message: bool,
    /// The text so far doesn't end in a line end.
    in_line: bool,
}

/// What control frames there are to take care of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control {
    /// What has come of the payload of one.
    coming: Vec<u8>,
    /// The payload of the last ping, to be sent back.
    ping: Option<Vec<u8>>,
}

impl Control {
    /// Takes out the payload of the last ping, which is to be sent back.
    pub fn take_ping(&mut self) -> Option<Vec<u8>> {
        self.ping.take()
    }

    /// Returns whether there was a ping that was not [taken out](Self::take_ping).
    #[must_use]
    pub fn has_ping(&self) -> bool {
        self.ping.is_some()
    }

    /// Returns whether nothing has to be kept.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.coming.is_empty() && self.ping.is_none()
    }
}

/// What was decoded at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Decoded {
    /// How many bytes of text there are, now at the start of the buffer.
    pub text_bytes: usize,
    /// How many frames have ended.
    pub frames: usize,
    /// How many of them say nothing: pings, pongs, and text of no bytes.
    pub idle_frames: usize,
}

/// How the frames of a client have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has said so in order, with this code.
    Closed(Code),
    /// It has broken the rules, and is told so with this code.
    Broken(Code),
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            left: 0,
            mask: [0; 4],
            stage: Stage::First,
            first: 0,
            text: Utf8::default(),
            in_message: false,
            in_line: false,
        }
    }
}

/// No more frames come.
struct Ended(End);

type Step = Result<(), Ended>;

impl Decoder {
    /// Decodes what stands in `bytes` behind the first [`SPARE_BYTES`], and puts the text of it at
    /// their start. `control` is kept for the next call, if it isn't idle.
    pub fn decode(&mut self, bytes: &mut [u8], control: &mut Option<Box<Control>>) -> Decoded {
        let mut work = Work {
            bytes,
            at: SPARE_BYTES,
            decoded: Decoded::default(),
            control,
        };
        while work.at < work.bytes.len() && self.stage != Stage::Over {
            if let Err(Ended(end)) = self.step(&mut work) {
                self.end_with(end);
            }
        }
        work.decoded
    }

    /// Returns how the frames have ended, if they have.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        let code = Code(self.left as u16);
        (self.stage == Stage::Over).then_some(match self.first {
            0 => End::Closed(code),
            _ => End::Broken(code),
        })
    }

    /// Decodes no more, for a reason of the server's own; a client's that came first stands.
    pub fn finish(&mut self, code: Code) {
        if self.stage != Stage::Over {
            self.end_with(End::Closed(code));
        }
    }

    /// Decodes no more.
    fn end_with(&mut self, end: End) {
        let (code, broken) = match end {
            End::Closed(code) => (code, false),
            End::Broken(code) => (code, true),
        };
        self.stage = Stage::Over;
        self.left = code.0.into();
        self.first = broken.into();
    }

    fn step(&mut self, work: &mut Work<'_, '_>) -> Step {
        if self.stage == Stage::Payload {
            return self.take_payload(work);
        }
        let byte = work.bytes[work.at];
        work.at += 1;
        match self.stage {
            Stage::First => self.begin(byte),
            Stage::Second => self.begin_length(byte),
            Stage::Length(more) => self.go_on_with_length(byte, more),
            Stage::Mask(more) => {
                self.mask[usize::from(4 - more)] = byte;
                self.stage = Stage::Mask(more - 1);
                if more > 1 {
                    return Ok(());
                }
                self.stage = Stage::Payload;
                if self.left > 0 {
                    return Ok(());
                }
                // One without a payload is complete now.
                work.decoded.idle_frames += usize::from(!self.is_control());
                self.end_frame(work)
            }
            Stage::Payload | Stage::Over => Ok(()),
        }
    }

    fn is_control(&self) -> bool {
        self.first & CONTROL != 0
    }

    fn begin(&mut self, first: u8) -> Step {
        let is_last = first & FIN != 0;
        let fits = match first & OPCODE {
            _ if first & RESERVED != 0 => false,
            opcode::CONTINUATION => self.in_message,
            opcode::TEXT => !self.in_message,
            opcode::BINARY if !self.in_message => return Err(broken(Code::NOT_ACCEPTED)),
            opcode::CLOSE | opcode::PING | opcode::PONG => is_last,
            _ => false,
        };
        if !fits {
            return Err(broken(Code::PROTOCOL_ERROR));
        }
        self.first = first;
        self.stage = Stage::Second;
        Ok(())
    }

    fn begin_length(&mut self, second: u8) -> Step {
        let length = second & !MASKED;
        let too_long = self.is_control() && usize::from(length) > CONTROL_BYTES_MAX;
        if second & MASKED == 0 || too_long {
            return Err(broken(Code::PROTOCOL_ERROR));
        }
        self.left = 0;
        self.stage = match length {
            126 => Stage::Length(2),
            127 => Stage::Length(8),
            _ => {
                self.left = length.into();
                Stage::Mask(4)
            }
        };
        Ok(())
    }

    fn go_on_with_length(&mut self, byte: u8, more: u8) -> Step {
        if more == 8 && byte & 0x80 != 0 {
            return Err(broken(Code::PROTOCOL_ERROR));
        }
        // Nobody has four gigabytes to say at once.
        if self.left >> 24 != 0 {
            return Err(broken(Code::TOO_BIG));
        }
        self.left = self.left << 8 | u32::from(byte);
        self.stage = if more > 1 {
            Stage::Length(more - 1)
        } else {
            Stage::Mask(4)
        };
        Ok(())
    }

    /// Takes what has come of a payload.
    fn take_payload(&mut self, work: &mut Work<'_, '_>) -> Step {
        let there = work.bytes.len() - work.at;
        let length = there.min(self.left as usize);
        let come = &mut work.bytes[work.at..work.at + length];
        unmask(come, &mut self.mask);
        self.left -= length as u32;
        if self.is_control() {
            let control = work.control.get_or_insert_default();
            control.coming.extend_from_slice(come);
        } else {
            if !self.text.go_on(come) {
                return Err(broken(Code::NOT_UTF8));
            }
            self.in_line = come.last() != Some(&b'\n');
            let to = work.decoded.text_bytes;
            work.bytes.copy_within(work.at..work.at + length, to);
            work.decoded.text_bytes += length;
        }
        work.at += length;
        if self.left == 0 {
            self.end_frame(work)
        } else {
            Ok(())
        }
    }

    fn end_frame(&mut self, work: &mut Work<'_, '_>) -> Step {
        self.stage = Stage::First;
        work.decoded.frames += 1;
        if self.is_control() {
            work.decoded.idle_frames += 1;
            return self.end_control(work);
        }
        self.in_message = self.first & FIN == 0;
        if !self.in_message {
            if !self.text.is_whole() {
                return Err(broken(Code::NOT_UTF8));
            }
            if std::mem::take(&mut self.in_line) {
                debug_assert!(work.decoded.text_bytes < work.at);
                work.bytes[work.decoded.text_bytes] = b'\n';
                work.decoded.text_bytes += 1;
            }
        }
        Ok(())
    }

    fn end_control(&self, work: &mut Work<'_, '_>) -> Step {
        let come = work.control.as_mut();
        let come = come.map(|control| std::mem::take(&mut control.coming));
        let payload = come.unwrap_or_default();
        match self.first & OPCODE {
            opcode::PING => {
                // Who sends many is answered once (RFC 6455, 5.5.3).
                work.control.get_or_insert_default().ping = Some(payload);
                Ok(())
            }
            opcode::CLOSE => Err(Ended(end_of(&payload))),
            _ => Ok(()),
        }
    }
}

/// What is decoded from, and what came of it.
struct Work<'b, 'c> {
    bytes: &'b mut [u8],
    at: usize,
    decoded: Decoded,
    control: &'c mut Option<Box<Control>>,
}

fn broken(code: Code) -> Ended {
    Ended(End::Broken(code))
}

/// Returns what the payload of the last frame says (RFC 6455, 5.5.1).
fn end_of(payload: &[u8]) -> End {
    match payload {
        [] => End::Closed(Code::NONE),
        [high, low, reason @ ..] => {
            let code = Code(u16::from_be_bytes([*high, *low]));
            if !code.may_be_sent() {
                End::Broken(Code::PROTOCOL_ERROR)
            } else if std::str::from_utf8(reason).is_err() {
                End::Broken(Code::NOT_UTF8)
            } else {
                End::Closed(code)
            }
        }
        [_] => End::Broken(Code::PROTOCOL_ERROR),
    }
}

fn unmask(bytes: &mut [u8], mask: &mut [u8; 4]) {
    let mut chunks = bytes.chunks_exact_mut(4);
    for chunk in &mut chunks {
        for (byte, mask) in chunk.iter_mut().zip(&*mask) {
            *byte ^= mask;
        }
    }
    let rest = chunks.into_remainder();
    for (byte, mask) in rest.iter_mut().zip(&*mask) {
        *byte ^= mask;
    }
    mask.rotate_left(rest.len());
}

#[cfg(test)]
mod tests;
