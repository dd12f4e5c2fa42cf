//! The MySQL server as a whole.

use super::patience::within;
use crate::domain::check::server::{self, ServerFacts};
use crate::domain::finding::{Finding, Topic};
use crate::engine::ports::{Platform, Ports};
use crate::source::{Diagnose, Source};

/// What the server said, where it let us in.
pub(in crate::engine) async fn look<P: Platform>(ports: &Ports<P>) -> (Option<ServerFacts>, Vec<Finding>) {
    let facts = match within("Asking MySQL about itself", ports.source.survey()).await {
        Ok(facts) => facts,
        Err(fault) => return (None, vec![Finding::fail(Topic::MysqlLogin, &fault)]),
    };
    let fence = match within("Reading who may still write", ports.source.writers(None)).await {
        Ok(writers) => server::fence(&facts, &writers),
        Err(fault) => Finding::fail(Topic::MysqlProcess, &fault),
    };
    let findings = vec![server::login(&facts), server::tls(&facts), fence, server::clock(&facts)];
    (Some(facts), findings)
}
