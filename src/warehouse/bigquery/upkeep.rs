//! What `tables.get` says about a table's partitions and its expiry.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::jobs::number;
use crate::domain::partitioning::{PartitionUnit, Partitioning, Ranges};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Upkeep {
    time_partitioning: Option<ByTime>,
    range_partitioning: Option<ByRange>,
    require_partition_filter: bool,
    /// The table's expiry, in milliseconds since 1970.
    expiration_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ByTime {
    field: Option<String>,
    r#type: String,
    expiration_ms: Option<String>,
    /// The place of this setting in tables that older clients made.
    require_partition_filter: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ByRange {
    field: Option<String>,
    range: Range,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Range {
    start: Option<String>,
    end: Option<String>,
    interval: Option<String>,
}

impl Upkeep {
    pub fn partitioning(&self) -> Option<Partitioning> {
        if let Some(by) = &self.time_partitioning {
            let unit = match by.r#type.as_str() {
                "HOUR" => PartitionUnit::Hour,
                "MONTH" => PartitionUnit::Month,
                "YEAR" => PartitionUnit::Year,
                _ => PartitionUnit::Day,
            };
            return Some(Partitioning {
                column: by.field.clone(),
                unit,
                needs_filter: self.require_partition_filter || by.require_partition_filter,
                life: milliseconds(by.expiration_ms.as_ref()).and_then(TimeDelta::try_milliseconds),
            });
        }
        let by = self.range_partitioning.as_ref()?;
        let whole = |text: Option<&String>| text.and_then(|text| text.parse::<i64>().ok());
        let Range { start, end, interval } = &by.range;
        let ranges = Ranges {
            start: whole(start.as_ref()).unwrap_or_default(),
            end: whole(end.as_ref()).unwrap_or_default(),
            size: whole(interval.as_ref()).unwrap_or(1),
        };
        let (column, unit) = (by.field.clone(), PartitionUnit::Range(ranges));
        Some(Partitioning { column, unit, needs_filter: self.require_partition_filter, life: None })
    }

    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(milliseconds(self.expiration_time.as_ref())?)
    }
}

fn milliseconds(text: Option<&String>) -> Option<i64> {
    number(text).and_then(|number| i64::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Upkeep {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn partitioning_is_read_by_column_by_load_time_and_by_ranges() {
        let by_column = r#"{"timePartitioning": {"type": "HOUR", "field": "at", "expirationMs": "7776000000"},
            "requirePartitionFilter": true}"#;
        let expected = Partitioning {
            column: Some("at".into()),
            unit: PartitionUnit::Hour,
            needs_filter: true,
            life: Some(TimeDelta::days(90)),
        };
        assert_eq!(read(by_column).partitioning(), Some(expected));
        let by_load = read(r#"{"timePartitioning": {"type": "DAY", "requirePartitionFilter": true}}"#).partitioning();
        assert!(by_load.is_some_and(|by| by.column.is_none() && by.needs_filter && by.life.is_none()));
        let range =
            r#"{"rangePartitioning": {"field": "id", "range": {"start": "-20", "end": "1000", "interval": "10"}}}"#;
        let by_range = read(range).partitioning().unwrap();
        let ranges = Ranges { start: -20, end: 1000, size: 10 };
        assert_eq!((by_range.unit, by_range.needs_filter), (PartitionUnit::Range(ranges), false));
        assert_eq!(read("{}").partitioning(), None);
    }

    #[test]
    fn the_expiry_of_a_table_is_read() {
        assert_eq!(read("{}").expires_at(), None);
        let end = read(r#"{"expirationTime": "1803772800000"}"#).expires_at().unwrap();
        assert_eq!(end.to_rfc3339(), "2027-02-28T00:00:00+00:00");
    }
}
