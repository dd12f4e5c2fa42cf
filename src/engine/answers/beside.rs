//! Shows the newest rows of a mapping's source beside the target's rows with the same keys.
//!
//! No value is kept or logged. BigQuery is asked only after the operator has seen how much the question reads.

use crate::domain::config::Mapping;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::verify::{Beside, Key, Keyed, NewestRows, Question, Verification, newest_by, unmatched};
use crate::engine::ports::{Platform, Ports, TRIES_FOR_AN_ANSWER};
use crate::engine::protocol::{Failure, ReadBeside};
use crate::engine::work::comparing::ready;
use crate::state::StateStore;
use crate::warehouse::Estimates;

/// Enough rows for a few screens.
const MOST_ROWS: usize = 40;

pub(in crate::engine) async fn beside<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    order: &ReadBeside,
) -> Result<Beside, Failure> {
    let ports = ports.impatient(TRIES_FOR_AN_ANSWER).billed(mapping, None);
    look(&ports, mapping, order).await.map_err(|fault| {
        // BigQuery's error may quote the statement, which holds keys: the operator sees the error, the log does not.
        tracing::error!(mapping = %mapping.name, kind = ?fault.kind(), "showing rows failed");
        Failure::from(&fault)
    })
}

async fn look<P: Platform>(ports: &Ports<P>, mapping: &Mapping, order: &ReadBeside) -> Result<Beside, Fault> {
    let state = ports.state.load(&mapping.name).await?;
    let described = ports.describe_both(mapping).await?;
    // The columns and their forms are those of a comparison of all rows.
    let mut compared =
        Verification::begin(mapping.name.clone(), mapping.source.to_string(), mapping.target.to_string());
    let Some(ready) = ready(ports, mapping, &state, &described, &mut compared)? else {
        let sentence = format!("{} has not been synced yet", mapping.source);
        return Err(Fault::new(FaultKind::Config, sentence).with_hint("run the mapping first (r)"));
    };
    let comparison = ready.comparison;
    if let Some(why) = unmatched(&comparison) {
        return Err(Fault::new(
            FaultKind::Config,
            format!("The rows of `{}` cannot be shown side by side: {why}", mapping.name),
        )
        .with_hint("write `primary_keys` that tell its rows apart"));
    }
    let newest = newest_by(&comparison.plan, &described.source);
    let scans = (!newest.is_indexed).then_some(ready.rows);
    let source = match scans {
        // No table is read in full before the operator has agreed to it.
        Some(_) if order.price_only => Vec::new(),
        _ => ports.source.newest_rows(&comparison, &newest, MOST_ROWS).await?,
    };
    let mut keys: Vec<Key> = source.iter().map(|row| row.key.clone()).collect();
    if order.price_only && scans.is_some() {
        // The estimate is the same for any keys, so a row of NULLs serves.
        keys.push(vec![None; comparison.plan.keys.len()]);
    }
    let bytes = ports.warehouse.question_bytes(&comparison, &Question::Seen(keys.clone())).await?;
    let beside = Beside { scans, ..Beside::of(&comparison, &newest, bytes) };
    if order.price_only {
        return Ok(beside);
    }
    if bytes > order.most_bytes {
        let sentence = format!("BigQuery would now read more of {} than you agreed to", mapping.target);
        return Err(Fault::new(FaultKind::Config, sentence).with_hint("ask again"));
    }
    let target = ports.warehouse.rows_of(&comparison, &keys).await?;
    Ok(beside.with(source, target))
}
