//! The reasons why a cell cannot be appended.

use crate::domain::report::Flaw;

/// Why a cell could not be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The target type cannot hold the value.
    Flaw(Flaw),
    /// The text is not UTF-8.
    Utf8,
    /// MySQL sent an empty text in place of a JSON value whose text exceeds its max_allowed_packet.
    CutOff,
    /// A wall clock that its zone never showed, in a column where it would be taken for another row's.
    Gap,
    /// Bytes that the column's type never has: the column has another type by now.
    Wire,
    /// The plan pairs the encoding with a staged type that does not fit it.
    Plan,
}
