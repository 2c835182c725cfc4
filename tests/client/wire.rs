//! A wire between a client and its server, which breaks where a test says.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Passes on what both sides say, until it is told otherwise. Its threads end with the program.
#[derive(Clone)]
pub struct Wire {
    address: SocketAddr,
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// Nobody gets through: who connects is let go of at once.
    is_down: bool,
    /// What the client, or the server, says is held back.
    holds: [bool; 2],
    /// How often the wire was cut.
    cuts: usize,
    streams: Vec<TcpStream>,
}

/// Whose words are held back.
#[derive(Clone, Copy)]
pub enum Side {
    Client,
    Server,
}

impl Wire {
    /// Returns a wire to `server`.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::default(),
        };
        let here = wire.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                here.pass(&client.unwrap(), server);
            }
        });
        wire
    }

    /// Returns the address that the client connects to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Holds back what one side says from now on.
    pub fn hold(&self, side: Side) {
        self.shared.0.lock().unwrap().holds[side as usize] = true;
    }

    /// Breaks all connections, and what is held back is lost; who connects is let go of.
    pub fn cut(&self) {
        let (state, changed) = &*self.shared;
        let mut state = state.lock().unwrap();
        state.is_down = true;
        state.holds = [false; 2];
        state.cuts += 1;
        for stream in state.streams.drain(..) {
            // It may be closed already.
            drop(stream.shutdown(Shutdown::Both));
        }
        changed.notify_all();
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.shared.0.lock().unwrap().is_down = false;
    }

    fn pass(&self, client: &TcpStream, server: SocketAddr) {
        let mut state = self.shared.0.lock().unwrap();
        if state.is_down {
            return;
        }
        let Ok(server) = TcpStream::connect(server) else {
            return;
        };
        for (side, from, to) in [
            (Side::Client, client, &server),
            (Side::Server, &server, client),
        ] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            state.streams.push(from.try_clone().unwrap());
            let (here, cuts) = (self.clone(), state.cuts);
            thread::spawn(move || here.copy(side, cuts, from, to));
        }
    }

    fn copy(&self, side: Side, cuts: usize, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let (state, changed) = &*self.shared;
            let is_held = |state: &mut State| state.holds[side as usize] && state.cuts == cuts;
            let state = changed.wait_while(state.lock().unwrap(), is_held).unwrap();
            if state.cuts != cuts || to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Write));
    }
}
