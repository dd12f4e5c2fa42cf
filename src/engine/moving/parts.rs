//! Cuts a backfill into parts that processes can move side by side.

use crate::domain::config::Mode;
use crate::domain::shard::Shard;
use crate::domain::window::{Low, Window, step};
use crate::engine::ports::Platform;
use crate::engine::work::Work;
use crate::engine::work::prepared::Prepared;
use crate::engine::work::scope::Halt;
use crate::source::Source;
use crate::state::{BackfillState, Parts};

/// Parts for each process: a process that finishes early, or replaces one that died, finds another part to move.
const PARTS_EACH: u64 = 4;

/// A part with fewer rows costs more in jobs than it saves in reading.
const LEAST_ROWS: u64 = 100_000;

/// The most parts, because every part costs requests to the state. If the server's estimate was far too low, the last
/// part takes the rest.
const MOST_PARTS: usize = 256;

impl<P: Platform> Work<'_, P> {
    /// Cuts the rest of the backfill into parts of about as many rows each.
    ///
    /// The index tells where a part's rows end. The cuts are written down once: rows that come or go later move no cut,
    /// so processes never disagree on who moves a row.
    pub(in crate::engine) async fn cut(
        &mut self,
        prepared: &Prepared,
        state: BackfillState,
        shard: Shard,
    ) -> Result<BackfillState, Halt> {
        if state.parts.is_some() {
            return Ok(state);
        }
        let scope = self.scope;
        let mut left = state.rest(prepared.kind())?;
        if scope.mapping.mode == Mode::Append {
            // Each part looks up existing rows by its own note; this note is for the incremental runs.
            self.ledger.note_overlap(prepared.kind(), left.high).await?;
        }
        let rows = self.rows_of_a_part(prepared, left, shard).await?;
        if rows.is_none() {
            self.note(format!(
                "no index begins with `{}`: each part would read all of {}, so one process moves it all",
                prepared.cursor(),
                scope.mapping.source
            ));
        }
        let mut ends = Vec::new();
        loop {
            let end = match rows.filter(|_| ends.len() + 1 < MOST_PARTS) {
                Some(rows) => {
                    let ask = prepared.stretch(left);
                    scope.unless_cancelled(scope.ports.source.step_end(&ask, rows)).await?
                }
                None => None,
            };
            let part = step(left, end, None);
            ends.push(part.high.to_string());
            if part.high == left.high {
                return Ok(BackfillState { parts: Some(Parts { shards: shard.count(), ends }), ..state });
            }
            left.low = Low::After(part.high);
        }
    }

    /// How many rows a part has; `None`: the backfill cannot be cut.
    async fn rows_of_a_part(&self, prepared: &Prepared, window: Window, shard: Shard) -> Result<Option<u64>, Halt> {
        if !prepared.cursor.indexed {
            return Ok(None);
        }
        let scope = self.scope;
        let estimate = scope.unless_cancelled(scope.ports.source.estimate(&prepared.stretch(window))).await?;
        let parts = PARTS_EACH.saturating_mul(shard.count() as u64);
        let step = scope.ports.config.pace.window_rows;
        let even = estimate.rows.map_or(step, |rows| rows.div_ceil(parts));
        Ok(Some(even.max(LEAST_ROWS.min(step))))
    }
}
