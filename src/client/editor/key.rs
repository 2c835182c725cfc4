//! Keys, named by what they do.

/// What a key asks the editor to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// Typed text; safe to show and without a line end.
    Text(String),
    /// Pasted text; safe to show, its lines apart by `\n`. Cut when it was longer than
    /// [`PASTE_MAX_BYTES`](super::paste::PASTE_MAX_BYTES).
    Paste {
        text: String,
        cut: bool,
    },
    /// The person looks at the terminal, or away.
    Focus(bool),
    Enter,
    /// Alt-Enter: goes on in a new row of the same text.
    NewRow,
    Complete,
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    KillToEnd,
    KillToStart,
    /// Ctrl-W: back to the last space.
    KillBack,
    KillWordBack,
    KillWord,
    Yank,
    /// Alt-Y, after [`Yank`](Self::Yank): puts back what was killed before that instead.
    YankBefore,
    Transpose,
    TransposeWords,
    Upper,
    Lower,
    Capital,
    /// Alt-.: puts in the last word of the line sent last, then of the one before.
    LastWord,
    Undo,
    Repaint,
    Search,
    Cancel,
    Interrupt,
    EndOfInput,
    Suspend,
}
