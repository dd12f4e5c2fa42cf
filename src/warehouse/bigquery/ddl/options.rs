//! How a new table is partitioned, and its options. Source: BigQuery reference, "Data definition language",
//! `partition_expression` and `table_option_list`.

use super::super::literal::{column, text};
use crate::domain::column::same_name;
use crate::domain::partitioning::{PartitionUnit, Ranges};
use crate::domain::plan::TablePlan;
use crate::domain::table_options::days;
use crate::domain::target_type::TargetType;

/// The expression after PARTITION BY. `None` for types that cannot partition; the plan has refused them.
pub fn partition(plan: &TablePlan) -> Option<String> {
    let by = plan.partitioning.as_ref()?;
    let unit = by.unit.word().to_uppercase();
    let Some(name) = &by.column else {
        return Some(match by.unit {
            PartitionUnit::Day => "_PARTITIONDATE".to_owned(),
            _ => format!("TIMESTAMP_TRUNC(_PARTITIONTIME, {unit})"),
        });
    };
    let target = &plan.columns.iter().find(|c| same_name(&c.target_name, name))?.target_type;
    let name = column(name);
    match (by.unit, target) {
        (PartitionUnit::Range(Ranges { start, end, size }), _) => {
            Some(format!("RANGE_BUCKET({name}, GENERATE_ARRAY({start}, {end}, {size}))"))
        }
        (PartitionUnit::Day, TargetType::Date) => Some(name),
        (_, TargetType::Date) => Some(format!("DATE_TRUNC({name}, {unit})")),
        (_, TargetType::Timestamp) => Some(format!("TIMESTAMP_TRUNC({name}, {unit})")),
        (_, TargetType::DateTime) => Some(format!("DATETIME_TRUNC({name}, {unit})")),
        _ => None,
    }
}

/// The text within OPTIONS. The mapping's own label `tool` wins over ours, and its description over MySQL's comment.
pub fn of_a_new_table(plan: &TablePlan) -> String {
    let made = &plan.options;
    let mut all = Vec::new();
    if let Some(by) = &plan.partitioning {
        all.extend(by.life.map(|life| format!("partition_expiration_days = {}", days(life))));
        all.extend(by.needs_filter.then(|| "require_partition_filter = TRUE".to_owned()));
    }
    all.extend(plan.kms_key.as_ref().map(|key| format!("kms_key_name = {}", text(key))));
    all.extend(
        made.description.as_ref().or(plan.comment.as_ref()).map(|words| format!("description = {}", text(words))),
    );
    let ours = [("tool", "bqsync")].into_iter().filter(|(key, _)| !made.labels.contains_key(*key));
    let labels = ours.chain(made.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let labels: Vec<_> = labels.map(|(key, value)| format!("({}, {})", text(key), text(value))).collect();
    all.push(format!("labels = [{}]", labels.join(", ")));
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{column, orders, target};
    use super::super::statements;
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::partitioning::Partitioning;
    use crate::domain::schema::SchemaDiff;
    use crate::domain::source_type::SourceType;
    use crate::domain::table_options::TableOptions;

    fn by(column: Option<&str>, unit: PartitionUnit) -> TablePlan {
        TablePlan { partitioning: Some(Partitioning::new(column.map(str::to_owned), unit)), ..orders() }
    }

    #[test]
    fn each_kind_of_partitions_has_its_expression() {
        let said = |column: &str, unit| partition(&by(Some(column), unit));
        let expected = |text: &str| Some(text.to_owned());
        assert_eq!(said("updated_at", PartitionUnit::Hour), expected("TIMESTAMP_TRUNC(`updated_at`, HOUR)"));
        assert_eq!(said("updated_at", PartitionUnit::Year), expected("TIMESTAMP_TRUNC(`updated_at`, YEAR)"));
        let ranges = PartitionUnit::Range(Ranges { start: -5, end: 100, size: 7 });
        assert_eq!(said("id", ranges), expected("RANGE_BUCKET(`id`, GENERATE_ARRAY(-5, 100, 7))"));
        let loaded = |unit| partition(&by(None, unit));
        assert_eq!(loaded(PartitionUnit::Day), expected("_PARTITIONDATE"));
        assert_eq!(loaded(PartitionUnit::Month), expected("TIMESTAMP_TRUNC(_PARTITIONTIME, MONTH)"));
        let of_type = |source, target, unit| {
            let mut plan = by(Some("d"), unit);
            plan.columns[1] = column("d", source, target);
            partition(&plan)
        };
        let date = |unit| of_type(SourceType::Date, TargetType::Date, unit);
        assert_eq!(date(PartitionUnit::Day), expected("`d`"));
        assert_eq!(date(PartitionUnit::Month), expected("DATE_TRUNC(`d`, MONTH)"));
        let wall = of_type(SourceType::DateTime { fsp: 0 }, TargetType::DateTime, PartitionUnit::Hour);
        assert_eq!(wall, expected("DATETIME_TRUNC(`d`, HOUR)"));
    }

    #[test]
    fn a_new_table_gets_its_options_and_does_not_inherit_an_expiry() {
        let mut plan = by(Some("updated_at"), PartitionUnit::Day);
        plan.partitioning =
            plan.partitioning.map(|by| Partitioning { needs_filter: true, life: Some(TimeDelta::hours(36)), ..by });
        plan.kms_key = Some("projects/p/locations/eu/keyRings/r/cryptoKeys/k".into());
        let labels = [("team".to_owned(), "sales".to_owned())].into();
        plan.options =
            TableOptions { labels, description: Some("What we've \"sold\"\n".into()), ..TableOptions::default() };
        let sql = statements(&target(), &plan, &SchemaDiff { creates_table: true, columns: vec![] });
        let options = "\nOPTIONS (partition_expiration_days = 1.5, require_partition_filter = TRUE, kms_key_name = \
                       'projects/p/locations/eu/keyRings/r/cryptoKeys/k', description = 'What we\\'ve \"sold\"\\u000a', labels = \
                       [('tool', 'bqsync'), ('team', 'sales')])";
        assert!(sql[0].ends_with(options), "{}", sql[0]);
        assert!(sql[1].ends_with("SET OPTIONS (expiration_timestamp = NULL)"), "{}", sql[1]);
        plan.comment = Some("what MySQL says".into());
        assert!(of_a_new_table(&plan).contains("description = 'What we"), "the mapping's own words win");
        plan.options.description = None;
        assert!(of_a_new_table(&plan).contains("description = 'what MySQL says'"));
        plan.options.labels.insert("tool".into(), "other".into());
        assert!(of_a_new_table(&plan).ends_with("labels = [('team', 'sales'), ('tool', 'other')]"));
    }

    #[test]
    fn a_table_partitioned_by_ranges_gets_no_partition_expiry() {
        let ranges = PartitionUnit::Range(Ranges { start: 0, end: 100, size: 10 });
        let creates = SchemaDiff { creates_table: true, columns: vec![] };
        let sql = statements(&target(), &by(Some("id"), ranges), &creates);
        assert!(sql[1].ends_with("SET OPTIONS (expiration_timestamp = NULL)"), "{}", sql[1]);
    }
}
