//! Proposes mappings for the tables of a server: which mode, key and incremental column a table allows, and why.
//!
//! A proposal is written as lines of config.yaml, read back as config.yaml, planned as a run plans and checked with the
//! rules of `check`. A mapping that a check would fail is never proposed.

mod append;
mod candidates;
mod document;
mod entry;
mod expand;
mod facts;
mod held;
mod known_tables;
mod mapped;
mod names;
mod personal;
mod proposal;
mod shared;

pub use self::append::{append, lines_to_add, named_meanwhile, only_adds};
pub use self::document::{Known, Top, counted, document, fragment};
pub use self::entry::Line;
pub use self::expand::{Ask, Expansion, Refused, Seen, Unknown, View, asked, expand};
pub use self::facts::{EstateAsk, Found, TableFacts};
pub use self::held::Ground;
pub use self::known_tables::{KnownTable, KnownTables, TakenAs};
pub use self::names::Names;
pub use self::proposal::{Choice, Entry, Proposal, propose};

#[cfg(test)]
mod tests;
