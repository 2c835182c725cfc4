//! The browser all tests share, and a page in one of its tabs.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{PATIENCE, program};
use crate::webdriver::Driver;

/// Keys without a character of their own, as `WebDriver` writes them.
pub(crate) mod key {
    pub(crate) const TAB: &str = "\u{E004}";
    pub(crate) const ENTER: &str = "\u{E007}";
    pub(crate) const SHIFT: &str = "\u{E008}";
    /// Lets go of Shift.
    pub(crate) const RELEASE: &str = "\u{E000}";
    pub(crate) const ESCAPE: &str = "\u{E00C}";
    pub(crate) const UP: &str = "\u{E013}";
    pub(crate) const DOWN: &str = "\u{E015}";
}

/// What a test asks for again until it is so.
const AGAIN: Duration = Duration::from_millis(15);

/// A desktop, and a phone, in pixels of CSS.
pub(crate) const DESKTOP: (u32, u32) = (1100, 720);
pub(crate) const PHONE: (u32, u32) = (390, 780);

static SHARED: Mutex<Weak<Mutex<Driver>>> = Mutex::new(Weak::new());

/// The shared browser; lives as long as any test waits for it or has it.
#[derive(Debug)]
pub(crate) struct Browser(Arc<Mutex<Driver>>);

/// A test's turn in the browser.
pub(crate) struct Turn<'b> {
    driver: RefCell<MutexGuard<'b, Driver>>,
    current: RefCell<String>,
}

impl Browser {
    /// Returns it, started if need be; nothing where it isn't installed, which is told.
    #[track_caller]
    pub(crate) fn find() -> Option<Self> {
        program::tool("chromium", "chromium")?;
        let command = program::tool("chromedriver", "chromium-driver")?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let driver = shared.upgrade().unwrap_or_else(|| {
            let driver = Arc::new(Mutex::new(Driver::start(command)));
            *shared = Arc::downgrade(&driver);
            driver
        });
        Some(Self(driver))
    }

    /// Waits for the test's turn, which begins with an empty browser.
    pub(crate) fn turn(&self) -> Turn<'_> {
        let mut driver = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let handles = driver.get("/window/handles").unwrap();
        let mut handles: Vec<_> = handles.as_array().unwrap().clone();
        let first = handles.remove(0);
        for other in handles {
            driver.post("/window", &json!({"handle": other})).unwrap();
            driver.delete("/window").unwrap();
        }
        driver.post("/window", &json!({"handle": first})).unwrap();
        driver.post("/url", &json!({"url": "about:blank"})).unwrap();
        for log in ["browser", "performance"] {
            driver.post("/se/log", &json!({"type": log})).unwrap();
        }
        let first = first.as_str().unwrap().to_owned();
        Turn {
            driver: RefCell::new(driver),
            current: RefCell::new(first),
        }
    }
}

impl<'b> Turn<'b> {
    /// Opens a tab.
    pub(crate) fn tab(&self) -> Tab<'_, 'b> {
        let made = self.post("/window/new", &json!({"type": "tab"})).unwrap();
        let handle = made["handle"].as_str().unwrap().to_owned();
        let tab = Tab { turn: self, handle };
        tab.size(DESKTOP);
        tab.scheme("light");
        tab
    }

    fn switch(&self, handle: &str) {
        if *self.current.borrow() != handle {
            self.post("/window", &json!({"handle": handle})).unwrap();
            handle.clone_into(&mut self.current.borrow_mut());
        }
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, Value> {
        self.driver.borrow_mut().post(path, body)
    }

    /// Returns what Chromium has logged since the last time: its console's words, or its requests.
    pub(crate) fn log(&self, which: &str) -> Vec<Value> {
        let log = self.post("/se/log", &json!({"type": which})).unwrap();
        log.as_array().unwrap().clone()
    }
}

/// A page, or what is to be one.
pub(crate) struct Tab<'t, 'b> {
    turn: &'t Turn<'b>,
    handle: String,
}

impl Tab<'_, '_> {
    fn post(&self, path: &str, body: &Value) -> Value {
        self.turn.switch(&self.handle);
        self.turn
            .post(path, body)
            .unwrap_or_else(|error| panic!("{path} {body}: {error:#}"))
    }

    /// Goes to an address.
    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Runs a function's body with `arguments` and returns its result.
    pub(crate) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.post(
            "/execute/sync",
            &json!({"script": script, "args": arguments}),
        )
    }

    /// Returns the value of an expression.
    pub(crate) fn value(&self, expression: &str) -> Value {
        self.run(&format!("return ({expression})"), &[])
    }

    /// Returns a text that an expression has.
    pub(crate) fn text(&self, expression: &str) -> String {
        let value = self.value(expression);
        let text = value.as_str();
        text.unwrap_or_else(|| panic!("{expression}: {value}"))
            .to_owned()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(crate) fn wait(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.value(&format!("Boolean({expression})")) != Value::Bool(true) {
            assert!(
                Instant::now() < deadline,
                "never: {expression}\n{}\n{:?}",
                self.text("document.body.innerText"),
                self.turn.log("browser")
            );
            std::thread::sleep(AGAIN);
        }
    }

    /// Waits until the talk's last line is `wanted`, as `NAME: TEXT`.
    #[track_caller]
    pub(crate) fn expect_last(&self, wanted: &str) {
        let lines = self.deadline_until(|lines| lines.last().is_some_and(|line| line == wanted));
        assert_eq!(lines.last().map(String::as_str), Some(wanted), "{lines:#?}");
    }

    fn deadline_until(&self, is_so: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = self.lines();
            if is_so(&lines) || Instant::now() > deadline {
                return lines;
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Returns the talk, one line each, as `NAME: TEXT`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.value(
            "[...document.querySelectorAll('#log .line')].map((line) => \
             line.children[1].textContent + line.children[2].textContent)",
        );
        serde_json::from_value(lines).unwrap()
    }

    fn element(&self, css: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": css}));
        let id = found.as_object().unwrap().values().next().unwrap();
        id.as_str().unwrap().to_owned()
    }

    /// Clicks on what a selector finds.
    pub(crate) fn click(&self, css: &str) {
        let element = self.element(css);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Types into what a selector finds.
    pub(crate) fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// Presses keys, wherever the focus is.
    pub(crate) fn press(&self, keys: &[&str]) {
        let presses: Vec<_> = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})))
            .collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": presses});
        self.post("/actions", &json!({"actions": [keyboard]}));
    }

    /// Writes a line, and sends it.
    pub(crate) fn say(&self, line: &str) {
        self.type_into("#line", &[line, key::ENTER].concat());
    }

    /// Gives a name at the door, and waits until it is in the room.
    #[track_caller]
    pub(crate) fn enter(&self, name: &str) {
        self.type_into("#name", &[name, key::ENTER].concat());
        self.expect_inside();
    }

    /// The same with a name that is kept, and its key, as on a terminal.
    #[track_caller]
    pub(crate) fn enter_with_key(&self, name: &str, secret: &str) {
        self.type_into("#name", &format!("{name} {secret}\n"));
        self.expect_inside();
    }

    /// Waits until it is in the room.
    #[track_caller]
    pub(crate) fn expect_inside(&self) {
        self.wait("document.body.dataset.state === 'on'");
    }

    /// Tells Chromium something in its own protocol.
    pub(crate) fn tell(&self, command: &str, params: &Value) -> Value {
        let body = json!({"cmd": command, "params": params});
        self.post("/goog/cdp/execute", &body)
    }

    /// Is as large as that, in CSS pixels; a phone if it is narrow.
    pub(crate) fn size(&self, (width, height): (u32, u32)) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        self.tell("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Prefers light or dark.
    pub(crate) fn scheme(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.tell(
            "Emulation.setEmulatedMedia",
            &json!({"features": [feature]}),
        );
    }

    /// Takes a picture, into `target/pictures`.
    pub(crate) fn picture(&self, name: &str) {
        self.turn.switch(&self.handle);
        let picture = self.turn.driver.borrow_mut().get("/screenshot").unwrap();
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
        fs::create_dir_all(&folder).unwrap();
        let bytes = from_base64(picture.as_str().unwrap());
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .bytes()
        .filter_map(|byte| match byte {
            b'A'..=b'Z' => Some(byte - b'A'),
            b'a'..=b'z' => Some(byte - b'a' + 26),
            b'0'..=b'9' => Some(byte - b'0' + 52),
            b'+' => Some(62),
            b'/' => Some(63),
            _ => None,
        })
        .map(u32::from)
        .collect();
    digits
        .chunks(4)
        .flat_map(|chunk| {
            let bits = chunk.iter().enumerate();
            let bits = bits.fold(0, |bits, (at, digit)| bits | digit << (18 - 6 * at));
            bits.to_be_bytes()[1..chunk.len()].to_vec()
        })
        .collect()
}
