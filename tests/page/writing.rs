//! Where one writes: rows, what was sent before, completion, and the keyboard alone.

use serde_json::json;

use crate::browser::{Browser, Tab, key};
use crate::site::Site;

fn written(page: &Tab<'_, '_>) -> String {
    page.text("document.getElementById('line').value")
}

fn hint(page: &Tab<'_, '_>) -> String {
    page.text("document.getElementById('hint').textContent")
}

#[test]
fn each_row_of_what_is_written_is_a_line() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let mut soheil = site.join("soheil");
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let rows = |rows: &[&str]| rows.join(&[key::SHIFT, key::ENTER, key::RELEASE].concat());
    page.type_into("#line", &rows(&["one", "two", "", "/three"]));
    assert_eq!(written(&page), "one\ntwo\n\n/three");
    let height = page.value("document.getElementById('line').offsetHeight");
    assert!(height.as_u64().unwrap() > 90, "all rows are seen: {height}");
    page.press(&[key::ENTER]);
    for line in ["hasan: one", "hasan: two", "hasan: /three"] {
        soheil.expect(line);
    }
    page.expect_last("hasan: /three");
    assert_eq!(page.lines(), ["hasan: one", "hasan: two", "hasan: /three"]);
    // What is for one person alone goes on so, whatever the next row is.
    page.say(&rows(&["/msg soheil psst", "/who else"]));
    soheil.expect("hasan (privately): psst");
    soheil.expect("hasan (privately): /who else");
    // A command that can't go on is not torn apart.
    page.say(&rows(&["/nick zed", "hello"]));
    assert_eq!(hint(&page), "A command is one row: take the others away.");
    assert_eq!(written(&page), "/nick zed\nhello");
    // Nor is what is too long sent in part.
    page.run(
        "document.getElementById('line').value = 'é'.repeat(2049)",
        &[],
    );
    page.press(&[key::ENTER]);
    assert_eq!(
        hint(&page),
        "A line may have 4096 bytes; this one has 4098."
    );
    page.run(
        "document.getElementById('line').value = 'é'.repeat(2048)",
        &[],
    );
    page.press(&[key::ENTER]);
    soheil.expect(&format!("hasan: {}", "é".repeat(2048)));
}

#[test]
fn the_arrows_bring_back_what_was_sent() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    for line in ["one", "two"] {
        page.say(line);
        page.expect_last(&format!("hasan: {line}"));
    }
    page.type_into("#line", "draft");
    for (key, shown) in [
        (key::UP, "two"),
        (key::UP, "one"),
        (key::UP, "one"),
        (key::DOWN, "two"),
        (key::DOWN, "draft"),
        (key::DOWN, "draft"),
    ] {
        page.press(&[key]);
        assert_eq!(written(&page), shown);
    }
    // Nothing of it outlives the page.
    let kept = page.text("JSON.stringify({ ...localStorage })");
    assert_eq!(kept, json!({"chatroom.name": "hasan"}).to_string());
}

#[test]
fn tab_completes_names_and_commands_and_else_goes_on() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let _others = ["soheil", "sohrab", "سهیل"].map(|name| site.join(name));
    page.wait("document.getElementById('count').textContent === '4'");
    for (typed, tabs, shown) in [
        ("so", 1, "soheil: "),
        ("so", 2, "sohrab: "),
        ("so", 3, "soheil: "),
        ("hi @SOHR", 1, "hi @sohrab "),
        ("سه", 1, "سهیل: "),
        ("/wh", 1, "/who "),
        ("/wh", 2, "/whois "),
        ("/msg ", 1, "/msg soheil "),
        ("/msg sohr", 1, "/msg sohrab "),
    ] {
        page.run("document.getElementById('line').value = ''", &[]);
        page.type_into("#line", typed);
        page.press(&vec![key::TAB; tabs]);
        assert_eq!(written(&page), shown, "{typed:?} and {tabs} tabs");
        assert_eq!(page.text("document.activeElement.id"), "line");
    }
    page.run("document.getElementById('line').value = ''", &[]);
    page.type_into("#line", "so");
    page.press(&[key::TAB]);
    assert_eq!(hint(&page), "Tab: sohrab");
    // Where there is nothing to complete, Tab is the way on.
    page.run("document.getElementById('line').value = ''", &[]);
    page.type_into("#line", "zzz");
    page.press(&[key::TAB]);
    assert_eq!(page.text("document.activeElement.textContent"), "Send");
}

#[test]
fn an_input_method_keeps_its_enter() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let mut soheil = site.join("soheil");
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    page.tell(
        "Input.imeSetComposition",
        &json!({"text": "にほん", "selectionStart": 3, "selectionEnd": 3}),
    );
    let composing = json!({"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": "Enter"});
    page.tell("Input.dispatchKeyEvent", &composing);
    assert_eq!(written(&page), "にほん");
    page.tell("Input.insertText", &json!({"text": "日本"}));
    page.press(&[key::ENTER]);
    soheil.expect("hasan: 日本");
}

#[test]
fn all_is_reached_with_the_keyboard_alone() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let _soheil = site.join("soheil");
    let page = turn.tab();
    page.go(&site.url());
    page.press(&["h", "a", "s", "a", "n", key::ENTER]);
    page.expect_inside();
    page.wait("document.querySelector('#names button')");
    page.press(&["h", "i", key::ENTER]);
    page.expect_last("hasan: hi");
    let mut reached = Vec::new();
    for _ in 0..8 {
        page.press(&[key::TAB]);
        let which = "document.activeElement.id || document.activeElement.textContent";
        reached.push(page.text(which));
        let outline = page.value(
            "document.activeElement === document.body || \
             getComputedStyle(document.activeElement).outlineStyle === 'solid'",
        );
        assert_eq!(outline, true, "the focus is seen: {reached:?}");
    }
    for wanted in ["Send", "soheil", "menu-button", "scroll", "line"] {
        assert!(
            reached.iter().any(|id| id == wanted),
            "{wanted}: {reached:?}"
        );
    }
    // The menu holds the focus, and gives it back.
    page.run("document.getElementById('menu-button').focus()", &[]);
    page.press(&[key::ENTER]);
    page.wait("document.getElementById('menu').open");
    page.wait("document.getElementById('menu').contains(document.activeElement)");
    page.press(&[key::ESCAPE]);
    page.wait("document.activeElement.id === 'menu-button'");
}
