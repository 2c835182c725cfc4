//! A server that means harm: it can't move the cursor, tear the line, use memory up or freeze it.

use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::process::{PidfdFlags, pidfd_open};

use crate::common::incoming::{is_ready, write_all};
use crate::common::{GREETING, Incoming, PATIENCE, PROMPT, Signal};
use crate::desk::Desk;

/// What the client may ever use.
const MEMORY_MAX: usize = 32 * 1024 * 1024;

/// Within this a key is answered.
const ANSWER_MAX: Duration = Duration::from_millis(50);

/// Returns a client called soheil and the server's side of its connection.
fn connected() -> (Incoming<TcpStream>, Desk) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let flags = ["--name", "soheil"];
    let desk = Desk::join(listener.local_addr().unwrap(), &flags);
    assert!(is_ready(
        &listener,
        PollFlags::IN,
        Instant::now() + PATIENCE
    ));
    let (stream, _) = listener.accept().unwrap();
    (Incoming::new(stream), desk)
}

fn say(stream: &Incoming<TcpStream>, lines: &[&str]) {
    write_all(stream.source(), (lines.join("\n") + "\n").as_bytes());
}

/// Asks for a name, as a server that speaks in lines alone.
fn ask_in_lines(stream: &mut Incoming<TcpStream>) {
    say(stream, &[PROMPT]);
    stream.expect_line("/json");
    say(stream, &["* That name starts with a slash: /json", PROMPT]);
}

/// Returns a client in a room whose server is the stream returned.
fn trap() -> (TcpStream, Desk) {
    let (mut stream, mut desk) = connected();
    ask_in_lines(&mut stream);
    stream.expect_line("soheil");
    say(&stream, &[GREETING]);
    desk.expect(&[GREETING, "> "]);
    (stream.source().try_clone().unwrap(), desk)
}

#[test]
fn a_line_never_becomes_a_name() {
    let (mut server, mut desk) = connected();
    desk.enter("a secret for my friends");
    desk.expect(&["waiting: a secret for my friends", "> "]);
    ask_in_lines(&mut server);
    server.expect_line("soheil");
    say(&server, &["* That name is taken: soheil", PROMPT]);
    desk.expect(&[PROMPT, "waiting: a secret for my friends", "> "]);
    desk.enter("zed");
    server.expect_line("zed");
    say(&server, &[GREETING]);
    server.expect_line("a secret for my friends");
    desk.expect(&[GREETING, "you: a secret for my friends", "> "]);
}

/// Asserts that the terminal was told nothing but what the client itself says.
#[track_caller]
fn assert_only_own_sequences(written: &[u8]) {
    let text = String::from_utf8(written.to_vec()).expect("only text");
    for part in text.split('\x1b').skip(1) {
        let body = part.strip_prefix('[').unwrap_or_else(|| panic!("{part:?}"));
        let end = body.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        let (parameters, last) = (&body[..end], &body[end..=end]);
        let number = |text: &str| text.parse::<u32>().is_ok();
        let own = match last {
            "J" => parameters.is_empty(),
            "A" => number(parameters),
            "m" => parameters.split(';').all(number),
            "h" | "l" => parameters == "?2004",
            "K" => parameters == "2",
            "H" => parameters.strip_suffix(";1").is_some_and(number),
            _ => false,
        };
        assert!(own, "ESC [{parameters}{last}");
    }
    let controls = |c: &char| c.is_control() && !"\x1b\r\n\x07".contains(*c);
    assert_eq!(text.chars().find(controls), None);
}

#[test]
fn escape_sequences_and_bytes_that_are_no_text() {
    let (server, mut desk) = trap();
    desk.press("half a line");
    desk.expect(&["> half a line"]);
    let mut corpus: Vec<Vec<u8>> = vec![
        b"\x1b[2J\x1b[H".to_vec(),
        b"\x1b]0;title\x07".to_vec(),
        b"\x1b]52;c;aGk=\x1b\\".to_vec(),
        b"\x1bPq\x1b\\".to_vec(),
        b"\x1b[?1049h\x1b[?25l".to_vec(),
        b"\x1bc".to_vec(),
        b"\x1b[6n\x05".to_vec(),
        b"\x9b2J\xc2\x9b2J".to_vec(),
        b"\r\x0b\x0c\x08\x7f".to_vec(),
        b"\xff\xfe\xc3\x28\xed\xa0\x80\xf4\x90\x80\x80".to_vec(),
        "\u{202e}\u{2066}\u{2028}\u{85}".into(),
        ["a", &"\u{301}".repeat(10_000)].concat().into(),
        vec![b'\t'; 5000],
    ];
    corpus.extend(
        (0..=255)
            .filter(|byte| *byte != b'\n')
            .map(|byte| vec![b'a', byte, b'b']),
    );
    for bytes in &corpus {
        for prefix in ["", "ali: ", "* "] {
            write_all(&server, &[prefix.as_bytes(), bytes, b"\n"].concat());
            desk.look();
        }
    }
    write_all(&server, b"ali: done\n");
    desk.expect(&["ali: done", "> half a line"]);
    assert_only_own_sequences(&desk.written);
    assert!(!desk.screen().hide_cursor() && !desk.screen().alternate_screen());
}

#[test]
fn a_line_that_never_ends() {
    let (server, mut desk) = trap();
    let chunk = vec![b'x'; 64 * 1024];
    let mut typed = String::new();
    for _ in 0..128 {
        write_all_while(&server, &chunk, || {
            desk.look();
        });
        desk.press("k");
        typed.push('k');
    }
    typed.insert_str(0, "> ");
    let wanted = [&typed[..80], &typed[80..]];
    desk.expect(&wanted);
    let memory = desk.peak_resident_bytes();
    assert!(memory < MEMORY_MAX, "{memory} bytes");
    println!("an endless line of 8 MiB: {} kB resident", memory / 1024);
}

#[test]
fn a_flood_of_a_hundred_megabytes() {
    let (server, mut desk) = trap();
    let line = format!("ali: {}.\n", "flood ".repeat(20));
    let block = line.repeat(512);
    let blocks = 100_000_000 / block.len() + 1;
    let mut sent = 0;
    let mut typed = "> ".to_owned();
    let mut pressed: Option<Instant> = None;
    let mut answers = Vec::new();
    let (mut buffer, mut shown) = (vec![0; 256 * 1024], Vec::new());
    let deadline = Instant::now() + 4 * PATIENCE;
    while sent < blocks * block.len() || pressed.is_some() {
        assert!(
            Instant::now() < deadline,
            "frozen after {sent} bytes, {} answers",
            answers.len()
        );
        if sent < blocks * block.len() {
            match (&server).write(&block.as_bytes()[sent % block.len()..]) {
                Ok(count) => sent += count,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
        }
        let count = desk.read(&mut buffer);
        shown.extend_from_slice(&buffer[..count]);
        match pressed {
            None => {
                let key = char::from(b'a' + u8::try_from(answers.len() % 26).unwrap());
                desk.press(&key.to_string());
                typed.push(key);
                if typed.len() > 60 {
                    desk.press("\x15");
                    typed.truncate(2);
                }
                pressed = Some(Instant::now());
                shown.clear();
            }
            Some(since) if memchr::memmem::find(&shown, typed.as_bytes()).is_some() => {
                answers.push(since.elapsed());
                pressed = None;
            }
            Some(_) => {
                let kept = shown.len().saturating_sub(typed.len());
                shown.drain(..kept);
            }
        }
    }
    answers.sort_unstable();
    let (middle, worst) = (answers[answers.len() / 2], answers[answers.len() - 1]);
    let memory = desk.peak_resident_bytes();
    println!(
        "{sent} bytes of flood: {} keys answered, half within {middle:?}, all within {worst:?}; \
         {} kB resident",
        answers.len(),
        memory / 1024
    );
    assert!(answers.len() > 20, "too few to tell");
    assert!(
        middle < ANSWER_MAX,
        "half of the answers took longer than {middle:?}"
    );
    assert!(worst < 20 * ANSWER_MAX, "an answer took {worst:?}");
    assert!(memory < MEMORY_MAX, "{memory} bytes");
    // Paint anew what was not shown on the way, and see that the line is whole.
    desk.resize(10, 70);
    let second_row = format!("     {}.", "flood ".repeat(9));
    desk.expect(&[&second_row, &typed]);
}

/// Returns a client in a room whose server is the stream returned and keeps little for it.
fn narrow_trap(flags: &[&str]) -> (Incoming<TcpStream>, Desk) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let flags = [&["--name", "soheil"], flags].concat();
    let mut desk = Desk::join(listener.local_addr().unwrap(), &flags);
    let deadline = Instant::now() + PATIENCE;
    assert!(is_ready(&listener, PollFlags::IN, deadline));
    let (stream, _) = listener.accept().unwrap();
    socket2::SockRef::from(&stream)
        .set_send_buffer_size(16 * 1024)
        .unwrap();
    let mut server = Incoming::new(stream);
    if flags.contains(&"--plain") {
        say(&server, &[PROMPT]);
    } else {
        ask_in_lines(&mut server);
    }
    server.expect_line("soheil");
    say(&server, &[GREETING]);
    desk.expect_row(GREETING);
    (server, desk)
}

#[test]
fn a_stopped_terminal_blocks_nothing_and_loses_nothing() {
    for flags in [&[][..], &["--plain"]] {
        let (mut server, mut desk) = narrow_trap(flags);
        desk.stop_terminal(true);
        let lines: Vec<_> = (0..8000)
            .map(|n| format!("ali: line {n} {}", "x".repeat(100)))
            .collect();
        // Far more than the sockets and the terminal hold: the client goes on reading.
        let refs: Vec<_> = lines.iter().map(String::as_str).collect();
        say(&server, &refs);
        desk.enter("still here");
        server.expect_line("still here");
        assert!(!desk.wait(Duration::ZERO), "nothing is shown");
        desk.stop_terminal(false);
        say(&server, &["ali: the end"]);
        desk.expect_row("ali: the end");
        let mut shown = &desk.written[..];
        for line in &lines {
            let number = line.split_once(' ').unwrap().1;
            let number = number.trim_end_matches('x');
            let at = memchr::memmem::find(shown, number.as_bytes());
            shown = &shown[at.unwrap_or_else(|| panic!("{flags:?}: {number} is not shown"))..];
        }
    }
}

#[test]
fn a_terminal_that_stays_stopped_holds_nobody() {
    let (server, mut desk) = narrow_trap(&[]);
    desk.stop_terminal(true);
    say(&server, &vec!["ali: hi"; 10_000]);
    let client = pidfd_open(desk.client(), PidfdFlags::empty()).unwrap();
    desk.signal(Signal::TERM);
    let deadline = Instant::now() + PATIENCE;
    assert!(is_ready(client, PollFlags::IN, deadline), "it hangs");
    desk.stop_terminal(false);
    assert_eq!(desk.exit_code(), 128 + 15);
}

#[test]
fn silence() {
    let (_server, mut desk) = trap();
    desk.press("is anybody there?");
    desk.expect(&["> is anybody there?"]);
    desk.press("\r");
    desk.expect(&["you: is anybody there?", "> "]);
    // It won't even close when we do.
    desk.press("\x04");
    assert_eq!(desk.exit_code(), 0);
}

/// Sends `bytes`, and does something `meanwhile` when the other side is slow.
fn write_all_while(mut stream: &TcpStream, mut bytes: &[u8], mut meanwhile: impl FnMut()) {
    let deadline = Instant::now() + PATIENCE;
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        assert!(Instant::now() < deadline, "nobody reads");
        meanwhile();
    }
}
