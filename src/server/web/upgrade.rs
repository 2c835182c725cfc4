//! The handshake that makes a WebSocket of a request (RFC 6455, 4.2).

use super::answer::Answer;
use super::origin::{Origin, may_connect};
use crate::layer::websocket;
use crate::server::http::{Request, Status};

/// The sub-protocol in which a WebSocket is told of the room in JSON.
pub(super) const JSON_PROTOCOL: &str = "chatroom.json.v1";

/// A request that becomes a WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Upgrade {
    /// It is to be told of the room in JSON.
    pub(super) wants_json: bool,
    accept: String,
}

/// Why a request doesn't, and what is to be said of it.
pub(super) type Refusal = (Status, &'static str);

impl Upgrade {
    /// Checks a request. See [`may_connect`] for `is_local` and `allowed`.
    ///
    /// # Errors
    /// Says how to refuse it.
    pub(super) fn of(
        request: &Request<'_>,
        is_local: bool,
        allowed: &[Origin],
    ) -> Result<Self, Refusal> {
        let only_once = |name| {
            let twice = |status| (status, "A header field was there twice.\n");
            request.one(name).map_err(twice)
        };
        let needs = (Status::UpgradeRequired, "This is for WebSockets.\n");
        if request.head_only || !request.is_current() {
            return Err(needs);
        }
        if !request.lists("upgrade", "websocket") || !request.lists("connection", "upgrade") {
            return Err(needs);
        }
        if only_once("sec-websocket-version")? != Some(websocket::VERSION) {
            return Err((Status::UpgradeRequired, "The version is 13.\n"));
        }
        let key = only_once("sec-websocket-key")?;
        let accept = key.and_then(websocket::accept_key);
        let no_key = (Status::BadRequest, "There was no proper key.\n");
        let accept = accept.ok_or(no_key)?;
        let no_host = (Status::BadRequest, "There was no host.\n");
        let host = only_once("host")?.ok_or(no_host)?;
        // Programs other than browsers say none.
        if let Some(origin) = only_once("origin")?
            && !may_connect(origin, host, is_local, allowed)
        {
            return Err((
                Status::Forbidden,
                "Your page may not connect here (see --web-origin and --proxy-from).\n",
            ));
        }
        let wants_json = request.lists("sec-websocket-protocol", JSON_PROTOCOL);
        Ok(Self { wants_json, accept })
    }

    /// Returns what the client is told.
    pub(super) fn answer(&self) -> Answer {
        let protocol = if self.wants_json {
            format!("Sec-WebSocket-Protocol: {JSON_PROTOCOL}\r\n")
        } else {
            String::new()
        };
        let head = format!(
            "HTTP/1.1 {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n{protocol}\r\n",
            Status::SwitchingProtocols.line(),
            self.accept,
        );
        Answer::of_head(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "GET /ws HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: websocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n";

    fn upgrade(head: &str) -> Result<Upgrade, Refusal> {
        let head = format!("{head}\r\n");
        let request = Request::parse(head.as_bytes()).unwrap().unwrap();
        Upgrade::of(&request, true, &[])
    }

    #[test]
    fn a_proper_request_becomes_a_websocket() {
        let plain = upgrade(RIGHT).unwrap();
        assert!(!plain.wants_json);
        let own = format!("{RIGHT}Origin: http://localhost:8080\r\n");
        assert_eq!(upgrade(&own), Ok(plain));
        for protocols in [
            JSON_PROTOCOL,
            "chat, CHATROOM.JSON.V1",
            "x,chatroom.json.v1 , y",
        ] {
            let json = upgrade(&format!("{RIGHT}Sec-WebSocket-Protocol: {protocols}\r\n"));
            assert!(json.unwrap().wants_json, "{protocols}");
        }
        let other = upgrade(&format!("{RIGHT}Sec-WebSocket-Protocol: soap\r\n"));
        assert!(!other.unwrap().wants_json);
    }

    #[test]
    fn anything_else_is_refused_with_a_status() {
        let without = |start: &str| -> String {
            let lines = RIGHT.split_inclusive("\r\n");
            lines.filter(|line| !line.starts_with(start)).collect()
        };
        let version = |version| RIGHT.replace("Version: 13", &format!("Version: {version}"));
        for (head, status) in [
            (without("Upgrade"), Status::UpgradeRequired),
            (without("Connection"), Status::UpgradeRequired),
            (
                RIGHT.replace("HTTP/1.1", "HTTP/1.0"),
                Status::UpgradeRequired,
            ),
            (RIGHT.replace("GET", "HEAD"), Status::UpgradeRequired),
            (without("Sec-WebSocket-Version"), Status::UpgradeRequired),
            (version("8"), Status::UpgradeRequired),
            (version("13, 13"), Status::UpgradeRequired),
            (without("Sec-WebSocket-Key"), Status::BadRequest),
            (RIGHT.replace("dGhl", "dGh"), Status::BadRequest),
            (without("Host"), Status::BadRequest),
            (format!("{RIGHT}Host: localhost\r\n"), Status::BadRequest),
            (
                format!("{RIGHT}Sec-WebSocket-Version: 13\r\n"),
                Status::BadRequest,
            ),
            (
                format!("{RIGHT}Origin: http://evil.example\r\n"),
                Status::Forbidden,
            ),
            (format!("{RIGHT}Origin: null\r\n"), Status::Forbidden),
        ] {
            assert_eq!(upgrade(&head).unwrap_err().0, status, "{head}");
        }
    }
}
