//! Statements that only read: their rows, page by page, and their estimated cost.

use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Api, REQUEST_TIMEOUT};
use super::jobs::number;
use super::labels::labels;
use crate::domain::cost::Cost;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::JobId;
use crate::warehouse::Counted;

/// How long BigQuery may hold back an answer until the statement has ended; below a request's time limit.
const PATIENCE: Duration = Duration::from_secs(50);

/// One row; its columns as text, `None` for NULL.
type Row = Vec<Option<String>>;

/// The answer of `jobs.query` and `jobs.getQueryResults`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    job_complete: bool,
    job_reference: Option<JobReference>,
    #[serde(default)]
    rows: Vec<Cells>,
    page_token: Option<String>,
    total_bytes_processed: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobReference {
    /// The job's id; a dry run has none.
    job_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Cells {
    f: Vec<Cell>,
}

#[derive(Debug, Deserialize)]
struct Cell {
    v: Option<String>,
}

impl Api {
    /// All rows of a statement, which may run twice. The columns must be scalars.
    pub async fn rows(&self, sql: &str, what: &str) -> Result<Vec<Row>, Fault> {
        Ok(self.rows_and_job(sql, what).await?.0)
    }

    /// The same, with what it cost.
    pub async fn rows_and_cost(&self, sql: &str, what: &str) -> Result<(Vec<Row>, Cost), Fault> {
        let (rows, job) = self.rows_and_job(sql, what).await?;
        // The rows are here, so a failure to learn their cost is not an error.
        let cost = match job {
            Some(job) => self.look(&JobId(job)).await.map(|job| job.cost()).unwrap_or_default(),
            None => Cost::default(),
        };
        Ok((rows, cost))
    }

    async fn rows_and_job(&self, sql: &str, what: &str) -> Result<(Vec<Row>, Option<String>), Fault> {
        let mut answer = self.ask(sql, what, false).await?;
        let lost = || Fault::new(FaultKind::Transient, format!("{what}: the answer names no job"));
        let job = answer.job_reference.take().and_then(|reference| reference.job_id);
        self.remember(job.as_deref(), what, Some(sql));
        let mut rows = Vec::new();
        loop {
            let done = answer.job_complete;
            rows.extend(answer.rows.into_iter().map(|row: Cells| row.f.into_iter().map(|cell| cell.v).collect()));
            if done && answer.page_token.is_none() {
                return Ok((rows, job));
            }
            let job = job.as_deref().ok_or_else(lost)?;
            answer = self.more(job, answer.page_token.as_deref(), what).await?;
        }
    }

    /// The only number of a statement's only row.
    pub async fn number(&self, sql: &str, what: &str) -> Result<u64, Fault> {
        Ok(self.counted(sql, what).await?.rows)
    }

    /// The same for a statement that counts, with what it cost.
    pub async fn counted(&self, sql: &str, what: &str) -> Result<Counted, Fault> {
        let (rows, cost) = self.rows_and_cost(sql, what).await?;
        let number = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
        let rows = number.ok_or_else(|| Fault::new(FaultKind::Bug, format!("{what}: the answer is no number")))?;
        Ok(Counted { rows, cost })
    }

    /// Bytes that a statement would read; for a clustered table an upper bound.
    pub async fn bytes_of(&self, sql: &str, what: &str) -> Result<u64, Fault> {
        let answer = self.ask(sql, what, true).await?;
        Ok(number(answer.total_bytes_processed.as_ref()).unwrap_or(0))
    }

    async fn ask(&self, sql: &str, what: &str, dry_run: bool) -> Result<Answer, Fault> {
        let url = self.url(false, &self.project, &["queries"]);
        let mut body: Value = json!({
            "query": sql,
            "useLegacySql": false,
            "location": self.location,
            "timeoutMs": PATIENCE.as_millis(),
            "dryRun": dry_run,
            "labels": labels(self.billing()),
        });
        // A dry run asks how much the statement would read, so it has no limit.
        if let Some(bytes) = self.billing().most_bytes.filter(|_| !dry_run) {
            body["maximumBytesBilled"] = json!(bytes.to_string());
        }
        let answer = self.json("asking BigQuery", |http| http.post(&url).json(&body)).await;
        answer.map_err(|error| error.into_fault(what))
    }

    async fn more(&self, job: &str, page: Option<&str>, what: &str) -> Result<Answer, Fault> {
        let page = page.map(|page| ("pageToken", page));
        let answer = self.json("asking BigQuery for more rows", |_| self.results(job).query(&page.as_slice())).await;
        answer.map_err(|error| error.into_fault(what))
    }

    /// `jobs.getQueryResults`, held back until the statement has ended.
    fn results(&self, job: &str) -> RequestBuilder {
        let url = self.url(false, &self.project, &["queries", job]);
        let patience = PATIENCE.as_millis().to_string();
        self.http().get(url).query(&[("location", self.location.as_str()), ("timeoutMs", &patience)])
    }

    /// Waits until a statement has ended, instead of polling `jobs.get`. The caller reads from `jobs.get` how it ended,
    /// so an error here only ends the wait. Each call is made once, because a job's own error is answered as the call's
    /// error.
    pub async fn statement_ended(&self, id: &JobId) {
        let nothing_else = [("maxResults", "0"), ("fields", "jobComplete")];
        loop {
            let asked = Instant::now();
            let Ok(answer) = self.send(self.results(&id.0).query(&nothing_else), REQUEST_TIMEOUT).await else { return };
            let complete = answer.json::<Answer>().await.is_ok_and(|answer| answer.job_complete);
            // Without this check, a server that holds no answer back would be asked without a pause.
            if complete || asked.elapsed() < PATIENCE / 2 {
                return;
            }
        }
    }
}
