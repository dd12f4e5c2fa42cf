//! How a table is made anew or loaded again, for the next steps of messages about a table that cannot go on as it is.

use crate::domain::config::{Deletes, Mapping, Mode};
use crate::domain::ids::MappingName;
use crate::domain::quote;
use crate::domain::table_shard::emptying;

/// The command that forgets a watermark whose rows are gone from BigQuery, and loads them again.
#[must_use]
pub fn forgetting(mapping: &MappingName) -> String {
    format!("bqsync run-once --forget-watermark {}", quote::shell_option("--mapping", &mapping.0))
}

/// The command that loads a mapping's table from the beginning. Modes without a watermark refuse `--forget-watermark`:
/// each of their runs looks at the whole table.
#[must_use]
pub fn loading(mapping: &Mapping) -> String {
    if mapping.mode.has_windows() {
        return forgetting(&mapping.name);
    }
    format!("bqsync run-once {}", quote::shell_option("--mapping", &mapping.name.0))
}

/// The steps that delete a mapping's rows and load them again, with what is lost by that.
#[must_use]
pub fn loading_again(mapping: &Mapping) -> String {
    let emptying = emptying(&mapping.target, mapping.shard.as_ref());
    format!("in BigQuery, {emptying}; then `{}`{}", loading(mapping), losing(mapping))
}

/// The steps that make a table anew, with what is lost by that. A shared table loses the other shards' rows too.
#[must_use]
pub fn making_anew(mapping: &Mapping) -> String {
    let table = quote::bigquery_table(&mapping.target);
    let (again, lost) = (loading(mapping), losing(mapping));
    match mapping.shard {
        Some(_) => format!(
            "in BigQuery, DROP TABLE {table}, which takes the rows of all its shards; then `{again}`, and the same with the mapping \
             of each other shard{lost}"
        ),
        None => format!("in BigQuery, DROP TABLE {table}; then `{again}`{lost}"),
    }
}

/// The end of a sentence about rows of BigQuery that do not come back when a table is loaded again; empty if all do.
#[must_use]
pub fn losing(mapping: &Mapping) -> String {
    let gone = match (mapping.mode, &mapping.deletes) {
        (Mode::Append, _) => Some("rows and versions of rows that MySQL no longer has"),
        (Mode::Upsert | Mode::Mirror, Deletes::Ignore | Deletes::Soft { .. }) => Some("rows that MySQL no longer has"),
        // What MySQL no longer has is deleted in BigQuery as well.
        (Mode::Upsert | Mode::Mirror, Deletes::Hard) | (Mode::Replace, _) => None,
    };
    // A backfill may have brought such rows.
    let older = mapping.backfill_start.as_ref().map(|_| "rows before `backfill_start`");
    let lost: Vec<_> = gone.into_iter().chain(older).collect();
    if lost.is_empty() { String::new() } else { format!("; {} are lost", lost.join(" and ")) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::config::parse;

    fn mapping(options: &str) -> Mapping {
        let text =
            format!("project: p\ndataset: d\nmappings: [{{name: t, mysql_table: t, primary_keys: [id], {options}}}]");
        parse(&text, Path::new("config.yaml"), &|_| None).expect("no problem").mappings.remove(0)
    }

    #[test]
    fn a_table_that_is_made_anew_loses_what_only_bigquery_has() {
        for (options, lost) in [
            ("mode: append, incremental_column: at", "; rows and versions of rows that MySQL no longer has are lost"),
            ("mode: upsert, incremental_column: at", "; rows that MySQL no longer has are lost"),
            ("mode: upsert, incremental_column: at, deletes: soft", "; rows that MySQL no longer has are lost"),
            (
                "mode: upsert, incremental_column: at, backfill_start: '2026-01-01'",
                "; rows that MySQL no longer has and rows before `backfill_start` are lost",
            ),
            (
                "mode: upsert, incremental_column: at, deletes: hard, backfill_start: '2026-01-01'",
                "; rows before `backfill_start` are lost",
            ),
            ("mode: upsert, incremental_column: at, deletes: hard", ""),
            ("mode: mirror", ""),
            ("mode: mirror, deletes: soft", "; rows that MySQL no longer has are lost"),
            ("mode: replace", ""),
        ] {
            assert_eq!(losing(&mapping(options)), lost, "{options}");
            for steps in [making_anew(&mapping(options)), loading_again(&mapping(options))] {
                assert!(steps.ends_with(&format!("--mapping t`{lost}")), "{options}: {steps}");
            }
        }
        let shared = making_anew(&mapping("mode: upsert, incremental_column: at, shard_column: _shard, shard: eu"));
        assert!(
            shared.contains("takes the rows of all its shards")
                && shared.ends_with("rows that MySQL no longer has are lost"),
            "{shared}"
        );
    }

    #[test]
    fn only_a_mode_with_a_watermark_is_told_to_forget_it() {
        let upsert = mapping("mode: upsert, incremental_column: at");
        assert_eq!(loading(&upsert), "bqsync run-once --forget-watermark --mapping t");
        for options in ["mode: mirror", "mode: replace"] {
            assert_eq!(loading(&mapping(options)), "bqsync run-once --mapping t", "{options}");
        }
    }
}
