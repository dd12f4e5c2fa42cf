//! How many rows a run of a mirror may delete.

use crate::domain::config::Mapping;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::quote;
use crate::domain::share;
use crate::format;

/// Rows that may be deleted in one run.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Allowance {
    /// The most rows; `None`: any number.
    pub most: Option<u64>,
    /// Rows that BigQuery held (`held`) and that MySQL holds now (`now`).
    pub held: u64,
    pub now: u64,
    pub gone: u64,
}

impl Allowance {
    /// The allowance that `max_delete_fraction` gives for `held` rows.
    pub(in crate::engine) fn of(mapping: &Mapping, held: u64, now: u64) -> Self {
        Self { most: Some(share::of(held, mapping.most_deleted)), held, now, gone: 0 }
    }

    pub(super) fn has_room_for(&self, more: u64) -> bool {
        self.most.is_none_or(|most| self.gone.saturating_add(more) <= most)
    }

    /// Refuses if `more` further rows may not be deleted, or if no row would be left.
    ///
    /// # Errors
    /// `Conflict`, with the numbers.
    pub(in crate::engine) fn admit(&self, mapping: &Mapping, more: u64) -> Result<(), Fault> {
        let is_emptied = self.most.is_some() && self.now == 0 && self.held > 0;
        if is_emptied || !self.has_room_for(more) { Err(self.exceeded(mapping, more)) } else { Ok(()) }
    }

    fn exceeded(&self, mapping: &Mapping, more: u64) -> Fault {
        let Mapping { name, source, target, most_deleted: most, .. } = mapping;
        let held = format::counted(self.held, "row");
        let sentence = if self.now == 0 {
            format!("MySQL shows no row of {source}, and {target} holds {held}: none was deleted")
        } else {
            format!(
                "MySQL no longer has {} of {held} of {target}, more than `max_delete_fraction` ({most}) of mapping `{name}` \
                 allows; none of these was deleted",
                format::count(self.gone + more)
            )
        };
        let once = format!(
            "if they were removed on purpose, `bqsync run-once {} --allow-shrink` lets them go, once",
            quote::shell_option("--mapping", &name.0)
        );
        // No share lets a run empty the table.
        let hint = if self.now == 0 {
            once
        } else {
            let enough = share::that_allows(self.gone + more, self.held);
            format!("{once}; or raise `max_delete_fraction`, to {enough} at least")
        };
        Fault::new(FaultKind::Conflict, sentence).with_hint(hint)
    }
}
