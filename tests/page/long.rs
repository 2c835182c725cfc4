//! A long talk, and where one has scrolled to.

use std::fmt::Write;
use std::time::Instant;

use crate::browser::{Browser, DESKTOP, PHONE};
use crate::common::PATIENCE;
use crate::site::Site;

const AT_END: &str = "(() => { const { scrollHeight, scrollTop, clientHeight } = document.getElementById('scroll'); \
                      return scrollHeight - scrollTop - clientHeight < 2; })()";

#[test]
fn who_has_scrolled_up_stays_there() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let soheil = site.join("soheil");
    for number in 0..60 {
        soheil.say(format!("line {number}"));
    }
    page.expect_last("soheil: line 59");
    page.wait(AT_END);
    page.run("document.getElementById('scroll').scrollTop = 200", &[]);
    let place = "document.querySelectorAll('#log .line')[20].getBoundingClientRect().top";
    page.wait("document.getElementById('scroll').scrollTop === 200");
    let before = page.value(place);
    for number in 60..63 {
        soheil.say(format!("line {number}"));
        page.expect_last(&format!("soheil: line {number}"));
    }
    assert_eq!(page.value(place), before);
    assert_eq!(
        page.text("document.getElementById('new-lines').textContent"),
        "3 new lines"
    );
    page.click("#new-lines");
    page.wait(AT_END);
    assert_eq!(
        page.value("document.getElementById('new-lines').hidden"),
        true
    );
    // A window of another size keeps the end in view.
    for size in [PHONE, DESKTOP] {
        page.size(size);
        page.wait(AT_END);
    }
}

#[test]
fn ten_thousand_lines_do_not_make_it_slow() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&["--rate", "0"]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let soheil = site.join("soheil");
    let ali = site.join("ali");
    let mut flood = String::new();
    let start = Instant::now();
    for number in 0..11_000 {
        writeln!(
            flood,
            "line {number} of a talk, see https://example.org/{number} سلام"
        )
        .unwrap();
        if number % 500 == 499 {
            soheil.send(&flood);
            ali.send("and so on\n");
            flood.clear();
        }
    }
    let last = "soheil: line 10999 of a talk, see https://example.org/10999 سلام";
    page.wait(&format!("[...document.querySelectorAll('#log .line')].slice(-9).some((line) => line.textContent.includes('{}'))", &last[8..20]));
    println!("11,000 lines came in {:?}", start.elapsed());
    assert!(start.elapsed() < PATIENCE);
    let lines = page
        .value("document.querySelectorAll('#log .line').length")
        .as_u64()
        .unwrap();
    assert!((9_000..=10_200).contains(&lines), "{lines} are kept");
    // What one more costs, laid out and all; and scrolling through.
    let cost = page.run(
        "const scroll = document.getElementById('scroll');
         const log = document.getElementById('log');
         const times = [];
         for (let n = 0; n < 50; n += 1) {
             const start = performance.now();
             log.lastChild.append(log.lastChild.lastChild.cloneNode(true));
             scroll.scrollTop = n % 2 ? scroll.scrollHeight : scroll.scrollHeight * n / 50;
             scroll.getBoundingClientRect();
             log.lastChild.lastChild.getBoundingClientRect();
             times.push(performance.now() - start);
         }
         return times.sort((a, b) => a - b)[25];",
        &[],
    );
    println!("a line among {lines}: {cost} ms at the median");
    assert!(cost.as_f64().unwrap() < 16.0, "{cost} ms");
    let typed = page.run(
        "const start = performance.now();
         const line = document.getElementById('line');
         line.value = 'x';
         line.dispatchEvent(new Event('input'));
         line.getBoundingClientRect();
         return performance.now() - start;",
        &[],
    );
    assert!(typed.as_f64().unwrap() < 30.0, "a key takes {typed} ms");
}
