//! Refusals whose reason says too little, recognised by their words: BigQuery gives `invalidQuery` or
//! `resourcesExceeded` both to errors that pass in minutes and to errors that never will.

use std::time::Duration;

use crate::domain::fault::FaultKind;

/// The kind of an error, and the hint that helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    pub kind: FaultKind,
    pub hint: Option<&'static str>,
    /// No retry within this time can succeed.
    pub retry_after: Option<Duration>,
    /// Fewer rows at once may be accepted.
    pub is_too_much: bool,
}

/// A part of a message, and what it means.
struct Refusal {
    words: &'static str,
    kind: FaultKind,
    hint: &'static str,
    retry_after: Option<Duration>,
}

/// Rows that were streamed in can be changed after half an hour, sometimes after ninety minutes.
const STREAMED: Duration = Duration::from_mins(15);

const OTHERS: &str = "the run waits for the other statements on this table and tries again; if it ends so, see which they are in \
                      INFORMATION_SCHEMA.JOBS (by `destination_table`), and let them come less often";
const STREAMS: &str = "rows that somebody streamed into the table cannot be changed for 30 to 90 minutes; the run tries again \
                       until then. A mapping needs a table that only it writes to, or writers that use load jobs or the Storage Write API";
const READER: &str = "grant the account the role Fine-Grained Reader (roles/datacatalog.categoryFineGrainedReader) on the policy tag \
                      of each column that the message names: unlike the INSERT of a first load, what updates or deletes rows reads them";
const PARTITIONS: &str = "a statement may write 4,000 partitions: an index on the incremental column lets bqsync take fewer rows at \
                          once; or make the table yourself with larger partitions (PARTITION BY TIMESTAMP_TRUNC(column, MONTH)) \
                          before the first run";
const TOO_MANY_PARTITIONS: &str = "Too many partitions produced";
const REQUIRED: &str = "what a query gives may hold NULL for BigQuery, so `mode: replace` needs a table without REQUIRED columns: \
                        ALTER TABLE `the table` ALTER COLUMN `the column` DROP NOT NULL for each of them, or drop the table and \
                        let bqsync create it";
const VALUE: &str = "a value does not fit the type that its column has in BigQuery: of the columns that are converted there (NUMERIC, \
                     BIGNUMERIC, JSON) map the one in question to a type that holds it, such as `columns: {name: STRING}`, or correct \
                     the value at the source";
const FILTER: &str =
    "let statements do without a filter: ALTER TABLE `the table` SET OPTIONS (require_partition_filter = FALSE)";

/// Sources: BigQuery guides "Data manipulation language" (concurrency, streamed rows), "Troubleshoot query errors",
/// "Column-level access control: impact on writes", "Partitioned tables"; and reports of these messages by users.
const REFUSALS: [Refusal; 15] = [
    // Two run at once, twenty wait, the next is refused, with the same reason as a statement that is too large.
    passing("Too many DML statements outstanding", OTHERS),
    // Two statements changed the same rows at once.
    passing("Could not serialize access", OTHERS),
    passing("Transaction is aborted due to concurrent update", OTHERS),
    passing(
        "too many concurrent queries",
        "the run waits until other queries of the project have ended, and tries again",
    ),
    Refusal { words: "in the streaming buffer", kind: FaultKind::Busy, hint: STREAMS, retry_after: Some(STREAMED) },
    lasting("fine-grained reader", FaultKind::Auth, READER),
    lasting("Requires raw access permissions", FaultKind::Auth, READER),
    lasting("permission to access policy tag", FaultKind::Auth, READER),
    lasting(TOO_MANY_PARTITIONS, FaultKind::Data, PARTITIONS),
    lasting("has changed mode from REQUIRED to NULLABLE", FaultKind::Schema, REQUIRED),
    lasting("that can be used for partition elimination", FaultKind::Schema, FILTER),
    lasting("Invalid NUMERIC value", FaultKind::Data, VALUE),
    lasting("Invalid BIGNUMERIC value", FaultKind::Data, VALUE),
    lasting("numeric overflow", FaultKind::Data, VALUE),
    lasting("PARSE_JSON", FaultKind::Data, VALUE),
];

const fn passing(words: &'static str, hint: &'static str) -> Refusal {
    Refusal { words, kind: FaultKind::Busy, hint, retry_after: None }
}

const fn lasting(words: &'static str, kind: FaultKind, hint: &'static str) -> Refusal {
    Refusal { words, kind, hint, retry_after: None }
}

/// The judgement by the message's words; `None`: the reason alone decides.
pub fn by_words(message: &str) -> Option<Judged> {
    let message = message.to_ascii_lowercase();
    let refusal = REFUSALS.iter().find(|refusal| message.contains(&refusal.words.to_ascii_lowercase()))?;
    Some(Judged {
        kind: refusal.kind,
        hint: Some(refusal.hint),
        retry_after: refusal.retry_after,
        is_too_much: refusal.words == TOO_MANY_PARTITIONS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::bigquery::error::{ApiError, JobError, job_fault};

    /// Messages as BigQuery words them, each with its reason and the kind that it must become.
    const SAID: [(&str, &str, FaultKind); 16] = [
        (
            "resourcesExceeded",
            "Resources exceeded during query execution: Too many DML statements outstanding against table p:d.t, limit is 20.",
            FaultKind::Busy,
        ),
        (
            "invalidQuery",
            "UPDATE or DELETE statement over table p.d.t would affect rows in the streaming buffer, which is not supported",
            FaultKind::Busy,
        ),
        (
            "invalidQuery",
            "UPDATE/MERGE/DELETE statement over table p:d.t would affect rows in the streaming buffer, which is not supported",
            FaultKind::Busy,
        ),
        ("invalidQuery", "Could not serialize access to table p:d.t due to concurrent update", FaultKind::Busy),
        (
            "invalidQuery",
            "Query error: Transaction is aborted due to concurrent update against table p:d.t. Transaction ID: 6 at [24:9]",
            FaultKind::Busy,
        ),
        (
            "rateLimitExceeded",
            "Exceeded rate limits: too many concurrent queries for this project_and_region.",
            FaultKind::Busy,
        ),
        (
            "rateLimitExceeded",
            "Exceeded rate limits: too many table update operations for this table.",
            FaultKind::Transient,
        ),
        (
            "accessDenied",
            "Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission to get data \
             protected by policy tag \"pii : mail\" on column p.d.t.mail.",
            FaultKind::Auth,
        ),
        (
            "invalidQuery",
            "Requires raw access permissions on the read columns to execute the DML statements",
            FaultKind::Auth,
        ),
        (
            "invalidQuery",
            "Too many partitions produced by query, allowed 4000, query produces at least 4272 partitions",
            FaultKind::Data,
        ),
        (
            "resourcesExceeded",
            "Resources exceeded during query execution: The query could not be executed in the allotted memory.",
            FaultKind::Data,
        ),
        ("invalid", "Invalid schema update. Field id has changed mode from REQUIRED to NULLABLE", FaultKind::Schema),
        ("invalidQuery", "Unrecognized name: x at [1:8]", FaultKind::Schema),
        ("invalidQuery", "Invalid NUMERIC value: 1e40", FaultKind::Data),
        ("invalidQuery", "Error in NUMERIC addition: numeric overflow: 1 + 2", FaultKind::Data),
        ("invalidQuery", "Invalid input to PARSE_JSON: nesting is too deep", FaultKind::Data),
    ];

    #[test]
    fn a_refusal_is_judged_by_its_text_in_jobs_and_in_calls() {
        for (reason, message, kind) in SAID {
            let error = JobError { reason: reason.into(), message: message.into(), location: None };
            assert_eq!(job_fault("Publishing failed", &error, &[]).kind(), kind, "{message}");
            assert_eq!(ApiError::answered(400, reason, message).kind, kind, "{message}");
        }
    }

    #[test]
    fn streamed_rows_are_retried_later_than_other_conflicts() {
        let streamed = by_words("would affect rows in the streaming buffer").unwrap();
        let tries = streamed.kind.policy().mapping.unwrap();
        let waits = u32::try_from(tries.most).unwrap() - 1;
        assert!(streamed.retry_after.unwrap() * waits >= Duration::from_hours(1), "rows stay for up to ninety minutes");
        assert_eq!(by_words("Too many DML statements outstanding").unwrap().retry_after, None);
    }

    #[test]
    fn hints_about_conflicting_statements_do_not_suggest_more_runs() {
        for (_, message, kind) in SAID.iter().filter(|(.., kind)| *kind == FaultKind::Busy) {
            let hint = by_words(message).unwrap().hint.unwrap();
            assert!(!hint.contains("run more often") && !hint.contains("schema-diff"), "{kind:?}: {hint}");
        }
    }
}
