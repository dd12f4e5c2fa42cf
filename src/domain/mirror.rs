//! What a mirror remembers of its table: rows and sums by part of the key, as BigQuery holds them.
//!
//! The remembered sums and the new ones are both MySQL's, over every column, so they need no form that both servers can
//! write. A sum is remembered only for rows that were published, and one statement read it with them: rows that are
//! written meanwhile make the next look differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::column::SourceColumn;
use super::counted::counted;
use super::plan::{ColumnPlan, TablePlan};
use super::verify::{Comparison, Grain, MOST_PARTS_BITS, PartSum, Parts, coarsest, stretches};

/// If a larger share of the parts has changed, the whole table is read: one statement and one job instead of many.
const MOST_CHANGED: f64 = 0.3;

/// Up to this many rows are always brought over part by part.
const ALWAYS_BY_PARTS: u64 = 20_000;

/// The most parts that are remembered: a growing table gets more parts, until two of them are joined into one.
const MOST_PARTS: usize = 2 << MOST_PARTS_BITS;

/// The version of the text that is hashed. A change of it makes remembered sums worthless.
const VERSION: u32 = 1;

/// Rows and sums by part; parts without rows are left out.
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

/// The sums in the form in which they are stored.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    grain: Grain,
    /// For each part its number, its rows, and its sum in hexadecimal.
    parts: Vec<(u64, u64, String)>,
}

/// A part that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedPart {
    pub part: u64,
    /// Rows that BigQuery may hold of the part; `None` where the number is unknown.
    pub before: Option<u64>,
    /// Rows that MySQL holds of the part.
    pub now: u64,
}

impl Sums {
    #[must_use]
    pub const fn new(grain: Grain) -> Self {
        Self { grain, parts: BTreeMap::new() }
    }

    /// Adds a sum; for a part that is there already, it counts as more of its rows.
    pub fn add(&mut self, PartSum { part, rows, hashes }: PartSum) {
        let sum = self.parts.entry(part).or_default();
        sum.rows += rows;
        sum.hashes = sum.hashes.wrapping_add(hashes);
    }

    #[must_use]
    pub fn rows(&self) -> u64 {
        self.parts.values().map(|sum| sum.rows).sum()
    }

    /// The number of parts that hold rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The same sums by a coarser grain, whose parts are made of these.
    #[must_use]
    pub fn by(&self, grain: Grain) -> Self {
        let mut sums = Self::new(grain);
        for (&part, sum) in &self.parts {
            let part = grain.part_of(self.grain, part);
            sums.add(PartSum { part, rows: sum.rows, hashes: sum.hashes });
        }
        sums
    }

    /// Joins parts until there are no more than may be remembered.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        while self.parts.len() > MOST_PARTS
            && let Some(grain) = self.grain.halved()
        {
            self = self.by(grain);
        }
        self
    }

    /// Replaces the sums of `parts`, which are of a coarser grain, by `others`, which are of this grain.
    pub fn put(&mut self, parts: &Parts, others: Self) {
        let gone: BTreeSet<u64> = parts.numbers().collect();
        let grain = self.grain;
        self.parts.retain(|&part, _| !gone.contains(&parts.grain.part_of(grain, part)));
        self.parts.extend(others.parts);
    }

    /// The parts, by this grain, that differ from `now`. What BigQuery holds of those in `unknown` is unknown.
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

    /// Reads stored sums; `None` for another text, or one of another version.
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

/// A text of everything beside MySQL's rows that BigQuery's rows and their sums depend on.
#[must_use]
pub fn fingerprint(comparison: &Comparison) -> String {
    let TablePlan { columns, keys, timezone, empty_string_as_null, invalid_values, .. } = &*comparison.plan;
    let Comparison { source, target, .. } = comparison;
    // A column's comment, and how MySQL fills it in from now on, change no row.
    let plain = |column: &ColumnPlan| {
        let source = SourceColumn { comment: None, is_stamped: false, ..column.source.clone() };
        ColumnPlan { source, ..column.clone() }
    };
    let columns: Vec<_> = columns.iter().map(plain).collect();
    format!(
        "{VERSION} {source:?} {target:?} {columns:?} {keys:?} {timezone:?} {empty_string_as_null} {invalid_values:?}"
    )
}

/// The grain for a table of about `rows` rows: if possible one that the remembered parts are made of. `span`: the key's
/// smallest and greatest value, where parts are ranges.
#[must_use]
pub fn grain(known: Option<Grain>, span: Option<(i64, i64)>, is_range: bool, rows: u64) -> Grain {
    let ideal = match coarsest(span.filter(|_| is_range), true, rows) {
        // Counted from 0 if possible, so that an older key that comes later has a part as well.
        Grain::Range { base, bits } if span.is_some_and(|(_, high)| base > 0 && high < 1 << 61) => {
            Grain::Range { base: 0, bits }
        }
        ideal => ideal,
    };
    match (known, ideal) {
        (Some(Grain::Range { base, bits }), Grain::Range { bits: wanted, .. })
            if span.is_some_and(|(low, high)| low >= base && i128::from(high) - i128::from(base) < 1 << 62) =>
        {
            // A table that has become only a little denser keeps its parts.
            Grain::Range { base, bits: if wanted + 1 < bits { wanted } else { bits } }
        }
        // A table without rows says nothing about its keys.
        (Some(known @ Grain::Range { .. }), _) if is_range && span.is_none() => known,
        (Some(Grain::Hash { bits }), Grain::Hash { bits: wanted }) => {
            Grain::Hash { bits: if wanted > bits + 1 { wanted } else { bits } }
        }
        _ => ideal,
    }
}

/// The results of a mirror's run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mirrored {
    /// Parts of the table that hold rows.
    pub parts: u64,
    /// Parts that differed from BigQuery's.
    pub changed: u64,
    /// Rows read of these parts, or of the whole table; only rows that differ were written.
    pub rows_read: u64,
    /// Rows that were removed; rows that were marked as deleted count as updated.
    pub removed: u64,
    /// Nothing was remembered of the table, so both sides were summed up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compared: bool,
    /// Why the table was read as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<String>,
}

impl Mirrored {
    /// The results in words: `3 of 7,813 parts had changed; 768 rows read, 2 removed`.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { parts, changed, rows_read, removed, .. } = self;
        let (all, read) = (counted(*parts, "part"), counted(*rows_read, "row"));
        match &self.whole {
            Some(why) => format!("read as a whole ({why}); {read}"),
            None if *parts == 0 && *rows_read == 0 => "the table is empty".to_owned(),
            None if *changed == 0 && *rows_read == 0 => format!("none of {all} had changed"),
            None if *changed == 0 => format!("read as a whole; {read}"),
            None => {
                let compared = if self.compared { ", by comparing both sides" } else { "" };
                format!("{changed} of {all} had changed{compared}; {read} read, {removed} removed")
            }
        }
    }
}

/// How changed parts are brought over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// In steps of some parts each.
    Parts(Vec<Parts>),
    /// The whole table, because too many parts have changed.
    Whole,
}

/// `parts`: how many the table has. `window_rows`: how many rows the configuration allows in a step.
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

/// Rows that are gone for certain: a part that has shrunk has lost at least the difference.
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
    fn a_part_has_changed_if_rows_or_hashes_differ_or_its_content_is_unknown() {
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
    fn sums_of_smaller_parts_are_compared_with_those_of_larger_ones() {
        let fine = Grain::Range { base: 0, bits: 6 };
        let then = sums(RANGE, &[(0, 5, 15), (1, 1, 9)]);
        let now = sums(fine, &[(0, 2, 5), (1, 3, 10), (4, 1, 8)]);
        assert_eq!(then.changed(&now, &[]), [changed(1, Some(1), 1)]);
    }

    #[test]
    fn published_parts_replace_only_their_own_sums() {
        let fine = Grain::Range { base: 0, bits: 6 };
        let mut all = sums(fine, &[(0, 2, 5), (3, 1, 1), (4, 1, 8)]);
        all.put(&Parts::of(RANGE, [0]), sums(fine, &[(1, 7, 70)]));
        assert_eq!(all, sums(fine, &[(1, 7, 70), (4, 1, 8)]));
        assert_eq!((all.rows(), all.len()), (8, 2));
    }

    #[test]
    fn sums_are_read_back_from_their_text_and_other_texts_are_refused() {
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
    fn the_remembered_grain_stays_until_another_one_is_worth_a_new_comparison() {
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
    fn the_whole_table_is_read_if_many_parts_changed_unless_it_has_few_rows() {
        let of = |parts: u64, rows| (0..parts).map(|part| changed(part, Some(rows), rows)).collect::<Vec<_>>();
        assert_eq!(way(RANGE, &of(400, 256), 1_000, 1_000_000, true), Way::Whole);
        let Way::Parts(steps) = way(RANGE, &of(400, 256), 1_000, 25_600, false) else { panic!("it may not") };
        assert_eq!(steps.len(), 4);
        assert!(matches!(way(RANGE, &of(299, 256), 1_000, 1_000_000, true), Way::Parts(steps) if steps.len() == 1));
        assert!(matches!(way(RANGE, &of(1, 300), 1, 1_000_000, true), Way::Parts(_)), "a small table is one part");
    }
}
