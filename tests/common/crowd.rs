//! Thousands of peers at once, as far as descriptors go.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{GREETING, PROMPT, Peer, Server};

/// Held by a test with thousands of connections: two at once would need too many descriptors.
pub(crate) fn crowd_permit() -> MutexGuard<'static, ()> {
    static PERMIT: Mutex<()> = Mutex::new(());
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("the soft limit may rise to the hard one");
    PERMIT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns `wanted`, or as many as the descriptor limit allows of `wanted`.
pub(crate) fn that_fit(wanted: usize) -> usize {
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let fitting = usize::try_from(most).unwrap_or(usize::MAX) - 500;
    if fitting < wanted {
        println!("the hard descriptor limit allows {fitting} connections instead of {wanted}");
    }
    fitting.min(wanted)
}

/// Lets `count` people join, as NAME0, NAME1 ...
pub(crate) fn join_crowd(server: &mut Server, name: &str, count: usize) -> Vec<Peer> {
    let mut crowd = Vec::with_capacity(count);
    for number in 0..count {
        let peer = server.connect();
        peer.say(format!("{name}{number}"));
        crowd.push(peer);
        server.drain_log();
    }
    for peer in &mut crowd {
        peer.expect(PROMPT);
        peer.expect(GREETING);
    }
    server.drain_log();
    crowd
}
