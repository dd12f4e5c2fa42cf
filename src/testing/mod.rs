//! A source, a warehouse and a state in memory, for tests of the engine that need no server and no waiting.
//!
//! They keep the ports' contracts as MySQL and BigQuery do (job ids are taken once, a publish is atomic, a lost lease
//! saves nothing), and fail where a test's script says so. Each process of a test has its own tokio runtime with paused
//! time: dropping it ends everything of that process at once, as `kill -9` does.

mod clock;
mod columns;
mod compare;
mod dataset;
mod process;
mod script;
mod shop;
mod source;
mod state;
mod tables;
mod value;
mod warehouse;
mod world;

pub use self::dataset::Table;
pub use self::process::Process;
pub use self::script::{Call, Refusal, Trouble};
pub use self::shop::{HERE, Shop, backfill, deletes, repair, row, sync};
pub use self::state::Remembered;
pub use self::value::{Value, at};
