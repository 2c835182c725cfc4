//! The pictures: well-formed, complete, inside their frame, and safe to open.

use std::fs;

use super::support::{Step, capture, directory, file_with, records, session, trace_to};

/// Fails unless every tag is closed in order and every `&` begins an entity.
fn assert_well_formed(text: &str) {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        assert_entities(&rest[..at]);
        let end = rest[at..].find('>').expect("a tag ends") + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap();
        if tag.starts_with('!') || tag.ends_with('/') || matches!(name, "meta" | "br") {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name.to_owned()), "closing {name}");
        } else {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            open.push(name.to_owned());
        }
    }
    assert_entities(rest);
    assert!(open.is_empty(), "{open:?} are not closed");
}

fn assert_entities(text: &str) {
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        assert!(
            known.iter().any(|entity| text[at..].starts_with(entity)),
            "{}",
            &text[at..]
        );
    }
}

/// Returns the numbers of every attribute of a name.
fn numbers(svg: &str, attribute: &str) -> Vec<f64> {
    svg.split(&format!(" {attribute}=\""))
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect()
}

fn assert_inside(svg: &str) {
    let (width, height) = (numbers(svg, "width")[0], numbers(svg, "height")[0]);
    for (attribute, most) in [
        ("x", width),
        ("x1", width),
        ("x2", width),
        ("y", height),
        ("y1", height),
        ("y2", height),
    ] {
        for number in numbers(svg, attribute) {
            assert!(
                (0.0..=most).contains(&number),
                "{attribute} {number} of {most}"
            );
        }
    }
    for path in svg.split(" d=\"").skip(1) {
        let path = path.split('"').next().unwrap();
        for number in path
            .split(|c: char| !c.is_ascii_digit())
            .filter(|part| !part.is_empty())
        {
            let number: f64 = number.parse().unwrap();
            assert!(number <= width.max(height), "{number} in {path}");
        }
    }
}

#[test]
fn the_ladder_has_a_row_for_everything_that_happened() {
    for name in [
        "session.pcap",
        "chat_nl_rst.pcap",
        "lossy_client.pcap",
        "reuse.pcap",
        "simclose.pcap",
    ] {
        let svg = trace_to("svg", &[], &capture(name));
        let text = trace_to("ndjson", &[], &capture(name));
        assert_well_formed(&svg);
        assert_inside(&svg);
        let rows = |class: &str| svg.matches(&format!("<g class=\"row {class}\"")).count();
        assert_eq!(rows("message"), records(&text, "message").len(), "{name}");
        assert_eq!(rows("copy"), records(&text, "copy").len(), "{name}");
        assert_eq!(rows("join"), records(&text, "join").len(), "{name}");
        assert_eq!(rows("leave"), records(&text, "leave").len(), "{name}");
        assert_eq!(rows("notice"), records(&text, "notice").len(), "{name}");
        let ends = records(&text, "connect").len() + records(&text, "end").len();
        assert_eq!(rows("control"), ends, "{name}");
        assert!(!svg.contains("<script") && !svg.contains("href") && !svg.contains("url("));
    }
}

#[test]
fn every_packet_is_a_row_if_asked_for() {
    let svg = trace_to("svg", &["--full"], &capture("session.pcap"));
    assert_well_formed(&svg);
    assert_inside(&svg);
    assert_eq!(svg.matches("<g class=\"row ").count(), 80);
    assert_eq!(svg.matches("<title>frame ").count(), 80);
    for frame in 1..=80 {
        assert!(svg.contains(&format!("id=\"f{frame}\"")), "frame {frame}");
    }
}

#[test]
fn no_more_rows_are_drawn_than_asked_for() {
    let svg = trace_to("svg", &["--rows", "10"], &capture("session.pcap"));
    assert!(svg.matches("<g class=\"row ").count() <= 10);
    assert!(svg.contains(" more rows not drawn"));
    assert_well_formed(&svg);
}

#[test]
fn the_ladder_of_the_reference_session_is_the_one_in_the_readme() {
    let path = directory().join("session.svg");
    let svg = trace_to("svg", &[], &capture("session.pcap"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &svg).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap() == svg,
        "bless it with BLESS=1 and look at it"
    );
}

#[test]
fn the_text_ladder_draws_the_fan_out() {
    let text = trace_to("txt", &[], &capture("session.pcap"));
    let lines: Vec<_> = text.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("hello hasan how are you"))
        .unwrap();
    assert_eq!(
        lines[at],
        "   139.117796        |<==============|               |               |         hello hasan how are you  ACK +39 us"
    );
    assert!(lines[at + 1].starts_with("     +1.16 ms        |------------------------------>|"));
    assert!(
        lines[at + 2]
            .starts_with("     +1.18 ms        |---------------------------------------------->|")
    );
}

#[test]
fn the_mermaid_diagram_is_a_sequence_diagram() {
    let text = trace_to("mmd", &[], &capture("session.pcap"));
    assert!(text.starts_with("sequenceDiagram\n    participant P0 as server port 5050\n"));
    assert!(text.contains("    P1->>P0: hello hasan how are you, ACK +39 us\n"));
    assert!(text.contains("    P0-->>P2: +1.16 ms, ACK +33 us\n"));
    assert!(text.lines().skip(1).all(|line| line.starts_with("    ")));
}

#[test]
fn the_report_holds_everything_and_nothing_from_elsewhere() {
    let html = trace_to("html", &[], &capture("lossy_client.pcap"));
    assert_well_formed(&html);
    assert!(html.starts_with("<!doctype html>"));
    for part in [
        "<svg ",
        "<h2>Findings</h2>",
        "<h2>Connections</h2>",
        "<h2>Latency</h2>",
        "<h2>Messages</h2>",
    ] {
        assert!(html.contains(part), "{part}");
    }
    for foreign in ["<script", "http-equiv", "src=", "url(", "@import", "<link"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    let links = html
        .split("href=\"#f")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    for frame in links {
        assert!(
            html.contains(&format!("id=\"f{frame}\"")),
            "frame {frame} is linked and not there"
        );
    }
    let text = trace_to("ndjson", &[], &capture("lossy_client.pcap"));
    assert_eq!(
        html.matches("class=\"finding\"").count(),
        records(&text, "finding").len()
    );
}

#[test]
fn markup_from_the_wire_is_text() {
    let file = file_with(&session(&[
        Step::Open(4001),
        Step::Up(4001, b"<b>&\"'</title><script>alert(1)</script>\n"),
        Step::Up(
            4001,
            b"</text></svg><img src=x onerror=alert(1)>;#%%{x}\x1b[1m\xff\xe2\x80\xae\n",
        ),
    ]));
    for ending in ["svg", "html"] {
        let picture = trace_to(ending, &[], file.path());
        assert_well_formed(&picture);
        assert!(
            !picture.contains("<script>") && !picture.contains("<img"),
            "{picture}"
        );
        assert!(
            picture.chars().all(|c| c == '\n' || !c.is_control()),
            "{picture:?}"
        );
        assert!(!picture.contains('\u{202e}'));
    }
    let diagram = trace_to("mmd", &[], file.path());
    assert!(
        !diagram.contains('<') && !diagram.contains("%%{"),
        "{diagram}"
    );
}

#[test]
fn many_people_are_counted_and_not_drawn() {
    let steps: Vec<_> = (4001..4060)
        .flat_map(|client| [Step::Open(client), Step::Up(client, b"somebody\n")])
        .collect();
    let file = file_with(&session(&steps));
    let svg = trace_to("svg", &[], file.path());
    assert_well_formed(&svg);
    assert_inside(&svg);
    assert_eq!(svg.matches("<g class=\"column\">").count(), 25);
    assert!(svg.contains("35 more people not drawn"));
}
