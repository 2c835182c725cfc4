//! The head of a request, and what is wrong with it.

use super::Status;

/// Longest head of a request, in bytes.
pub(in crate::server) const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Most header fields of a request.
const HEADERS_MAX: usize = 64;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Request<'a> {
    /// `HEAD`, not `GET`.
    pub(in crate::server) head_only: bool,
    /// The path, without what follows a question mark.
    pub(in crate::server) path: &'a str,
    /// How long its head is, in bytes.
    pub(in crate::server) length: usize,
    /// It is of HTTP/1.1, not 1.0.
    is_current: bool,
    headers: Vec<httparse::Header<'a>>,
}

impl<'a> Request<'a> {
    /// Reads the head of a request; `None` while its end has not come.
    ///
    /// # Errors
    /// Says how to refuse what is none, or none that is answered.
    pub(in crate::server) fn parse(bytes: &'a [u8]) -> Result<Option<Self>, Status> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(Status::HeadTooLarge);
            }
            Err(_) => return Err(Status::BadRequest),
        };
        let head_only = match request.method {
            Some("GET") => false,
            Some("HEAD") => true,
            _ => return Err(Status::MethodNotAllowed),
        };
        let target = request.path.unwrap_or_default();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        Ok(Some(Self {
            head_only,
            path,
            length,
            is_current: request.version == Some(1),
            headers: request.headers.to_vec(),
        }))
    }

    /// Returns the values of all header fields of this name, in their order.
    pub(in crate::server) fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        let named = self.headers.iter();
        let named = named.filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value)
    }

    /// Returns the value of the one header field of this name, if there is one.
    ///
    /// # Errors
    /// Fails if there are several, of which others might take another.
    pub(in crate::server) fn one(&self, name: &str) -> Result<Option<&'a [u8]>, Status> {
        let mut all = self.all(name);
        let first = all.next();
        if all.next().is_some() {
            return Err(Status::BadRequest);
        }
        Ok(first)
    }

    /// Returns whether a list has a word in it (RFC 9110, 5.6.1), capital letters or not.
    pub(in crate::server) fn lists(&self, name: &str, word: &str) -> bool {
        let values = self.all(name);
        let mut words = values.flat_map(|value| value.split(|&byte| byte == b','));
        words.any(|found| found.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Returns whether another request may come behind it (RFC 9112, 9.3).
    pub(in crate::server) fn keeps_alive(&self) -> bool {
        self.is_current && !self.lists("connection", "close")
    }

    /// Returns whether it is of the version that WebSocket needs.
    pub(in crate::server) fn is_current(&self) -> bool {
        self.is_current
    }

    /// Returns whether more than the head belongs to it.
    pub(in crate::server) fn has_body(&self) -> bool {
        let mut lengths = self.all("content-length");
        lengths.any(|length| length != b"0") || self.all("transfer-encoding").next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_is_read_wherever_it_is_split() {
        let bytes = b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
        for end in 0..bytes.len() {
            assert_eq!(Request::parse(&bytes[..end]), Ok(None), "{end}");
        }
        let whole = Request::parse(bytes).unwrap().unwrap();
        assert_eq!(whole.length, bytes.len());
        assert_eq!((whole.path, whole.head_only), ("/metrics", false));
        let head = Request::parse(b"HEAD /healthz HTTP/1.0\n\n")
            .unwrap()
            .unwrap();
        assert_eq!((head.path, head.head_only), ("/healthz", true));
    }

    #[test]
    fn header_fields_are_read_as_they_are_meant() {
        let bytes = b"GET / HTTP/1.1\r\nhost: a\r\nConnection: keep-alive, UPGRADE\r\n\
            X-Forwarded-For: 1\r\nX-Forwarded-For: 2\r\nContent-Length: 0\r\n\r\n";
        let request = Request::parse(bytes).unwrap().unwrap();
        assert_eq!(request.one("Host"), Ok(Some(&b"a"[..])));
        assert_eq!(request.one("Origin"), Ok(None));
        assert_eq!(request.one("x-forwarded-for"), Err(Status::BadRequest));
        let all: Vec<_> = request.all("x-forwarded-for").collect();
        assert_eq!(all, [b"1", b"2"]);
        assert!(request.lists("connection", "upgrade") && !request.lists("connection", "up"));
        assert!(request.keeps_alive() && !request.has_body());
        for (head, alive, body) in [
            ("GET / HTTP/1.0\r\n\r\n", false, false),
            (
                "GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n",
                false,
                false,
            ),
            ("GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", true, true),
            (
                "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                true,
                true,
            ),
        ] {
            let request = Request::parse(head.as_bytes()).unwrap().unwrap();
            assert_eq!(
                (request.keeps_alive(), request.has_body()),
                (alive, body),
                "{head}"
            );
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let long = [
            b"GET / HTTP/1.1\r\nX: ".to_vec(),
            vec![b'x'; HEAD_BYTES_MAX],
        ]
        .concat();
        let many = format!(
            "GET / HTTP/1.1\r\n{}\r\n",
            "X: y\r\n".repeat(HEADERS_MAX + 1)
        );
        for (bytes, status) in [
            (&b"POST / HTTP/1.1\r\n\r\n"[..], Status::MethodNotAllowed),
            (b"\x16\x03\x01\x02\x00", Status::BadRequest),
            (b"GET / HTTP/9.9\r\n\r\n", Status::BadRequest),
            (b"GET /\r\n\r\n", Status::BadRequest),
            (b"GET / HTTP/1.1\r\nHost\r\n\r\n", Status::BadRequest),
            (&long, Status::HeadTooLarge),
            (many.as_bytes(), Status::HeadTooLarge),
        ] {
            assert_eq!(
                Request::parse(bytes),
                Err(status),
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            std::hint::black_box(Request::parse(&bytes)).ok();
        }
    }
}
