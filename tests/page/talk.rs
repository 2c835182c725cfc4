//! What is said, by whom and when, as the page shows it.

use serde_json::json;

use crate::browser::Browser;
use crate::common::{GREETING, PROMPT, Peer, Program, chatroom, program};
use crate::site::Site;

/// Somebody on `nc`, or on a raw socket where there is none.
enum Terminal {
    Nc(Program),
    Socket(Peer),
}

impl Terminal {
    fn join(site: &Site, name: &str) -> Self {
        let Some(nc) = program::nc(site.server.address()) else {
            return Self::Socket(site.join(name));
        };
        let mut nc = Program::start(nc);
        nc.screen.expect_line(PROMPT);
        nc.type_text(&format!("{name}\n"));
        nc.screen.expect_line(GREETING);
        Self::Nc(nc)
    }

    fn say(&mut self, line: &str) {
        match self {
            Self::Nc(nc) => nc.type_text(&format!("{line}\n")),
            Self::Socket(peer) => peer.say(line),
        }
    }

    fn expect(&mut self, line: &str) {
        match self {
            Self::Nc(nc) => nc.screen.expect_line(line),
            Self::Socket(peer) => peer.expect(line),
        }
    }
}

#[test]
fn two_pages_nc_and_join_hold_the_reference_conversation() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let mut site = Site::start(&[]);
    let mut soheil = Terminal::join(&site, "soheil");
    let mut join = chatroom();
    join.args([
        "join",
        &site.server.address().to_string(),
        "--name",
        "mina",
        "--quiet",
    ]);
    let mut mina = Program::start(join);
    site.server.expect_log("mina is joined to the chatroom!");
    let ali = turn.tab();
    ali.go(&site.url());
    ali.enter("ali");

    soheil.say("hello this is soheil");
    ali.expect_last("soheil: hello this is soheil");
    ali.say("hi soheil im ali");
    soheil.expect("ali: hi soheil im ali");
    let hasan = turn.tab();
    hasan.go(&site.other_url());
    hasan.enter("hasan");
    hasan.say("hi guys");
    soheil.expect("hasan: hi guys");
    soheil.say("hello hasan how are you");
    hasan.expect_last("soheil: hello hasan how are you");
    hasan.say("im fine thanks");
    hasan.say("hwo else is in chat?");
    soheil.expect("hasan: im fine thanks");
    soheil.expect("hasan: hwo else is in chat?");
    ali.say("im here too");
    soheil.expect("ali: im here too");
    soheil.say("i must go. by guys");
    for page in [&ali, &hasan] {
        page.expect_last("soheil: i must go. by guys");
    }
    drop(soheil);
    hasan.expect_last("soheil has left the chatroom!");
    let said = [
        "soheil: hello hasan how are you",
        "hasan: im fine thanks",
        "hasan: hwo else is in chat?",
        "ali: im here too",
        "soheil: i must go. by guys",
        "soheil has left the chatroom!",
    ];
    let before = [
        "soheil: hello this is soheil",
        "ali: hi soheil im ali",
        "hasan: hi guys",
    ];
    assert_eq!(hasan.lines(), [&before[2..], &said].concat());
    ali.expect_last("soheil has left the chatroom!");
    assert_eq!(ali.lines(), [&before[..], &said].concat());
    for line in [&before[..], &said[..5]].concat() {
        mina.screen.expect_line(line);
    }
    mina.type_text("so long\n");
    ali.expect_last("mina: so long");
    hasan.say("/quit");
    hasan.wait("document.getElementById('trouble-text').textContent === 'You have left the room.'");
    ali.expect_last("hasan has left the chatroom!");
}

#[test]
fn each_kind_of_line_is_told_apart() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let key = door_key();
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("room.state");
    std::fs::write(&file, &key.0).unwrap();
    let site = Site::start(&["--state", file.to_str().unwrap()]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let mut soheil = site.join("soheil");
    let ali = site.join(&format!("ali {}", key.1));

    soheil.say("سلام hello");
    page.expect_last("soheil: سلام hello");
    soheil.say("hello سلام");
    page.expect_last("soheil: hello سلام");
    let directions = page.value(
        "[...document.querySelectorAll('#log .text')].map((text) => getComputedStyle(text).direction)",
    );
    assert_eq!(directions, json!(["rtl", "ltr"]));

    soheil.say("/me waves");
    page.expect_last("soheil waves");
    soheil.say("/msg hasan psst");
    page.expect_last("soheil to you alone: psst");
    page.say("/msg soheil and you");
    soheil.expect("* Your message reached hasan.");
    soheil.expect("hasan (privately): and you");
    page.expect_last("hasan to soheil alone: and you");
    page.say("/r again");
    page.expect_last("hasan to soheil alone: again");
    page.say("/me nods");
    page.expect_last("hasan nods");
    page.say("/etc/passwd is a file");
    page.expect_last("hasan: /etc/passwd is a file");
    page.say("/nosuch");
    page.expect_last("Your command /nosuch is unknown; /help lists the commands.");
    ali.say("/topic About https://example.org/plan");
    page.expect_last("The operator ali has set the topic: About https://example.org/plan");
    ali.say("/mute soheil for 1m");
    page.wait(
        "document.querySelector('#log .line:last-child').textContent.includes('muted soheil')",
    );
    let kinds = page.value(
        "[...document.querySelectorAll('#log .line')].map((line) => line.classList[1] + \
         (line.classList.contains('own') ? ' own' : ''))",
    );
    let wanted = [
        "said",
        "said",
        "me",
        "private",
        "private own",
        "private own",
        "me own",
        "said own",
        "notice",
        "act",
        "act",
    ];
    assert_eq!(kinds, json!(wanted));
    assert_eq!(
        page.text("document.getElementById('topic').textContent"),
        "About https://example.org/plan"
    );
    // A newcomer reads the topic in the head, and in no line.
    let late = turn.tab();
    late.go(&site.other_url());
    late.enter("late");
    assert_eq!(
        late.text("document.querySelector('#topic a').href"),
        "https://example.org/plan"
    );
    assert_eq!(late.lines(), [""; 0]);
}

/// Returns a line of the state that makes ali an operator, and the key.
pub(crate) fn door_key() -> (String, String) {
    let output = chatroom()
        .args(["generate", "key", "ali", "--operator"])
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    let key = words.lines().last().unwrap().rsplit(' ').next().unwrap();
    (String::from_utf8(output.stdout).unwrap(), key.to_owned())
}

#[test]
fn each_line_has_its_time_and_each_day_its_mark() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let soheil = site.join("soheil");
    soheil.say("one");
    soheil.say("two");
    page.expect_last("soheil: two");
    let about = page.value(
        "[...document.querySelectorAll('#log .line')].map((line) => ({ \
           ago: (Date.now() - new Date(line.firstChild.dateTime)) / 1000, \
           shown: line.firstChild.textContent, \
           should: new Date(line.firstChild.dateTime).toTimeString().slice(0, 5), \
           isSeen: line.firstChild.checkVisibility() }))",
    );
    for line in about.as_array().unwrap() {
        let ago = line["ago"].as_f64().unwrap();
        assert!((-1.0..60.0).contains(&ago), "{line}");
        assert_eq!(line["shown"], line["should"]);
        assert_eq!(line["isSeen"], true);
    }
    assert_eq!(page.value("document.querySelectorAll('.day').length"), 1);
    let year =
        page.value("document.querySelector('.day').textContent.includes(new Date().getFullYear())");
    assert_eq!(year, true);
    // The second of two in a row says its name to who can't see, and who copies.
    assert_eq!(
        page.value("document.querySelectorAll('.follows').length"),
        1
    );
    // The next day has its own mark.
    page.run(
        "const { now } = Date; Date.now = () => now() + 86_400_000",
        &[],
    );
    page.say("/who");
    page.wait("document.querySelectorAll('.day').length === 2");
}

#[test]
fn names_have_stable_colours_of_good_contrast() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let peers: Vec<_> = (0..60)
        .map(|number| site.join(&format!("p{number}")))
        .collect();
    page.wait("document.getElementById('count').textContent === '61'");
    page.wait("document.querySelectorAll('#names .name').length === 61");
    for scheme in ["light", "dark"] {
        page.scheme(scheme);
        let contrasts = page.run(CONTRASTS, &[]);
        let contrasts: Vec<f64> = serde_json::from_value(contrasts).unwrap();
        let least = contrasts.iter().copied().fold(f64::MAX, f64::min);
        assert!(
            contrasts.len() >= 24 && least >= 4.5,
            "{scheme}: {contrasts:?}"
        );
    }
    let hue =
        "document.querySelector('#names [data-name=p7] .name').style.getPropertyValue('--hue')";
    let before = page.text(hue);
    let hues = page.value(
        "new Set([...document.querySelectorAll('#names .name')].map((name) => name.style.cssText)).size",
    );
    assert!(hues.as_u64().unwrap() > 15, "{hues}");
    // It is the same on another visit, and stays with whoever takes another name.
    let other = turn.tab();
    other.go(&site.other_url());
    other.enter("other");
    other.wait("document.querySelector('#names [data-name=p7]')");
    assert_eq!(other.text(hue), before);
    peers[7].say("/nick zed");
    other.wait("document.querySelector('#names [data-name=zed]')");
    assert_eq!(other.text(&hue.replace("p7", "zed")), before);
}

/// The contrast of each of the colours on each ground they stand on (WCAG 2).
const CONTRASTS: &str = "
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const luminance = (colour) => {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = getComputedStyle(document.documentElement);
    const grounds = ['--paper', '--call', '--alone'].map((name) => luminance(style.getPropertyValue(name)));
    const name = document.querySelector('#names .name').cloneNode();
    document.body.append(name);
    const contrasts = [];
    for (let hue = 0; hue < 360; hue += 15) {
        name.style.setProperty('--hue', hue);
        const ink = luminance(getComputedStyle(name).color);
        for (const ground of grounds) {
            contrasts.push((Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05));
        }
    }
    name.remove();
    return contrasts;";

#[test]
fn the_list_of_who_is_here_is_kept_without_asking() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let mut site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let names =
        "[...document.querySelectorAll('#names .name')].map((name) => name.textContent).join()";
    let soheil = site.join("soheil");
    page.wait(&format!("{names} === 'hasan,soheil'"));
    let ali = site.join("Ali");
    page.wait(&format!("{names} === 'Ali,hasan,soheil'"));
    soheil.say("/nick bahar");
    page.wait(&format!("{names} === 'Ali,bahar,hasan'"));
    drop(ali);
    page.wait(&format!("{names} === 'bahar,hasan'"));
    page.expect_last("Ali has left the chatroom!");
    // Nobody is told who comes, where the room doesn't: and nothing was asked.
    assert_eq!(
        page.lines(),
        [
            "soheil is now known as bahar!",
            "Ali has left the chatroom!"
        ]
    );
    page.click("#names button");
    assert_eq!(
        page.text("document.getElementById('line').value"),
        "/msg bahar "
    );
    page.type_into("#line", "hi\n");
    page.expect_last("hasan to bahar alone: hi");
    page.say("/nick hossein");
    page.expect_last("You are now known as hossein.");
    page.wait(&format!("{names} === 'bahar,hossein'"));
    assert_eq!(
        page.text("localStorage.getItem('chatroom.name')"),
        "hossein"
    );
    site.server.drain_log();
}
