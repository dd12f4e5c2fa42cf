//! The conditions for a sync to go well, as rules over facts that the ports gather: pure, so that a run's warning and a
//! check's line are the same sentence.

pub mod access;
pub mod additions;
pub mod anew;
pub mod conversion;
pub mod keys;
pub mod mapping;
pub mod masks;
pub mod options;
pub mod server;
pub mod target;
pub mod withheld;
