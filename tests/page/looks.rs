//! How it looks, and how it is for those who don't look: pictures for people, rules for `axe-core`.

use std::env;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::browser::{Browser, DESKTOP, PHONE, Tab, Turn, key};
use crate::common::Peer;
use crate::site::{Site, Way};
use crate::talk::door_key;

const SIZES: [(&str, (u32, u32)); 2] = [("desktop", DESKTOP), ("phone", PHONE)];
const SCHEMES: [&str; 2] = ["light", "dark"];

/// Returns the rules' program, which `tests/run` fetches; nothing where it isn't, which is told.
fn axe() -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/axe.min.js");
    let program = fs::read_to_string(&file).ok();
    if program.is_none() {
        assert!(
            env::var_os("CHATROOM_REQUIRE_INTEROP").is_none_or(|value| value != "1"),
            "axe-core is not in {}: `npm pack axe-core` brings it, see tests/run",
            file.display()
        );
        println!("skipped: axe-core is not in {}", file.display());
    }
    program
}

fn expect_no_violation(page: &Tab<'_, '_>, axe: &str, what: &str) {
    if page.value("typeof axe") == "undefined" {
        page.run(axe, &[]);
    }
    let found = page.run(
        "return axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
            violations.map(({ id, help, nodes }) =>
                `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => html + failureSummary)}`))",
        &[],
    );
    assert_eq!(found, Value::Array(Vec::new()), "{what}: {found:#}");
}

/// A room with a talk in it, and the page of hasan.
struct Scene<'t, 'b> {
    page: Tab<'t, 'b>,
    people: Vec<Peer>,
    way: Way,
    _site: Site,
    _folder: tempfile::TempDir,
}

impl<'t, 'b> Scene<'t, 'b> {
    fn set(turn: &'t Turn<'b>) -> Self {
        let (line, secret) = door_key();
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("room.state");
        fs::write(&state, line).unwrap();
        let site = Site::start(&["--state", state.to_str().unwrap()]);
        let way = Way::open(site.web());
        let people = vec![
            site.join(&format!("ali {secret}")),
            site.join("soheil"),
            site.join("مهسا"),
            site.join("a_rather_long_name_of_somebody"),
        ];
        let page = turn.tab();
        page.go(&way.url());
        Self {
            page,
            people,
            way,
            _site: site,
            _folder: folder,
        }
    }

    /// Takes a picture of each size and scheme.
    fn pictures(&self, name: &str) {
        for (size, pixels) in SIZES {
            self.page.size(pixels);
            for scheme in SCHEMES {
                self.page.scheme(scheme);
                self.page.picture(&format!("{name}-{size}-{scheme}"));
            }
        }
        self.page.size(DESKTOP);
        self.page.scheme("light");
    }

    fn talk(&self) {
        let page = &self.page;
        let [ali, soheil, _, long] = &self.people[..] else {
            panic!()
        };
        let say = |peer: &Peer, line: &str, shown: &str| {
            peer.say(line);
            page.expect_last(shown);
        };
        say(
            ali,
            "/topic Release on Friday, notes at https://example.org/notes",
            "The operator ali has set the topic: Release on Friday, notes at https://example.org/notes",
        );
        say(
            soheil,
            "hello this is soheil",
            "soheil: hello this is soheil",
        );
        say(
            soheil,
            "who has read https://example.org/a/rather/long/address?with=a&query=in+it#and-more already?",
            "soheil: who has read https://example.org/a/rather/long/address?with=a&query=in+it#and-more already?",
        );
        page.say("me, this morning");
        page.expect_last("hasan: me, this morning");
        say(ali, "hi all", "ali: hi all");
        say(
            ali,
            "hasan: could you look at the second part? It says that everybody who is in the room hears a line once, in one order, and I am not sure that it is said well.",
            "ali: hasan: could you look at the second part? It says that everybody who is in the room hears a line once, in one order, and I am not sure that it is said well.",
        );
        say(
            long,
            "/me waves to everybody",
            "a_rather_long_name_of_somebody waves to everybody",
        );
        say(
            long,
            "good morning",
            "a_rather_long_name_of_somebody: good morning",
        );
        say(soheil, "/nick sohrab", "soheil is now known as sohrab!");
        ali.say("/mute sohrab for 1m");
        page.wait("document.querySelector('#log .line:last-child').textContent.includes('has muted sohrab')");
    }
}

fn door_and_talk(scene: &Scene<'_, '_>) {
    let page = &scene.page;
    scene.pictures("door");
    page.enter("hasan");
    page.wait("document.getElementById('empty').checkVisibility()");
    scene.pictures("empty");
    scene.talk();
    scene.pictures("talk");
}

#[test]
fn pictures_are_taken() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let scene = Scene::set(&turn);
    let page = &scene.page;
    door_and_talk(&scene);
    let [ali, _, mahsa, _] = &scene.people[..] else {
        panic!()
    };
    ali.say("/msg hasan This is between us: the key is under the mat.");
    page.say("/msg ali I have it, thanks");
    page.say("/r and I tell nobody");
    page.say("/whoami");
    page.say("/help");
    page.wait("document.querySelector('#log .table')");
    scene.pictures("private");
    for line in [
        "سلام به همه! امروز نسخهٔ تازه می‌آید.",
        "لینک: https://example.org/notes را ببینید، hasan هم آن را خوانده است.",
        "می‌خواهم بدانم «نیم‌فاصله» درست است؟ 123 و ۱۲۳",
    ] {
        mahsa.say(line);
        page.expect_last(&format!("مهسا: {line}"));
    }
    page.say("سلام مهسا، خوش آمدی");
    page.expect_last("hasan: سلام مهسا، خوش آمدی");
    mahsa.say("/me دست تکان می‌دهد");
    page.expect_last("مهسا دست تکان می‌دهد");
    scene.pictures("persian");
    page.click("#menu-button");
    scene.pictures("menu");
    page.click("#menu-close");
    page.type_into("#line", "so");
    page.press(&[key::TAB]);
    page.size(PHONE);
    page.click("#people-button");
    page.picture("people-phone-light");
    page.press(&[key::ESCAPE]);
    page.run("document.getElementById('line').value = ''", &[]);
    scene.way.break_off();
    page.wait("document.body.dataset.state === 'waiting'");
    page.say("this waits until the connection is back");
    page.say("and this, too");
    page.wait("document.querySelectorAll('#waiting .line').length === 2");
    scene.pictures("offline");
}

#[test]
fn axe_finds_nothing() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let Some(axe) = axe() else { return };
    let turn = browser.turn();
    let scene = Scene::set(&turn);
    let page = &scene.page;
    let check = |what: &str| {
        for (size, pixels) in SIZES {
            page.size(pixels);
            for scheme in SCHEMES {
                page.scheme(scheme);
                expect_no_violation(page, &axe, &format!("{what}, {size}, {scheme}"));
            }
        }
        page.size(DESKTOP);
        page.scheme("light");
    };
    check("door");
    page.enter("hasan");
    scene.talk();
    scene.people[0].say("/msg hasan psst");
    page.say("/help");
    page.wait("document.querySelector('#log .table')");
    check("talk");
    page.click("#menu-button");
    check("menu");
    page.click("#keep-name");
    page.wait("document.getElementById('kept').open");
    check("key");
    page.click("#kept-close");
    page.size(PHONE);
    page.click("#people-button");
    expect_no_violation(page, &axe, "people, phone");
    page.press(&[key::ESCAPE]);
    scene.way.break_off();
    page.wait("document.body.dataset.state === 'waiting'");
    page.say("waits");
    check("offline");
}

#[test]
fn it_fits_every_size_and_zoom() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let scene = Scene::set(&turn);
    let page = &scene.page;
    page.enter("hasan");
    scene.talk();
    page.say("/help");
    page.wait("document.querySelector('#log .table')");
    // 200 % of 1100 by 720 is half as many CSS pixels, 400 % of 1280 is 320.
    for size in [(1600, 1000), DESKTOP, (550, 360), PHONE, (320, 256)] {
        page.size(size);
        let overflow = page.value(
            "[document.documentElement, document.getElementById('scroll')].filter((element) => \
             element.scrollWidth > element.clientWidth).map((element) => element.id || element.tagName)",
        );
        assert_eq!(overflow, Value::Array(Vec::new()), "{size:?}");
        let hidden = page.value(
            "['line', 'menu-button', 'state'].filter((id) => { \
             const { top, left, bottom, right } = document.getElementById(id).getBoundingClientRect(); \
             return top < 0 || left < 0 || bottom > innerHeight + 1 || right > innerWidth + 1; })",
        );
        assert_eq!(hidden, Value::Array(Vec::new()), "{size:?}");
        let talk = page.value("document.getElementById('scroll').clientHeight");
        assert!(
            talk.as_u64().unwrap() > 60,
            "{size:?}: {talk} pixels for the talk"
        );
    }
    // Nothing moves for whoever wants nothing to move.
    let reduced =
        serde_json::json!({"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]});
    page.tell("Emulation.setEmulatedMedia", &reduced);
    scene.way.break_off();
    page.wait("document.body.dataset.state !== 'on'");
    assert_eq!(
        page.value("document.getAnimations({ subtree: true }).length"),
        0
    );
}
