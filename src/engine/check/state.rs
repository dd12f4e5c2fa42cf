//! Where the program remembers.

use std::collections::BTreeMap;

use super::within;
use crate::domain::config::StateLocation;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::MappingName;
use crate::engine::Ports;
use crate::state::{MappingState, StateStore};

/// What is remembered, and whether more can be.
pub(super) async fn look<S, W, T: StateStore>(
    ports: &Ports<S, W, T>,
    probe: bool,
) -> (BTreeMap<MappingName, MappingState>, Vec<Finding>) {
    let states = within("Reading the state", ports.state.load_all()).await;
    let finding = match &states {
        Err(fault) => failed(ports, fault),
        Ok(states) if !probe => {
            Finding::skip(Topic::State, format!("{} could be read; writing was not tried (--read-only)", known(states)))
        }
        Ok(states) => match within("Trying the state", ports.state.probe()).await {
            Ok(place) => Finding::ok(Topic::State, format!("{} could be read; {place}", known(states))),
            Err(fault) => failed(ports, &fault),
        },
    };
    (states.unwrap_or_default(), vec![finding])
}

fn known(states: &BTreeMap<MappingName, MappingState>) -> String {
    format!("the state of {} mapping(s)", states.len())
}

fn failed<S, W, T>(ports: &Ports<S, W, T>, fault: &Fault) -> Finding {
    let finding = Finding::fail(Topic::State, fault);
    match &ports.config.state {
        StateLocation::Gcs { bucket, .. } if fault.kind() == FaultKind::Auth => finding.remedy(format!(
            "gcloud storage buckets add-iam-policy-binding gs://{bucket} --member=serviceAccount:ACCOUNT \
             --role=roles/storage.objectUser"
        )),
        StateLocation::Gcs { .. } | StateLocation::Local(_) => finding,
    }
}
