//! Masks: what a value becomes that must not leave MySQL unchanged.
//!
//! A mask works on a value's text, which is the text that the value would have in a STRING column (`docs/types.md`),
//! and on the bytes of a binary column. So the same value gives the same mask in every table and on every server.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::secret::Secret;

/// The most characters that may be kept at the end of a value; more would not be a mask.
pub const MOST_KEPT: u8 = 8;

/// The shortest key, in bytes; a shorter one can be found by trying.
pub const SHORTEST_KEY: usize = 16;

#[derive(Clone, PartialEq, Eq)]
pub enum Mask {
    /// SHA-256 of the text: equal values stay equal, and anyone who guesses a value can check the guess.
    Sha256,
    /// HMAC-SHA-256 of the text: the same, but checking a guess needs the key.
    Hmac(Secret),
    /// The value never arrives; the column keeps its type.
    Null,
    /// The last characters of the text, at most this many and at most half of them.
    Last(u8),
}

impl Mask {
    /// The mask of a text, or of bytes; `None` where nothing of the value arrives.
    #[must_use]
    pub fn of(&self, value: &[u8]) -> Option<String> {
        match self {
            Self::Sha256 => Some(hex(&Sha256::digest(value))),
            Self::Hmac(key) => keyed(key, value),
            Self::Null => None,
            Self::Last(most) => Some(last(*most, &String::from_utf8_lossy(value))),
        }
    }

    /// Tells if the masked value is text, whatever the column's type in MySQL is.
    #[must_use]
    pub const fn gives_text(&self) -> bool {
        match self {
            Self::Sha256 | Self::Hmac(_) | Self::Last(_) => true,
            Self::Null => false,
        }
    }

    /// Tells if the mask needs the value as text, whose characters it counts.
    #[must_use]
    pub const fn counts_characters(&self) -> bool {
        matches!(self, Self::Last(_))
    }

    /// Tells this mask from any other without revealing its key: a few digits do not even confirm a guessed key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Hmac(key) => {
                let digits = keyed(key, b"bqsync").unwrap_or_default();
                format!("hmac {}", digits.get(..4).unwrap_or_default())
            }
            Self::Sha256 | Self::Null | Self::Last(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Mask {
    /// Writes `sha256`, `hmac`, `null` or `last 4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256 => f.write_str("sha256"),
            Self::Hmac(_) => f.write_str("hmac"),
            Self::Null => f.write_str("null"),
            Self::Last(most) => write!(f, "last {most}"),
        }
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

/// HMAC takes a key of any length, so this is never `None`.
fn keyed(key: &Secret, value: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).ok()?;
    mac.update(value);
    Some(hex(&mac.finalize().into_bytes()))
}

fn last(most: u8, text: &str) -> String {
    let characters = text.chars().count();
    let kept = usize::from(most).min(characters / 2);
    text.chars().skip(characters - kept).collect()
}

/// The bytes in lower case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_equal_those_of_other_programs_for_the_same_text() {
        let sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(Mask::Sha256.of(b"hello").as_deref(), Some(sha));
        // RFC 4231, test case 2.
        let keyed = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(Mask::Hmac(Secret::new("Jefe")).of(b"what do ya want for nothing?").as_deref(), Some(keyed));
        assert_eq!(Mask::Null.of(b"hello"), None);
    }

    #[test]
    fn the_end_of_a_value_is_never_more_than_half_of_it() {
        let of = |text: &str| Mask::Last(4).of(text.as_bytes()).unwrap();
        assert_eq!(of("4111111111111234"), "1234");
        assert_eq!(of("123456"), "456");
        assert_eq!(of("äöüß€é"), "ß€é");
        assert_eq!(of("x"), "");
        assert_eq!(of(""), "");
    }

    #[test]
    fn no_printed_form_of_a_mask_shows_its_key() {
        let mask = Mask::Hmac(Secret::new("a key that nobody may know"));
        for text in [mask.to_string(), format!("{mask:?}"), mask.fingerprint()] {
            assert!(!text.contains("key") && text.len() <= 9, "{text}");
        }
        assert_ne!(mask.fingerprint(), Mask::Hmac(Secret::new("another key, of as many bytes")).fingerprint());
        assert_eq!(Mask::Last(4).fingerprint(), "last 4");
    }
}
