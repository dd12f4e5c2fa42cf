//! The options of a new table: `partition_by`, and the others.

mod partition;
mod values;

use std::collections::BTreeMap;

use chrono::TimeDelta;

use self::partition::Partition;
pub(super) use self::partition::rows;
use super::key::{At, put};
use super::read::{Place, Reading, Value};
use super::yaml::Kind;
use crate::domain::partitioning::PartitionUnit;
use crate::domain::table_options::{PartitionBy, TableOptions};

/// Labels of one resource. Source: BigQuery guide, "Labels".
const MOST_LABELS: usize = 64;
/// Source: BigQuery, "Quotas and limits", tables.
const LONGEST_DESCRIPTION: usize = 16_384;

/// The keys' values before they are checked against each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    partition: Option<Partition>,
    /// The lifetime that is written; `None` within stands for `never`.
    life: Option<(Option<TimeDelta>, Place)>,
    filter: Option<(bool, Place)>,
    kms_key: Option<String>,
    labels: BTreeMap<String, String>,
    description: Option<String>,
}

impl Draft {
    /// The column that `partition_by` names.
    pub fn column(&self) -> Option<&Value> {
        self.partition.as_ref()?.column.as_ref()
    }

    pub const fn is_partitioned(&self) -> bool {
        self.partition.is_some()
    }

    pub const fn has_life(&self) -> bool {
        matches!(&self.life, Some((Some(_), _)))
    }

    pub fn take_partition(&mut self, at: &mut At<'_, '_>) {
        if at.node().is_some() {
            self.partition = Partition::read(at);
        }
    }

    pub fn take_life(&mut self, at: &mut At<'_, '_>) {
        let place = at.place();
        put(&mut self.life, at.parsed(values::life).map(|life| Some((life, place))));
    }

    pub fn take_filter(&mut self, at: &mut At<'_, '_>) {
        let place = at.place();
        put(&mut self.filter, at.flag().map(|wanted| Some((wanted, place))));
    }

    pub fn take_key(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.kms_key, at.parsed(values::kms_key));
    }

    pub fn take_description(&mut self, at: &mut At<'_, '_>) {
        let short = |text: &str| match text.chars().count() {
            0..=LONGEST_DESCRIPTION => Ok(text.to_owned()),
            _ => Err(format!("BigQuery takes {LONGEST_DESCRIPTION} characters")),
        };
        put(&mut self.description, at.parsed(short).map(Some));
    }

    pub fn take_labels(&mut self, at: &mut At<'_, '_>) {
        let Some(node) = at.node() else { return };
        let place = at.place();
        if !matches!(node.kind, Kind::Mapping(_)) {
            let message = format!("{} is {}, not a group of keys", place.name, node.kind.noun());
            at.r.problem(place.line, message, "write `labels: {team: sales, cost: '17'}`");
            return;
        }
        let Some(labels) = at.table() else { return };
        self.labels = labels
            .into_iter()
            .filter_map(|(key, value)| {
                if let Err(hint) = values::label_key(&key) {
                    at.r.problem(value.place.line, format!("{} is not a label's key", value.place.name), hint);
                    return None;
                }
                at.r.check(&value, values::label_value);
                Some((key, value.text))
            })
            .collect();
        // Our own label is `tool`, unless the mapping sets it.
        let ours = usize::from(!self.labels.contains_key("tool"));
        if self.labels.len() + ours > MOST_LABELS {
            let message = format!("{} are {}; BigQuery takes {MOST_LABELS}", place.name, self.labels.len());
            at.r.problem(place.line, message, "bqsync adds one of its own, `tool`");
        }
    }

    /// The options after all checks. A value from `defaults` is dropped for a table that has no use for it; a mapping's
    /// own value is an error there.
    pub fn finish(self, r: &mut Reading<'_>) -> (Option<PartitionBy>, TableOptions) {
        let unit = self.partition.as_ref().map(|partition| partition.unit);
        let life = self.life.filter(|(life, place)| {
            let told = match unit {
                _ if life.is_none() => return true,
                None => ("needs `partition_by`: it is partitions that expire", "add `partition_by`, or take it out"),
                Some(PartitionUnit::Range(_)) => {
                    ("does not go with ranges: BigQuery lets partitions of time expire alone", "take it out")
                }
                Some(_) => return true,
            };
            refuse(r, place, told)
        });
        let filter = self.filter.filter(|(wanted, place)| {
            let told = ("needs `partition_by`: there is nothing to filter by", "add `partition_by`, or take it out");
            unit.is_some() || !*wanted || refuse(r, place, told)
        });
        let options = TableOptions {
            partition_life: life.and_then(|(life, _)| life),
            needs_filter: filter.map(|(wanted, _)| wanted),
            kms_key: self.kms_key,
            labels: self.labels,
            description: self.description,
        };
        (self.partition.map(Partition::said), options)
    }
}

/// Records a problem; always gives false, so that the option is dropped.
fn refuse(r: &mut Reading<'_>, place: &Place, (why, hint): (&str, &str)) -> bool {
    if !place.is_shared() {
        r.problem(place.line, format!("{} {why}", place.name), hint);
    }
    false
}

#[cfg(test)]
mod tests;
