//! What an attempt works with: the scope, the state under lease, and the tally of its results so far.

pub(in crate::engine) mod asked;
mod columns;
pub(in crate::engine) mod comparing;
pub(in crate::engine) mod conflicts;
pub(in crate::engine) mod emitter;
pub(in crate::engine) mod empty_pair;
pub(in crate::engine) mod first_look;
pub(in crate::engine) mod hold;
pub(in crate::engine) mod ids;
pub(in crate::engine) mod ledger;
pub(in crate::engine) mod leftovers;
pub(in crate::engine) mod lost_rows;
mod outages;
pub(in crate::engine) mod prepare;
pub(in crate::engine) mod prepared;
mod recover;
pub(in crate::engine) mod rows_of;
pub(in crate::engine) mod rules;
pub(in crate::engine) mod scope;
pub(in crate::engine) mod survey;
pub(in crate::engine) mod sweep;
pub(in crate::engine) mod tally;

use self::ledger::Ledger;
use self::scope::Scope;
use self::tally::Tally;
use super::ports::Platform;

/// One mapping, or one part of its backfill, under its lease. The stages of a run are its methods.
pub(in crate::engine) struct Work<'a, P: Platform> {
    pub scope: &'a Scope<P>,
    pub ledger: Ledger<P>,
    /// Outlives the lease: the report is made from it, however the work ended.
    pub tally: &'a mut Tally,
}

impl<P: Platform> Work<'_, P> {
    /// Tells the operator now, and the report's reader later; only once, however often it occurs.
    pub(in crate::engine) fn note(&mut self, message: String) {
        self.scope.note(self.tally, message);
    }
}
