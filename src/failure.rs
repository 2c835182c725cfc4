//! Why a command ended without success.

use std::fmt;

/// Why a command ended without success: one line for standard error, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// 1 for a failure, 2 for wrong usage, 3 for a refused name, 4 for refused lines.
    pub exit_code: u8,
    /// What went wrong and what to do about it.
    pub message: String,
}

impl Failure {
    /// Returns a failure at run time (exit code 1).
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            exit_code: 1,
            message: message.into(),
        }
    }

    /// Returns a failure for what was asked (exit code 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit_code: 2,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
