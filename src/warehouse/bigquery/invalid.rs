//! What a request is about that BigQuery takes for invalid. The reason (`invalid`, `invalidQuery`, `badRequest`) is the
//! same for a name, an option, a limit, a column and a row's value; only the words tell them apart.

use crate::domain::fault::FaultKind;

/// Words of a message, any of them in lower case, and the next step that they call for.
struct Subject {
    words: &'static [&'static str],
    hint: &'static str,
}

const SCHEMA: &str = "compare both sides with `bqsync schema-diff`";
/// The types on both sides match; one value does not.
const VALUE: &str = "BigQuery cannot convert a value to the type that `columns` gives its column: correct the value in MySQL, or \
                     move the column as text (`columns: {name: STRING}`; a table in BigQuery that has the column with the \
                     type has to be made anew for that), or without its values (`mask: {name: null}`, or `exclude: [name]`)";
const OTHER: &str = "BigQuery does not take the request itself: correct what the sentence names; if that is neither in the \
                     configuration nor in the table, report it with the log of the run";

/// The first that matches counts, so what is about names stands before what is about columns. A message also holds names
/// of tables and columns, so the words are whole phrases. Sources: BigQuery reference "Error messages", "Quotas and
/// limits", "Copy jobs", and messages that users report.
const SUBJECTS: [Subject; 15] = [
    // These leave no doubt, whatever the column is called.
    Subject { words: &["unrecognized name", "no such field", "provided schema does not match"], hint: SCHEMA },
    // BigQuery's words, and the emulator's. These messages may also name the column.
    Subject {
        words: &[
            "bad int64 value",
            "bad double value",
            "bad float64 value",
            "bad bool value",
            "bad numeric value",
            "bad bignumeric value",
            "invalid timestamp",
            "invalid datetime",
            "invalid date:",
            "invalid date '",
            "invalid date string",
            "invalid date field",
            "invalid date value",
            "invalid time:",
            "invalid time string",
            "invalid time value",
            "field value out of range",
            "int64 overflow",
            "invalid json",
            "malformed json",
            "invalid geography",
            "st_geogfrom",
            "invalid wkt",
            "wkt parse error",
            "could not cast",
            "could not convert",
            "could not parse",
            "conversion error",
        ],
        hint: VALUE,
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
            "found in location",
            "read in location",
            "write in location",
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
        words: &["label key", "label value", "invalid label ", "invalid labels", "too many labels", "number of labels"],
        hint: "correct `labels` in config.yaml: keys and values of lower-case letters, digits, `_` and `-`, at most 63 each",
    },
    Subject {
        words: &["kms key", "cloud kms", "cloudkms.", "kms_key_name"],
        hint: "correct `kms_key` in config.yaml, and let BigQuery's service account use the key \
               (roles/cloudkms.cryptoKeyEncrypterDecrypter)",
    },
    Subject {
        words: &[
            "partition expiration",
            "partition_expiration_days",
            "table expiration",
            "expiration time",
            "expiration_timestamp",
            "expirationms",
        ],
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
            "schema",
            "field ",
            "column",
            "has type",
            "of type",
            "cannot be assigned",
            "cannot be null",
            "null value",
        ],
        hint: SCHEMA,
    },
];

/// The kind of error, and the next step, for a request that BigQuery takes for invalid.
pub fn judged(message: &str) -> (FaultKind, Option<&'static str>) {
    let message = message.to_ascii_lowercase();
    let is_about = |subject: &&Subject| subject.words.iter().any(|words| message.contains(words));
    let hint = SUBJECTS.iter().find(is_about).map_or(OTHER, |subject| subject.hint);
    (if hint == VALUE { FaultKind::Data } else { FaultKind::Schema }, Some(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::bigquery::error::{ApiError, JobError, job_fault};

    #[test]
    fn a_value_that_bigquery_cannot_convert_is_corrected_in_mysql_or_moved_as_text() {
        for message in [
            "Bad int64 value: abc",
            "Bad double value: 1,5; error in CAST(t.n) expression at column n",
            "Could not cast literal \"abc\" to type INT64 at [3:4]",
            "Could not convert string 'abc' to INT64 when casting from source column schema",
            "Conversion Error: Could not convert string 'abc' to INT64 when casting from source column n",
            "Invalid timestamp: 'soon'",
            "Conversion Error: invalid timestamp field format: \"soon\", expected format is (YYYY-MM-DD HH:MM:SS)",
            "Invalid datetime string \"soon\"",
            "Invalid date: '2026-13-01'",
            "Invalid time string \"25:00:00\"",
            "Invalid JSON: unexpected end of input",
            "Malformed JSON at byte 10 of input: unexpected character.  Input: \"{\"a\": x\"",
            "ST_GeogFromText failed: Invalid WKT: PONT(1 2)",
            "Cannot return an invalid timestamp value of 4711 microseconds relative to the Unix epoch.",
        ] {
            for reason in ["invalid", "invalidQuery", "badRequest", ""] {
                let error = JobError { reason: reason.into(), message: message.into(), location: None };
                let faults = [
                    ApiError::answered(400, reason, message).into_fault("Publishing failed"),
                    job_fault("Publishing failed", &error, &[]),
                ];
                for fault in faults {
                    assert_eq!((fault.kind(), fault.hint()), (FaultKind::Data, VALUE), "{message}");
                }
            }
        }
        assert!(VALUE.contains("`columns: {name: STRING}`") && !VALUE.contains("schema-diff"));
    }

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
            ("Invalid KMS key name", "`kms_key`"),
            ("Partition expiration must be positive", "`partition_expiration`"),
            ("Syntax error: Unexpected end of script at [1:8]", "report it"),
            ("Unrecognized name: amount at [7:12]", SCHEMA),
            ("Unrecognized name: expiration_date at [7:12]", SCHEMA),
            ("Unrecognized name: `label key` at [7:12]", SCHEMA),
            (
                "Query column 2 has type STRING which cannot be inserted into column labels, which has type INT64",
                SCHEMA,
            ),
            ("Provided Schema does not match Table p:d.labels. Cannot add fields (field: kms_key_name)", SCHEMA),
            ("Syntax error: Unexpected identifier expiration at [1:8]", "report it"),
            ("Provided Schema does not match Table p:d.t. Field id has changed type from INT64 to STRING", SCHEMA),
            ("Required field id cannot be null", SCHEMA),
            ("Unrecognized name: `invalid json` at [7:12]", SCHEMA),
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
