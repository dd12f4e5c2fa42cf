//! What a mapping asks of a new table, compared with an existing one: reported, but never carried out.

use super::anew::making_anew;
use super::target::same_life;
use crate::domain::column::{TargetSchema, same_name};
use crate::domain::config::Mapping;
use crate::domain::finding::{Finding, Topic};
use crate::domain::partitioning::{PartitionUnit, Partitioning};
use crate::domain::quote;
use crate::domain::table_options::{PartitionBy, TableOptions, days};

/// One finding for each option that the table has otherwise.
#[must_use]
pub fn differences(mapping: &Mapping, target: &TargetSchema) -> Vec<Finding> {
    let mut found: Vec<_> = mapping.partition_by.iter().filter_map(|by| partitions(mapping, target, by)).collect();
    let all = [filter(mapping, target), life(mapping, target), key(mapping, target)];
    found.extend(all.into_iter().flatten());
    found.extend(labels(mapping, target));
    found.extend(description(mapping, target));
    found
}

/// Tells if the mapping asks for anything that could differ.
#[must_use]
pub fn are_asked_for(mapping: &Mapping) -> bool {
    mapping.partition_by.is_some() || mapping.options != TableOptions::default()
}

fn partitions(mapping: &Mapping, target: &TargetSchema, by: &PartitionBy) -> Option<Finding> {
    let column = by.column.as_deref().map(|column| mapping.target_column(column));
    let has = target.partitioning.as_ref();
    let same_column = |has: &Partitioning| match (&has.column, &column) {
        (None, None) => true,
        (Some(one), Some(other)) => same_name(one, other),
        _ => false,
    };
    if has.is_some_and(|has| has.unit == by.unit && same_column(has)) {
        return None;
    }
    let is = has.map_or_else(|| "is not partitioned".to_owned(), |has| format!("is partitioned {has}"));
    let wanted = Partitioning::new(column, by.unit);
    let sentence = format!("`partition_by` asks for partitions {wanted}, but {} {is}", mapping.target);
    let remedy = format!(
        "BigQuery cannot change that, so the table stays as it is: let `partition_by` say what it is, or have the table made \
         anew: {}",
        making_anew(mapping)
    );
    Some(Finding::warn(Topic::TableOptions, sentence).remedy(remedy))
}

fn filter(mapping: &Mapping, target: &TargetSchema) -> Option<Finding> {
    let (wanted, has) = (mapping.options.needs_filter?, target.partitioning.as_ref()?.needs_filter);
    let is = if has { "does" } else { "does not" };
    let sentence =
        format!("`require_partition_filter` is {wanted}, but {} {is} require a partition filter", mapping.target);
    let value = if wanted { "TRUE" } else { "FALSE" };
    (wanted != has).then(|| option(mapping, sentence, &format!("require_partition_filter = {value}")))
}

fn life(mapping: &Mapping, target: &TargetSchema) -> Option<Finding> {
    let wanted = mapping.options.partition_life?;
    let by = target.partitioning.as_ref().filter(|by| !matches!(by.unit, PartitionUnit::Range(_)))?;
    if by.life.is_some_and(|has| same_life(has, wanted)) {
        return None;
    }
    let is = by.life.map_or_else(|| "never expire".to_owned(), |life| format!("expire after {} days", days(life)));
    let sentence =
        format!("`partition_expiration` is {} days, but partitions of {} {is}", days(wanted), mapping.target);
    Some(option(mapping, sentence, &format!("partition_expiration_days = {}", days(wanted))))
}

fn key(mapping: &Mapping, target: &TargetSchema) -> Option<Finding> {
    let wanted = mapping.options.kms_key.as_ref().filter(|wanted| target.kms_key.as_ref() != Some(*wanted))?;
    let is = target.kms_key.as_ref().map_or_else(|| "a key of Google's".to_owned(), |key| format!("`{key}`"));
    let sentence = format!("`kms_key` is `{wanted}`, but {} is encrypted with {is}", mapping.target);
    Some(option(mapping, sentence, &format!("kms_key_name = {}", quote::bigquery_text(wanted))))
}

fn labels(mapping: &Mapping, target: &TargetSchema) -> Option<Finding> {
    let differ = mapping.options.labels.iter().filter(|(key, value)| target.labels.get(*key) != Some(*value));
    let names: Vec<_> = differ.map(|(key, _)| format!("`{key}`")).collect();
    if names.is_empty() {
        return None;
    }
    // The option replaces all labels of the table.
    let mut all = target.labels.clone();
    all.extend(mapping.options.labels.clone());
    let text = |text: &str| quote::bigquery_text(text);
    let all: Vec<_> = all.iter().map(|(key, value)| format!("({}, {})", text(key), text(value))).collect();
    let sentence = format!("{} lacks labels of `labels`, or has other values: {}", mapping.target, names.join(", "));
    Some(option(mapping, sentence, &format!("labels = [{}]", all.join(", "))))
}

fn description(mapping: &Mapping, target: &TargetSchema) -> Option<Finding> {
    let wanted = mapping.options.description.as_ref().filter(|wanted| target.description.as_ref() != Some(*wanted))?;
    let sentence = format!("{} has another description than `description`, or none", mapping.target);
    Some(option(mapping, sentence, &format!("description = {}", quote::bigquery_text(wanted))))
}

/// A finding about an option that a statement can still change.
fn option(mapping: &Mapping, sentence: String, set: &str) -> Finding {
    let table = quote::bigquery_table(&mapping.target);
    let remedy = format!("the table stays as it is; to change it: ALTER TABLE {table} SET OPTIONS ({set})");
    Finding::warn(Topic::TableOptions, sentence).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chrono::TimeDelta;

    use super::*;
    use crate::domain::config::parse;

    fn mapping(options: &str) -> Mapping {
        let text = format!(
            "project: p\ndataset: d\nmappings:\n  - {{name: t, mysql_table: t, incremental_column: id, {options}}}\n"
        );
        parse(&text, Path::new("config.yaml"), &|_| None).unwrap().mappings.remove(0)
    }

    fn told(options: &str, target: &TargetSchema) -> Vec<String> {
        differences(&mapping(options), target).iter().map(ToString::to_string).collect()
    }

    fn by(unit: PartitionUnit) -> TargetSchema {
        let partitioning = Some(Partitioning::new(Some("at".into()), unit));
        TargetSchema { partitioning, ..TargetSchema::default() }
    }

    #[test]
    fn different_partitioning_is_reported_with_what_can_be_done() {
        let asked = "partition_by: {column: AT, by: month}";
        assert!(told(asked, &by(PartitionUnit::Month)).is_empty());
        let day = told(asked, &by(PartitionUnit::Day));
        let words = "partitions by month of `AT`, but p.d.t is partitioned by day of `at`";
        assert!(day.len() == 1 && day[0].contains(words) && day[0].contains("DROP TABLE `p.d.t`"), "{day:?}");
        let none = told("partition_by: {ingestion: day}", &TargetSchema::default());
        assert!(none[0].contains("by day of loading, but p.d.t is not partitioned"), "{none:?}");
        assert!(told("partition_by: []", &by(PartitionUnit::Day)).is_empty(), "it asks for nothing");
    }

    #[test]
    fn different_options_are_reported_with_the_statement_that_changes_them() {
        let key = "projects/p/locations/eu/keyRings/r/cryptoKeys/k";
        let asked = format!(
            "partition_by: at, partition_expiration: 36h, require_partition_filter: true, kms_key: {key}, labels: {{team: \
             sales}}, description: Ours"
        );
        let mut target = by(PartitionUnit::Day);
        target.labels = [("team".to_owned(), "other".to_owned()), ("cost".to_owned(), "17".to_owned())].into();
        let all = told(&asked, &target);
        for set in [
            "require_partition_filter = TRUE".to_owned(),
            "partition_expiration_days = 1.5".to_owned(),
            format!("kms_key_name = '{key}'"),
            "labels = [('cost', '17'), ('team', 'sales')]".to_owned(),
            "description = 'Ours'".to_owned(),
        ] {
            let words = format!("ALTER TABLE `p.d.t` SET OPTIONS ({set})");
            assert!(all.iter().any(|finding| finding.contains(&words)), "{words} in {all:?}");
        }
        assert_eq!(all.len(), 5);
        let partitioning =
            target.partitioning.map(|by| Partitioning { needs_filter: true, life: Some(TimeDelta::hours(36)), ..by });
        let labels = [("team".to_owned(), "sales".to_owned()), ("cost".to_owned(), "17".to_owned())].into();
        let (kms_key, description) = (Some(key.to_owned()), Some("Ours".to_owned()));
        assert_eq!(
            told(&asked, &TargetSchema { partitioning, kms_key, labels, description, ..TargetSchema::default() }),
            Vec::<String>::new()
        );
    }
}
