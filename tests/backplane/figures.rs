//! What those who look after a node are told of the backplane.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::common::Server;
use crate::nats_server::{Nats, PATIENCE};
use crate::nodes::nodes;

/// Where a node tells how it goes.
fn place(server: &Server) -> SocketAddr {
    let told = server.texts().iter().find_map(|text| {
        let address = text.strip_prefix("metrics at http://")?;
        address.strip_suffix("/metrics")?.parse().ok()
    });
    told.expect("an address")
}

/// Returns the value of a figure.
fn figure(at: SocketAddr, name: &str) -> u64 {
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix(name));
    line.expect(name).trim().parse().expect(name)
}

/// Waits until a figure has a value that `fits`.
#[track_caller]
fn wait_for(at: SocketAddr, name: &str, fits: impl Fn(u64) -> bool) -> u64 {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let value = figure(at, name);
        if fits(value) {
            return value;
        }
        assert!(Instant::now() < deadline, "{name} is {value}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_metrics_tell_of_the_backplane() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let servers = nodes(&nats, 2, &["--metrics", "127.0.0.1:0"]);
    let at = place(&servers[0]);
    let mut ali = servers[0].join("ali");
    let mut bob = servers[1].join("bob");
    wait_for(at, "chatroom_backplane_nodes ", |nodes| nodes == 2);
    wait_for(at, "chatroom_backplane_members_elsewhere ", |members| {
        members == 1
    });
    assert_eq!(figure(at, "chatroom_backplane_up "), 1);
    assert_eq!(figure(at, "chatroom_backplane_malformed_total "), 0);
    assert_eq!(figure(at, "chatroom_backplane_refused_events_total "), 0);
    let names = ["published", "received"];
    let names = names.map(|what| format!("chatroom_backplane_batches_{what}_total "));
    let [published, received] = [&names[0], &names[1]].map(|name| figure(at, name));
    bob.say("hi");
    ali.expect("bob: hi");
    // What another node has published, this one has only received.
    wait_for(at, &names[1], |count| count == received + 1);
    assert_eq!(figure(at, &names[0]), published);
    ali.say("ho");
    bob.expect("ali: ho");
    wait_for(at, &names[1], |count| count == received + 2);
    assert_eq!(figure(at, &names[0]), published + 1);
    nats.kill();
    ali.expect_notice("The room is cut off");
    assert_eq!(figure(at, "chatroom_backplane_up "), 0);
    ali.say("it waits");
    wait_for(at, "chatroom_backplane_waiting_bytes ", |bytes| bytes > 0);
    nats.restart();
    bob.expect_notice("The room is cut off");
    bob.expect_notice("The room is whole again");
    bob.expect("ali: it waits");
    wait_for(at, "chatroom_backplane_waiting_bytes ", |bytes| bytes == 0);
    assert_eq!(figure(at, "chatroom_backplane_up "), 1);
}
