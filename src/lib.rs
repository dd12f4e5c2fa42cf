//! `bqsync` moves MySQL tables into BigQuery: nothing lost, nothing doubled.
//!
//! The layers, each seeing only those below it: `cli` over `engine` over the ports `source`, `warehouse` and `state`
//! over `domain`; the adapters and the engine share `retry`, `warehouse` and `state` also `bucket`.
//! `tests/it/architecture.rs` holds them apart.

pub mod bucket;
pub mod cli;
pub mod domain;
pub mod engine;
pub mod failpoint;
pub mod format;
pub mod host;
pub mod logging;
mod retry;
pub mod source;
pub mod state;
pub mod tui;
pub mod warehouse;
