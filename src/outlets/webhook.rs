//! Sends how a run ended to a web address, for those who are called when something fails at night.
//!
//! The address is secret, because anyone who knows it may write to the channel behind it: no error of ours contains it
//! or a part of it, so the client's own messages are not repeated.

use std::borrow::Cow;
use std::fmt::Write;
use std::io;
use std::time::Duration;

use reqwest::{Response, StatusCode, redirect};
use serde::Serialize;

use crate::domain::config::{Notify, NotifyOn};
use crate::domain::counted::counted;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::report::{MappingReport, Outcome, RunReport};
use crate::domain::retry::{Patience, RetryNotes};
use crate::domain::secret::Secret;
use crate::domain::undecided::Undecided;
use crate::host::host_name;
use crate::retry::repeated;
use crate::{trust, unreached};

/// A service that takes longer counts as absent.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The settings of `notify`.
#[derive(Debug)]
pub struct Webhook {
    url: Secret,
    on: NotifyOn,
    http: reqwest::Client,
}

/// The notification: no rows, no addresses, no accounts.
#[derive(Debug, Serialize)]
struct Word<'a> {
    /// One sentence, which chat services show unchanged.
    text: String,
    event: &'static str,
    run_id: &'a str,
    outcome: Outcome,
    trigger: &'static str,
    /// `user@host`.
    by: &'a str,
    host: String,
    started_at: String,
    finished_at: String,
    /// The mappings that failed or wait; with `on: always` the others are only counted.
    mappings: Vec<Trouble<'a>>,
    mappings_total: usize,
}

#[derive(Debug, Serialize)]
struct Trouble<'a> {
    mapping: &'a str,
    /// The table in MySQL, with its server's name if `sources` lists several.
    source: &'a str,
    target: &'a str,
    outcome: Outcome,
    kind: Option<&'static str>,
    sentence: String,
    hint: Option<Cow<'a, str>>,
}

/// The notification about the user's files; it says no more about them than the log.
#[derive(Debug, Serialize)]
pub struct FilesNews {
    text: String,
    event: &'static str,
    host: String,
    problems: Vec<String>,
}

impl FilesNews {
    /// The changed files cannot be used; with all problems.
    #[must_use]
    pub fn broken(problems: &[String]) -> Self {
        let host = host_name();
        let what = "its changed configuration is invalid, so the former one stays in use";
        let text = format!("bqsync on {host}: {what}\n{}", problems.join("\n"));
        Self { text, event: "configuration_broken", host, problems: problems.to_vec() }
    }

    #[must_use]
    pub fn mended() -> Self {
        let host = host_name();
        let text = format!("bqsync on {host}: its configuration can be used again");
        Self { text, event: "configuration_mended", host, problems: Vec::new() }
    }
}

impl Webhook {
    /// Makes the client without using the network yet.
    ///
    /// # Errors
    /// `Config` if the client cannot be made.
    pub fn new(notify: &Notify) -> Result<Self, Fault> {
        let http = reqwest::Client::builder()
            .timeout(ANSWER_WITHIN)
            // The target of a redirection would learn what was meant for another server.
            .redirect(redirect::Policy::none())
            .user_agent("bqsync")
            .build()
            .map_err(|error| {
                trust::unprepared(error.without_url(), "Preparing the connection to `notify.url` failed")
            })?;
        Ok(Self { url: notify.url.clone(), on: notify.on, http })
    }

    /// Tells if this run is to be notified.
    #[must_use]
    pub fn wants(&self, report: &RunReport) -> bool {
        let least = if report.any(Outcome::Failed) {
            NotifyOn::Failure
        } else if report.any(Outcome::Waiting) {
            NotifyOn::Waiting
        } else {
            NotifyOn::Always
        };
        self.on >= least
    }

    /// Sends the notification, again if the first try does not arrive.
    ///
    /// # Errors
    /// `Transient` if no try arrived, `Config` if the service refuses it.
    pub async fn tell(&self, report: &RunReport, patience: Patience) -> Result<(), Fault> {
        let word = word(report);
        let notes = RetryNotes::default().with_patience(patience);
        repeated(&notes, "sending the notification of the run", || self.post(&word)).await
    }

    /// Sends a notification about the user's files, whatever `on` says about runs.
    ///
    /// # Errors
    /// The errors of `tell`.
    pub async fn tell_of_files(&self, news: &FilesNews, patience: Patience) -> Result<(), Fault> {
        let notes = RetryNotes::default().with_patience(patience);
        repeated(&notes, "sending the notification of the configuration", || self.post(news)).await
    }

    async fn post(&self, word: &impl Serialize) -> Result<(), Fault> {
        match self.http.post(self.url.expose()).json(word).send().await {
            Ok(answer) => judged(&answer),
            Err(error) => Err(unanswered(&error)),
        }
    }
}

fn judged(answer: &Response) -> Result<(), Fault> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let sentence = format!("The service at `notify.url` answered HTTP {}", status.as_u16());
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || passes.contains(&status) {
        let wish = answer.headers().get("retry-after").and_then(|wish| wish.to_str().ok()?.parse().ok());
        return Err(Fault::new(FaultKind::Transient, sentence)
            .with_retry_after(wish.map(Duration::from_secs))
            .with_hint("look at the service that gets the notification; the run itself is not affected"));
    }
    Err(Fault::new(FaultKind::Config, sentence)
        .with_hint("check `notify.url`, and that its service takes a POST of JSON"))
}

/// The error in our words: the client's own would name the host, and for a wrong certificate even more.
fn unanswered(error: &reqwest::Error) -> Fault {
    if let Some(fault) = trust::refused(error, "the service at `notify.url`") {
        return fault;
    }
    let what = if error.is_timeout() {
        "gave no answer in time".to_owned()
    } else {
        let is_known = trust::causes(error).any(<dyn std::error::Error>::is::<io::Error>);
        let why = if is_known { format!(" ({})", unreached::why(error)) } else { String::new() };
        format!("cannot be reached{why}")
    };
    Fault::new(FaultKind::Transient, format!("The service at `notify.url` {what}"))
        .with_hint("check `notify.url` and the network to it; the run itself is not affected")
}

fn word(report: &RunReport) -> Word<'_> {
    let troubles: Vec<_> = report.mappings.iter().filter_map(trouble).collect();
    let summary = crate::domain::report::RunSummary::from(report);
    let host = host_name();
    Word {
        text: text(report, &troubles, &host),
        event: "run_finished",
        run_id: &report.run_id.0,
        outcome: summary.outcome,
        trigger: report.trigger.word(),
        by: &report.by,
        host,
        started_at: report.started_at.to_rfc3339(),
        finished_at: report.finished_at.to_rfc3339(),
        mappings: troubles,
        mappings_total: report.mappings.len(),
    }
}

fn trouble(report: &MappingReport) -> Option<Trouble<'_>> {
    let waits_for = report.waits_for.unwrap_or(Undecided::Columns);
    let sentence = match (report.outcome, report.error_kind) {
        (Outcome::Ok | Outcome::Cancelled, _) => return None,
        (Outcome::Waiting, _) => first_upper(waits_for.sentence()),
        // The error may name the key of its row; those who may see rows find it in the report.
        (Outcome::Failed, Some(FaultKind::Data)) => {
            "Its rows cannot be moved as they are; the run's report has the error".to_owned()
        }
        // BigQuery's message about a statement may quote a value, so only our words before it are sent.
        (Outcome::Failed, Some(FaultKind::Schema)) => {
            let own = report.errors.iter().map(|error| error.split_once(": ").map_or(error.as_str(), |(own, _)| own));
            own.collect::<Vec<_>>().join("; ")
        }
        (Outcome::Failed, _) => report.errors.join("; "),
    };
    Some(Trouble {
        mapping: &report.mapping_name.0,
        source: &report.source,
        target: &report.target,
        outcome: report.outcome,
        kind: report.error_kind.map(FaultKind::word),
        sentence,
        hint: match report.outcome {
            Outcome::Waiting => Some(waits_for.next_step(&report.mapping_name).into()),
            _ => report.hint.as_deref().map(Cow::Borrowed),
        },
    })
}

fn first_upper(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn text(report: &RunReport, troubles: &[Trouble<'_>], host: &str) -> String {
    let (run, total) = (&report.run_id, counted(report.mappings.len(), "mapping"));
    let count = |outcome| troubles.iter().filter(|trouble| trouble.outcome == outcome).count();
    let head = match (count(Outcome::Failed), count(Outcome::Waiting)) {
        (0, 0) => format!("{total} done"),
        (0, waiting) => format!("{waiting} of {total} waiting for a decision"),
        (failed, 0) => format!("{failed} of {total} failed"),
        (failed, waiting) => format!("{failed} of {total} failed, {waiting} waiting for a decision"),
    };
    let mut text = format!("bqsync on {host}: {head} (run {run})");
    for trouble in troubles {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{}: {}", trouble.mapping, trouble.sentence);
    }
    text
}

#[cfg(test)]
mod tests;
