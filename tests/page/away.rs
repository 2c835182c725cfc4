//! What becomes of a page whose connection breaks.

use crate::browser::{Browser, Tab};
use crate::site::{Site, Way};

const STATE: &str = "document.body.dataset.state";

fn expect_offline(page: &Tab<'_, '_>) {
    page.wait(&format!("{STATE} !== 'on'"));
    page.wait("document.getElementById('trouble').checkVisibility()");
    page.wait(
        "['Offline', 'Connecting'].includes(document.getElementById('state-text').textContent)",
    );
}

#[test]
fn it_comes_back_and_nothing_is_lost_or_said_twice() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let way = Way::open(site.web());
    let mut soheil = site.join("soheil");
    let page = turn.tab();
    page.go(&way.url());
    page.enter("hasan");
    page.say("before");
    soheil.expect("hasan: before");
    page.expect_last("hasan: before");
    for round in 0..3 {
        way.break_off();
        expect_offline(&page);
        page.say(&format!("waits {round}"));
        page.say(&format!("/me waits {round}"));
        page.wait("document.querySelectorAll('#waiting .line').length === 2");
        soheil.expect("hasan has left the chatroom!");
        soheil.say(format!("missed {round}"));
        way.mend();
        if round > 0 {
            page.click("#retry");
        }
        page.wait(&format!("{STATE} === 'on'"));
        soheil.expect(&format!("hasan: waits {round}"));
        soheil.expect(&format!("* hasan waits {round}"));
        page.expect_last(&format!("hasan waits {round}"));
        page.wait("document.getElementById('waiting').hidden");
        let marks =
            page.text("[...document.querySelectorAll('.mark:not(.day)')].at(-1).textContent");
        assert!(
            marks.starts_with("Back after ") && marks.ends_with("what was said meanwhile follows"),
            "{marks}"
        );
    }
    let mut wanted = vec!["hasan: before".to_owned()];
    for round in 0..3 {
        wanted.push(format!("soheil: missed {round}"));
        wanted.push(format!("hasan: waits {round}"));
        wanted.push(format!("hasan waits {round}"));
    }
    assert_eq!(page.lines(), wanted);
    page.say("/quit");
    soheil.expect("hasan has left the chatroom!");
}

#[test]
fn lines_on_their_way_when_it_breaks_are_said_once() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let way = Way::open(site.web());
    let mut soheil = site.join("soheil");
    let page = turn.tab();
    page.go(&way.url());
    page.enter("hasan");
    // What the server says does not reach the page any more, what the page says reaches the server.
    way.hold_answers(true);
    for number in 0..40 {
        page.say(&format!("line {number}"));
    }
    // As many as the server would know again: no more are sent.
    for number in 0..32 {
        soheil.expect(&format!("hasan: line {number}"));
    }
    soheil.say("in between");
    way.break_off();
    way.hold_answers(false);
    expect_offline(&page);
    way.mend();
    page.expect_last("hasan: line 39");
    soheil.expect("hasan has left the chatroom!");
    for number in 32..40 {
        soheil.expect(&format!("hasan: line {number}"));
    }
    let mut wanted: Vec<_> = (0..40)
        .map(|number| format!("hasan: line {number}"))
        .collect();
    wanted.insert(32, "soheil: in between".to_owned());
    assert_eq!(page.lines(), wanted);
    page.wait("document.getElementById('waiting').hidden");
}

#[test]
fn what_is_lost_is_told() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&["--backlog-bytes", "65536"]);
    let way = Way::open(site.web());
    let mut soheil = site.join("soheil");
    let page = turn.tab();
    page.go(&way.url());
    page.enter("hasan");
    page.say("hi");
    soheil.expect("hasan: hi");
    way.break_off();
    expect_offline(&page);
    soheil.expect("hasan has left the chatroom!");
    for number in 0..1000 {
        soheil.say(format!("missed {number} {}", "x".repeat(60)));
    }
    soheil.say("/who");
    soheil.expect("* Here (1): soheil");
    way.mend();
    page.wait(&format!("{STATE} === 'on'"));
    page.expect_last(&format!("soheil: missed 999 {}", "x".repeat(60)));
    let mark = page.text("[...document.querySelectorAll('.mark:not(.day)')].at(-1).textContent");
    assert!(
        mark.contains("the first ") && mark.contains(" events meanwhile are lost"),
        "{mark}"
    );
}

#[test]
fn another_start_of_the_server_is_survived() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let mut site = Site::start(&[]);
    let way = Way::open(site.web());
    let page = turn.tab();
    page.go(&way.url());
    page.enter("hasan");
    page.say("before");
    page.expect_last("hasan: before");
    site.server.stop();
    page.expect_last("The chatroom is closing.");
    expect_offline(&page);
    page.say("after");
    let site = Site::start(&[]);
    way.lead_to(site.web());
    let mut soheil = site.join("soheil");
    page.wait(&format!("{STATE} === 'on'"));
    soheil.expect("hasan: after");
    page.expect_last("hasan: after");
    let mark = page.text("[...document.querySelectorAll('.mark:not(.day)')].at(-1).textContent");
    assert!(mark.ends_with("what was said meanwhile is lost"), "{mark}");
    let names = page
        .value("[...document.querySelectorAll('#names .name')].map((name) => name.textContent)");
    assert_eq!(names, serde_json::json!(["hasan", "soheil"]));
}

#[test]
fn a_server_that_has_gone_silent_is_left() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let way = Way::open(site.web());
    let mut soheil = site.join("soheil");
    let page = turn.tab();
    page.go(&way.url());
    page.enter("hasan");
    way.hold_answers(true);
    // Whoever opens the lid again doesn't wait for TCP to notice.
    page.run("dispatchEvent(new Event('online'))", &[]);
    way.let_new_ones_pass();
    page.wait(&format!("{STATE} !== 'on'"));
    page.wait(&format!("{STATE} === 'on'"));
    page.say("back");
    while soheil.line() != "hasan: back" {}
}
