//! `bqsync status`: shows what is current, what lags, what failed.

use std::time::Duration;

use super::answer::answer;
use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::output::Status;
use super::printer::Printer;
use crate::domain::quote;
use crate::engine::{Handle, Inspect, Lag, MappingStatus, Selection};
use crate::format;

/// Shows the standing of every mapping of the selection. A source that does not answer is reported, and exits 1.
pub(super) async fn status(handle: Handle, selection: Selection, printer: Printer) -> ExitStatus {
    let mappings = match answer(handle, Inspect(selection), printer).await {
        Ok(mappings) => mappings,
        Err(status) => return status,
    };
    if printer.format == OutputFormat::Json {
        printer.json(&mappings.iter().map(Status::from).collect::<Vec<_>>());
    } else {
        let header = ["MAPPING", "SOURCE -> TABLE", "MODE", "WATERMARK", "LAG", "LAST RUN", "ROWS", "STATUS"];
        printer.table(&header, mappings.iter().map(row).collect(), &[4, 6]);
        for line in problems(&mappings) {
            printer.line(&line);
        }
        for mapping in &mappings {
            if mapping.new_table {
                let (name, option) = (&mapping.mapping, quote::shell_option("--mapping", &mapping.mapping.0));
                printer.line(&format!(
                    "{name}: a new table: `bqsync schema-diff {option} --apply` takes it, `--decline '*'` instead of \
                     `--apply` leaves it out"
                ));
            }
            if let Some(job) = &mapping.pending {
                let name = &mapping.mapping;
                printer.line(&format!("{name}: publish {job} was sent and its end is not known; the next run asks"));
            }
            if let Some(error) = mapping.last_run.as_ref().and_then(|run| run.error.as_ref()) {
                printer.line(&format!("{}: last run: {error}", mapping.mapping));
            }
        }
    }
    if mappings.iter().any(|m| m.problem.is_some()) { ExitStatus::Failed } else { ExitStatus::Ok }
}

/// The mappings' problems, each once: a server that is away is the same problem for all of its mappings.
fn problems(mappings: &[MappingStatus]) -> Vec<String> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for (mapping, problem) in mappings.iter().filter_map(|m| Some((m.mapping.0.as_str(), m.problem.as_deref()?))) {
        match found.iter_mut().find(|(known, _)| *known == problem) {
            Some((_, names)) => names.push(mapping),
            None => found.push((problem, vec![mapping])),
        }
    }
    let line = |(problem, names): (&str, Vec<&str>)| match names[..] {
        [first, second, third, _, ..] => format!("{first}, {second}, {third} and {} more: {problem}", names.len() - 3),
        _ => format!("{}: {problem}", names.join(", ")),
    };
    found.into_iter().map(line).collect()
}

fn row(status: &MappingStatus) -> Vec<String> {
    let run = status.last_run.as_ref();
    vec![
        status.mapping.to_string(),
        format!("{} -> {}", status.source, status.target),
        status.mode.clone(),
        status.watermark.clone().unwrap_or_else(|| "-".to_owned()),
        lag(status),
        run.map_or_else(|| "never".to_owned(), |r| r.finished_at.format("%Y-%m-%d %H:%M:%SZ").to_string()),
        run.map_or_else(|| "-".to_owned(), |r| format::count(r.rows)),
        if status.new_table { "REVIEW".to_owned() } else { run.map_or("-", |r| r.outcome.word()).to_owned() },
    ]
}

/// The lag; `-` if there is nothing to lag behind, `?` if MySQL did not say.
fn lag(status: &MappingStatus) -> String {
    match status.lag {
        Some(Lag::Seconds(seconds)) => format::duration(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
        Some(Lag::Steps(steps)) => format::count(u64::try_from(steps).unwrap_or(0)),
        None if status.problem.is_some() => "?".to_owned(),
        None => "-".to_owned(),
    }
}
