//! Rules about a mapping's table in BigQuery as it is, whoever made it.

use super::super::column::TargetSchema;
use super::super::finding::{Finding, Topic};
use super::super::ids::TableId;

/// What a run and a check warn of.
#[must_use]
pub fn findings(table: &TableId, target: &TargetSchema) -> Vec<Finding> {
    let whole = target.expires_at.map(|end| {
        let day = end.format("%Y-%m-%d");
        let sentence = format!(
            "BigQuery deletes {table} on {day}: it has an expiration time, perhaps by the default of its dataset"
        );
        Finding::warn(Topic::Target, sentence).remedy(unset(table, "expiration_timestamp"))
    });
    let life = target.partitioning.as_ref().and_then(|partitioning| partitioning.life);
    let partitions = life.map(|life| {
        let sentence = format!(
            "BigQuery deletes partitions of {table} after {} days, with rows that MySQL still has",
            life.num_days()
        );
        Finding::warn(Topic::Target, sentence).remedy(unset(table, "partition_expiration_days"))
    });
    whole.into_iter().chain(partitions).collect()
}

fn unset(table: &TableId, option: &str) -> String {
    format!("if it is to stay: ALTER TABLE `{table}` SET OPTIONS ({option} = NULL)")
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::domain::partitioning::Partitioning;

    #[test]
    fn a_table_whose_rows_come_to_an_end_is_warned_of_with_the_statement_that_keeps_them() {
        let table = TableId { project: "p".into(), dataset: "d".into(), table: "t".into() };
        assert_eq!(findings(&table, &TargetSchema::default()), []);
        let partitioning = Partitioning { life: Some(TimeDelta::days(90)), ..Partitioning::by_day("at".into()) };
        let target = TargetSchema {
            expires_at: DateTime::from_timestamp(1_803_772_800, 0),
            partitioning: Some(partitioning),
            ..TargetSchema::default()
        };
        let told: Vec<String> = findings(&table, &target).iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("p.d.t on 2027-02-28") && told[0].contains("(expiration_timestamp = NULL)"),
            "{told:?}"
        );
        assert!(
            told[1].contains("after 90 days") && told[1].contains("`p.d.t` SET OPTIONS (partition_expiration_days")
        );
    }
}
