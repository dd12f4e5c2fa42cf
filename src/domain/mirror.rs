//! What a mirror remembers of its table: rows and sums by part of the key, as BigQuery holds them.
//!
//! Both the sums that are remembered and those they are held against are MySQL's, of every column, so that no form common to
//! both servers is needed. A sum is remembered only of rows that were published, and was read with them by one statement: what
//! is written meanwhile makes the next look differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::column::SourceColumn;
use super::plan::{ColumnPlan, TablePlan};
use super::verify::{Comparison, Grain, MOST_PARTS_BITS, PartSum, Parts, coarsest, stretches};

/// Beyond this share of the parts the table is read as a whole: one statement and one job instead of many.
const MOST_CHANGED: f64 = 0.3;

/// So few rows are always brought over part by part.
const ALWAYS_BY_PARTS: u64 = 20_000;

/// Parts that are remembered: a table that grows gets more, until two are made one.
const MOST_PARTS: usize = 2 << MOST_PARTS_BITS;

/// Of the text that is hashed. A change of it makes remembered sums worthless.
const VERSION: u32 = 1;

/// Rows and sums by part; parts without a row are not spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    pub grain: Grain,
    parts: BTreeMap<u64, Sum>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    rows: u64,
    hashes: u128,
}

/// As a text holds them.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    grain: Grain,
    /// Number, rows, and the sum in hexadecimal.
    parts: Vec<(u64, u64, String)>,
}

/// A part that is not as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedPart {
    pub part: u64,
    /// Rows that BigQuery may hold of it; `None` where nobody knows.
    pub before: Option<u64>,
    /// Rows that MySQL holds of it.
    pub now: u64,
}

impl Sums {
    #[must_use]
    pub const fn new(grain: Grain) -> Self {
        Self { grain, parts: BTreeMap::new() }
    }

    /// Takes a sum in; of a part that is there already, more of its rows.
    pub fn add(&mut self, PartSum { part, rows, hashes }: PartSum) {
        let sum = self.parts.entry(part).or_default();
        sum.rows += rows;
        sum.hashes = sum.hashes.wrapping_add(hashes);
    }

    #[must_use]
    pub fn rows(&self) -> u64 {
        self.parts.values().map(|sum| sum.rows).sum()
    }

    /// Parts that hold a row.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// By a grain whose parts are made of these.
    #[must_use]
    pub fn by(&self, grain: Grain) -> Self {
        let mut sums = Self::new(grain);
        for (&part, sum) in &self.parts {
            let part = grain.part_of(self.grain, part);
            sums.add(PartSum { part, rows: sum.rows, hashes: sum.hashes });
        }
        sums
    }

    /// As few parts as are remembered.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        while self.parts.len() > MOST_PARTS
            && let Some(grain) = self.grain.halved()
        {
            self = self.by(grain);
        }
        self
    }

    /// Puts others in the place of some parts of a coarser cut; both are of this grain.
    pub fn put(&mut self, parts: &Parts, others: Self) {
        let gone: BTreeSet<u64> = parts.numbers().collect();
        let grain = self.grain;
        self.parts.retain(|&part, _| !gone.contains(&parts.grain.part_of(grain, part)));
        self.parts.extend(others.parts);
    }

    /// Parts, by this grain, that are not as `now` says. Nobody knows what BigQuery holds of those in `unknown`.
    #[must_use]
    pub fn changed(&self, now: &Self, unknown: &[(u64, u64)]) -> Vec<ChangedPart> {
        let now = now.by(self.grain);
        let unknown: BTreeSet<u64> = unknown.iter().flat_map(|&(first, last)| first..=last).collect();
        let all: BTreeSet<u64> = self.parts.keys().chain(now.parts.keys()).chain(&unknown).copied().collect();
        let part = |part| {
            let (before, now) = (self.parts.get(&part), now.parts.get(&part));
            let is_unknown = unknown.contains(&part);
            let rows = |sum: Option<&Sum>| sum.map_or(0, |sum| sum.rows);
            let before_rows = (!is_unknown).then(|| rows(before));
            (is_unknown || before != now).then(|| ChangedPart { part, before: before_rows, now: rows(now) })
        };
        all.into_iter().filter_map(part).collect()
    }

    #[must_use]
    pub fn to_text(&self) -> String {
        let parts = self.parts.iter().map(|(&part, sum)| (part, sum.rows, format!("{:x}", sum.hashes))).collect();
        let written = Written { version: VERSION, grain: self.grain, parts };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// `None` for what is no such text, or one of another version.
    #[must_use]
    pub fn from_text(text: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(text).ok()?;
        let of = |(part, rows, hashes): (u64, u64, String)| {
            Some((part, Sum { rows, hashes: u128::from_str_radix(&hashes, 16).ok()? }))
        };
        let parts = written.parts.into_iter().map(of).collect::<Option<_>>()?;
        (written.version == VERSION).then_some(Self { grain: written.grain, parts })
    }
}

/// What the rows and their sums depend on beside MySQL's rows: a change of it makes BigQuery's rows others.
#[must_use]
pub fn fingerprint(comparison: &Comparison) -> String {
    let TablePlan { columns, keys, timezone, empty_string_as_null, invalid_values, .. } = &*comparison.plan;
    let Comparison { source, target, .. } = comparison;
    // What a column is described by, and how MySQL fills it in from now on, changes no row.
    let plain = |column: &ColumnPlan| {
        let source = SourceColumn { comment: None, is_stamped: false, ..column.source.clone() };
        ColumnPlan { source, ..column.clone() }
    };
    let columns: Vec<_> = columns.iter().map(plain).collect();
    format!(
        "{VERSION} {source:?} {target:?} {columns:?} {keys:?} {timezone:?} {empty_string_as_null} {invalid_values:?}"
    )
}

/// The cut for a table of about `rows` rows: one that the remembered parts are made of, where that serves. `span` of a key
/// whose parts are ranges.
#[must_use]
pub fn grain(known: Option<Grain>, span: Option<(i64, i64)>, is_range: bool, rows: u64) -> Grain {
    let ideal = match coarsest(span.filter(|_| is_range), true, rows) {
        // Counted from 0 where that can be, so that an older key that comes later has a part as well.
        Grain::Range { base, bits } if span.is_some_and(|(_, high)| base > 0 && high < 1 << 61) => {
            Grain::Range { base: 0, bits }
        }
        ideal => ideal,
    };
    match (known, ideal) {
        (Some(Grain::Range { base, bits }), Grain::Range { bits: wanted, .. })
            if span.is_some_and(|(low, high)| low >= base && i128::from(high) - i128::from(base) < 1 << 62) =>
        {
            // A table that has become a little denser is not worth other parts.
            Grain::Range { base, bits: if wanted + 1 < bits { wanted } else { bits } }
        }
        // A table without a row says nothing of its keys.
        (Some(known @ Grain::Range { .. }), _) if is_range && span.is_none() => known,
        (Some(Grain::Hash { bits }), Grain::Hash { bits: wanted }) => {
            Grain::Hash { bits: if wanted > bits + 1 { wanted } else { bits } }
        }
        _ => ideal,
    }
}

/// What a mirror's run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mirrored {
    /// Parts of the table that hold a row.
    pub parts: u64,
    /// Parts that were not as BigQuery held them.
    pub changed: u64,
    /// Rows of these, or of the table: what did not differ was not written.
    pub rows_read: u64,
    /// Rows that were removed; those that were marked as deleted count as updated.
    pub removed: u64,
    /// Nothing was remembered of the table, so that both sides were summed up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compared: bool,
    /// Why the table was read as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<String>,
}

impl Mirrored {
    /// `3 of 7813 parts had changed; 768 row(s) were read, 2 removed`.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { parts, changed, rows_read, removed, .. } = self;
        match &self.whole {
            Some(why) => format!("read as a whole ({why}); {rows_read} row(s)"),
            None if *parts == 0 && *rows_read == 0 => "the table is empty".to_owned(),
            None if *changed == 0 && *rows_read == 0 => format!("none of {parts} part(s) had changed"),
            None if *changed == 0 => format!("read as a whole; {rows_read} row(s)"),
            None => {
                let compared = if self.compared { ", by comparing both sides" } else { "" };
                format!(
                    "{changed} of {parts} part(s) had changed{compared}; {rows_read} row(s) of them were read, {removed} \
                     removed"
                )
            }
        }
    }
}

/// How changed parts are brought over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// In steps, each of some parts.
    Parts(Vec<Parts>),
    /// Too many have changed.
    Whole,
}

/// `parts`: as many as the table has. `window_rows`: as many rows as the configuration allows a step.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a share is compared, and no table has 2^53 parts")]
pub fn way(grain: Grain, changed: &[ChangedPart], parts: usize, window_rows: u64, may_replace: bool) -> Way {
    let rows: u64 = changed.iter().map(|part| part.now).sum();
    let is_much = changed.len() as f64 > parts as f64 * MOST_CHANGED && rows > ALWAYS_BY_PARTS;
    if is_much && may_replace {
        return Way::Whole;
    }
    let sized: Vec<_> = changed.iter().map(|part| (part.part, part.now.max(part.before.unwrap_or(0)))).collect();
    Way::Parts(stretches(grain, &sized, window_rows))
}

/// Rows that are gone for certain: a part that has shrunk has lost at least so many.
#[must_use]
pub fn least_gone(changed: &[ChangedPart]) -> u64 {
    changed.iter().map(|part| part.before.unwrap_or(0).saturating_sub(part.now)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(grain: Grain, parts: &[(u64, u64, u128)]) -> Sums {
        let mut sums = Sums::new(grain);
        for &(part, rows, hashes) in parts {
            sums.add(PartSum { part, rows, hashes });
        }
        sums
    }

    fn changed(part: u64, before: Option<u64>, now: u64) -> ChangedPart {
        ChangedPart { part, before, now }
    }

    const RANGE: Grain = Grain::Range { base: 0, bits: 8 };

    #[test]
    fn a_part_has_changed_by_rows_or_hashes_or_where_nobody_knows_of_it() {
        let then = sums(RANGE, &[(0, 2, 10), (1, 3, 20), (2, 1, 5), (7, 4, 1)]);
        let now = sums(RANGE, &[(0, 2, 10), (1, 3, 21), (2, 1, 5), (9, 6, 2)]);
        let found = then.changed(&now, &[(2, 3)]);
        let expected = [
            changed(1, Some(3), 3),
            changed(2, None, 1),
            changed(3, None, 0),
            changed(7, Some(4), 0),
            changed(9, Some(0), 6),
        ];
        assert_eq!(found, expected);
        assert_eq!(then.changed(&then.clone(), &[]), []);
        assert_eq!(least_gone(&found), 4);
    }

    #[test]
    fn sums_of_smaller_parts_are_held_against_those_of_larger_ones() {
        let fine = Grain::Range { base: 0, bits: 6 };
        let then = sums(RANGE, &[(0, 5, 15), (1, 1, 9)]);
        let now = sums(fine, &[(0, 2, 5), (1, 3, 10), (4, 1, 8)]);
        assert_eq!(then.changed(&now, &[]), [changed(1, Some(1), 1)]);
    }

    #[test]
    fn what_was_brought_over_takes_the_place_of_its_parts_alone() {
        let fine = Grain::Range { base: 0, bits: 6 };
        let mut all = sums(fine, &[(0, 2, 5), (3, 1, 1), (4, 1, 8)]);
        all.put(&Parts::of(RANGE, [0]), sums(fine, &[(1, 7, 70)]));
        assert_eq!(all, sums(fine, &[(1, 7, 70), (4, 1, 8)]));
        assert_eq!((all.rows(), all.len()), (8, 2));
    }

    #[test]
    fn sums_come_back_from_their_text_and_another_text_is_none() {
        let all = sums(Grain::Hash { bits: 3 }, &[(0, 2, u128::from(u64::MAX) * 5), (7, 1, 0)]);
        assert_eq!(Sums::from_text(all.to_text().as_bytes()), Some(all.clone()));
        let other = all.to_text().replace("\"version\":1", "\"version\":2");
        assert_eq!(Sums::from_text(other.as_bytes()), None);
        assert_eq!(Sums::from_text(&all.to_text().as_bytes()[..20]), None);
    }

    #[test]
    fn a_table_that_grows_keeps_a_bounded_number_of_parts() {
        let mut all = Sums::new(Grain::Range { base: 0, bits: 0 });
        (0..100_000).for_each(|part| all.add(PartSum { part, rows: 1, hashes: 3 }));
        let bounded = all.bounded();
        assert!(bounded.len() <= MOST_PARTS && bounded.len() > MOST_PARTS / 4, "{}", bounded.len());
        assert_eq!(bounded.rows(), 100_000);
    }

    #[test]
    fn the_remembered_cut_stays_until_another_is_worth_it() {
        let first = grain(None, Some((1_000, 1_003_000)), true, 1_000_000);
        assert_eq!(first, Grain::Range { base: 0, bits: 8 });
        assert_eq!(grain(Some(first), Some((5, 1_500_000)), true, 1_500_000), first, "an older key has a part");
        assert_eq!(grain(Some(first), None, true, 0), first, "an empty table says nothing of its keys");
        let coarse = Grain::Range { base: 0, bits: 14 };
        assert_eq!(grain(Some(coarse), Some((1, 1_000_000)), true, 1_000_000), Grain::Range { base: 0, bits: 8 });
        let below = grain(Some(first), Some((-9, 1_000)), true, 1_000);
        assert_eq!(below, Grain::Range { base: -9, bits: 8 }, "no part holds a key below the first");
        assert_eq!(grain(Some(Grain::Hash { bits: 4 }), None, false, 5_000_000), Grain::Hash { bits: 14 });
        assert_eq!(grain(Some(Grain::Hash { bits: 9 }), None, false, 100), Grain::Hash { bits: 9 });
        assert_eq!(grain(Some(first), None, false, 100), Grain::Hash { bits: 0 });
    }

    #[test]
    fn many_changed_parts_are_read_as_a_whole_and_few_rows_never() {
        let of = |parts: u64, rows| (0..parts).map(|part| changed(part, Some(rows), rows)).collect::<Vec<_>>();
        assert_eq!(way(RANGE, &of(400, 256), 1_000, 1_000_000, true), Way::Whole);
        let Way::Parts(steps) = way(RANGE, &of(400, 256), 1_000, 25_600, false) else { panic!("it may not") };
        assert_eq!(steps.len(), 4);
        assert!(matches!(way(RANGE, &of(299, 256), 1_000, 1_000_000, true), Way::Parts(steps) if steps.len() == 1));
        assert!(matches!(way(RANGE, &of(1, 300), 1, 1_000_000, true), Way::Parts(_)), "a small table is one part");
    }
}
