//! The whole engine over a source, a warehouse and a state in memory.

mod columns;
mod crash;
mod deletes;
mod forget;
mod horizon;
mod mirror;
mod mirror_guards;
mod publish;
mod quiet;
mod recover;
mod repair;
mod replace;
mod report;
mod retries;
mod rivals;
mod rows_of;
mod rules;
mod shards;
mod shared;
mod steps;
mod tail;
mod works;
