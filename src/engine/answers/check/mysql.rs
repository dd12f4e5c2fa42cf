//! Checks one MySQL server.

use super::patience::within;
use crate::domain::check::server::{self, ServerFacts};
use crate::domain::config::NamedSource;
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::SourceName;
use crate::engine::ports::{Platform, Ports};
use crate::source::{Diagnose, Source};

/// The findings about a server, and what it said about itself if it could be reached.
pub(in crate::engine) async fn look<P: Platform>(
    ports: &Ports<P>,
    server: Option<SourceName>,
) -> (Option<SourceName>, Option<ServerFacts>, Vec<Finding>) {
    let source = server.as_ref().and_then(|name| ports.config.source(name));
    let (facts, findings) = look_at(ports, server.as_ref(), source).await;
    let findings = findings.into_iter().map(|finding| Finding { source: server.clone(), ..finding }).collect();
    (server, facts, findings)
}

async fn look_at<P: Platform>(
    ports: &Ports<P>,
    of: Option<&SourceName>,
    source: Option<&NamedSource>,
) -> (Option<ServerFacts>, Vec<Finding>) {
    let facts = match within("Asking MySQL about itself", ports.source.survey(of)).await {
        Ok(facts) => facts,
        Err(fault) => return (None, vec![Finding::fail(Topic::MysqlLogin, &fault)]),
    };
    let worded = |finding: Finding| source.map_or_else(|| finding.clone(), |source| in_words_of(source, &finding));
    let fence = match within("Reading who may still write", ports.source.writers(of, None)).await {
        Ok(writers) => worded(server::fence(&facts, &writers)),
        Err(fault) => Finding::fail(Topic::MysqlProcess, &fault),
    };
    let findings =
        vec![worded(server::login(&facts)), worded(server::tls(&facts)), fence, worded(server::clock(&facts))];
    (Some(facts), findings)
}

/// Rewords a finding for one of several servers, whose variables have names of their own. (Its faults name them
/// already.)
fn in_words_of(source: &NamedSource, finding: &Finding) -> Finding {
    Finding {
        sentence: source.worded(&finding.sentence),
        remedy: finding.remedy.as_deref().map(|remedy| source.worded(remedy)),
        ..finding.clone()
    }
}
