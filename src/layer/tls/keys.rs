//! The keys of one direction, and what they do to one record.

use std::fmt;

use ring::aead::{self, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use ring::hkdf::{self, KeyType, Prk};
use rustls::CipherSuite;
use zeroize::Zeroize;

/// How many records one generation of keys seals. AES-GCM keeps its promises for 2^24.5 full ones
/// (RFC 8446, 5.5); `ChaCha20-Poly1305` for any number, but one rule is enough.
pub const RECORDS_MAX: u64 = 1 << 23;

/// Length in bytes of what proves a record to be whole, in every suite.
pub const TAG_BYTES: usize = 16;

const IV_BYTES: usize = 12;
const KEY_BYTES_MAX: usize = 32;
const SECRET_BYTES_MAX: usize = 48;

/// A cipher suite of TLS 1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// `TLS_AES_128_GCM_SHA256`.
    Aes128,
    /// `TLS_AES_256_GCM_SHA384`.
    Aes256,
    /// `TLS_CHACHA20_POLY1305_SHA256`.
    ChaCha20,
}

impl Suite {
    /// Returns the suite that rustls calls so, if it is one of TLS 1.3.
    #[must_use]
    pub fn of(suite: CipherSuite) -> Option<Self> {
        match suite {
            CipherSuite::TLS13_AES_128_GCM_SHA256 => Some(Self::Aes128),
            CipherSuite::TLS13_AES_256_GCM_SHA384 => Some(Self::Aes256),
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => Some(Self::ChaCha20),
            _ => None,
        }
    }

    /// Returns the suite with this number in the standard's registry, if it is one of TLS 1.3.
    #[must_use]
    pub fn numbered(number: u16) -> Option<Self> {
        Self::of(CipherSuite::from(number))
    }

    /// Returns the suites whose traffic secrets have this many bytes.
    #[must_use]
    pub fn with_secret_of(bytes: usize) -> &'static [Self] {
        match bytes {
            32 => &[Self::Aes128, Self::ChaCha20],
            48 => &[Self::Aes256],
            _ => &[],
        }
    }

    /// Returns the suite's name by the standard.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128 => "TLS_AES_128_GCM_SHA256",
            Self::Aes256 => "TLS_AES_256_GCM_SHA384",
            Self::ChaCha20 => "TLS_CHACHA20_POLY1305_SHA256",
        }
    }

    fn aead(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes128 => &aead::AES_128_GCM,
            Self::Aes256 => &aead::AES_256_GCM,
            Self::ChaCha20 => &aead::CHACHA20_POLY1305,
        }
    }

    fn hkdf(self) -> hkdf::Algorithm {
        match self {
            Self::Aes256 => hkdf::HKDF_SHA384,
            Self::Aes128 | Self::ChaCha20 => hkdf::HKDF_SHA256,
        }
    }

    fn key_bytes(self) -> usize {
        self.aead().key_len()
    }

    /// Returns how long this suite's traffic secrets are, in bytes.
    #[must_use]
    pub fn secret_bytes(self) -> usize {
        self.hkdf().len()
    }
}

/// The keys of one direction, and which record is next.
pub struct Keys {
    secret: [u8; SECRET_BYTES_MAX],
    key: [u8; KEY_BYTES_MAX],
    iv: [u8; IV_BYTES],
    suite: Suite,
    /// The number of the next record: moved on by each, set back only with a new key.
    sequence: u64,
}

impl Keys {
    /// Returns the keys that come of a traffic secret (RFC 8446, 7.3), of which `sequence` records
    /// have passed; none if the secret's length isn't the suite's.
    #[must_use]
    pub fn new(suite: Suite, secret: &[u8], sequence: u64) -> Option<Self> {
        let mut keys = Self {
            secret: [0; SECRET_BYTES_MAX],
            key: [0; KEY_BYTES_MAX],
            iv: [0; IV_BYTES],
            suite,
            sequence,
        };
        if secret.len() != suite.secret_bytes() {
            return None;
        }
        keys.secret[..secret.len()].copy_from_slice(secret);
        keys.derive()?;
        Some(keys)
    }

    /// Goes on to the next generation of keys (RFC 8446, 7.2).
    ///
    /// # Errors
    /// Never happens with a suite of TLS 1.3; the keys must not be used any more then.
    pub fn update(&mut self) -> Result<(), CryptoError> {
        *self = self.next_generation()?;
        Ok(())
    }

    /// Returns the next generation of keys (RFC 8446, 7.2), of which no record has passed.
    ///
    /// # Errors
    /// Never happens with a suite of TLS 1.3.
    pub fn next_generation(&self) -> Result<Self, CryptoError> {
        let mut next = [0; SECRET_BYTES_MAX];
        let next_secret = &mut next[..self.suite.secret_bytes()];
        self.expand(b"traffic upd", next_secret)
            .ok_or(CryptoError)?;
        let keys = Self::new(self.suite, next_secret, 0);
        next.zeroize();
        keys.ok_or(CryptoError)
    }

    /// Returns how many records of this generation have passed.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    fn derive(&mut self) -> Option<()> {
        let (mut key, mut iv) = ([0; KEY_BYTES_MAX], [0; IV_BYTES]);
        self.expand(b"key", &mut key[..self.suite.key_bytes()])?;
        self.expand(b"iv", &mut iv)?;
        (self.key, self.iv) = (key, iv);
        key.zeroize();
        Some(())
    }

    /// Expands the secret with a label (RFC 8446, 7.1).
    fn expand(&self, label: &[u8], output: &mut [u8]) -> Option<()> {
        struct Length(usize);
        impl KeyType for Length {
            fn len(&self) -> usize {
                self.0
            }
        }
        let secret = &self.secret[..self.suite.secret_bytes()];
        let prk = Prk::new_less_safe(self.suite.hkdf(), secret);
        let length = (output.len() as u16).to_be_bytes();
        let label_length = [6 + label.len() as u8];
        let info = [&length, &label_length[..], b"tls13 ", label, &[0]];
        let okm = prk.expand(&info, Length(output.len())).ok()?;
        okm.fill(output).ok()
    }

    /// Returns whether so many records have been sealed that the next ones need new keys.
    #[must_use]
    pub fn are_used_up(&self) -> bool {
        self.sequence >= RECORDS_MAX
    }

    /// Seals `bytes` in place, as the next record, whose header is `header`; returns its tag.
    ///
    /// # Errors
    /// Fails for more bytes than the suite seals at once, which is far more than a record holds.
    pub fn seal(&mut self, header: &[u8], bytes: &mut [u8]) -> Result<Tag, CryptoError> {
        let nonce = self.next_nonce();
        self.key()?
            .seal_in_place_separate_tag(nonce, Aad::from(header), bytes)
            .map_err(|_| CryptoError)
    }

    /// Opens the next record, whose header is `header`, in place, and returns how many bytes
    /// it held. Unless its tag is right, nothing of it may be used.
    ///
    /// # Errors
    /// Fails if the record isn't what was sealed, as it was sealed, when it was sealed.
    pub fn open(&mut self, header: &[u8], bytes: &mut [u8]) -> Result<usize, CryptoError> {
        let nonce = self.next_nonce();
        self.open_with(nonce, header, bytes)
    }

    /// Opens the record with this number as [`open`](Self::open) does the next one, for whoever reads
    /// a capture, which may lack those before it. Only a record that proves to be whole moves the
    /// number on.
    ///
    /// # Errors
    /// Fails if the record isn't what was sealed with this number, and for numbers that have passed.
    pub fn open_numbered(
        &mut self,
        number: u64,
        header: &[u8],
        bytes: &mut [u8],
    ) -> Result<usize, CryptoError> {
        if number < self.sequence {
            return Err(CryptoError);
        }
        let length = self.open_with(self.nonce(number), header, bytes)?;
        self.sequence = number.checked_add(1).ok_or(CryptoError)?;
        Ok(length)
    }

    fn open_with(
        &self,
        nonce: Nonce,
        header: &[u8],
        bytes: &mut [u8],
    ) -> Result<usize, CryptoError> {
        let opened = self
            .key()?
            .open_in_place(nonce, Aad::from(header), bytes)
            .map_err(|_| CryptoError)?;
        Ok(opened.len())
    }

    /// The key schedule is set up for each record: it takes as long as keeping it would, and half a
    /// kilobyte less.
    fn key(&self) -> Result<LessSafeKey, CryptoError> {
        let key = &self.key[..self.suite.key_bytes()];
        let key = UnboundKey::new(self.suite.aead(), key).map_err(|_| CryptoError)?;
        Ok(LessSafeKey::new(key))
    }

    /// Returns the next record's nonce, and moves on.
    fn next_nonce(&mut self) -> Nonce {
        let nonce = self.nonce(self.sequence);
        self.sequence += 1;
        nonce
    }

    /// Returns the nonce of the record with this number (RFC 8446, 5.3).
    fn nonce(&self, number: u64) -> Nonce {
        let mut nonce = self.iv;
        let number = number.to_be_bytes();
        let tail = &mut nonce[IV_BYTES - number.len()..];
        for (byte, of_number) in tail.iter_mut().zip(number) {
            *byte ^= of_number;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// What is secret stays so.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("suite", &self.suite)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.key.zeroize();
        self.iv.zeroize();
    }
}

/// A record isn't what was sealed, or can't be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CryptoError;
