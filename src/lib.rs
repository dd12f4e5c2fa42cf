//! `bqsync` moves MySQL tables into BigQuery: nothing lost, nothing doubled.
//!
//! The layers, each seeing only those below it: `cli` over `engine` over the ports `source`, `warehouse` and `state`
//! over `domain`, and beside these `outlets`; the adapters and the engine share `retry`, `warehouse` and `state` also
//! `bucket`, which logs in to Google with `google` as `warehouse` does; `state` and `outlets` also `files`. What speaks
//! HTTPS shares `trust`.
//! `tests/it/architecture.rs` holds them apart.

pub mod bucket;
pub mod cli;
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
pub mod warehouse;
