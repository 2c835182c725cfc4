//! What calls somebody who looks elsewhere.

use serde_json::json;

use crate::browser::Browser;
use crate::site::Site;

/// Counts what is heard and shown, in place of the browser's own.
const COUNT: &str = "
    globalThis.heard = 0;
    globalThis.shown = [];
    const real = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...at) { heard += 1; return real.apply(this, at); };
    globalThis.Notification = class {
        static permission = 'default';
        static async requestPermission() { return Notification.permission = 'granted'; }
        constructor(title, { body }) { shown.push(`${title}: ${body}`); }
    };";

#[test]
fn what_is_unread_is_counted_in_the_title_and_marked() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let soheil = site.join("soheil");
    soheil.say("seen");
    page.expect_last("soheil: seen");
    assert_eq!(page.text("document.title"), "chatroom");
    page.run("Object.defineProperty(document, 'hidden', { get: () => globalThis.isAway, configurable: true }); globalThis.isAway = true", &[]);
    soheil.say("one");
    page.wait("document.title === '(1) chatroom'");
    soheil.say("hasan, two");
    page.wait("document.title === '(2!) chatroom'");
    soheil.say("/nick zed");
    page.expect_last("soheil is now known as zed!");
    assert_eq!(
        page.text("document.title"),
        "(2!) chatroom",
        "that is no talk"
    );
    let mark = "document.querySelector('.mark.unread').nextSibling.lastChild.textContent";
    assert_eq!(page.text(mark), "one");
    page.run(
        "globalThis.isAway = false; document.dispatchEvent(new Event('visibilitychange'))",
        &[],
    );
    page.wait("document.title === 'chatroom'");
    soheil.say("seen, too");
    page.expect_last("zed: seen, too");
    assert_eq!(
        page.value("document.querySelectorAll('.mark.unread').length"),
        1
    );
    page.run("globalThis.isAway = true", &[]);
    soheil.say("three");
    page.wait("document.title === '(1) chatroom'");
    page.expect_last("zed: three");
    assert_eq!(page.text(mark), "three");
    assert_eq!(
        page.value("document.querySelectorAll('.mark.unread').length"),
        1
    );
}

#[test]
fn a_line_that_names_one_stands_out() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("سهیل");
    let soheil = site.join("soheil");
    for (text, is_call) in [
        ("سهیل: سلام", true),
        ("سلام سهیل!", true),
        ("@سهیل", true),
        ("سهیلا", false),
        ("https://example.org/سهیل", true),
        ("hello", false),
    ] {
        soheil.say(text);
        page.expect_last(&format!("soheil: {text}"));
        let last = "document.querySelector('#log .line:last-child')";
        let call = page.value(&format!("{last}.classList.contains('call')"));
        assert_eq!(call, is_call, "{text}");
    }
    page.say("/nick a.b");
    page.expect_last("You are now known as a.b.");
    for (text, is_call) in [("A.B, look", true), ("axb", false)] {
        soheil.say(text);
        page.expect_last(&format!("soheil: {text}"));
        let marks = page.value("document.querySelectorAll('#log .line:last-child mark').length");
        assert_eq!(marks, u64::from(is_call), "{text}");
    }
}

#[test]
fn a_sound_and_a_notification_come_only_when_switched_on() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = turn.tab();
    page.tell(
        "Page.addScriptToEvaluateOnNewDocument",
        &json!({"source": COUNT}),
    );
    page.go(&site.url());
    page.enter("hasan");
    let soheil = site.join("soheil");
    let away = "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })";
    page.run(away, &[]);
    let say = |text: &str| {
        soheil.say(text);
        page.expect_last(&format!("soheil: {text}"));
    };
    say("hasan, off");
    assert_eq!(page.value("[heard, shown]"), json!([0, []]));

    page.run("delete document.hidden", &[]);
    page.click("#menu-button");
    page.click("#sound");
    page.click("#notify");
    page.click("#menu-close");
    // One hears what one has switched on.
    assert_eq!(page.value("heard"), 2);
    page.run(away, &[]);
    say("hasan, on");
    say("not for anybody");
    soheil.say("/msg hasan psst");
    page.expect_last("soheil to you alone: psst");
    assert_eq!(
        page.value("[heard, shown]"),
        json!([6, ["soheil: hasan, on", "soheil: psst"]])
    );
    assert_eq!(page.text("localStorage.getItem('chatroom.sound')"), "on");
    page.run("delete document.hidden", &[]);
    say("hasan, you look");
    assert_eq!(page.value("shown.length"), 2);
}
