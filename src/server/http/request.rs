//! The head of a request, and what is wrong with it.

use super::Status;

/// Longest head of a request, in bytes.
pub(super) const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Most header fields of a request.
const HEADERS_MAX: usize = 64;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) struct Request<'a> {
    /// `GET` or `HEAD`.
    pub(super) head_only: bool,
    /// The path, without what follows a question mark.
    pub(in crate::server) path: &'a str,
}

impl<'a> Request<'a> {
    /// Reads the head of a request; `None` while its end has not come.
    ///
    /// # Errors
    /// Says how to refuse what is none, or none that is answered.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Option<Self>, Status> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(bytes) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(Status::HeadTooLarge);
            }
            Err(_) => return Err(Status::BadRequest),
        }
        let head_only = match request.method {
            Some("GET") => false,
            Some("HEAD") => true,
            _ => return Err(Status::MethodNotAllowed),
        };
        let target = request.path.unwrap_or_default();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        Ok(Some(Self { head_only, path }))
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
        assert_eq!((whole.path, whole.head_only), ("/metrics", false));
        let head = Request::parse(b"HEAD /healthz HTTP/1.0\n\n")
            .unwrap()
            .unwrap();
        assert_eq!((head.path, head.head_only), ("/healthz", true));
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
