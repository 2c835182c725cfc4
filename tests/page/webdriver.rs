//! As much of W3C's `WebDriver` as the tests need, over one connection to chromedriver.
//!
//! The crates that drive browsers bring an async runtime (`fantoccini`, `thirtyfour`) or the whole of
//! Chrome's protocol as generated code (`headless_chrome`), where this is a request and its answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::common::{PATIENCE, program};

/// What chromedriver says when it is ready, before its port.
const STARTED: &str = "started successfully on port ";

/// Chromium's flags: as root it has no sandbox, and `/dev/shm` of a container is small.
const FLAGS: [&str; 6] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--lang=en-GB",
];

/// chromedriver and its browser, both ended when dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    child: Child,
    stream: BufReader<TcpStream>,
    session: String,
}

impl Driver {
    /// Starts both.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let port: u16 = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, port) = line.split_once(STARTED)?;
                port.trim_end_matches('.').parse().ok()
            })
            .expect("chromedriver tells its port");
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("chromedriver listens");
        stream
            .set_read_timeout(Some(2 * PATIENCE))
            .expect("a timeout");
        let stream = BufReader::new(stream);
        let session = String::new();
        let mut driver = Self {
            child,
            stream,
            session,
        };
        let options = json!({"args": FLAGS, "perfLoggingPrefs": {"enableNetwork": true}});
        let wanted = json!({
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "unhandledPromptBehavior": "dismiss",
        });
        let body = json!({"capabilities": {"alwaysMatch": wanted}});
        let made = driver
            .request("POST", "/session", &body)
            .expect("a session");
        let id = made["sessionId"].as_str().expect("it has an id");
        driver.session = format!("/session/{id}");
        driver
    }

    /// Asks for something of the session; an error is what the driver says.
    pub(crate) fn get(&mut self, path: &str) -> Result<Value, Value> {
        let path = format!("{}{path}", self.session);
        self.request("GET", &path, &Value::Null)
    }

    /// Does something in the session.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Value, Value> {
        let path = format!("{}{path}", self.session);
        self.request("POST", &path, body)
    }

    /// Ends something in the session.
    pub(crate) fn delete(&mut self, path: &str) -> Result<Value, Value> {
        let path = format!("{}{path}", self.session);
        self.request("DELETE", &path, &Value::Null)
    }

    fn request(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let body = if method == "POST" {
            body.to_string()
        } else {
            String::new()
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let request = [head, body].concat();
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("chromedriver reads");
        self.answer()
    }

    fn answer(&mut self) -> Result<Value, Value> {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("an answer");
        let is_fine = line.contains(" 200 ");
        let mut length = 0;
        while line.trim_end() != "" {
            line.clear();
            self.stream.read_line(&mut line).expect("the answer's head");
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.stream
            .read_exact(&mut body)
            .expect("the answer's body");
        let mut answer: Value = serde_json::from_slice(&body).expect("chromedriver speaks JSON");
        let value = answer["value"].take();
        if is_fine { Ok(value) } else { Err(value) }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Without that the browser would stay. Nothing here may panic: a failed test may be the last.
        let session = &self.session;
        let request = format!("DELETE {session} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        let stream = self.stream.get_mut();
        if stream.write_all(request.as_bytes()).is_ok() {
            drop(stream.read(&mut [0; 1024]));
        }
        program::end(&mut self.child);
    }
}
