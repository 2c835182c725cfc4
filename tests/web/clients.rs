//! Other people's clients.

use std::process::Command;

use super::common::{GREETING, PROMPT, Program, program};
use super::peer::serve;

/// A session by Python's `websockets`: a line read from standard input is a message.
const PYTHON: &str = r#"
import asyncio, sys, websockets

async def hear(socket):
    async for message in socket:
        print(message, end="", flush=True)

async def main(url):
    async with websockets.connect(url) as socket:
        hearing = asyncio.ensure_future(hear(socket))
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            await socket.send(line.rstrip("\n"))
        await (await socket.ping())
        await socket.close()
        await hearing
    print("closed", socket.close_code, flush=True)

asyncio.run(main(sys.argv[1]))
"#;

/// The same by what Node has built in.
const NODE: &str = r#"
const socket = new WebSocket(process.argv[1]);
socket.onmessage = (event) => process.stdout.write(event.data);
socket.onclose = (event) => { console.log("closed", event.code); process.exit(0); };
socket.onopen = () => {
  const lines = require("readline").createInterface({ input: process.stdin });
  lines.on("line", (line) => socket.send(line));
  lines.on("close", () => socket.close(1000));
};
"#;

/// Plays a short session with a client, which has been told where the room is.
fn play(server: &super::common::Server, client: Command, code: u16) {
    let mut ears = server.join("ears");
    let mut client = Program::start(client);
    client.screen.expect_line(PROMPT);
    client.type_text("client\n");
    client.screen.expect_line(GREETING);
    client.type_text("hello\nسلام\n");
    ears.expect("client: hello");
    ears.expect("client: سلام");
    // More than fits in a frame's shortest form, and in its second.
    let long = "x".repeat(3000);
    for _ in 0..60 {
        ears.say(&long);
    }
    for _ in 0..60 {
        client.screen.expect_line(&format!("ears: {long}"));
    }
    client.end_input();
    ears.expect("client has left the chatroom!");
    client.screen.expect_line(&format!("closed {code}"));
    assert!(client.wait().success());
}

#[test]
fn pythons_websockets_hold_a_session() {
    let Some(mut python) = program::tool("python3", "python3-websockets") else {
        return;
    };
    // Debian's, not another that stands before it in the path.
    if std::path::Path::new("/usr/bin/python3").exists() {
        python = Command::new("/usr/bin/python3");
    }
    let found = Command::new(python.get_program())
        .args(["-c", "import websockets"])
        .output();
    if !found.is_ok_and(|output| output.status.success()) {
        let required = std::env::var_os("CHATROOM_REQUIRE_INTEROP");
        assert!(
            required.is_none_or(|value| value != "1"),
            "python3-websockets is not installed"
        );
        println!("skipped: python3-websockets is not installed");
        return;
    }
    let server = serve(&[]);
    let url = format!("ws://{}/ws", server.web_address());
    python.args(["-c", PYTHON, &url]);
    play(&server, python, 1000);
}

#[test]
fn nodes_websocket_holds_a_session() {
    let Some(mut node) = program::tool("node", "nodejs") else {
        return;
    };
    let has = Command::new("node")
        .args([
            "-e",
            "process.exit(typeof WebSocket === 'function' ? 0 : 1)",
        ])
        .status();
    if !has.is_ok_and(|status| status.success()) {
        println!("skipped: this Node has no WebSocket of its own");
        return;
    }
    let server = serve(&[]);
    let url = format!("ws://{}/ws", server.web_address());
    node.args(["-e", NODE, &url]);
    play(&server, node, 1000);
}

#[test]
fn curl_is_told_what_is_missing_and_opens_one_if_it_can() {
    let Some(mut curl) = program::tool("curl", "curl") else {
        return;
    };
    let server = serve(&[]);
    let address = server.web_address();
    let output = curl
        .args(["-si", &format!("http://{address}/ws")])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("HTTP/1.1 426 Upgrade Required\r\n"),
        "{text}"
    );
    assert!(text.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{text}");
    // By hand, as people look at a server that does something odd.
    let output = Command::new("curl")
        .args(["-si", "--max-time", "1", "--include", "--no-buffer"])
        .args(["-H", "Connection: Upgrade", "-H", "Upgrade: websocket"])
        .args(["-H", "Sec-WebSocket-Version: 13"])
        .args(["-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="])
        .arg(format!("http://{address}/ws"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
        "{text}"
    );
    assert!(text.contains(PROMPT), "{text}");
}
