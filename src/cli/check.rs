//! `bqsync check`: shows what a run will need, a line each, before there is one.

use serde_json::json;

use super::answer::answer;
use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::printer::Printer;
use crate::domain::finding::{Finding, Tally};
use crate::engine::{Check, Handle};

/// Warnings are not a failure, because a run works.
pub(super) async fn check(handle: Handle, query: Check, printer: Printer) -> ExitStatus {
    let findings = match answer(handle, query, printer).await {
        Ok(checked) => checked.findings,
        Err(status) => return status,
    };
    let tally = Tally::of(&findings);
    if printer.format == OutputFormat::Json {
        printer.json(&json!({ "summary": tally, "checks": findings }));
    } else {
        for finding in &findings {
            show(finding, printer);
        }
        printer.line("");
        printer.line(&tally.to_string());
    }
    if tally.fail > 0 { ExitStatus::Failed } else { ExitStatus::Ok }
}

fn show(finding: &Finding, printer: Printer) {
    let (standing, topic) = (finding.standing.word(), finding.topic.word());
    printer.line(&format!("{standing:<4}  {topic:<16}  {}{}", finding.about(), finding.sentence));
    if let Some(remedy) = &finding.remedy {
        printer.line(&format!("{:24}next: {remedy}", ""));
    }
}
