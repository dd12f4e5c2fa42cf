//! Rows of the catalogue, of the clock and of sums, read as text, because the columns that servers give for them differ
//! in case, wire type and width.

/// One row.
pub type Texts = Vec<Option<String>>;

/// A field; empty where it is NULL.
pub fn text(row: &Texts, index: usize) -> &str {
    row.get(index).and_then(Option::as_deref).unwrap_or("")
}

/// A field that holds a number; `None` where it is NULL.
pub fn number(row: &Texts, index: usize) -> Option<u64> {
    text(row, index).parse().ok()
}

/// The only value of a row of one.
pub fn first(rows: &[Texts]) -> Option<&str> {
    rows.first()?.first()?.as_deref()
}
