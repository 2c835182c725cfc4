//! The page in the browser, and the way from a request to a WebSocket.
//!
//! A connection to an `http://` or `https://` listener is on its way in (see
//! `arrivals`) as long as it asks for files; one that asks for `SOCKET` becomes a
//! WebSocket and is let in. The files are part of the program.

mod answer;
mod files;
mod forwarded;
mod origin;
mod upgrade;
mod visit;

use std::net::IpAddr;

use ipnet::IpNet;

use self::answer::{Answer, Content};
use self::files::Files;
pub use self::origin::Origin;
use self::upgrade::{Refusal, Upgrade};
pub(super) use self::visit::{Progress, Visit, Way};
use super::http::{Request, Status};
use super::listener::{Endpoint, Listener};

/// What is said to who speaks HTTP where TLS is spoken.
pub(super) const NEEDS_TLS: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 38\r\nConnection: close\r\n\r\nThe page is at https://, not http://.\n";

/// What is said to who comes when there is no place.
pub(super) const NO_PLACE: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
    Content-Length: 36\r\nRetry-After: 10\r\nConnection: close\r\n\r\n\
    There is no place; try again later.\n";

/// Where a WebSocket is asked for.
const SOCKET: &str = "/ws";

/// What is served, and to whom.
#[derive(Debug)]
pub(super) struct Site {
    files: Files,
    /// Pages that may connect beside the own.
    allowed: Vec<Origin>,
    /// Proxies that say whom they stand for.
    proxies: Vec<IpNet>,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whence {
    /// Its connection's other end, or whom a PROXY header has named.
    pub(super) address: IpAddr,
    /// It came to an address that is for this machine alone.
    pub(super) is_local: bool,
}

/// What a request comes to.
#[derive(Debug)]
struct Outcome {
    answer: Answer,
    /// No other request follows.
    closes: bool,
    /// It is a WebSocket from there on.
    opened: Option<Opened>,
}

/// A WebSocket that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened {
    /// It is told of the room in JSON.
    pub(super) wants_json: bool,
    /// Where it comes from.
    pub(super) address: IpAddr,
}

impl Site {
    pub(super) fn new(allowed: Vec<Origin>, proxies: Vec<IpNet>) -> Self {
        Self {
            files: Files::new(),
            allowed,
            proxies,
        }
    }

    /// Answers a request; `is_alone` says that nothing came behind it.
    fn answer(&self, request: &Request<'_>, whence: Whence, is_alone: bool) -> Outcome {
        if request.has_body() {
            return Outcome::refused((Status::BadRequest, "No bodies are taken.\n"));
        }
        if request.path == SOCKET {
            return self.open(request, whence, is_alone);
        }
        let Some((file, tag)) = self.files.at(request.path) else {
            let content = Content::text("There is no such page.\n");
            return Outcome::to(request, Status::NotFound, &content);
        };
        let content = Content {
            media_type: file.content_type,
            bytes: file.bytes,
            tag: Some(tag.to_owned()),
        };
        let is_known = request.lists("if-none-match", tag) || {
            let weak = format!("W/{tag}");
            request.lists("if-none-match", &weak)
        };
        let status = if is_known {
            Status::NotModified
        } else {
            Status::Ok
        };
        Outcome::to(request, status, &content)
    }

    fn open(&self, request: &Request<'_>, whence: Whence, is_alone: bool) -> Outcome {
        let mut forwarded = request.all("x-forwarded-for").peekable();
        // A page can't add that field: behind a proxy, names are the proxy's matter.
        let is_forwarded = forwarded.peek().is_some() && self.is_proxy(whence.address);
        let is_local = whence.is_local && !is_forwarded;
        let upgrade = match Upgrade::of(request, is_local, &self.allowed) {
            Ok(_) if !is_alone => {
                let early = "Something came before the answer.\n";
                return Outcome::refused((Status::BadRequest, early));
            }
            Ok(upgrade) => upgrade,
            Err((Status::UpgradeRequired, words)) => {
                let content = Content::text(words);
                return Outcome::to(request, Status::UpgradeRequired, &content);
            }
            Err(refusal) => return Outcome::refused(refusal),
        };
        let address = forwarded::source(
            whence.address,
            request.all("x-forwarded-for"),
            &self.proxies,
        );
        Outcome {
            answer: upgrade.answer(),
            closes: false,
            opened: Some(Opened {
                wants_json: upgrade.wants_json,
                address,
            }),
        }
    }

    /// Returns where browsers find the page that is listened for there: as those who look after the
    /// server have named it, or else by the address.
    pub(super) fn page(&self, listeners: &[Listener]) -> Option<String> {
        let listener = listeners
            .iter()
            .find(|listener| listener.scheme().is_web())?;
        if let Some(origin) = self.allowed.first() {
            return Some(format!("{origin}/"));
        }
        match listener.endpoint() {
            Endpoint::Port(_, address) if address.ip().is_unspecified() => Some(format!(
                "port {} of this host, over {}",
                address.port(),
                if listener.scheme().is_sealed() {
                    "https"
                } else {
                    "http"
                },
            )),
            endpoint => Some(format!("{endpoint}/")),
        }
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.proxies.iter().any(|net| net.contains(&address))
    }
}

impl Outcome {
    /// Returns an answer behind which other requests may follow, if this one lets them.
    fn to(request: &Request<'_>, status: Status, content: &Content) -> Self {
        let closes = !request.keeps_alive();
        Self {
            answer: Answer::new(status, content, request.head_only, closes),
            closes,
            opened: None,
        }
    }

    /// Returns the last answer of a connection.
    fn refused((status, words): Refusal) -> Self {
        Self {
            answer: Answer::new(status, &Content::text(words), false, true),
            closes: true,
            opened: None,
        }
    }
}
