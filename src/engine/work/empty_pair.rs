//! Two empty tables: a run that found no row leaves no watermark, and yet both sides are equal.

use super::comparing::whole;
use super::survey::{Limits, Survey};
use crate::domain::config::Mapping;
use crate::domain::fault::Fault;
use crate::engine::ports::{Described, Platform, Ports};
use crate::state::MappingState;

/// Tells if a mapping without a watermark has run, and both of its tables are empty. Rows that MySQL has got since are the
/// next run's.
///
/// # Errors
/// Those of a plan and of a count.
pub(in crate::engine) async fn are_both_empty<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    state: &MappingState,
    described: &Described,
) -> Result<bool, Fault> {
    let has_run = state.totals.last_success.is_some() && described.target.is_some();
    if !has_run || !mapping.mode.has_windows() {
        return Ok(false);
    }
    let whole = whole(ports, mapping, state, described)?;
    let limits = Limits { most_bytes: 0, most_named: 0, mends: false };
    let mut survey = Survey::new(ports, &whole, limits, &|_| {});
    survey.begin(0).await?;
    Ok(survey.rows() == (0, 0))
}
