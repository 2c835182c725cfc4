//! The capture as a picture: a ladder of who sent what to whom, drawn in one of several ways.

pub(super) mod html;
pub(super) mod ladder;
pub(super) mod plain;
pub(super) mod svg;

use self::html::Page;
use self::ladder::{Ladder, LadderOptions};
use super::sink::{Sink, Whole};
use crate::trace::options::Options;

/// Draws the picture, once everything was read.
#[derive(Debug)]
pub(super) struct Picture {
    draw: fn(&Page<'_>) -> String,
    how: LadderOptions,
    /// The name of the capture.
    file: String,
}

impl Picture {
    /// Returns the ladder as an SVG.
    #[must_use]
    pub(super) fn svg(options: &Options) -> Self {
        Self::new(options, |page| svg::to_string(page.ladder))
    }

    /// Returns the report as an HTML page.
    #[must_use]
    pub(super) fn html(options: &Options) -> Self {
        Self::new(options, html::to_string)
    }

    /// Returns the ladder as a Mermaid diagram.
    #[must_use]
    pub(super) fn mermaid(options: &Options) -> Self {
        Self::new(options, |page| plain::mermaid(page.ladder))
    }

    /// Returns the ladder as text.
    #[must_use]
    pub(super) fn plain(options: &Options) -> Self {
        Self::new(options, |page| plain::text(page.ladder))
    }

    fn new(options: &Options, draw: fn(&Page<'_>) -> String) -> Self {
        let file = &options.file;
        Self {
            draw,
            how: LadderOptions {
                rows_max: options.rows_max,
                redact: options.redact,
                ports: options.ports,
            },
            file: file
                .file_name()
                .unwrap_or(file.as_os_str())
                .display()
                .to_string(),
        }
    }
}

impl Sink for Picture {
    fn finish(&mut self, whole: &Whole<'_>, out: &mut String) {
        let Some(story) = whole.story else {
            return;
        };
        let page = Page {
            ladder: &Ladder::new(story, whole.clock, self.how),
            totals: whole.totals,
            findings: whole.findings,
            last_time: whole.clock.last(),
            file: &self.file,
            ports: self.how.ports,
        };
        out.push_str(&(self.draw)(&page));
    }
}
