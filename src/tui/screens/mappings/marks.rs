//! Marked mappings: the next key applies to them instead of the one under the cursor.

use std::collections::BTreeSet;

use crate::domain::ids::MappingName;
use crate::tui::model::Book;

#[derive(Debug, Default)]
pub struct Marks {
    kept: BTreeSet<MappingName>,
    range: Option<Range>,
}

/// A range that grows and shrinks with the cursor until it is kept.
#[derive(Debug)]
struct Range {
    anchor: MappingName,
    within: BTreeSet<MappingName>,
}

impl Marks {
    #[must_use]
    pub fn contains(&self, name: &MappingName) -> bool {
        self.kept.contains(name) || self.range.as_ref().is_some_and(|range| range.within.contains(name))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.range.is_none()
    }

    /// The marked mappings in the order of the file, without those that are no longer in it.
    #[must_use]
    pub fn names(&self, book: &Book) -> Vec<MappingName> {
        if self.is_empty() {
            return Vec::new();
        }
        book.rows.iter().map(|row| &row.name).filter(|name| self.contains(name)).cloned().collect()
    }

    /// Drops marks of mappings that are no longer in the file, after it was read again.
    pub fn forget_unknown(&mut self, book: &Book) {
        self.kept.retain(|name| book.get(name).is_some());
        self.range.take_if(|range| book.get(&range.anchor).is_none());
    }

    /// Where the range begins.
    #[must_use]
    pub fn anchor(&self) -> Option<&MappingName> {
        self.range.as_ref().map(|range| &range.anchor)
    }

    pub fn toggle(&mut self, name: MappingName) {
        if !self.kept.remove(&name) {
            self.kept.insert(name);
        }
    }

    pub fn begin_range(&mut self, anchor: MappingName) {
        self.range = Some(Range { within: BTreeSet::from([anchor.clone()]), anchor });
    }

    /// Sets the mappings that the range covers.
    pub fn reach(&mut self, names: impl Iterator<Item = MappingName>) {
        if let Some(range) = &mut self.range {
            range.within = names.collect();
        }
    }

    /// Keeps the range's mappings as marks.
    pub fn keep_range(&mut self) {
        if let Some(range) = self.range.take() {
            self.kept.extend(range.within);
        }
    }

    pub fn add(&mut self, names: Vec<MappingName>) {
        self.keep_range();
        self.kept.extend(names);
    }

    /// Marks all of them; if all are marked, unmarks them.
    pub fn toggle_all(&mut self, names: &[MappingName]) {
        self.keep_range();
        if names.iter().all(|name| self.kept.contains(name)) {
            self.kept.retain(|name| !names.contains(name));
        } else {
            self.kept.extend(names.iter().cloned());
        }
    }

    /// Removes the range, or, without a range, all marks. `false` if there was nothing to remove.
    pub fn clear(&mut self) -> bool {
        if self.range.take().is_some() {
            return true;
        }
        !std::mem::take(&mut self.kept).is_empty()
    }
}
