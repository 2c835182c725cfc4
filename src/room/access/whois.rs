//! What is told of somebody who is here.

use std::fmt;
use std::net::IpAddr;

use super::span::{Lasting, Told, Until};

/// What is told of somebody.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the text below says it")]
pub struct Whois<'a> {
    pub name: &'a str,
    pub is_you: bool,
    pub since_ms: Option<u64>,
    pub silent_s: u64,
    /// The name that it keeps, if any.
    pub keeps: Option<&'a str>,
    pub operator: bool,
    pub muted: Option<Until>,
    /// For operators.
    pub address: Option<IpAddr>,
}

impl fmt::Display for Whois<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        if self.is_you {
            write!(f, "You are {name}")?;
        } else {
            write!(f, "That is {name}")?;
        }
        if let Some(since_ms) = self.since_ms {
            write!(f, ", here since {}", Told(since_ms))?;
        }
        write!(
            f,
            ", silent for {}",
            Lasting {
                seconds: self.silent_s
            }
        )?;
        match self.keeps {
            Some(kept) if kept == name => f.write_str(", name kept")?,
            Some(kept) => write!(f, ", keeps the name {kept}")?,
            None => f.write_str(", name not kept")?,
        }
        if self.operator {
            f.write_str(", operator")?;
        }
        if let Some(until) = self.muted {
            write!(f, ", muted {until}")?;
        }
        if let Some(address) = self.address {
            write!(f, ", at {}", address.to_canonical())?;
        }
        f.write_str(".")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_somebody_is_told_in_one_line() {
        let mut whois = Whois {
            name: "ali",
            is_you: false,
            since_ms: Some(1_764_079_201_000),
            silent_s: 7,
            keeps: Some("ali"),
            operator: true,
            muted: None,
            address: Some("::ffff:10.0.0.1".parse().unwrap()),
        };
        let told = "That is ali, here since 2025-11-25 14:00 UTC, silent for 7 s, name kept, \
                    operator, at 10.0.0.1.";
        assert_eq!(whois.to_string(), told);
        whois = Whois {
            is_you: true,
            since_ms: None,
            keeps: None,
            operator: false,
            address: None,
            ..whois
        };
        assert_eq!(
            whois.to_string(),
            "You are ali, silent for 7 s, name not kept."
        );
    }
}
