//! Requests under way that make tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::domain::ids::TableId;

/// How long to wait for a request that makes a table. It is answered within a second; a later table may be left to its
/// expiry.
const LAST_REQUEST: Duration = Duration::from_secs(3);

/// Requests under way that make tables. If such a request were dropped with its upload, it could still reach BigQuery,
/// perhaps after the request that drops its table.
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
