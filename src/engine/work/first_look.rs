//! What a server answered about all of its tables in a run, when the first mapping asked: a few statements for all
//! instead of some for each. It only serves to find that a mapping has nothing to do; rows are moved by the table's
//! description at that time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::domain::column::SourceSchema;
use crate::domain::ids::SourceTable;
use crate::engine::ports::Platform;
use crate::source::Source;

/// A mapping whose turn comes later than this describes its table itself. Within this time the look equals that of a
/// run that found nothing to do and began this much earlier: the next run finds whatever changes after it.
const FRESH: Duration = Duration::from_mins(1);

/// Cheap to clone; the clones share one look.
pub(in crate::engine) struct FirstLook<P: Platform>(Arc<Shared<P>>);

struct Shared<P: Platform> {
    tables: Vec<SourceTable>,
    /// When the look began, and the source that knows its answers.
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

    /// The table as the look described it; `None` if it has to be described by itself.
    pub(in crate::engine) async fn of(&self, table: &SourceTable, source: &P::Source) -> Option<SourceSchema> {
        // A single table costs the same either way.
        if self.0.tables.len() < 2 {
            return None;
        }
        // On the heap, because it is part of every mapping's run.
        let look = async { (Instant::now(), Box::pin(source.having_described(&self.0.tables)).await) };
        let (began, source) = self.0.looked.get_or_init(|| look).await;
        source.at_hand(table).filter(|_| began.elapsed() < FRESH).cloned()
    }
}
