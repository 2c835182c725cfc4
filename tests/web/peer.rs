//! A client of WebSocket, and one that asks for files: they say exactly what they are told to.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::common::{GREETING, PATIENCE, PROMPT, Server};
use super::person::config;
use super::rig::frames::{CLOSE, FIN, Reader, TEXT, frame};

/// The key of the RFC's example, and what it is answered with.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The sub-protocol in which the room is told in JSON.
pub(crate) const JSON: &str = "Sec-WebSocket-Protocol: chatroom.json.v1\r\n";

/// Starts a server with a page, beside its plain port.
#[track_caller]
pub(crate) fn serve(flags: &[&str]) -> Server {
    let web = ["--listen", "http://127.0.0.1:0"];
    let flags: Vec<&str> = web.iter().chain(flags).copied().collect();
    Server::start(&flags)
}

/// Returns what asks for a WebSocket, with more header fields.
pub(crate) fn asking(fields: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    )
}

/// Connects and does nothing else.
#[track_caller]
pub(crate) fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The same with TLS.
pub(crate) fn dial_sealed(address: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(config(), name).unwrap();
    StreamOwned::new(connection, dial(address))
}

/// An answer of HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns the value of a header field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1);
        fields.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Reads one answer, and nothing of what is behind it; that to a `HEAD` has no body.
#[track_caller]
pub(crate) fn read_answer(stream: &mut impl Read, head_only: bool) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        let length = stream.read(&mut byte).unwrap();
        assert_eq!(
            length,
            1,
            "the end after {:?}",
            String::from_utf8_lossy(&head)
        );
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer {
        status,
        head,
        body: Vec::new(),
    };
    if !head_only && let Some(length) = answer.field("content-length") {
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        answer.body = body;
    }
    answer
}

/// Sends a request on a connection of its own, and returns the answer.
#[track_caller]
pub(crate) fn ask(server: &Server, request: &str) -> Answer {
    let mut stream = dial(server.web_address());
    stream.write_all(request.as_bytes()).unwrap();
    read_answer(&mut stream, request.starts_with("HEAD"))
}

/// A WebSocket.
#[derive(Debug)]
pub(crate) struct Web<S = TcpStream> {
    pub(crate) stream: S,
    pub(crate) reader: Reader,
    /// How much of the text was taken as lines.
    taken: usize,
    ended: bool,
}

impl Web {
    /// Opens one.
    #[track_caller]
    pub(crate) fn open(server: &Server) -> Self {
        Self::open_with(server, "")
    }

    /// The same with more header fields.
    #[track_caller]
    pub(crate) fn open_with(server: &Server, fields: &str) -> Self {
        Self::over(dial(server.web_address()), fields)
    }

    /// Opens one and gives a name.
    #[track_caller]
    pub(crate) fn join(server: &Server, name: &str) -> Self {
        let mut web = Self::open(server);
        web.enter(name);
        web
    }
}

impl<S: Read + Write> Web<S> {
    /// Opens one over a stream.
    #[track_caller]
    pub(crate) fn over(mut stream: S, fields: &str) -> Self {
        stream.write_all(asking(fields).as_bytes()).unwrap();
        stream.flush().unwrap();
        let answer = read_answer(&mut stream, true);
        assert_eq!(answer.status, 101, "{}", answer.head);
        assert_eq!(answer.field("sec-websocket-accept"), Some(ACCEPT));
        assert_eq!(answer.field("upgrade"), Some("websocket"));
        let protocol = fields.split_once("Protocol: ").map(|(_, rest)| rest.trim());
        assert_eq!(answer.field("sec-websocket-protocol"), protocol);
        Self {
            stream,
            reader: Reader::default(),
            taken: 0,
            ended: false,
        }
    }

    /// Waits for the prompt and gives a name.
    #[track_caller]
    pub(crate) fn enter(&mut self, name: &str) {
        self.expect(PROMPT);
        self.say(name);
        self.expect(GREETING);
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self.stream.flush().unwrap();
    }

    /// Sends a message.
    #[track_caller]
    pub(crate) fn say(&mut self, text: &str) {
        self.send(frame(FIN | TEXT, text.as_bytes()));
    }

    /// Reads once; returns whether something came.
    fn read(&mut self) -> bool {
        let mut bytes = vec![0; 64 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.ended = true,
            Ok(length) => self.reader.show(&bytes[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                panic!(
                    "nothing came, after {:?}",
                    String::from_utf8_lossy(&self.reader.text)
                );
            }
            Err(_) => self.ended = true,
        }
        !self.ended
    }

    /// Waits for a line; none when no more comes.
    #[track_caller]
    pub(crate) fn line_or_end(&mut self) -> Option<String> {
        loop {
            let rest = &self.reader.text[self.taken..];
            if let Some(at) = rest.iter().position(|&byte| byte == b'\n') {
                let line = String::from_utf8(rest[..at].to_vec()).unwrap();
                self.taken += at + 1;
                return Some(line);
            }
            if !self.read() {
                return None;
            }
        }
    }

    /// Waits for a line.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        self.line_or_end().expect("a line, and the end came")
    }

    /// Waits for a line, which must be `wanted`.
    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: &str) {
        assert_eq!(self.line(), wanted);
    }

    /// Waits for the last frame, and returns its code; none if the connection just ended.
    #[track_caller]
    pub(crate) fn close_code(&mut self) -> Option<u16> {
        while self.reader.closed.is_none() && self.read() {}
        self.reader.closed
    }

    /// Waits for a pong, and returns its payload.
    #[track_caller]
    pub(crate) fn pong(&mut self) -> Vec<u8> {
        while self.reader.pongs.is_empty() {
            assert!(self.read(), "the end, and no pong");
        }
        self.reader.pongs.remove(0)
    }

    /// Says that it leaves, and waits for the server to say the same and close.
    #[track_caller]
    pub(crate) fn leave(&mut self) {
        self.send(frame(FIN | CLOSE, b"\x03\xe8bye"));
        assert_eq!(self.close_code(), Some(1000));
        while self.read() {}
    }
}
