//! What of a text is more than text.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::site::Site;

#[test]
fn only_addresses_of_the_web_are_links() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = turn.tab();
    page.go(&site.url());
    page.enter("hasan");
    let soheil = site.join("soheil");
    for (text, links) in [
        (
            "see https://example.org/a_(b), and (http://x.y/z).",
            json!(["https://example.org/a_(b)", "http://x.y/z"]),
        ),
        (
            "HTTPS://Example.org/?q=1&r=\"x\"",
            json!(["https://example.org/?q=1&r="]),
        ),
        (
            "javascript:alert(1) data:text/html,x ftp://a.b file:///etc mailto:a@b",
            json!([]),
        ),
        ("http:// https://? http://[ xhttp://a.b", json!([])),
        (
            "https://user:pass@evil.example/",
            json!(["https://user:pass@evil.example/"]),
        ),
        (
            "ببینید https://example.org/فا؟",
            json!(["https://example.org/%D9%81%D8%A7"]),
        ),
    ] {
        soheil.say(text);
        page.expect_last(&format!("soheil: {text}"));
        let last = "[...document.querySelectorAll('#log .line:last-child a')]";
        assert_eq!(
            page.value(&format!("{last}.map((link) => link.href)")),
            links,
            "{text}"
        );
        let bad = page.value(&format!(
            "{last}.filter(({{ rel, target, protocol }}) => rel !== 'noopener noreferrer' || \
             target !== '_blank' || !/^https?:$/.test(protocol)).length"
        ));
        assert_eq!(bad, Value::from(0));
    }
}
