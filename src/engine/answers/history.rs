//! Answers questions about past runs from the state store, which all hosts share.

use crate::domain::fault::Fault;
use crate::domain::ids::RunId;
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::Event;
use crate::engine::work::emitter::Emitter;
use crate::state::StateStore;

pub(in crate::engine) async fn read_history<P: Platform>(ports: &Ports<P>, most: usize, emitter: &Emitter) {
    let read = ports.state.history(most).await;
    emitter.emit(read.map_or_else(|fault| failed(&fault), |runs| Event::HistoryRead { runs }));
}

pub(in crate::engine) async fn read_report<P: Platform>(ports: &Ports<P>, run: RunId, emitter: &Emitter) {
    let read = ports.state.run_report(&run).await;
    let answer = read.map(|report| Event::ReportRead { run, report: report.map(Box::new) });
    emitter.emit(answer.unwrap_or_else(|fault| failed(&fault)));
}

fn failed(fault: &Fault) -> Event {
    Event::HistoryFailed { error: fault.to_string(), hint: fault.hint().to_owned() }
}
