//! Answers everything that moves no rows: one file for each question.

pub(in crate::engine) mod beside;
pub(in crate::engine) mod check;
pub(in crate::engine) mod decide;
mod each_server;
pub(in crate::engine) mod expansion;
pub(in crate::engine) mod history;
pub(in crate::engine) mod preview;
pub(in crate::engine) mod schema_diff;
pub(in crate::engine) mod status;
pub(in crate::engine) mod tables;
mod together;
pub(in crate::engine) mod verify;
