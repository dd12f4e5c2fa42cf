//! `bqsync` moves MySQL tables into BigQuery: no row is lost or doubled.
//!
//! The layers; each sees only those below it: `cli`, then `engine`, then the ports `source`, `warehouse` and `state`,
//! then `domain`, and beside these `outlets`. The adapters and the engine share `retry`; `warehouse` and `state` also
//! share `bucket`, which logs in to Google with `google` as `warehouse` does; `state` and `outlets` also share `files`.
//! All that use HTTPS share `trust`.
//! `tests/it/architecture.rs` checks these rules.

pub mod bucket;
pub mod cli;
pub mod commands;
pub mod domain;
pub mod dotenv;
pub mod engine;
pub mod failpoint;
pub mod files;
pub mod format;
pub mod google;
pub mod host;
pub mod logging;
pub mod memory;
pub mod outlets;
pub mod panics;
mod paths;
pub mod printable;
mod retry;
pub mod source;
pub mod state;
pub mod statements;
#[cfg(test)]
mod testing;
mod trust;
pub mod tui;
mod unreached;
pub mod warehouse;
