//! The words of a text, in any script.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// How the letters of a word are to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    /// The first letter as a capital, the others small.
    Capital,
}

/// Returns where the word at or before `at` starts; the start of the text where there is none.
pub(super) fn start_before(text: &str, at: usize) -> usize {
    text[..at]
        .split_word_bound_indices()
        .rev()
        .find(|(_, word)| word.contains(char::is_alphanumeric))
        .map_or(0, |(at, _)| at)
}

/// Returns where the word at or after `at` ends; the end of the text where there is none.
pub(super) fn end_after(text: &str, at: usize) -> usize {
    text[at..]
        .split_word_bound_indices()
        .find(|(_, word)| word.contains(char::is_alphanumeric))
        .map_or(text.len(), |(start, word)| at + start + word.len())
}

/// Returns where the word before `at` starts, words being what stands between blanks.
pub(super) fn blank_start_before(text: &str, at: usize) -> usize {
    let before = text[..at].trim_end();
    before
        .char_indices()
        .rev()
        .find(|(_, c)| c.is_whitespace())
        .map_or(0, |(at, c)| at + c.len_utf8())
}

/// Returns the word before `at` and the one after it, or the last two; none where there are no two
/// on one line.
pub(super) fn two_around(text: &str, at: usize) -> Option<(Range<usize>, Range<usize>)> {
    let second = start_before(text, end_after(text, at));
    let second = second..end_after(text, second);
    let first = start_before(text, second.start);
    let first = first..end_after(text, first);
    let two = first.end <= second.start && !text[first.start..second.end].contains('\n');
    two.then_some((first, second))
}

/// Returns `text`, one word and what stands before it, with its letters in that case.
pub(super) fn with_case(text: &str, case: Case) -> String {
    match case {
        Case::Upper => text.to_uppercase(),
        Case::Lower => text.to_lowercase(),
        Case::Capital => {
            let start = text.find(char::is_alphanumeric).unwrap_or(text.len());
            let rest = text[start..]
                .chars()
                .next()
                .map_or(start, |c| start + c.len_utf8());
            [
                text[..start].to_owned(),
                text[start..rest].to_uppercase(),
                text[rest..].to_lowercase(),
            ]
            .concat()
        }
    }
}
