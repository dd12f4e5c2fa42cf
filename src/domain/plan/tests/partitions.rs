//! The partitioning of a new table, and which columns allow it.

use super::*;
use crate::domain::partitioning::Ranges;
use crate::domain::table_options::PartitionBy;

pub(super) fn by(column: &str, unit: PartitionUnit) -> PartitionBy {
    PartitionBy { column: Some(column.into()), unit }
}

#[test]
fn a_new_table_is_partitioned_on_a_column_of_time() {
    let mut case = Case { target: None, ..case(Some(TEXT), None) };
    case.mapping.partition_by = Some(by("UPDATED_AT", PartitionUnit::Hour));
    case.mapping.options.needs_filter = Some(true);
    case.mapping.options.kms_key = Some("projects/p/locations/eu/keyRings/r/cryptoKeys/k".into());
    let plan = case.planned().table;
    let by_hour = Partitioning::new(Some("updated_at".into()), PartitionUnit::Hour);
    assert_eq!(plan.partitioning, Some(Partitioning { needs_filter: true, ..by_hour }));
    assert_eq!(plan.kms_key, case.mapping.options.kms_key);
    case.mapping.partition_by = Some(by("x", PartitionUnit::Day));
    case.refused("is `x`, which will be STRING in BigQuery: it cannot be partitioned by day");
    // The table exists, so its partitioning is settled, and so is its key.
    case.target = Some(target(&[("x", TargetType::String(None))]));
    let plan = case.planned().table;
    assert_eq!((plan.partitioning, plan.kms_key), (None, None));
}

#[test]
fn a_partitioning_must_suit_the_columns_type() {
    let ranges = PartitionUnit::Range(Ranges { start: 0, end: 100, size: 10 });
    let date = Case { target: None, ..case(Some(SourceType::Date), None) };
    for (unit, refusal) in [
        (PartitionUnit::Year, None),
        (PartitionUnit::Hour, Some("DATE in BigQuery: it cannot be partitioned by hour")),
        (ranges, Some("cannot be partitioned by range")),
    ] {
        let mut case = date.clone();
        case.mapping.partition_by = Some(by("x", unit));
        match refusal {
            None => assert!(case.planned().table.partitioning.is_some()),
            Some(words) => case.refused(words),
        }
    }
    let mut number = case(Some(SourceType::Int { bits: 32, unsigned: true }), None);
    number.target = None;
    number.mapping.partition_by = Some(by("x", ranges));
    assert_eq!(number.planned().table.partitioning.map(|by| by.unit), Some(ranges));
    number.mapping.partition_by = Some(PartitionBy { column: None, unit: PartitionUnit::Day });
    assert_eq!(number.planned().table.partitioning, Some(Partitioning::new(None, PartitionUnit::Day)));
}
