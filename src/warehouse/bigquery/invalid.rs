//! What a request is about that BigQuery takes for invalid. The reason (`invalid`, `invalidQuery`, `badRequest`) is the
//! same for a name, an option, a limit and a column; only the words tell them apart.

/// Words of a message, any of them in lower case, and the next step that they call for.
struct Subject {
    words: &'static [&'static str],
    hint: &'static str,
}

const SCHEMA: &str = "compare both sides with `bqsync schema-diff`";
const OTHER: &str = "BigQuery does not take the request itself: correct what the sentence names; if that is neither in the \
                     configuration nor in the table, report it with the log of the run";

/// The first that matches counts, so what is about names stands before what is about columns. Sources: BigQuery reference
/// "Error messages", "Quotas and limits", "Copy jobs", and messages that users report.
const SUBJECTS: [Subject; 14] = [
    Subject {
        words: &["not one of bigquery's"],
        hint: "what stands between this machine and Google has refused the request: look at HTTPS_PROXY, and at the proxy's log",
    },
    Subject {
        words: &["invalid dataset id", "invalid dataset name", "dataset ids must be"],
        hint: "correct `dataset` in config.yaml: letters, digits and underscores, at most 1,024 of them",
    },
    Subject {
        words: &["invalid project id", "invalid project name", "project ids must", "projectid must be"],
        hint: "correct `project` in config.yaml: the project's ID, not its name or number (`gcloud projects list` shows both)",
    },
    Subject {
        words: &["invalid table id", "invalid table name", "table ids must be"],
        hint: "correct `bigquery_table` in the mapping: letters, digits, underscores and dashes, at most 1,024 bytes of them",
    },
    Subject {
        words: &[
            "because of its type",
            "is currently a view",
            "is a view",
            "is an external table",
            "is a materialized view",
            "of type view",
            "of type external",
            "of type materialized_view",
            "of type snapshot",
            "over view",
            "over external table",
            "not supported on a view",
        ],
        hint: "`bigquery_table` names something that is no table of rows (a view, an external table, a snapshot): choose another name, \
               or drop it in BigQuery and let bqsync create the table",
    },
    Subject {
        words: &[
            "different locations",
            "unsupported location",
            "invalid location",
            "not a supported location",
            "in location",
        ],
        hint: "`location` in config.yaml has to be the dataset's: BigQuery's page of the dataset shows it",
    },
    Subject {
        words: &[
            "partitioning specification",
            "incompatible partition",
            "incompatible table partition",
            "clustering specification",
        ],
        hint: "the table is partitioned or clustered otherwise than the mapping says: let `partition_by` and `cluster_by` say what it \
               is, as BigQuery's page of the table shows it",
    },
    Subject {
        words: &[
            "partitions, limit",
            "number of partitions",
            "too many partitions",
            "partition limit",
            "partitions exceeds",
        ],
        hint: "a table may have 10,000 partitions, and a statement may write 4,000: a larger unit in `partition_by` (month for day) \
               for a table made anew, or `partition_expiration`, which lets old ones go",
    },
    Subject {
        words: &["label key", "label value", "invalid label", "labels"],
        hint: "correct `labels` in config.yaml: keys and values of lower-case letters, digits, `_` and `-`, at most 63 each",
    },
    Subject {
        words: &["kms"],
        hint: "correct `kms_key` in config.yaml, and let BigQuery's service account use the key \
               (roles/cloudkms.cryptoKeyEncrypterDecrypter)",
    },
    Subject {
        words: &["expiration"],
        hint: "correct `partition_expiration` in the mapping, or the dataset's own default in BigQuery",
    },
    Subject {
        words: &["too many columns", "number of columns", "too many fields", "maximum number of fields"],
        hint: "a table may have 10,000 columns: leave some out with `exclude`",
    },
    Subject {
        words: &["query is too large", "query length", "payload size", "request too large", "too large to be"],
        hint: "the statement is too long: a smaller `inline_rows` or `window_rows` in config.yaml makes it shorter",
    },
    Subject {
        words: &[
            "unrecognized name",
            "schema",
            "field ",
            "column",
            "no such field",
            "has type",
            "of type",
            "cannot be assigned",
            "cannot be null",
            "null value",
        ],
        hint: SCHEMA,
    },
];

/// The next step for a request that BigQuery takes for invalid.
pub fn hint(message: &str) -> &'static str {
    let message = message.to_ascii_lowercase();
    let is_about = |subject: &&Subject| subject.words.iter().any(|words| message.contains(words));
    SUBJECTS.iter().find(is_about).map_or(OTHER, |subject| subject.hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::FaultKind;
    use crate::warehouse::bigquery::error::{ApiError, JobError, job_fault};

    #[test]
    fn only_what_is_about_columns_is_sent_to_schema_diff() {
        for (message, part) in [
            (
                "Invalid dataset ID \"my shop\". Dataset IDs must be alphanumeric (plus underscores and dashes) and must be at most \
                 1024 characters long.",
                "`dataset`",
            ),
            (
                "Invalid project ID 'My Shop'. Project IDs must contain 6-63 lowercase letters, digits, or dashes.",
                "`project`",
            ),
            ("Invalid table ID \"a.b\".", "`bigquery_table`"),
            (
                "Using table p:d.t is not allowed for this operation because of its type. Try using a different table that is of \
                 type TABLE.",
                "a view",
            ),
            ("p:d.t is not allowed for this operation because it is currently a VIEW.", "a view"),
            ("Cannot read and write in different locations: source: US, destination: EU", "`location`"),
            (
                "Incompatible table partitioning specification. Expects partitioning specification none",
                "`partition_by`",
            ),
            ("Too many partitions: the table would have 10001 partitions, limit is 10000", "10,000 partitions"),
            ("Invalid label value: \"Shop EU\"", "`labels`"),
            ("The query is too large. The maximum standard SQL query length is 1024.00K characters", "`inline_rows`"),
            ("Syntax error: Unexpected end of script at [1:8]", "report it"),
            ("Unrecognized name: amount at [7:12]", SCHEMA),
            ("Provided Schema does not match Table p:d.t. Field id has changed type from INT64 to STRING", SCHEMA),
            ("Required field id cannot be null", SCHEMA),
            ("Query column 2 has type STRING which cannot be inserted into column n, which has type INT64", SCHEMA),
        ] {
            for reason in ["invalid", "invalidQuery", "badRequest", ""] {
                let fault = ApiError::answered(400, reason, message).into_fault("Publishing failed");
                assert!(fault.hint().contains(part), "{reason}: {message}: {}", fault.hint());
                assert_eq!(fault.hint().contains("schema-diff"), part == SCHEMA, "{message}: {}", fault.hint());
                assert_eq!(fault.kind(), FaultKind::Schema, "{message}");
            }
            let error = JobError { reason: "invalid".into(), message: message.into(), location: None };
            assert!(job_fault("Publishing failed", &error, &[]).hint().contains(part), "{message}");
        }
    }
}
