//! Staging tables that existed when the run began: looked for once in each dataset, for all of its mappings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::domain::ids::TableId;

type Found = Arc<OnceCell<Vec<TableId>>>;

/// Cheap to clone; the clones share what was found.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Leftovers(Arc<Mutex<HashMap<(String, String), Found>>>);

impl Leftovers {
    /// The staging tables in the dataset of a table.
    pub(in crate::engine) fn beside(&self, table: &TableId) -> Found {
        let mut datasets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(datasets.entry((table.project.clone(), table.dataset.clone())).or_default())
    }
}
