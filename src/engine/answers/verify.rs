//! Compares BigQuery's rows with MySQL's up to the watermark, and changes nothing on either side.
//!
//! It takes no lease: a run may go on meanwhile. Each time BigQuery is asked before MySQL, so that a row that changes
//! in between is recognised as changed.

use futures_util::{StreamExt, stream};

use crate::domain::config::Mapping;
use crate::domain::fault::Fault;
use crate::domain::verify::{Outcome, Verification};
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::query::Reply;
use crate::engine::protocol::{Failure, Of, Verified, Verify};
use crate::engine::work::comparing::{Ready, ready, too_dear};
use crate::engine::work::emitter::log_verification;
use crate::engine::work::empty_pair::are_both_empty;
use crate::engine::work::rows_of::refuse_strays;
use crate::engine::work::survey::{Limits, Survey};
use crate::state::StateStore;

/// Gives each mapping's progress and then its result, in the order of the configuration.
pub(in crate::engine) async fn verify<P: Platform>(
    ports: &Ports<P>,
    mappings: Vec<Mapping>,
    order: &Verify,
    reply: &Reply<Verified>,
) {
    let asked: Vec<_> = mappings.iter().map(|mapping| Box::pin(verify_one(ports, mapping, order, reply))).collect();
    let mut known = stream::iter(asked).buffered(ports.config.concurrency);
    let mut names = mappings.iter().map(|mapping| &mapping.name);
    while let (Some(verified), Some(name)) = (known.next().await, names.next()) {
        let answer = verified.map_err(|fault| {
            tracing::error!(mapping = %name, error = %fault, hint = fault.hint(), "comparing rows failed");
            Failure::from(&fault)
        });
        if let Ok(verification) = &answer {
            log_verification(verification);
        }
        reply.give(Verified::Ended(Box::new(Of { mapping: name.clone(), answer })));
    }
}

async fn verify_one<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    order: &Verify,
    reply: &Reply<Verified>,
) -> Result<Verification, Fault> {
    let ports = &ports.billed(mapping, None);
    let state = ports.state.load(&mapping.name).await?;
    refuse_strays(ports, mapping, &state).await?;
    let mut verification =
        Verification::begin(mapping.name.clone(), mapping.source.to_string(), mapping.target.to_string());
    let described = ports.describe_both(mapping).await?;
    let Some(ready) = ready(ports, mapping, &state, &described, &mut verification)? else {
        if !order.dry_run && are_both_empty(ports, mapping, &state, &described).await? {
            verification.outcome = Outcome::Equal;
        }
        return Ok(verification);
    };
    let Ready { comparison, rows, unread, age } = ready;
    let limits = Limits { most_bytes: order.most_bytes, most_named: order.most_named, mends: false };
    let tell = |looking| reply.give(Verified::Looking { mapping: mapping.name.clone(), looking });
    let mut survey = Survey::new(ports, &comparison, limits, &tell);
    survey.price().await?;
    verification.bytes = survey.bytes();
    if order.dry_run {
        verification.outcome = Outcome::Estimated;
        return Ok(verification);
    }
    if survey.bytes() > order.most_bytes {
        return Err(too_dear(mapping, survey.bytes(), order.most_bytes));
    }
    survey.conclude(rows, unread, &mut verification).await?;
    if verification.found() > 0 {
        verification.notes.extend(age);
    }
    Ok(verification)
}
