//! The keys' doings on a text.

use super::*;
use proptest::prelude::*;

/// Returns text typed with the cursor at the `|`.
fn typed(marked: &str) -> Typed {
    let (before, after) = marked.split_once('|').unwrap();
    let mut typed = Typed::default();
    typed.set(&[before, after].concat());
    typed.cursor = before.len();
    typed
}

fn shown(typed: &Typed) -> String {
    let (before, after) = typed.text.split_at(typed.cursor);
    format!("{before}|{after}")
}

#[test]
fn keys_do_what_every_shell_does() {
    type Action = fn(&mut Typed);
    let cases: [(&str, Action, &str); 40] = [
        ("ab|c", Typed::left, "a|bc"),
        ("|ab", Typed::left, "|ab"),
        ("ab|", Typed::right, "ab|"),
        (
            "👩\u{200d}👩\u{200d}👧|x",
            Typed::left,
            "|👩\u{200d}👩\u{200d}👧x",
        ),
        ("|e\u{301}x", Typed::right, "e\u{301}|x"),
        ("一|二", Typed::backspace, "|二"),
        ("🇮🇷|", Typed::backspace, "|"),
        ("می\u{200c}خوا|هم", Typed::backspace, "می\u{200c}خو|هم"),
        ("a|e\u{301}b", Typed::delete, "a|b"),
        ("a\nb|c", Typed::home, "a\n|bc"),
        ("a|b\nc", Typed::end, "ab|\nc"),
        ("one two|", Typed::word_left, "one |two"),
        ("one, |two", Typed::word_left, "|one, two"),
        ("|one, two", Typed::word_right, "one|, two"),
        ("سلام دنیا|", Typed::word_left, "سلام |دنیا"),
        ("a b|c d", Typed::kill_to_end, "a b|"),
        ("a|\nb", Typed::kill_to_end, "a|b"),
        ("a b|c d", Typed::kill_to_start, "|c d"),
        ("see http://x/y |z", Typed::kill_back, "see |z"),
        ("one two|", Typed::kill_word_back, "one |"),
        ("on|e two", Typed::kill_word, "on| two"),
        ("one| two x", |t| t.change_case(Case::Upper), "one TWO| x"),
        ("O|NE", |t| t.change_case(Case::Lower), "One|"),
        ("|straße", |t| t.change_case(Case::Upper), "STRASSE|"),
        (
            "a|, éCOLE b",
            |t| t.change_case(Case::Capital),
            "a, École| b",
        ),
        ("x|", |t| t.change_case(Case::Upper), "x|"),
        ("one| two", Typed::transpose_words, "two one|"),
        ("a (one) two|", Typed::transpose_words, "a (two) one|"),
        ("a |b c", Typed::transpose_words, "b a| c"),
        ("one|", Typed::transpose_words, "one|"),
        ("one\ntwo|", Typed::transpose_words, "one\ntwo|"),
        ("ab|c", Typed::transpose, "acb|"),
        ("abc|", Typed::transpose, "acb|"),
        ("|abc", Typed::transpose, "|abc"),
        ("a|", Typed::transpose, "a|"),
        ("一e\u{301}|", Typed::transpose, "e\u{301}一|"),
        ("abc\nd|ef", |t| assert!(t.line_up()), "a|bc\ndef"),
        ("abc\ndef|\nx", |t| assert!(t.line_down()), "abc\ndef\nx|"),
        ("ab|c\nx", |t| assert!(!t.line_up()), "ab|c\nx"),
        ("abc\n|", |t| assert!(!t.line_down()), "abc\n|"),
    ];
    for (before, action, after) in cases {
        let mut typed = typed(before);
        action(&mut typed);
        assert_eq!(shown(&typed), after, "from {before}");
    }
}

/// Does each of `actions` as a key of its own.
fn press(typed: &mut Typed, actions: &[fn(&mut Typed)]) {
    for action in actions {
        typed.begin_key();
        action(typed);
    }
}

#[test]
fn what_is_killed_can_be_put_back() {
    let mut typed = typed("one two|");
    typed.kill_back();
    typed.home();
    assert!(typed.yank() && typed.yank());
    assert_eq!(shown(&typed), "twotwo|one ");
}

#[test]
fn kills_in_a_row_are_one_and_former_ones_come_back() {
    let mut typed = typed("one two three| four");
    press(
        &mut typed,
        &[Typed::kill_back, Typed::kill_back, Typed::kill_to_end],
    );
    assert_eq!(shown(&typed), "one |");
    press(
        &mut typed,
        &[Typed::home, Typed::kill_word, |t| assert!(t.yank())],
    );
    assert_eq!(shown(&typed), "one| ");
    press(&mut typed, &[|t| assert!(t.yank_before())]);
    assert_eq!(shown(&typed), "two three four| ");
    press(&mut typed, &[|t| assert!(t.yank_before())]);
    assert_eq!(shown(&typed), "one| ");
    press(&mut typed, &[Typed::left, |t| assert!(t.yank_before())]);
    assert_eq!(shown(&typed), "on|e ", "nothing was just put back");
}

#[test]
fn the_last_words_of_former_lines_replace_each_other() {
    let mut typed = typed("see |!");
    for (word, back) in [("one", 0), ("second", 1)] {
        typed.begin_key();
        assert_eq!(typed.last_word_back(), back);
        assert!(typed.put_last_word(word, back));
    }
    assert_eq!(shown(&typed), "see second|!");
}

#[test]
fn undoing_goes_back_word_by_word_and_change_by_change() {
    let mut typed = Typed::default();
    for character in "hello there".chars() {
        press(&mut typed, &[]);
        assert!(typed.type_in(&character.to_string()));
    }
    press(
        &mut typed,
        &[Typed::backspace, Typed::backspace, Typed::kill_back],
    );
    let mut seen = Vec::new();
    while typed.undo() {
        seen.push(shown(&typed));
    }
    assert_eq!(seen, ["hello the|", "hello there|", "hello|", "|"]);
    assert!(!typed.undo());
}

#[test]
fn more_than_the_limit_is_refused() {
    let mut typed = Typed::default();
    assert!(typed.insert(&"x".repeat(TYPED_MAX_BYTES - 1)));
    assert!(!typed.insert("é"));
    assert_eq!(typed.text().len(), TYPED_MAX_BYTES - 1);
    assert!(typed.insert("x"));
    assert!(!typed.insert("x"));
}

proptest! {
    #[test]
    fn the_cursor_never_stands_within_a_grapheme(
        parts in prop::collection::vec(
            prop::sample::select(&[
                "a", "\u{301}", "👩", "\u{200d}", "🇮", "🇷", "\u{200c}", "ب", "\n", " ", "각",
                "\u{1100}", "\u{1161}", "❤", "\u{fe0f}", "क", "\u{94d}", "ष",
            ][..]),
            0..20,
        ),
        actions in prop::collection::vec(0..17_usize, 0..20),
    ) {
        let all: [fn(&mut Typed); 17] = [
            Typed::transpose_words, |typed| typed.change_case(Case::Upper),
            |typed| typed.change_case(Case::Capital), |typed| { typed.undo(); },
            |typed| assert!(typed.yank_before()),
            Typed::left, Typed::right, Typed::backspace, Typed::delete, Typed::transpose,
            Typed::word_left, Typed::word_right, Typed::kill_word, Typed::kill_back,
            |typed| assert!(typed.yank()), |typed| assert!(typed.line_up() || typed.cursor() <= typed.text().len()),
            |typed| assert!(typed.insert("\u{1f469}")),
        ];
        let mut typed = Typed::default();
        for part in parts {
            typed.insert(part);
        }
        for action in actions {
            typed.begin_key();
            all[action](&mut typed);
            let boundary = typed.text.grapheme_indices(true).any(|(at, _)| at == typed.cursor);
            prop_assert!(boundary || typed.cursor == typed.text.len(), "{:?}", typed);
        }
    }
}
