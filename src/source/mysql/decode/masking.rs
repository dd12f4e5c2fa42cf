//! Applies a mask to the bytes of a cell; the unmasked text exists only in this buffer.

use std::fmt;

use super::text;
use super::unfit::Unfit;
use crate::domain::mask::Mask;
use crate::domain::type_map::Encoding;

/// A column's mask, and the buffer for the text under it.
pub struct Masking {
    mask: Mask,
    text: String,
}

impl Masking {
    pub const fn new(mask: Mask) -> Self {
        Self { mask, text: String::new() }
    }

    /// The masked value; `None` if it is NULL.
    ///
    /// # Errors
    /// The errors of decoding without a mask.
    pub fn of(&mut self, encoding: Encoding, raw: &[u8]) -> Result<Option<String>, Unfit> {
        match (&self.mask, encoding) {
            (Mask::Null, _) => Ok(None),
            (mask, Encoding::Bytes) => Ok(mask.of(raw)),
            (mask, encoding) => {
                self.text.clear();
                text::append_to(encoding, raw, &mut self.text)?;
                Ok(mask.of(self.text.as_bytes()))
            }
        }
    }
}

/// The text must not be shown.
impl fmt::Debug for Masking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Masking").field(&self.mask).finish()
    }
}
