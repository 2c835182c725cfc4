//! A room with a page, and a way to it that can break.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::{Peer, Server, chatroom};

/// A server that has a page.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) server: Server,
    web: SocketAddr,
}

impl Site {
    /// Starts it with `flags`.
    #[track_caller]
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut command = chatroom();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--listen", "http://127.0.0.1:0"])
            .args(flags);
        let server = Server::run(command);
        let mut texts = server.texts().iter();
        let web = texts
            .find_map(|text| text.strip_prefix("the page is at http://"))
            .and_then(|rest| rest.trim_end_matches('/').parse().ok())
            .unwrap_or_else(|| panic!("it tells where the page is: {:?}", server.texts()));
        Self { server, web }
    }

    /// Returns where the page is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.web)
    }

    /// Returns where the same page is for a browser that is somebody else: it remembers nothing of
    /// who is at the other address.
    pub(crate) fn other_url(&self) -> String {
        format!("http://localhost:{}/", self.web.port())
    }

    /// Returns where the page listens.
    pub(crate) fn web(&self) -> SocketAddr {
        self.web
    }

    /// Joins without a browser.
    #[track_caller]
    pub(crate) fn join(&self, name: &str) -> Peer {
        self.server.join(name)
    }
}

/// A way to the page on a port of its own, which breaks when told to.
#[derive(Debug)]
pub(crate) struct Way {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    target: Mutex<SocketAddr>,
    is_broken: AtomicBool,
    holds_answers: Mutex<Arc<AtomicBool>>,
    streams: Mutex<Vec<TcpStream>>,
}

impl Way {
    /// Opens a way to `target`.
    pub(crate) fn open(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            target: Mutex::new(target),
            is_broken: AtomicBool::new(false),
            holds_answers: Mutex::default(),
            streams: Mutex::default(),
        });
        let kept = Arc::clone(&state);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                state.connect(near);
            }
        });
        let state = kept;
        Self { address, state }
    }

    /// Returns where the page is on this way.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Ends every connection on the way, and each that is tried.
    pub(crate) fn break_off(&self) {
        self.state.is_broken.store(true, Ordering::SeqCst);
        for stream in self.state.streams.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    /// Lets connections pass again.
    pub(crate) fn mend(&self) {
        self.state.is_broken.store(false, Ordering::SeqCst);
    }

    /// Lets nothing pass any more that the server says; or again.
    pub(crate) fn hold_answers(&self, holds: bool) {
        self.state
            .holds_answers
            .lock()
            .unwrap()
            .store(holds, Ordering::SeqCst);
    }

    /// Lets what the server says pass on connections from now on; on older ones it stays as it is.
    pub(crate) fn let_new_ones_pass(&self) {
        *self.state.holds_answers.lock().unwrap() = Arc::default();
    }

    /// Leads new connections elsewhere.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        *self.state.target.lock().unwrap() = target;
    }
}

impl State {
    fn connect(&self, near: TcpStream) {
        if self.is_broken.load(Ordering::SeqCst) {
            return;
        }
        let target = *self.target.lock().unwrap();
        let Ok(far) = TcpStream::connect(target) else {
            return;
        };
        let mut streams = self.streams.lock().unwrap();
        streams.push(near.try_clone().unwrap());
        streams.push(far.try_clone().unwrap());
        let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let holds = Arc::clone(&self.holds_answers.lock().unwrap());
        thread::spawn(move || pass(near, far, &AtomicBool::new(false)));
        thread::spawn(move || pass(far_too, near_too, &holds));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, holds: &AtomicBool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut bytes) {
        let is_held = holds.load(Ordering::SeqCst);
        if count == 0 || !is_held && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
}
