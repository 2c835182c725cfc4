//! What a certificate is known by.

use ring::digest::{SHA256, digest};

/// Returns the SHA-256 of a certificate, in 64 small hexadecimal digits.
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = digest(&SHA256, certificate);
    let digits = digest.as_ref().iter();
    let digits = digits.flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_as_sha256sum_has_it() {
        assert_eq!(
            fingerprint(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
