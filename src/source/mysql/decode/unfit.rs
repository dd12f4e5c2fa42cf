//! What stands in the way of a cell.

use crate::domain::report::Flaw;

/// Why a cell could not be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The target type cannot hold it.
    Flaw(Flaw),
    /// Text that is no UTF-8.
    Utf8,
    /// A wall clock that its zone never showed, where it would be taken for another row's.
    Gap,
    /// Bytes that the column's type never has: it is another type by now.
    Wire,
    /// The plan pairs an encoding with a staged type that it does not lead to.
    Plan,
}
