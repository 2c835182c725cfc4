//! What one connection hears otherwise than the room: private lines put in, own lines left out.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::ops::Range;

use super::Transcript;

/// Most pieces handed to the kernel in one write; Linux takes up to 1,024.
pub const SLICES_MAX: usize = 64;

/// Most private bytes that are kept after they were sent, where others wait behind them.
const SENT_BYTES_MAX: usize = 16 * 1024;

/// The places where one connection hears something else than the others, in their order.
#[derive(Debug, Default)]
pub struct Splices {
    list: VecDeque<Splice>,
    /// The bytes to put in, in the order of the splices.
    private: Vec<u8>,
    /// How many of `private` are sent.
    private_sent: usize,
    /// How many private bytes were ever sent.
    private_taken: u64,
}

/// A place in the transcript: `insert` private bytes are put in, then `skip` bytes are left out.
#[derive(Debug, Clone, Copy)]
struct Splice {
    at: u64,
    skip: u32,
    insert: u32,
}

impl Splices {
    /// Returns whether it hears just what the room does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns at how many places it hears something else.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns how many private bytes wait.
    #[must_use]
    pub fn private_len(&self) -> usize {
        self.private.len() - self.private_sent
    }

    /// Returns a number that grows with the private bytes sent.
    #[must_use]
    pub fn private_taken(&self) -> u64 {
        self.private_taken
    }

    /// Puts `bytes` in at `at`, which is behind all other splices.
    pub fn insert(&mut self, at: u64, bytes: &[u8]) {
        let insert = bytes.len() as u32;
        self.private.extend_from_slice(bytes);
        match self.list.back_mut() {
            Some(last) if last.at == at && last.skip == 0 => last.insert += insert,
            _ => self.list.push_back(Splice {
                at,
                skip: 0,
                insert,
            }),
        }
    }

    /// Leaves `line` out, which is behind all other splices.
    pub fn skip(&mut self, line: Range<u64>) {
        let skip = (line.end - line.start) as u32;
        match self.list.back_mut() {
            Some(last) if last.at + u64::from(last.skip) == line.start => last.skip += skip,
            _ => self.list.push_back(Splice {
                at: line.start,
                skip,
                insert: 0,
            }),
        }
    }

    /// Moves all of them to `at`: who they are for begins to hear the room there.
    pub fn move_to(&mut self, at: u64) {
        self.list.iter_mut().for_each(|splice| splice.at = at);
    }

    /// Lists what lies between `cursor` and `goal`, splices applied, and returns in how many slices
    /// and how many bytes.
    pub fn gather<'a>(
        &'a self,
        cursor: u64,
        goal: u64,
        transcript: &'a Transcript,
        slices: &mut [IoSlice<'a>; SLICES_MAX],
    ) -> (usize, usize) {
        let (mut count, mut offered) = (0, 0);
        let mut add = |bytes: &'a [u8]| {
            if !bytes.is_empty() && count < SLICES_MAX {
                slices[count] = IoSlice::new(bytes);
                count += 1;
                offered += bytes.len();
            }
            count < SLICES_MAX
        };
        let mut at = cursor;
        let mut private = &self.private[self.private_sent..];
        let end = Splice {
            at: goal,
            skip: 0,
            insert: 0,
        };
        for splice in self.list.iter().chain([&end]) {
            let (first, second) = transcript.bytes(at..splice.at);
            let (inserted, rest) = private.split_at(splice.insert as usize);
            if !(add(first) && add(second) && add(inserted)) {
                break;
            }
            private = rest;
            at = splice.at + u64::from(splice.skip);
        }
        (count, offered)
    }

    /// Returns where the cursor is once `written` bytes from it on are sent: behind what needs no
    /// sending, too.
    pub fn advance(&mut self, mut cursor: u64, mut written: usize, goal: u64) -> u64 {
        loop {
            let next = self.list.front().map_or(goal, |splice| splice.at);
            let step = written.min((next - cursor) as usize);
            cursor += step as u64;
            written -= step;
            if cursor < next {
                return cursor;
            }
            let Some(splice) = self.list.front_mut() else {
                return cursor;
            };
            let step = written.min(splice.insert as usize);
            splice.insert -= step as u32;
            self.private_sent += step;
            self.private_taken += step as u64;
            written -= step;
            if splice.insert > 0 {
                return cursor;
            }
            cursor += u64::from(splice.skip);
            self.list.pop_front();
            self.forget_sent();
        }
    }

    /// Forgets how many private bytes were ever sent: what comes is somebody else's.
    pub fn begin_anew(&mut self) {
        self.private_taken = 0;
    }

    /// Gives buffers back that are empty and larger than `bytes_max`.
    pub fn shrink(&mut self, bytes_max: usize) {
        if self.list.is_empty() && self.list.capacity() * size_of::<Splice>() > bytes_max {
            self.list = VecDeque::new();
        }
        if self.private.is_empty() && self.private.capacity() > bytes_max {
            self.private = Vec::new();
        }
    }

    /// Returns how many bytes of memory are held.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.private.capacity() + self.list.capacity() * size_of::<Splice>()
    }

    /// Frees the room of private bytes that are sent.
    fn forget_sent(&mut self) {
        if self.private_sent == self.private.len() {
            self.private.clear();
            self.private_sent = 0;
        } else if self.private_sent > SENT_BYTES_MAX {
            self.private.drain(..self.private_sent);
            self.private_sent = 0;
        }
    }
}
