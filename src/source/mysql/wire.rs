//! The connection for table rows: reads rows where they lie in its buffer, and checks that they have the planned
//! columns.

mod answer;
mod auth;
mod cells;
mod column;
mod connection;
#[cfg(test)]
mod crafted;
mod entry;
#[cfg(test)]
mod entry_tests;
mod fields;
#[cfg(test)]
mod fuzz;
mod handshake;
mod packets;
mod planned;
mod row;
mod secured;
#[cfg(test)]
mod tests;

pub use self::answer::Refusal;
pub use self::cells::Cells;
pub use self::connection::Connection;
pub use self::entry::{Entry, Place, Refused, tcp};
pub use self::handshake::Greeting;
pub use self::planned::{check, sends};
pub use self::row::Row;
pub use self::secured::Security;
