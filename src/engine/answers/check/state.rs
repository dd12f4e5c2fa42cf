//! Checks the state store.

use std::collections::BTreeMap;

use super::patience::within;
use crate::domain::check::access;
use crate::domain::config::StateLocation;
use crate::domain::fault::Fault;
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::MappingName;
use crate::engine::ports::{Platform, Ports};
use crate::format;
use crate::state::{Diagnose as _, MappingState, StateStore};
use crate::warehouse::Diagnose as _;

/// What the state remembers, and whether it can be written.
pub(in crate::engine) async fn look<P: Platform>(
    ports: &Ports<P>,
    probe: bool,
) -> (BTreeMap<MappingName, MappingState>, Vec<Finding>) {
    let states = within("Reading the state", ports.state.load_all()).await;
    let finding = match &states {
        Err(fault) => failed(ports, fault).await,
        Ok(states) if !probe => {
            Finding::skip(Topic::State, format!("{} could be read; writing was not tried (--read-only)", known(states)))
        }
        Ok(states) => match within("Trying the state", ports.state.probe()).await {
            Ok(place) => Finding::ok(Topic::State, format!("{} could be read; {place}", known(states))),
            Err(fault) => failed(ports, &fault).await,
        },
    };
    (states.unwrap_or_default(), vec![finding])
}

fn known(states: &BTreeMap<MappingName, MappingState>) -> String {
    format!("the state of {}", format::counted(states.len(), "mapping"))
}

async fn failed<P: Platform>(ports: &Ports<P>, fault: &Fault) -> Finding {
    match &ports.config.state {
        // The state is kept under the same account as the jobs.
        StateLocation::Gcs { bucket, .. } => {
            match within("Finding the credentials", ports.warehouse.identify()).await {
                Ok(identity) => access::bucket_failed(Topic::State, &identity, bucket, fault),
                Err(_) => Finding::fail(Topic::State, fault),
            }
        }
        StateLocation::Local(_) => Finding::fail(Topic::State, fault),
    }
}
