//! Runs the statements of several shards that change one table one after the other. At once, BigQuery would fail one of
//! them with "could not serialize access", and a table takes few changes in a while. Statements of other processes are
//! not seen; what fails because of them is retried.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::domain::ids::TableId;
use crate::domain::plan::TablePlan;

/// Cheap to clone; the clones wait for each other.
#[derive(Debug, Clone, Default)]
pub struct OneByOne(Arc<std::sync::Mutex<HashMap<TableId, Arc<Mutex<()>>>>>);

impl OneByOne {
    /// Waits until no other shard changes the table; `None` where a single mapping changes it. Others wait while the
    /// guard is held.
    pub async fn turn(&self, target: &TableId, plan: &TablePlan) -> Option<OwnedMutexGuard<()>> {
        plan.shard.as_ref()?;
        let of_table = {
            let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tables.entry(target.clone()).or_default())
        };
        Some(of_table.lock_owned().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::table_shard::TableShard;
    use crate::warehouse::bigquery::fixture::{orders, target};

    #[tokio::test]
    async fn only_shards_of_the_same_table_wait_for_each_other() {
        let shard = Some(TableShard { column: "_shard".into(), value: "eu".into() });
        let (sharded, whole) = (TablePlan { shard, ..orders() }, orders());
        let turns = OneByOne::default();
        assert!(turns.turn(&target(), &whole).await.is_none());
        let first = turns.turn(&target(), &sharded).await;
        assert!(first.is_some());
        assert!(turns.turn(&target().sibling("other"), &sharded).await.is_some());
        let clone = turns.clone();
        let mut second = Box::pin(async move { clone.turn(&target(), &sharded).await });
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_some());
    }
}
