//! Answers questions about past runs from the state store, which all hosts share.

use crate::domain::fault::Fault;
use crate::domain::ids::RunId;
use crate::domain::report::{RunReport, RunSummary};
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::Failure;
use crate::state::StateStore;

pub(in crate::engine) async fn read_history<P: Platform>(
    ports: &Ports<P>,
    most: usize,
) -> Result<Vec<RunSummary>, Failure> {
    ports.state.history(most).await.map_err(|fault| failed(&fault))
}

pub(in crate::engine) async fn read_report<P: Platform>(
    ports: &Ports<P>,
    run: &RunId,
) -> Result<Option<RunReport>, Failure> {
    ports.state.run_report(run).await.map_err(|fault| failed(&fault))
}

fn failed(fault: &Fault) -> Failure {
    tracing::error!(error = %fault, hint = fault.hint(), "reading the history failed");
    fault.into()
}
