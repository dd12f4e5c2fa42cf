//! Forgets the watermark of a mapping that is loaded again.

use super::Ledger;
use crate::domain::fault::Fault;
use crate::engine::ports::Platform;

impl<P: Platform> Ledger<P> {
    /// Forgets the watermark and what belongs to it. `are_gone`: also what is only true of the rows that the target held,
    /// an unfinished backfill among it; otherwise remembers up to where the target holds rows.
    pub(in crate::engine) async fn forget_watermark(&mut self, are_gone: bool) -> Result<(), Fault> {
        let state = &mut self.state;
        let mark = state.watermark.take();
        (state.tail, state.again_from, state.compared) = (None, None, None);
        if are_gone {
            (state.overlap_to, state.backfill, state.target) = (None, None, None);
        } else if let Some(mark) = mark {
            // What an earlier load has not passed lies beyond the watermark that it had reached.
            state.overlap_to.get_or_insert(mark.value);
        }
        self.save().await
    }
}
