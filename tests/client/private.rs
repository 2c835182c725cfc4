//! Who is here, and what is for one person alone.

use crate::common::{GREETING, Server, chatroom};
use crate::desk::Desk;

#[test]
fn tab_knows_who_is_here_also_after_an_at() {
    let server = Server::start(&[]);
    let (mut ali, mut hasan) = (server.join("ali"), server.join("hasan"));
    let mut desk = Desk::join(server.address(), &["--name", "soheil"]);
    // Told in one line; nobody has said anything.
    desk.expect(&[GREETING, "* Here (3): ali, hasan, soheil", "> "]);
    desk.press("h\t");
    desk.expect(&["> hasan: "]);
    desk.press("ask @al\t");
    desk.expect(&["> hasan: ask @ali "]);
    // Kept up to date, where nobody is told of it.
    desk.press("\x15");
    let mut zed = server.join("zed");
    ali.say("/nick alice");
    zed.expect("ali is now known as alice!");
    hasan.say("/quit");
    desk.expect(&[
        "ali is now known as alice!",
        "hasan has left the chatroom!",
        "> ",
    ]);
    ali.expect("* You are now known as alice.");
    hasan.expect("ali is now known as alice!");
    for (typed, completed) in [("z", "> zed: "), ("a", "> alice: "), ("h", "> h")] {
        desk.press(&format!("\x15{typed}\t"));
        desk.expect(&[completed]);
    }
}

#[test]
fn private_lines_stand_out_and_r_answers_the_last() {
    let server = Server::start(&[]);
    let (mut ali, mut bob) = (server.join("ali"), server.join("bob"));
    let mut command = chatroom();
    command.args(["join", &server.address().to_string(), "--name", "soheil"]);
    command.env("NO_COLOR", "1");
    let mut desk = Desk::run(&command, 24, 80);
    desk.expect(&[GREETING, "* Here (3): ali, bob, soheil", "> "]);
    ali.say("hello");
    ali.say("/msg soheil psst");
    ali.expect("* Your message reached soheil.");
    desk.expect(&["ali: hello", "» ali (privately): psst", "> "]);
    let style = |desk: &Desk, column: u16| {
        let row = u16::try_from(desk.rows().len() - 2).unwrap();
        let cell = desk.screen().cell(row, column).unwrap();
        (cell.italic(), cell.underline())
    };
    assert_eq!(style(&desk, 19), (true, true), "what is said");
    assert_eq!(style(&desk, 2), (false, false), "who says it");
    desk.enter("/r psst yourself");
    ali.expect("soheil (privately): psst yourself");
    desk.expect(&[
        "» you (privately to ali): psst yourself",
        "* Your message reached ali.",
        "> ",
    ]);
    // Tab offers who wrote last first, whoever spoke since.
    bob.say("hi all");
    bob.say("/msg soheil me too");
    bob.expect("ali: hello");
    bob.expect("* Your message reached soheil.");
    ali.say("anyway");
    desk.expect(&[
        "bob: hi all",
        "» bob (privately): me too",
        "ali: anyway",
        "> ",
    ]);
    desk.press("/msg \t");
    desk.expect(&["> /msg bob "]);
    desk.press("\t");
    desk.expect(&["> /msg ali "]);
}
