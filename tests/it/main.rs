//! The program against real servers: MariaDB or MySQL, and the BigQuery emulator, as `dev/servers run` starts them.
//!
//! Every test has a database, a dataset and a working directory of its own, so that they run side by side in any order.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should say where")]

mod append;
mod architecture;
mod backfill;
mod bucket;
mod cancel;
mod check;
mod clock;
mod columns;
mod command_line;
mod compat;
mod config_errors;
mod connect;
mod console;
mod cost;
mod crash;
mod credentials;
mod deletes;
mod deploy;
mod drift;
mod failures;
mod faults_bigquery;
mod faults_mysql;
mod fence;
mod fence_writers;
mod filter;
mod first_load;
mod gcs_state;
mod gcs_takeover;
mod getting_in;
mod local_state;
mod many;
mod masks;
mod mirror;
mod outlets;
mod paging;
mod partitions;
mod printing;
mod properties;
mod readers;
mod recovery;
mod renewal;
mod repair;
mod replace;
mod replica;
mod review;
mod rivals;
mod schedule;
mod schema_changes;
mod secrets;
mod shards;
mod shared_backfill;
mod soak;
mod ssh;
mod steps;
mod support;
mod tail;
mod types;
mod upsert;
mod verify;
mod views;
