//! How many rows a run of a mirror may take out.

use crate::domain::config::Mapping;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::quote;
use crate::domain::share;
use crate::format;

/// Rows that may go at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// `None`: any number.
    pub most: Option<u64>,
    /// Rows that BigQuery held, and that MySQL holds.
    pub held: u64,
    pub now: u64,
    pub gone: u64,
}

impl Allowance {
    pub(super) fn has_room_for(&self, more: u64) -> bool {
        self.most.is_none_or(|most| self.gone.saturating_add(more) <= most)
    }
}

/// What a run would be refused for, where so many rows are gone.
///
/// # Errors
/// They are more than may go at once.
pub(in crate::engine) fn refuse_too_many(mapping: &Mapping, gone: u64, held: u64, now: u64) -> Result<(), Fault> {
    let allowance = Allowance { most: Some(share::of(held, mapping.most_deleted)), held, now, gone: 0 };
    let is_emptied = now == 0 && held > 0 && gone > 0;
    if is_emptied || !allowance.has_room_for(gone) { Err(too_many_gone(mapping, gone, held, now)) } else { Ok(()) }
}

pub(super) fn too_many_gone(mapping: &Mapping, gone: u64, held: u64, now: u64) -> Fault {
    let Mapping { name, source, target, most_deleted: most, .. } = mapping;
    let sentence = if now == 0 {
        format!("MySQL shows no row of {source}, and {target} holds {}: none was deleted", format::count(held))
    } else {
        format!(
            "{} of {} rows of {target} are no longer in MySQL, more than `max_delete_fraction` ({most}) of mapping `{name}` \
             allows; none of these was deleted",
            format::count(gone),
            format::count(held)
        )
    };
    Fault::new(FaultKind::Conflict, sentence).with_hint(format!(
        "if they were removed on purpose, `bqsync run-once {} --allow-shrink` lets them go, once; or raise \
         `max_delete_fraction`",
        quote::shell_option("--mapping", &name.0)
    ))
}
