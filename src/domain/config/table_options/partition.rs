//! `partition_by`: a column alone, or a group with more settings.

use super::super::key::{self, At, Gaps, Key, Missing, Row, put};
use super::super::read::{Place, Reading, Value};
use super::super::yaml::{Kind, Node};
use crate::domain::partitioning::{PartitionUnit, Ranges};
use crate::domain::table_options::PartitionBy;

/// Source: BigQuery, "Quotas and limits", partitioned tables.
const MOST_PARTITIONS: i128 = 10_000;

const PREFIX: &str = "partition_by.";

const UNITS: [(&str, PartitionUnit); 4] = [
    ("hour", PartitionUnit::Hour),
    ("day", PartitionUnit::Day),
    ("month", PartitionUnit::Month),
    ("year", PartitionUnit::Year),
];

const RANGE_HINT: &str =
    "write the first number, the end and the size of one partition: `range: [0, 100000000, 1000000]`";

const KEYS: &[Key<Group>] = &[
    Key::new(
        "column",
        Missing::Means("none"),
        "The column: DATE, DATETIME or TIMESTAMP with `by`, INT64 with `range`",
        |group, at| {
            group.is_given |= at.node().is_some();
            put(&mut group.column, at.value().map(Some));
        },
    ),
    Key::new(
        "by",
        Missing::Means("day"),
        "`hour`, `day`, `month` or `year` of the column; a DATE has no hours. BigQuery takes 10,000 partitions, and \
         4,000 in one job: 166 days by hour",
        |group, at| take_unit(&mut group.by, at),
    ),
    Key::new(
        "range",
        Missing::Means("none"),
        "`[start, end, size]`: partitions of `size` whole numbers each, at most 10,000 of them, `end` not included; \
         rows outside are in a separate partition",
        take_range,
    ),
    Key::new(
        "ingestion",
        Missing::Means("none"),
        "`hour`, `day`, `month` or `year` in which a row was published, in place of a column",
        |group, at| {
            group.is_given |= at.node().is_some();
            take_unit(&mut group.ingestion, at);
        },
    ),
];

/// The lines for the documentation of these keys.
pub fn rows() -> Vec<Row> {
    key::rows(KEYS, PREFIX)
}

#[derive(Default)]
struct Group {
    column: Option<Value>,
    by: Option<(PartitionUnit, Place)>,
    range: Option<(PartitionUnit, Place)>,
    ingestion: Option<(PartitionUnit, Place)>,
    /// A value was given; if it could not be read, the problem is recorded already.
    is_given: bool,
}

/// The value of `partition_by`.
#[derive(Debug, Clone)]
pub(super) struct Partition {
    pub column: Option<Value>,
    pub unit: PartitionUnit,
}

impl Partition {
    /// Reads it. An empty list means that the table is not partitioned, whatever `defaults` says.
    pub fn read(at: &mut At<'_, '_>) -> Option<Self> {
        let node = at.node()?;
        match &node.kind {
            Kind::Sequence(nodes) if nodes.is_empty() => None,
            Kind::Mapping(_) => of_group(at, node),
            Kind::Scalar { .. } | Kind::Sequence(_) => {
                Some(Self { column: Some(at.value()?), unit: PartitionUnit::Day })
            }
        }
    }

    pub fn said(self) -> PartitionBy {
        PartitionBy { column: self.column.map(|column| column.text), unit: self.unit }
    }
}

fn of_group(at: &mut At<'_, '_>, node: &Node) -> Option<Partition> {
    let place = at.place();
    let section = key::open(at.r, node, KEYS, PREFIX, at.section.of.clone())?;
    let mut group = Group::default();
    key::read(at.r, &section, KEYS, Gaps::Keep, &mut group);
    let Group { column, by, range, ingestion, is_given } = group;
    if let Some((unit, of)) = ingestion {
        let others = column.iter().map(|column| &column.place).chain(by.iter().chain(&range).map(|(_, place)| place));
        for other in others {
            clash(at.r, other, &of);
        }
        return Some(Partition { column: None, unit });
    }
    let Some(column) = column else {
        if !is_given {
            let hint = "write `{column: created_at, by: month}`, or `{ingestion: day}` for the time of loading";
            at.r.problem(place.line, format!("{} names no column", place.name), hint);
        }
        return None;
    };
    if let (Some((_, by)), Some((_, range))) = (&by, &range) {
        clash(at.r, by, range);
    }
    let unit = range.or(by).map_or(PartitionUnit::Day, |(unit, _)| unit);
    // Messages about other keys name this key, not its part.
    let place = Place { key: place.key, ..column.place.clone() };
    Some(Partition { column: Some(Value { place, ..column }), unit })
}

fn clash(r: &mut Reading<'_>, one: &Place, other: &Place) {
    let message = format!("{} does not go with `{}`", one.name, other.key);
    r.problem(one.line, message, "a table is partitioned in one way: keep one of them");
}

fn take_unit(into: &mut Option<(PartitionUnit, Place)>, at: &mut At<'_, '_>) {
    let place = at.place();
    put(into, at.choice(&UNITS).map(|unit| Some((unit, place))));
}

fn take_range(group: &mut Group, at: &mut At<'_, '_>) {
    let Some(values) = at.list() else { return };
    let place = at.place();
    match ranges(&values) {
        Ok(ranges) => group.range = Some((PartitionUnit::Range(ranges), place)),
        Err(hint) => at.r.problem(place.line, format!("{} is not a range", place.name), hint),
    }
}

fn ranges(values: &[Value]) -> Result<Ranges, String> {
    let numbers: Vec<i64> = values.iter().filter_map(|value| value.text.replace('_', "").parse().ok()).collect();
    let &[start, end, size] = numbers.as_slice() else { return Err(RANGE_HINT.to_owned()) };
    if values.len() != numbers.len() {
        return Err(RANGE_HINT.to_owned());
    }
    let span = i128::from(end) - i128::from(start);
    if span <= 0 || size <= 0 {
        return Err(format!("the end must come after the start, and the size be at least 1; {RANGE_HINT}"));
    }
    if span % i128::from(size) != 0 {
        return Err("let the end be a whole number of sizes after the start".to_owned());
    }
    let partitions = span / i128::from(size);
    if partitions > MOST_PARTITIONS {
        return Err(format!("it has {partitions} partitions; BigQuery takes {MOST_PARTITIONS}: write a greater size"));
    }
    Ok(Ranges { start, end, size })
}
