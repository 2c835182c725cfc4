//! HTTP, as little of it as is needed: requests without bodies, bounded in bytes and time. Those who
//! look after the server have a connection for each; the page's are [the web's](super::web).

mod exchanges;
mod request;

pub(super) use self::exchanges::{EXCHANGES_MAX, Exchanges};
pub(super) use self::request::{HEAD_BYTES_MAX, Request};

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: Status,
    /// The type of the body, as MIME has it.
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

/// How a request went, as far as it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    SwitchingProtocols,
    Ok,
    NotModified,
    BadRequest,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    UpgradeRequired,
    HeadTooLarge,
    Unavailable,
}

impl Status {
    pub(super) fn line(self) -> &'static str {
        match self {
            Self::SwitchingProtocols => "101 Switching Protocols",
            Self::Ok => "200 OK",
            Self::NotModified => "304 Not Modified",
            Self::BadRequest => "400 Bad Request",
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::UpgradeRequired => "426 Upgrade Required",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

impl Response {
    /// Returns a response of plain text.
    pub(super) fn text(status: Status, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: body.into(),
        }
    }

    /// Returns what goes over the wire; without the body, if only the head was asked for.
    fn bytes(&self, head_only: bool) -> Vec<u8> {
        let allow = if self.status == Status::MethodNotAllowed {
            "Allow: GET, HEAD\r\n"
        } else {
            ""
        };
        let body = if head_only { "" } else { &self.body };
        format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             {allow}Connection: close\r\n\r\n{body}",
            self.status.line(),
            self.content_type,
            self.body.len(),
        )
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_says_how_long_it_is_and_that_no_more_comes() {
        let response = Response::text(Status::Ok, "ok\n");
        let text = String::from_utf8(response.bytes(false)).unwrap();
        assert_eq!(
            text,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\nok\n"
        );
        let head = String::from_utf8(response.bytes(true)).unwrap();
        assert_eq!(format!("{head}ok\n"), text);
    }
}
