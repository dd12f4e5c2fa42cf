//! What a server said of all of its tables in a run together, when the first mapping asked: a few statements instead of some for
//! each. It serves to find that a mapping has nothing to do, and nothing else: rows are moved by what a table is then.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::domain::column::SourceSchema;
use crate::domain::ids::SourceTable;
use crate::engine::ports::Platform;
use crate::source::Source;

/// A mapping whose turn comes later describes its table itself. Within this time the look is what a run would have seen that
/// found nothing to do and began as much earlier: whatever changes after it is the next run's.
const FRESH: Duration = Duration::from_mins(1);

/// Cheap to clone; the clones share one look.
pub(in crate::engine) struct FirstLook<P: Platform>(Arc<Shared<P>>);

struct Shared<P: Platform> {
    tables: Vec<SourceTable>,
    /// When it began, and what it has told.
    looked: OnceCell<(Instant, P::Source)>,
}

impl<P: Platform> Clone for FirstLook<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Platform> fmt::Debug for FirstLook<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstLook").field("tables", &self.0.tables.len()).finish_non_exhaustive()
    }
}

impl<P: Platform> FirstLook<P> {
    pub(in crate::engine) fn at(tables: Vec<SourceTable>) -> Self {
        Self(Arc::new(Shared { tables, looked: OnceCell::new() }))
    }

    /// The table as it was then; `None` where it has to be described by itself.
    pub(in crate::engine) async fn of(&self, table: &SourceTable, source: &P::Source) -> Option<SourceSchema> {
        // One alone costs the same either way.
        if self.0.tables.len() < 2 {
            return None;
        }
        // On the heap: it is part of every mapping's run.
        let look = async { (Instant::now(), Box::pin(source.having_described(&self.0.tables)).await) };
        let (began, source) = self.0.looked.get_or_init(|| look).await;
        source.at_hand(table).filter(|_| began.elapsed() < FRESH).cloned()
    }
}
