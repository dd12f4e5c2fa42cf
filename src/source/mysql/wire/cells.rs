//! A row as the decoders see it.

use sqlx::mysql::MySqlRow;
use sqlx::{Decode, MySql, Row};

/// Cells by position; `None` is NULL. A trait, so that decoders are tested with crafted bytes.
pub trait Cells {
    fn cell(&self, index: usize) -> Option<&[u8]>;
}

impl Cells for MySqlRow {
    /// sqlx's `is_null` takes a zero date for NULL; whether there are bytes is reliable.
    fn cell(&self, index: usize) -> Option<&[u8]> {
        self.try_get_raw(index).ok().and_then(|value| <&[u8] as Decode<MySql>>::decode(value).ok())
    }
}

impl Cells for Vec<Option<Vec<u8>>> {
    fn cell(&self, index: usize) -> Option<&[u8]> {
        self.get(index)?.as_deref()
    }
}
