//! Draws the results: one panel of bars for each load, as SVG that is readable on light and dark
//! pages.

use std::fmt::Write;

use crate::results::Results;

/// The loads that are drawn, and what is said of them.
const PANELS: [(&str, &str); 3] = [
    ("one at a time", "One line at a time to 900 members"),
    ("64 in flight", "64 lines in flight to 900 members"),
    ("300 speak", "300 of 900 members speak at once"),
];

const WIDTH: f64 = 760.0;
const LABELS: f64 = 130.0;
const BARS: f64 = 500.0;
const BAR: f64 = 18.0;
const STEP: f64 = 24.0;

const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .room { fill: #0969da }
  .floor { fill: none; stroke: #59636e; stroke-dasharray: 3 3 }
  .peer { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .room { fill: #4493f8 }
    .floor { stroke: #9198a1 }
    .peer { fill: #59636e }
  }
";

/// Returns the chart.
pub(crate) fn draw(results: &Results) -> String {
    let mut body = String::new();
    let mut y = 24.0;
    text(
        &mut body,
        0.0,
        y,
        "title",
        "Deliveries a second, more is better",
    );
    for (load, title) in PANELS {
        y += 34.0;
        text(&mut body, 0.0, y, "title", title);
        y += 12.0;
        let mut programs = results.of(load);
        programs.sort_by(|(_, one), (_, other)| other.rate.total_cmp(&one.rate));
        let most = programs.first().map_or(1.0, |(_, figures)| figures.rate);
        for (program, figures) in programs {
            let length = BARS * figures.rate / most;
            let class = match program {
                "chatroom" => "room",
                "floor" => "floor",
                _ => "peer",
            };
            text(&mut body, 0.0, y + 14.0, "name", program);
            writeln!(
                body,
                r#"<rect class="{class}" x="{LABELS}" y="{y}" width="{length:.1}" height="{BAR}" rx="2"/>"#
            )
            .unwrap();
            let rate = shortened(figures.rate);
            text(&mut body, LABELS + length + 8.0, y + 14.0, "figure", &rate);
            y += STEP;
        }
    }
    y += 22.0;
    let note = "The floor only reads and writes, without lines, names or limits: what the kernel \
                allows. Server on one core, load on another.";
    text(&mut body, 0.0, y, "small", note);
    y += 16.0;
    let origin = format!(
        "{}; {}; medians; benches/results.tsv",
        results.machine, results.date
    );
    text(&mut body, 0.0, y, "small", &origin);
    let height = y + 12.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-12 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>Deliveries a second of chatroom and others</title>\n\
         <style>{STYLE}</style>\n{body}</svg>\n"
    )
}

fn text(body: &mut String, x: f64, y: f64, class: &str, text: &str) {
    writeln!(
        body,
        r#"<text class="{class}" x="{x:.1}" y="{y}">{text}</text>"#
    )
    .unwrap();
}

/// Returns a rate in as many digits as can be told apart: `4.71 M`, `213 k`.
fn shortened(rate: f64) -> String {
    if rate >= 1e6 {
        format!("{:.2} M", rate / 1e6)
    } else {
        format!("{:.0} k", rate / 1e3)
    }
}
