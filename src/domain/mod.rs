//! The project's domain, free of any server, clock, network or terminal.
//!
//! Everything here is plain data and rules about it. The adapters and the engine depend on it; it depends on none of
//! them.

pub mod byte_size;
pub mod check;
pub mod column;
pub mod config;
pub mod cost;
pub mod counted;
pub mod cursor;
pub mod epoch;
pub mod estate;
pub mod excerpt;
pub mod fault;
pub mod fence;
pub mod finding;
pub mod ids;
pub mod lookback;
pub mod mask;
pub mod mirror;
pub mod naming;
pub mod new_columns;
pub mod partitioning;
pub mod plan;
pub mod publish;
pub mod quote;
pub mod replacement;
pub mod report;
pub mod retry;
pub mod row_filter;
pub mod schedule;
pub mod schema;
pub mod secret;
pub mod shard;
pub mod shard_change;
pub mod share;
pub mod shell;
pub mod source_type;
pub mod span;
pub mod staging;
pub mod table_options;
pub mod table_shard;
pub mod tail;
pub mod target_type;
pub mod type_map;
pub mod undecided;
pub mod verify;
pub mod window;
