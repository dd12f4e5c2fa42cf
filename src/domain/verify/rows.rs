//! Compares the rows of parts that differ, key by key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::form::Form;

/// The keys' values, in the order of the mapping; `None` is NULL.
pub type Key = Vec<Option<String>>;

/// A row as one side gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowDigest {
    pub key: Key,
    pub hash: String,
    /// The row lies in the window. Only MySQL gives rows that do not: they have changed since, or hold NULL.
    pub in_window: bool,
}

/// A key whose rows differ between the sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub key: Key,
    pub kind: DifferenceKind,
}

/// How the rows differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    OnlyInMysql,
    /// The row was deleted in MySQL, or was never there.
    OnlyInBigquery,
    /// The value of some column.
    Differs,
    /// BigQuery holds the key more often than MySQL.
    Doubled,
}

impl DifferenceKind {
    pub const ALL: [Self; 4] = [Self::OnlyInMysql, Self::OnlyInBigquery, Self::Differs, Self::Doubled];

    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::OnlyInMysql => "only in MySQL",
            Self::OnlyInBigquery => "only in BigQuery",
            Self::Differs => "differs",
            Self::Doubled => "doubled in BigQuery",
        }
    }
}

/// Counts of the keys that differ, and the first of them with their values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    most_named: usize,
    /// The forms of the keys' values.
    forms: Vec<Option<Form>>,
    /// The first keys, as people write them.
    pub named: Vec<Difference>,
    pub counts: BTreeMap<DifferenceKind, u64>,
    /// Keys whose row in MySQL has changed since the watermark; BigQuery holds its former version.
    pub changed_since: u64,
}

impl Tally {
    #[must_use]
    pub fn naming(most: usize, forms: Vec<Option<Form>>) -> Self {
        Self { most_named: most, forms, ..Self::default() }
    }

    /// The number of differing keys of one kind.
    #[must_use]
    pub fn count(&self, kind: DifferenceKind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Compares all rows of some parts. MySQL must be asked after BigQuery: then a row that changed in between is
    /// recognised as changed, and a row that a run brought over in between is not missed. Gives every key that differs.
    pub fn add(&mut self, source: Vec<RowDigest>, target: Vec<RowDigest>) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut keys: BTreeMap<Key, (Vec<RowDigest>, Vec<String>)> = BTreeMap::new();
        for row in source {
            keys.entry(row.key.clone()).or_default().0.push(row);
        }
        for row in target {
            keys.entry(row.key).or_default().1.push(row.hash);
        }
        for (key, (ours, theirs)) in keys {
            if ours.iter().any(|row| !row.in_window) {
                self.changed_since += u64::from(!theirs.is_empty());
            } else if let Some(kind) = judge(ours, theirs) {
                *self.counts.entry(kind).or_default() += 1;
                let difference = Difference { key, kind };
                if self.named.len() < self.most_named {
                    self.named.push(Difference { key: self.shown(&difference.key), kind });
                }
                found.push(difference);
            }
        }
        found
    }

    fn shown(&self, key: &Key) -> Key {
        let forms = self.forms.iter().copied().chain(std::iter::repeat(None));
        let shown = |(value, form): (&Option<String>, Option<Form>)| {
            value.as_ref().map(|value| form.map_or_else(|| value.clone(), |form| form.shown(value)))
        };
        key.iter().zip(forms).map(shown).collect()
    }
}

fn judge(source: Vec<RowDigest>, mut target: Vec<String>) -> Option<DifferenceKind> {
    let mut source: Vec<String> = source.into_iter().map(|row| row.hash).collect();
    source.sort_unstable();
    target.sort_unstable();
    match (source.len(), target.len()) {
        (_, 0) => Some(DifferenceKind::OnlyInMysql),
        (0, _) => Some(DifferenceKind::OnlyInBigquery),
        (ours, theirs) if theirs > ours => Some(DifferenceKind::Doubled),
        _ => (source != target).then_some(DifferenceKind::Differs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, hash: &str, in_window: bool) -> RowDigest {
        RowDigest { key: vec![Some(key.into())], hash: hash.into(), in_window }
    }

    fn told(source: Vec<RowDigest>, target: Vec<RowDigest>) -> (Vec<(String, DifferenceKind)>, u64) {
        let mut tally = Tally::naming(100, Vec::new());
        tally.add(source, target);
        let named = tally.named.iter().map(|d| (d.key[0].clone().unwrap(), d.kind)).collect();
        (named, tally.changed_since)
    }

    #[test]
    fn each_kind_of_difference_is_found_by_key() {
        use DifferenceKind::{Differs, Doubled, OnlyInBigquery, OnlyInMysql};
        let source = vec![row("a", "1", true), row("b", "2", true), row("c", "3", true), row("e", "5", true)];
        let target = vec![
            row("a", "1", true),
            row("b", "9", true),
            row("d", "4", true),
            row("e", "5", true),
            row("e", "5", true),
        ];
        let expected = [("b", Differs), ("c", OnlyInMysql), ("d", OnlyInBigquery), ("e", Doubled)];
        assert_eq!(told(source, target), (expected.map(|(key, kind)| (key.to_owned(), kind)).to_vec(), 0));
    }

    #[test]
    fn a_row_that_changed_after_the_watermark_is_not_a_difference() {
        let source = vec![row("old version", "2", false), row("not there yet", "7", false)];
        let target = vec![row("old version", "1", true)];
        assert_eq!(told(source, target), (vec![], 1));
    }

    #[test]
    fn a_key_is_shown_readably_and_returned_in_its_compared_form() {
        let mut tally = Tally::naming(1, vec![Some(Form::Wall)]);
        let found = tally.add(vec![row("1795420800000000", "1", true)], vec![]);
        assert_eq!(tally.named[0].key, [Some("2026-11-23 08:00:00".to_owned())]);
        assert_eq!(found[0].key, [Some("1795420800000000".to_owned())]);
    }

    #[test]
    fn only_the_first_differing_keys_are_named_and_all_are_counted() {
        let mut tally = Tally::naming(2, vec![None]);
        for key in ["a", "b", "c"] {
            tally.add(vec![row(key, "1", true)], vec![]);
        }
        assert_eq!((tally.named.len(), tally.count(DifferenceKind::OnlyInMysql)), (2, 3));
    }
}
