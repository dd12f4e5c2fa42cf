//! Requests that make tables, while they are on their way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::domain::ids::TableId;

/// A request that makes a table is answered within a second; one that is not may be left to the table's expiry.
const LAST_REQUEST: Duration = Duration::from_secs(3);

/// Requests that make tables, on their way. Dropped with its upload, such a request would still reach BigQuery, and
/// perhaps after the one that drops its table.
#[derive(Debug, Clone, Default)]
pub struct Making(Arc<Mutex<HashMap<TableId, JoinHandle<()>>>>);

impl Making {
    pub fn begin(&self, table: TableId, task: JoinHandle<()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(table, task);
    }

    /// Waits until a table's request has been answered.
    pub async fn ended(&self, table: &TableId) {
        let task = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(table);
        if let Some(task) = task {
            tokio::time::timeout(LAST_REQUEST, task).await.ok();
        }
    }
}
