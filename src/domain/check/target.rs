//! Rules about a mapping's table in BigQuery as it is; bqsync need not have created it.

use chrono::TimeDelta;

use crate::domain::column::{TargetSchema, same_name};
use crate::domain::config::Mapping;
use crate::domain::counted::counted;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::TableId;
use crate::domain::plan::table::TablePlan;
use crate::domain::quote;

/// The findings that runs and checks report.
#[must_use]
pub fn findings(mapping: &Mapping, target: &TargetSchema) -> Vec<Finding> {
    let table = &mapping.target;
    let whole = target.expires_at.map(|end| {
        let day = end.format("%Y-%m-%d");
        let sentence = format!(
            "BigQuery deletes {table} on {day}: it has an expiration time, perhaps by the default of its dataset"
        );
        Finding::warn(Topic::Target, sentence).remedy(unset(table, "expiration_timestamp"))
    });
    let life = target.partitioning.as_ref().and_then(|partitioning| partitioning.life);
    // A lifetime that the mapping itself asks for needs no warning.
    let life = life.filter(|life| !mapping.options.partition_life.is_some_and(|wanted| same_life(wanted, *life)));
    let partitions = life.map(|life| {
        let sentence = format!(
            "BigQuery deletes partitions of {table} after {}, with rows that MySQL still has",
            counted(life.num_days(), "day")
        );
        Finding::warn(Topic::Target, sentence).remedy(unset(table, "partition_expiration_days"))
    });
    whole.into_iter().chain(partitions).collect()
}

/// Columns under column-level access control that the mapping writes; `None` if there are none.
#[must_use]
pub fn tagged(target: &TargetSchema, plan: &TablePlan) -> Option<String> {
    let moved = |name: &&String| plan.columns.iter().any(|column| same_name(&column.target_name, name));
    let names: Vec<_> = target.tagged.iter().filter(moved).map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// `tried`: BigQuery's answer to a dry run of a publish. The INSERT of a first load reads no column of the table and
/// needs no permission to; a statement that updates or deletes rows does.
#[must_use]
pub fn policy_tags(table: &TableId, columns: &str, tried: Result<(), Fault>) -> Finding {
    match tried {
        Ok(()) => {
            Finding::ok(Topic::Target, format!("{columns} of {table} have policy tags, which the account may read"))
        }
        Err(fault) if fault.kind() == FaultKind::Auth => {
            let sentence = format!("{columns} of {table} have policy tags, and what updates the table is refused");
            let fault = Fault::new(FaultKind::Auth, sentence).caused_by(fault).with_hint(
                "grant the account roles/datacatalog.categoryFineGrainedReader (Fine-Grained Reader) on each of these tags",
            );
            Finding::fail(Topic::Target, &fault)
        }
        Err(fault) => {
            let sentence = format!(
                "{columns} of {table} have policy tags; whether the account may read them is not known: {fault}"
            );
            Finding::warn(Topic::Target, sentence).remedy("see that it is Fine-Grained Reader of each of these tags")
        }
    }
}

/// Compares lifetimes: BigQuery counts in milliseconds, but its statements count in days.
pub(super) fn same_life(one: TimeDelta, other: TimeDelta) -> bool {
    (one - other).abs() < TimeDelta::seconds(1)
}

fn unset(table: &TableId, option: &str) -> String {
    format!("if it is to stay: ALTER TABLE {} SET OPTIONS ({option} = NULL)", quote::bigquery_table(table))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chrono::DateTime;

    use super::*;
    use crate::domain::config::parse;
    use crate::domain::partitioning::Partitioning;

    fn mapping(options: &str) -> Mapping {
        let text = format!(
            "project: p\ndataset: d\nmappings:\n  - {{name: t, mysql_table: t, incremental_column: id{options}}}\n"
        );
        parse(&text, Path::new("config.yaml"), &|_| None).unwrap().mappings.remove(0)
    }

    #[test]
    fn expiring_rows_are_warned_about_with_the_statement_that_keeps_them() {
        let mut mapping = mapping("");
        assert_eq!(findings(&mapping, &TargetSchema::default()), []);
        let partitioning = Partitioning { life: Some(TimeDelta::days(90)), ..Partitioning::by_day("at".into()) };
        let target = TargetSchema {
            expires_at: DateTime::from_timestamp(1_803_772_800, 0),
            partitioning: Some(partitioning),
            ..TargetSchema::default()
        };
        let told: Vec<String> = findings(&mapping, &target).iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        mapping.options.partition_life = Some(TimeDelta::days(90));
        assert_eq!(findings(&mapping, &target).len(), 1, "partitions end as the mapping asks");
        assert!(
            told[0].contains("p.d.t on 2027-02-28") && told[0].contains("(expiration_timestamp = NULL)"),
            "{told:?}"
        );
        assert!(
            told[1].contains("after 90 days") && told[1].contains("`p.d.t` SET OPTIONS (partition_expiration_days")
        );
    }
}
