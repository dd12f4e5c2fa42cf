//! Cuts a table into parts by its key: first into many, then the differing ones into smaller parts, until their rows
//! are few enough to fetch.
//!
//! A single key of whole numbers is cut into ranges, which indexes and clustered tables find without reading the rest.
//! Other keys are cut by a hash of their text: the servers' orders differ (collations), and with a hash no part grows
//! out of proportion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The parts of one question, in bits: the answer has a row for each part.
pub const MOST_PARTS_BITS: u32 = 14;

/// This few rows are fetched rather than asked about again.
const ROWS_OF_A_PART: u64 = 256;

/// A part with at most this many rows is fetched rather than cut again.
const MOST_ROWS_TO_FETCH: u64 = 1_000;

/// The most rows and parts of one question for rows: the rows are held in memory, and the statement's text names the
/// parts.
const ROWS_OF_A_BATCH: u64 = 20_000;
const PARTS_OF_A_BATCH: usize = 1_000;

/// Where keys have wide gaps, most of the smaller ranges are empty and cost nothing, so cutting into more of them ends
/// sooner.
const MORE_FOR_GAPS: u32 = 4;

/// The most rows that one question cuts again, so that its answer has about ten thousand parts at most.
const ROWS_OF_A_CUT: u64 = 1_000_000;

/// The rows of one statement in MySQL: a few seconds' work, so that none holds the server's snapshot for long.
const ROWS_OF_A_CHUNK: u64 = 1_000_000;

/// How a row's part is computed from its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// `(key - base) >> bits`.
    Range { base: i64, bits: u32 },
    /// This many bits of the hash of the key's text.
    Hash { bits: u32 },
    /// There is no key, so there is one part.
    Whole,
}

/// Some parts of a grain, as runs of neighbours, both ends included, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    pub grain: Grain,
    pub runs: Vec<(u64, u64)>,
}

/// A question for sums: by `grain`, for the rows within some coarser parts; `None`: for all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub grain: Grain,
    pub within: Option<Parts>,
}

/// One side's answer about a part. Parts without rows are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartSum {
    pub part: u64,
    pub rows: u64,
    /// The sum of the rows' hashes; not an exclusive or, so that a doubled row shows.
    pub hashes: u128,
}

impl Parts {
    /// The part of the rows without a key, in ranges of every size. BigQuery's columns allow NULL whatever MySQL's do.
    pub const OF_NULL: u64 = 0;

    /// Tells if the rows without a key are among the rows of these parts.
    #[must_use]
    pub fn hold_null(&self) -> bool {
        self.runs.iter().any(|&(first, last)| (first..=last).contains(&Self::OF_NULL))
    }

    /// `parts` must be in order.
    #[must_use]
    pub fn of(grain: Grain, parts: impl IntoIterator<Item = u64>) -> Self {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for part in parts {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(part) => *last = part,
                _ => runs.push((part, part)),
            }
        }
        Self { grain, runs }
    }

    /// The numbers of the parts, in order.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.runs.iter().flat_map(|&(first, last)| first..=last)
    }

    /// The key's ranges, both ends included; empty if the parts are not ranges.
    #[must_use]
    pub fn key_ranges(&self) -> Vec<(i64, i64)> {
        let Grain::Range { base, bits } = self.grain else { return Vec::new() };
        let key = |part: u64| i128::from(base) + (i128::from(part) << bits);
        let within = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
        self.runs.iter().map(|&(first, last)| (within(key(first)), within(key(last + 1) - 1))).collect()
    }
}

impl Grain {
    /// Tells if its parts consist of whole parts of `finer`.
    #[must_use]
    pub const fn is_made_of(self, finer: Self) -> bool {
        match (self, finer) {
            (Self::Range { base, bits }, Self::Range { base: from, bits: of }) => base == from && bits >= of,
            (Self::Hash { bits }, Self::Hash { bits: of }) => bits <= of,
            (Self::Whole, Self::Whole) => true,
            _ => false,
        }
    }

    /// The part that contains a part of `finer`, if its parts consist of those.
    #[must_use]
    pub const fn part_of(self, finer: Self, part: u64) -> u64 {
        match (self, finer) {
            (Self::Range { bits, .. }, Self::Range { bits: of, .. }) => part >> bits.saturating_sub(of),
            (Self::Hash { bits }, _) => part & ((1 << bits) - 1),
            _ => 0,
        }
    }

    /// The same with half as many parts; `None` if there is only one.
    #[must_use]
    pub const fn halved(self) -> Option<Self> {
        match self {
            Self::Range { base, bits } if bits < 63 => Some(Self::Range { base, bits: bits + 1 }),
            Self::Hash { bits: bits @ 1.. } => Some(Self::Hash { bits: bits - 1 }),
            Self::Range { .. } | Self::Hash { .. } | Self::Whole => None,
        }
    }
}

/// The first cut for a table of about `rows` rows. `span`: smallest and greatest value of a key of whole numbers.
#[must_use]
pub fn coarsest(span: Option<(i64, i64)>, has_keys: bool, rows: u64) -> Grain {
    let parts = bits_for(rows / ROWS_OF_A_PART).min(MOST_PARTS_BITS);
    match span {
        _ if !has_keys => Grain::Whole,
        // Beyond this, differences of keys do not fit into 64 bits.
        Some((low, high)) if i128::from(high) - i128::from(low) < 1 << 62 => {
            let width = u64::try_from(i128::from(high) - i128::from(low) + 1).unwrap_or(1);
            Grain::Range { base: low, bits: bits_for(width).saturating_sub(parts) }
        }
        _ => Grain::Hash { bits: parts },
    }
}

/// The grain that cuts parts of up to `rows` rows into small ones; `None` if no finer one exists.
#[must_use]
pub fn finer(grain: Grain, rows: u64) -> Option<Grain> {
    let more = bits_for(rows / ROWS_OF_A_PART).clamp(1, MOST_PARTS_BITS);
    match grain {
        Grain::Range { bits: 0, .. } | Grain::Hash { bits: 31.. } | Grain::Whole => None,
        Grain::Range { base, bits } => Some(Grain::Range { base, bits: bits.saturating_sub(more + MORE_FOR_GAPS) }),
        Grain::Hash { bits } => Some(Grain::Hash { bits: (bits + more).min(31) }),
    }
}

/// The smallest number of bits that can number this many things.
const fn bits_for(things: u64) -> u32 {
    if things <= 1 { 0 } else { u64::BITS - (things - 1).leading_zeros() }
}

/// Divides the first cut into questions, so that none takes long: ranges by the index, a few at a time. A cut by hashes
/// reads the whole table for each question, so it is a single one.
#[must_use]
pub fn chunks(grain: Grain, span: Option<(i64, i64)>, rows: u64) -> Vec<Cut> {
    let (Grain::Range { base, bits }, Some((low, high))) = (grain, span) else {
        return vec![Cut { grain, within: None }];
    };
    let part = |key: i64| u64::try_from(i128::from(key) - i128::from(base)).unwrap_or(0) >> bits;
    let (mut first, last) = (part(low), part(high));
    let each = ((last - first.min(last)) / (rows / ROWS_OF_A_CHUNK + 1)).max(1);
    let mut chunks = Vec::new();
    while first <= last {
        let end = first.saturating_add(each - 1).min(last);
        chunks.push(Cut { grain, within: Some(Parts { grain, runs: vec![(first, end)] }) });
        first = end + 1;
    }
    chunks
}

/// Parts whose sums differ between the sides, in order, each with the rows of the side that has more.
#[must_use]
pub fn differing(source: &[PartSum], target: &[PartSum]) -> Vec<(u64, u64)> {
    let by_part = |sums: &[PartSum]| -> BTreeMap<u64, PartSum> { sums.iter().map(|sum| (sum.part, *sum)).collect() };
    let (source, mut target) = (by_part(source), by_part(target));
    let mut differing = Vec::new();
    for (part, sum) in source {
        match target.remove(&part) {
            Some(other) if other == sum => {}
            other => differing.push((part, other.map_or(sum.rows, |o| o.rows.max(sum.rows)))),
        }
    }
    differing.extend(target.into_values().map(|sum| (sum.part, sum.rows)));
    differing.sort_unstable();
    differing
}

/// Divides parts, in order and with their rows, into stretches with at most `most_rows` rows, or of one part, and with
/// a limited number of parts.
#[must_use]
pub fn stretches(grain: Grain, parts: &[(u64, u64)], most_rows: u64) -> Vec<Parts> {
    let groups = grouped(parts, most_rows);
    groups.into_iter().map(|group| Parts::of(grain, group.into_iter().map(|(part, _)| part))).collect()
}

/// Plans what to do about parts that differ: those to cut again (with the rows of the largest), and those whose rows
/// are fetched, both in batches.
#[must_use]
pub fn batches(grain: Grain, differing: &[(u64, u64)]) -> (Vec<(Parts, u64)>, Vec<Parts>) {
    let is_large = |rows: u64| rows > MOST_ROWS_TO_FETCH && finer(grain, rows).is_some();
    let (large, small): (Vec<_>, Vec<_>) = differing.iter().partition(|(_, rows)| is_large(*rows));
    let parts = |batch: &[(u64, u64)]| Parts::of(grain, batch.iter().map(|(part, _)| *part));
    let most = |batch: &[(u64, u64)]| batch.iter().map(|(_, rows)| *rows).max().unwrap_or(0);
    let cut = grouped(&large, ROWS_OF_A_CUT).into_iter().map(|batch| (parts(&batch), most(&batch))).collect();
    (cut, grouped(&small, ROWS_OF_A_BATCH).into_iter().map(|batch| parts(&batch)).collect())
}

/// Groups parts in order: each group has a limited number of parts and at most `most_rows` rows, or is one part that
/// has more.
fn grouped(parts: &[(u64, u64)], most_rows: u64) -> Vec<Vec<(u64, u64)>> {
    let mut groups: Vec<Vec<(u64, u64)>> = Vec::new();
    let mut held: u64 = 0;
    for &(part, rows) in parts {
        match groups.last_mut() {
            Some(group) if held.saturating_add(rows) <= most_rows && group.len() < PARTS_OF_A_BATCH => {
                group.push((part, rows));
            }
            _ => {
                groups.push(vec![(part, rows)]);
                held = 0;
            }
        }
        held = held.saturating_add(rows);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(part: u64, rows: u64, hashes: u128) -> PartSum {
        PartSum { part, rows, hashes }
    }

    #[test]
    fn the_number_of_parts_follows_the_number_of_rows() {
        assert_eq!(coarsest(Some((1, 3_000)), true, 3_000), Grain::Range { base: 1, bits: 8 });
        assert_eq!(coarsest(None, true, 3_000), Grain::Hash { bits: 4 });
        assert_eq!(coarsest(None, false, 3_000), Grain::Whole);
        assert_eq!(coarsest(Some((i64::MIN, i64::MAX)), true, 0), Grain::Hash { bits: 0 });
        assert_eq!(coarsest(None, true, u64::MAX), Grain::Hash { bits: 14 });
        assert_eq!(coarsest(Some((5, 5)), true, 1), Grain::Range { base: 5, bits: 0 });
    }

    #[test]
    fn every_key_of_the_span_lies_in_one_chunk() {
        let span = (-700, 5_000_000);
        let grain = coarsest(Some(span), true, 3_500_000);
        let ranges: Vec<_> =
            chunks(grain, Some(span), 3_500_000).into_iter().flat_map(|cut| cut.within.unwrap().key_ranges()).collect();
        assert!((4..=6).contains(&ranges.len()), "{ranges:?}");
        assert!(ranges[0].0 == span.0 && ranges.last().unwrap().1 >= span.1, "{ranges:?}");
        assert!(ranges.windows(2).all(|two| two[0].1 + 1 == two[1].0), "{ranges:?}");
    }

    #[test]
    fn parts_add_up_to_those_of_a_coarser_cut() {
        let (fine, coarse) = (Grain::Range { base: -8, bits: 2 }, Grain::Range { base: -8, bits: 5 });
        assert!(coarse.is_made_of(fine) && !fine.is_made_of(coarse) && fine.is_made_of(fine));
        assert_eq!((coarse.part_of(fine, 7), coarse.part_of(fine, 8)), (0, 1));
        assert!(!coarse.is_made_of(Grain::Range { base: 0, bits: 2 }));
        let (fine, coarse) = (Grain::Hash { bits: 5 }, Grain::Hash { bits: 2 });
        assert!(coarse.is_made_of(fine) && !coarse.is_made_of(Grain::Whole));
        assert_eq!(coarse.part_of(fine, 0b10_110), 0b10);
        assert_eq!((coarse.halved(), Grain::Hash { bits: 0 }.halved()), (Some(Grain::Hash { bits: 1 }), None));
    }

    #[test]
    fn a_chunk_begins_where_the_keys_do_wherever_the_parts_are_counted_from() {
        let grain = Grain::Range { base: 0, bits: 8 };
        let chunks = chunks(grain, Some((1_000_000_000, 1_002_000_000)), 2_000_000);
        let ranges: Vec<_> = chunks.into_iter().flat_map(|cut| cut.within.unwrap().key_ranges()).collect();
        assert!((3..=4).contains(&ranges.len()), "{ranges:?}");
        assert!(ranges[0].0 <= 1_000_000_000 && ranges[0].0 > 999_999_000, "{ranges:?}");
        assert!(ranges.last().unwrap().1 >= 1_002_000_000, "{ranges:?}");
    }

    #[test]
    fn neighbours_are_one_range_of_keys_and_none_goes_beyond_64_bits() {
        let parts = Parts::of(Grain::Range { base: -8, bits: 2 }, [0, 1, 5]);
        assert_eq!(parts.runs, [(0, 1), (5, 5)]);
        assert_eq!(parts.key_ranges(), [(-8, -1), (12, 15)]);
        let last = Parts::of(Grain::Range { base: i64::MAX - 1, bits: 4 }, [0]);
        assert_eq!(last.key_ranges(), [(i64::MAX - 1, i64::MAX)]);
    }

    #[test]
    fn parts_differ_if_rows_or_hashes_differ_or_one_side_lacks_them() {
        let source = [sum(1, 5, 50), sum(2, 5, 50), sum(3, 5, 50), sum(7, 1, 9)];
        let target = [sum(1, 5, 50), sum(2, 5, 51), sum(3, 6, 50), sum(0, 4, 1)];
        assert_eq!(differing(&source, &target), [(0, 4), (2, 5), (3, 6), (7, 1)]);
    }

    #[test]
    fn large_parts_are_cut_again_and_small_ones_fetched_some_at_a_time() {
        let grain = Grain::Hash { bits: 10 };
        let small = (10..40).map(|part| (part, 1_000));
        let differing: Vec<_> = [(3, 50_000), (4, 2_000)].into_iter().chain(small).collect();
        let (cut, fetched) = batches(grain, &differing);
        assert_eq!(cut, [(Parts { grain, runs: vec![(3, 4)] }, 50_000)]);
        assert_eq!(fetched.iter().map(|parts| parts.runs.clone()).collect::<Vec<_>>(), [[(10, 29)], [(30, 39)]]);
        // A part that cannot be cut is fetched, whatever its size.
        let (cut, fetched) = batches(Grain::Range { base: 0, bits: 0 }, &[(3, 50_000)]);
        assert_eq!((cut.len(), fetched.len()), (0, 1));
    }

    #[test]
    fn cutting_ends() {
        let mut grain = Grain::Range { base: 0, bits: 62 };
        let mut cuts = 0;
        while let Some(next) = finer(grain, 2_000) {
            (grain, cuts) = (next, cuts + 1);
        }
        assert!(cuts <= 62 && grain == Grain::Range { base: 0, bits: 0 });
        assert_eq!(finer(Grain::Hash { bits: 30 }, u64::MAX), Some(Grain::Hash { bits: 31 }));
        assert_eq!(finer(Grain::Hash { bits: 31 }, u64::MAX), None);
    }
}
