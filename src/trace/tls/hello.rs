//! The two messages of a handshake that are not sealed: what the client asks for, and what the server
//! agrees to (RFC 8446, 4.1.2 and 4.1.3).

use super::key_log::Random;

/// The random number of a server that asks for another first message: SHA-256 of `HelloRetryRequest`.
const RETRY: Random = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

const SERVER_NAME: u16 = 0;
const SUPPORTED_VERSIONS: u16 = 43;

/// The client's first message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    pub(super) random: Random,
    /// Which server it asks for.
    pub(super) server_name: Option<Vec<u8>>,
}

/// The server's answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    /// The version's number on the wire.
    pub(super) version: u16,
    /// The cipher suite's number on the wire.
    pub(super) suite: u16,
    /// It asks for another first message.
    pub(super) retry: bool,
}

impl ClientHello {
    /// Reads the message's body.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut rest = body;
        take(&mut rest, 2)?;
        let random = take(&mut rest, 32)?.try_into().ok()?;
        vector(&mut rest, 1)?;
        vector(&mut rest, 2)?;
        vector(&mut rest, 1)?;
        // One without extensions is of an old version.
        let extensions = vector(&mut rest, 2).unwrap_or_default();
        let server_name = extension(extensions, SERVER_NAME).and_then(|mut list| {
            let mut names = vector(&mut list, 2)?;
            let host = take(&mut names, 1)? == [0];
            let name = vector(&mut names, 2)?;
            host.then(|| name.to_vec())
        });
        Some(Self {
            random,
            server_name,
        })
    }
}

impl ServerHello {
    /// Reads the message's body.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut rest = body;
        let old = number(&mut rest)?;
        let random = take(&mut rest, 32)?;
        vector(&mut rest, 1)?;
        let suite = number(&mut rest)?;
        take(&mut rest, 1)?;
        let extensions = vector(&mut rest, 2).unwrap_or_default();
        let version = extension(extensions, SUPPORTED_VERSIONS)
            .and_then(|mut version| number(&mut version))
            .unwrap_or(old);
        Some(Self {
            version,
            suite,
            retry: random == RETRY,
        })
    }
}

/// Returns what the extension with this number says.
fn extension(mut extensions: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let kind = number(&mut extensions)?;
        let data = vector(&mut extensions, 2)?;
        if kind == wanted {
            return Some(data);
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u16> {
    let bytes = take(rest, 2)?.try_into().ok()?;
    Some(u16::from_be_bytes(bytes))
}

/// Takes what a length of so many bytes stands before.
fn vector<'a>(rest: &mut &'a [u8], length_bytes: usize) -> Option<&'a [u8]> {
    let length = take(rest, length_bytes)?;
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    take(rest, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 1, 1, 0]);
        body.extend([0, 22, 0, 9, 0, 2, 1, 2]);
        body.extend([0, 0, 0, 12, 0, 10, 0, 0, 7]);
        body.extend(b"example");
        body
    }

    #[test]
    fn the_client_says_which_server_it_wants() {
        let hello = ClientHello::read(&client()).unwrap();
        assert_eq!(hello.random, [7; 32]);
        assert_eq!(hello.server_name.as_deref(), Some(&b"example"[..]));
    }

    #[test]
    fn a_message_that_is_cut_is_none_or_says_less() {
        let body = client();
        for end in 0..body.len() {
            if let Some(hello) = ClientHello::read(&body[..end]) {
                assert_eq!(hello.server_name, None, "{end}");
            }
            assert_eq!(ClientHello::read(&body[..end]).is_some(), end >= 41);
        }
    }

    #[test]
    fn the_version_stands_in_an_extension() {
        let hello = |random: [u8; 32], extensions: &[u8]| {
            let mut body = vec![3, 3];
            body.extend(random);
            body.extend([1, 9, 0x13, 2, 0]);
            body.extend(extensions);
            let hello = ServerHello::read(&body).unwrap();
            (hello.version, hello.suite, hello.retry)
        };
        let new = [0, 10, 0, 51, 0, 0, 0, 43, 0, 2, 3, 4];
        assert_eq!(hello([1; 32], &new), (0x304, 0x1302, false));
        assert_eq!(hello([1; 32], &[]), (0x303, 0x1302, false));
        assert_eq!(hello(RETRY, &new), (0x304, 0x1302, true));
    }
}
