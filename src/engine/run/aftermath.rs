//! What follows a run: its record, the metrics, and notifications. None of it touches the rows.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::report::RunReport;
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::Event;
use crate::engine::work::emitter::Emitter;
use crate::state::StateStore;

/// How long notifications may take after a cancel: an operator who cancels wants to leave, and later ones are given up.
const LAST_WORD: Duration = Duration::from_secs(1);

/// `cancels` are those of the run's mappings. A run whose mappings were all left to other processes leaves no record.
pub(in crate::engine) async fn follow_up<P: Platform>(
    ports: &Ports<P>,
    report: &RunReport,
    cancels: &[CancellationToken],
    emitter: &Emitter,
) {
    if report.mappings.is_empty() {
        return;
    }
    if let Err(fault) = ports.state.record_run(report).await {
        emitter.emit(Event::RecordFailed { run: report.run_id.clone(), error: fault.to_string() });
    }
    write_metrics(ports, emitter).await;
    let Some(webhook) = ports.outlets.webhook.as_ref().filter(|webhook| webhook.wants(report)) else { return };
    let told = tokio::select! {
        told = webhook.tell(report, ports.patience) => told,
        () = given_up(cancels) => {
            Err(Fault::new(FaultKind::Transient, "The notification of the run was cancelled before it could be sent"))
        }
    };
    said(emitter, "notify", told);
}

async fn given_up(cancels: &[CancellationToken]) {
    for cancel in cancels {
        cancel.cancelled().await;
    }
    tokio::time::sleep(LAST_WORD).await;
}

/// Writes the metrics: where every mapping stands, by the state as it is now.
pub(in crate::engine) async fn write_metrics<P: Platform>(ports: &Ports<P>, emitter: &Emitter) {
    let Some(metrics) = &ports.outlets.metrics else { return };
    let written = match ports.state.load_all().await {
        Ok(states) => metrics.write(&ports.config.mappings, &states, ports.clock.now()).await,
        Err(fault) => Err(fault),
    };
    said(emitter, "metrics_file", written);
}

fn said(emitter: &Emitter, outlet: &str, done: Result<(), Fault>) {
    if let Err(fault) = done {
        let (outlet, error, hint) = (outlet.to_owned(), fault.to_string(), fault.hint().to_owned());
        emitter.emit(Event::OutletFailed { outlet, error, hint });
    }
}
