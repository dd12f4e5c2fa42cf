//! How a table is made anew or loaded again, for the next steps of messages about a table that cannot go on as it is.

use crate::domain::config::{Mapping, Mode};
use crate::domain::ids::MappingName;
use crate::domain::quote;

/// The command that forgets a watermark whose rows are gone from BigQuery, and loads them again.
#[must_use]
pub fn forgetting(mapping: &MappingName) -> String {
    format!("bqsync run-once --forget-watermark {}", quote::shell_option("--mapping", &mapping.0))
}

/// The steps that make a table anew. A shared table loses the other shards' rows too.
#[must_use]
pub fn making_anew(mapping: &Mapping) -> String {
    let table = quote::bigquery_table(&mapping.target);
    let again = if mapping.mode.has_windows() {
        forgetting(&mapping.name)
    } else {
        format!("bqsync run-once {}", quote::shell_option("--mapping", &mapping.name.0))
    };
    let lost = match mapping.mode {
        Mode::Append => "; versions of rows that MySQL no longer has are lost",
        Mode::Upsert | Mode::Replace | Mode::Mirror => "",
    };
    match mapping.shard {
        Some(_) => format!(
            "in BigQuery, DROP TABLE {table}, which takes the rows of all its shards; then `{again}`, and the same with the mapping \
             of each other shard{lost}"
        ),
        None => format!("in BigQuery, DROP TABLE {table}; then `{again}`{lost}"),
    }
}
