//! Who one is: asked once, and what of it the browser keeps.

use std::fs;

use serde_json::json;

use crate::browser::{Browser, Tab, Turn, key};
use crate::site::Site;
use crate::talk::door_key;

/// All that the browser keeps of the page when its tab is closed.
const KEPT: &str = "JSON.stringify({ ...localStorage })";
/// All that the tab keeps, and the page has.
const EVERYTHING: &str = "JSON.stringify({ ...localStorage, ...sessionStorage }) + \
     document.documentElement.outerHTML + \
     [...document.querySelectorAll('input, textarea')].map((field) => field.value).join()";

/// Leaves the page, and comes to it in another tab once the room knows.
fn come_again<'t, 'b>(
    turn: &'t Turn<'b>,
    site: &mut Site,
    page: &Tab<'_, '_>,
    name: &str,
) -> Tab<'t, 'b> {
    page.go("about:blank");
    site.server
        .expect_log(&format!("{name} has left the chatroom!"));
    let again = turn.tab();
    again.go(&site.url());
    again
}

fn expect_why(page: &Tab<'_, '_>, why: &str) {
    page.wait(&format!(
        "document.getElementById('door-why').textContent.startsWith('{why}')"
    ));
}

#[test]
fn the_name_is_asked_once_and_remembered() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let mut site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    assert_eq!(page.text("document.activeElement.id"), "name");
    page.press(&[key::ESCAPE]);
    assert_eq!(
        page.value("document.getElementById('door').open"),
        true,
        "there is no way round"
    );
    page.type_into("#name", "has an\n");
    expect_why(&page, "That name");
    let held = site.join("soheil");
    page.run("document.getElementById('name').value = ''", &[]);
    page.type_into("#name", "soheil\n");
    expect_why(&page, "That name is taken: soheil");
    page.run("document.getElementById('name').value = ''", &[]);
    page.enter("hasan");
    assert_eq!(
        page.text(KEPT),
        json!({"chatroom.name": "hasan"}).to_string()
    );
    assert_eq!(page.text("document.activeElement.id"), "line");
    drop(held);

    let page = come_again(&turn, &mut site, &page, "hasan");
    page.expect_inside();
    assert_eq!(page.value("document.getElementById('door').open"), false);
    // Loaded anew it is the same visit, and what was said in it is there.
    page.say("before");
    page.expect_last("hasan: before");
    page.say("/nick hossein");
    page.expect_last("You are now known as hossein.");
    page.go(&site.url());
    page.expect_inside();
    page.expect_last("hasan: before");
    assert_eq!(page.lines(), ["hasan: before"]);
    page.say("/nick hasan");
    page.expect_last("You are now known as hasan.");
    // A second page of the same browser is asked for another name.
    let second = turn.tab();
    second.go(&site.url());
    expect_why(&second, "That name is taken: hasan");
    // What is kept is told, and forgotten.
    page.click("#menu-button");
    assert_eq!(
        page.text("document.getElementById('remembered').textContent"),
        "This browser remembers your name."
    );
    page.click("#forget");
    assert_eq!(page.text(KEPT), "{}");
}

#[test]
fn a_kept_name_asks_for_its_key_and_keeps_it_only_if_told() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let (line, secret) = door_key();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("room.state");
    fs::write(&state, line).unwrap();
    let mut site = Site::start(&["--state", state.to_str().unwrap()]);
    let page = turn.tab();
    page.go(&site.url());
    assert_eq!(
        page.value("document.getElementById('key').checkVisibility()"),
        false
    );
    page.type_into("#name", "ali\n");
    expect_why(&page, "That name is kept");
    page.type_into("#key", "1111-2222\n");
    expect_why(&page, "That is not the key of ali");
    page.run("document.getElementById('key').value = ''", &[]);
    page.type_into("#key", &format!("{secret}\n"));
    page.expect_inside();
    assert_eq!(page.text(KEPT), json!({"chatroom.name": "ali"}).to_string());
    assert!(!page.text(EVERYTHING).contains(&secret));

    let page = come_again(&turn, &mut site, &page, "ali");
    expect_why(&page, "That name is kept");
    page.click("#remember-key");
    page.type_into("#key", &format!("{secret}\n"));
    page.expect_inside();
    let page = come_again(&turn, &mut site, &page, "ali");
    page.expect_inside();
    assert!(page.text(KEPT).contains(&secret));

    // As on a terminal, both in one line; the history has no key.
    page.run("localStorage.clear()", &[]);
    page.say(&format!("/nick ali {secret}"));
    page.wait("document.querySelector('#log .line')");
    page.press(&[key::UP]);
    assert_eq!(
        page.text("document.getElementById('line').value"),
        "/nick ali"
    );
    assert!(!page.text(EVERYTHING).contains(&secret));
}

#[test]
fn the_key_of_a_name_that_is_kept_now_is_shown_once() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("room.state");
    let mut site = Site::start(&["--state", state.to_str().unwrap()]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    page.click("#menu-button");
    page.click("#keep-name");
    page.wait("document.getElementById('kept').open");
    let secret = page.text("document.getElementById('kept-key').textContent");
    assert_eq!(secret.split('-').count(), 8, "{secret}");
    page.click("#kept-remember");
    page.click("#kept-close");
    page.wait(&format!(
        "!document.documentElement.outerHTML.includes('{secret}')"
    ));
    // One can go on writing at once.
    page.press(&["h", "i", key::ENTER]);
    page.expect_last("hasan: hi");
    come_again(&turn, &mut site, &page, "hasan").expect_inside();
}

#[test]
fn the_password_of_the_room_is_asked_for() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, "open sesame\n").unwrap();
    let mut site = Site::start(&["--password-file", password.to_str().unwrap()]);
    let page = turn.tab();
    page.go(&site.url());
    page.type_into("#name", "hasan\n");
    page.wait("document.getElementById('password').checkVisibility()");
    page.type_into("#password", "wrong\n");
    expect_why(&page, "That is not the password.");
    page.run("document.getElementById('password').value = ''", &[]);
    page.type_into("#password", "open sesame\n");
    page.expect_inside();
    assert!(!page.text(EVERYTHING).contains("sesame"));
    let page = come_again(&turn, &mut site, &page, "hasan");
    page.wait("document.getElementById('password').checkVisibility()");
    page.click("#remember-password");
    page.type_into("#password", "open sesame\n");
    page.expect_inside();
    come_again(&turn, &mut site, &page, "hasan").expect_inside();
}

#[test]
fn who_comes_back_in_another_tab_is_told_and_not_fought_with() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let (line, secret) = door_key();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("room.state");
    fs::write(&state, line).unwrap();
    let site = Site::start(&["--state", state.to_str().unwrap()]);
    let first = turn.tab();
    first.go(&site.url());
    first.enter_with_key("ali", &secret);
    let second = turn.tab();
    second.go(&site.other_url());
    second.enter_with_key("ali", &secret);
    first.wait("document.getElementById('retry').textContent === 'Come back'");
    assert_eq!(first.text("document.body.dataset.state"), "off");
    assert_eq!(second.text("document.body.dataset.state"), "on");
    let op = site.join(&format!("ali {secret}"));
    second.wait("document.body.dataset.state === 'off'");
    drop(op);
    second.click("#retry");
    second.expect_inside();
}
