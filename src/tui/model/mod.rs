//! What the console knows of every mapping: from the configuration, the state, MySQL, and the runs that it has seen.

mod book;
mod glance;
mod late;
mod now;
mod rates;
mod row;
mod run_log;
#[cfg(test)]
pub(super) mod samples;
mod standing;

pub use self::book::Book;
pub use self::glance::Glance;
pub use self::now::Now;
pub use self::row::{Measured, Row};
pub use self::run_log::{Job, RunLog};
pub use self::standing::{Standing, Word};
