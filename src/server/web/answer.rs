//! What a request for the page is answered with, and the writing of it.

use std::io::{self, ErrorKind, IoSlice};

use crate::hub::sealed::Sealed;
use crate::server::http::Status;
use crate::stream::Stream;

/// What every answer says: that nothing runs, loads or connects but the page's own, and nobody puts it
/// into a frame of theirs.
const SAFETY: &str = "Content-Security-Policy: default-src 'none'; script-src 'self'; \
    style-src 'self'; connect-src 'self'; img-src 'self' data:; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
    X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
    Cross-Origin-Resource-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n";

/// An answer, and how much of it is on its way.
#[derive(Debug)]
pub(super) struct Answer {
    head: Vec<u8>,
    body: &'static [u8],
    sent: usize,
}

/// What the body of an answer is.
pub(super) struct Content {
    pub(super) media_type: &'static str,
    pub(super) bytes: &'static [u8],
    /// By which it is known to be the same.
    pub(super) tag: Option<String>,
}

impl Content {
    /// Returns a short text.
    pub(super) fn text(text: &'static str) -> Self {
        Self {
            media_type: "text/plain; charset=utf-8",
            bytes: text.as_bytes(),
            tag: None,
        }
    }
}

impl Answer {
    /// Returns an answer that is only a head.
    pub(super) fn of_head(head: String) -> Self {
        Self {
            head: head.into_bytes(),
            body: &[],
            sent: 0,
        }
    }

    /// Returns an answer, without its body if only the head was asked for; `closes` says that no
    /// other follows.
    pub(super) fn new(status: Status, content: &Content, head_only: bool, closes: bool) -> Self {
        let special = match status {
            Status::MethodNotAllowed => "Allow: GET, HEAD\r\n",
            Status::UpgradeRequired => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            _ => "",
        };
        // May be kept, but is asked for again: a new version of the server has a new page.
        let caching = match &content.tag {
            Some(tag) => format!("Cache-Control: no-cache\r\nETag: {tag}\r\n"),
            None => "Cache-Control: no-store\r\n".to_owned(),
        };
        let connection = match (status, closes) {
            (Status::UpgradeRequired, true) => "Connection: Upgrade, close\r\n",
            (Status::UpgradeRequired, false) => "Connection: Upgrade\r\n",
            (_, true) => "Connection: close\r\n",
            (_, false) => "",
        };
        let entity = if status == Status::NotModified {
            String::new()
        } else {
            let length = content.bytes.len();
            let media_type = content.media_type;
            format!("Content-Type: {media_type}\r\nContent-Length: {length}\r\n")
        };
        let head = format!(
            "HTTP/1.1 {}\r\n{entity}{caching}{special}{SAFETY}{connection}\r\n",
            status.line(),
        );
        let has_body = !head_only && status != Status::NotModified;
        Self {
            head: head.into_bytes(),
            body: if has_body { content.bytes } else { &[] },
            sent: 0,
        }
    }

    /// Writes on, and returns whether all is written.
    ///
    /// # Errors
    /// As the stream says: the connection is broken.
    pub(super) fn write(
        &mut self,
        stream: &mut impl Stream,
        mut sealed: Option<&mut Sealed>,
    ) -> io::Result<bool> {
        while self.sent < self.head.len() + self.body.len() {
            let in_body = self.sent.saturating_sub(self.head.len());
            let head = &self.head[self.sent.min(self.head.len())..];
            let pieces = [head, &self.body[in_body..]].map(IoSlice::new);
            let written = match &mut sealed {
                Some(sealed) => sealed.write(stream, &pieces, &mut Vec::new())?,
                None => match stream.write_vectored(&pieces) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                    result => result?,
                },
            };
            if written == 0 {
                return Ok(false);
            }
            self.sent += written;
        }
        if let Some(sealed) = sealed {
            sealed.push(stream)?;
            return Ok(!sealed.has_unsent());
        }
        Ok(true)
    }
}
