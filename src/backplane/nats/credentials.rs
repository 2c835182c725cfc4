//! How a node shows a NATS server who it is.

use std::fmt;

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The first byte of a seed, as nkeys have it: an `S` in base32, with the kind's first bits.
const SEED_PREFIX: u8 = 18 << 3;

/// The prefix of a user's public key: a `U` in base32.
const USER_PREFIX: u8 = 20 << 3;

/// Bytes of a seed as it is written: two of prefix, the seed, two of a check sum.
const SEED_BYTES: usize = 2 + 32 + 2;

/// Who a node is for a NATS server.
#[derive(Default)]
pub enum Credentials {
    /// Nobody in particular.
    #[default]
    None,
    /// A user with a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// Who knows the token.
    Token(Zeroizing<String>),
    /// Who has a key, and whom an account vouches for.
    Key {
        /// What vouches for it; without it the server knows the key itself.
        jwt: Option<String>,
        /// The key.
        pair: Box<Ed25519KeyPair>,
    },
}

/// Secrets are told to nobody.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password { .. } => "Password",
            Self::Token(_) => "Token",
            Self::Key { .. } => "Key",
        })
    }
}

impl Credentials {
    /// Reads a file of credentials as `nsc` and `nats` write it: a JWT and the seed of a user's key
    /// between lines of dashes; or the seed alone.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(file: &str) -> Result<Self, &'static str> {
        let seed = file
            .split_ascii_whitespace()
            .find(|word| word.starts_with("SU"));
        let jwt = block(file, "NATS USER JWT");
        let seed = seed.ok_or("there is no seed of a user in it (a word that starts with SU)")?;
        let pair = pair(seed).ok_or("the seed in it is none")?;
        Ok(Self::Key {
            jwt: jwt.map(str::to_owned),
            pair: Box::new(pair),
        })
    }

    /// Adds who this is to what a server is told; `nonce` is what it wants signed.
    pub(super) fn show(&self, nonce: Option<&str>, told: &mut Map<String, Value>) {
        let mut add = |key: &str, value: &str| drop(told.insert(key.to_owned(), value.into()));
        match self {
            Self::None => {}
            Self::Password { user, password } => {
                add("user", user);
                add("pass", password);
            }
            Self::Token(token) => add("auth_token", token),
            Self::Key { jwt, pair } => {
                match jwt {
                    Some(jwt) => add("jwt", jwt),
                    None => add("nkey", &public_key(pair)),
                }
                let signature = pair.sign(nonce.unwrap_or_default().as_bytes());
                add("sig", &BASE64URL_NOPAD.encode(signature.as_ref()));
            }
        }
    }
}

/// Returns what stands between the lines that begin and end `name`.
fn block<'a>(file: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = file.lines().map(str::trim);
    lines.find(|line| line.starts_with("---") && line.contains(&format!("BEGIN {name}")))?;
    lines
        .find(|line| !line.is_empty())
        .filter(|line| !line.starts_with("---"))
}

/// Reads a seed: base32 of its prefix, 32 bytes and their check sum.
fn pair(seed: &str) -> Option<Ed25519KeyPair> {
    let bytes = Zeroizing::new(BASE32_NOPAD.decode(seed.as_bytes()).ok()?);
    let (told, sum) = bytes.split_at_checked(SEED_BYTES - 2)?;
    let is_seed = told[0] & 0b1111_1000 == SEED_PREFIX;
    if !is_seed || sum != check_sum(told).to_le_bytes() {
        return None;
    }
    Ed25519KeyPair::from_seed_unchecked(&told[2..]).ok()
}

fn public_key(pair: &Ed25519KeyPair) -> String {
    let mut bytes = vec![USER_PREFIX];
    bytes.extend_from_slice(pair.public_key().as_ref());
    bytes.extend_from_slice(&check_sum(&bytes).to_le_bytes());
    BASE32_NOPAD.encode(&bytes)
}

/// CRC-16/XMODEM.
fn check_sum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ (u16::from(byte) << 8), |sum, _| {
            let shifted = sum << 1;
            if sum & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the documentation of nkeys.
    const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

    #[test]
    fn a_check_sum_is_that_of_xmodem() {
        assert_eq!(check_sum(b"123456789"), 0x31c3);
    }

    #[test]
    fn a_seed_is_read_and_one_with_a_slip_is_not() {
        assert!(Credentials::parse(SEED).is_ok());
        let slip = SEED.replacen('Q', "R", 1);
        assert!(Credentials::parse(&slip).is_err());
        for wrong in ["", "SU", "SUA", &SEED[..57], "hello"] {
            assert!(Credentials::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_has_a_jwt_and_a_seed_and_tells_neither_in_a_log() {
        let file = format!(
            "-----BEGIN NATS USER JWT-----\neyJ0.e30.sig\n------END NATS USER JWT------\n\n\
             ***** IMPORTANT *****\n-----BEGIN USER NKEY SEED-----\n{SEED}\n\
             ------END USER NKEY SEED------\n"
        );
        let credentials = Credentials::parse(&file).unwrap();
        let mut told = Map::new();
        credentials.show(Some("nonce"), &mut told);
        assert_eq!(told["jwt"], "eyJ0.e30.sig");
        assert_eq!(told["sig"].as_str().unwrap().len(), 86);
        assert_eq!(format!("{credentials:?}"), "Key");
    }

    #[test]
    fn a_lone_seed_shows_its_public_key() {
        let mut told = Map::new();
        Credentials::parse(SEED)
            .unwrap()
            .show(Some("nonce"), &mut told);
        let key = told["nkey"].as_str().unwrap();
        assert!(key.starts_with('U') && key.len() == 56, "{key}");
    }
}
