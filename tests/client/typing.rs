//! What keys do to the line being typed, and what becomes of it.

use crate::common::{Peer, Server};
use crate::desk::Desk;

/// What soheil is told on joining.
const HERE: &str = "* Here (2): ali, soheil";

/// Returns a room with ali in it, and soheil at a terminal.
fn room() -> (Server, Peer, Desk) {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut desk = Desk::join(server.address(), &["--name", "soheil"]);
    desk.expect(&[HERE, "> "]);
    (server, ali, desk)
}

#[test]
fn alt_with_a_key_that_is_not_bound_types_nothing() {
    let (_server, _ali, mut desk) = room();
    desk.press("a\x1bx\x1b1\x1b\u{674e}b");
    desk.expect(&["> ab"]);
    // What was cut within goes together, too.
    desk.press("\x1b");
    desk.press("x");
    desk.press("c");
    desk.expect(&["> abc"]);
}

#[test]
fn the_keys_of_readline_do_what_they_do_there() {
    let (_server, mut ali, mut desk) = room();
    for (keys, shown) in [
        ("hello there world", "> hello there world"),
        ("\x01\x1bu", "> HELLO there world"),
        ("\x01\x1bl", "> hello there world"),
        ("\x1bc\x05", "> hello There world"),
        ("\x1bt", "> hello world There"),
        ("\x17", "> hello world "),
        ("\x02\x17", "> hello  "),
        ("\x05\x19", "> hello  world"),
        ("\x1by", "> hello  There"),
        ("\x1f", "> hello  world"),
        ("\x1f\x1f", "> hello world "),
        ("\x1f", "> hello world There"),
    ] {
        desk.press(keys);
        desk.wait_until(&format!("after {keys:?} it is {shown:?}"), |desk| {
            desk.rows().last().unwrap().trim_end() == shown.trim_end()
        });
    }
    desk.press("\r");
    ali.expect("soheil: hello world There");
    desk.enter("second line");
    ali.expect("soheil: second line");
    desk.press("is it \x1b.");
    desk.expect(&["> is it line"]);
    desk.press("\x1b.");
    desk.expect(&["> is it There"]);
}

#[test]
fn alt_enter_starts_a_new_row() {
    let (_server, mut ali, mut desk) = room();
    desk.press("one\x1b\rtwo");
    desk.expect(&["> one", "| two"]);
    desk.press("\r");
    ali.expect("soheil: one");
    ali.expect("soheil: two");
}

#[test]
fn ctrl_c_keeps_the_draft_and_asks_before_it_leaves() {
    let (_server, mut ali, mut desk) = room();
    desk.press("precious words\x03");
    desk.expect(&["> "]);
    desk.press("\x03");
    desk.expect(&["Ctrl-C again leaves.", "> "]);
    // Any other key stays: the draft is there.
    desk.press("\x1b[A");
    desk.expect(&[HERE, "> precious words"]);
    desk.press("\r");
    ali.expect("soheil: precious words");
    desk.press("\x03");
    desk.expect(&["Ctrl-C again leaves.", "> "]);
    desk.press("\x03");
    assert_eq!(desk.exit_code(), 0);
}

#[test]
fn only_spaces_are_not_sent() {
    let (mut server, mut ali, mut desk) = room();
    desk.press("   \r \t \r\x1b[200~ \n  \n\x1b[201~\rhi\r");
    ali.expect("soheil: hi");
    desk.expect(&[HERE, "you: hi", "> "]);
    server.drain_log();
    let said = |text: &&String| text.starts_with("soheil said");
    assert_eq!(server.texts().iter().filter(said).count(), 1);
}

#[test]
fn a_path_is_no_command() {
    let (_server, mut ali, mut desk) = room();
    desk.enter("/etc/passwd is a file");
    desk.expect(&["you: /etc/passwd is a file", "> "]);
    ali.expect("soheil: /etc/passwd is a file");
    // A mistyped command is never said.
    desk.enter("/mgs ali a secret");
    desk.wait_until("it is refused", |desk| {
        desk.rows().iter().any(|row| row.contains("unknown"))
    });
    desk.enter("hi");
    ali.expect("soheil: hi");
}

#[test]
fn the_lines_of_a_paste_are_text() {
    let (_server, mut ali, mut desk) = room();
    desk.press("\x1b[200~/nick mallory\nhello\n/quit\x1b[201~\r");
    ali.expect("soheil: /nick mallory");
    ali.expect("soheil: hello");
    ali.expect("soheil: /quit");
    desk.expect(&["you: /nick mallory", "you: hello", "you: /quit", "> "]);
    // One line alone is as if typed.
    desk.press("\x1b[200~/me waves\x1b[201~\r");
    ali.expect("* soheil waves");
}
