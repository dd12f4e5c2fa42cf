//! A mapping whose `where` or `mask` has changed since its rows were moved: what lies below the watermark came by other
//! rules, and no incremental run reads it again.

use std::collections::{BTreeMap, BTreeSet};

use super::Work;
use crate::domain::column::{SourceSchema, same_name};
use crate::domain::config::{Mapping, Mode};
use crate::domain::finding::{Finding, Topic};
use crate::domain::new_columns::{Pattern, Treatment};
use crate::domain::quote;
use crate::engine::ports::Platform;
use crate::state::{MappingState, Rules};

/// By what the rows below the watermark have come by the rules of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Renewed {
    /// A backfill.
    Moved,
    /// A comparison of all rows that has left no difference.
    Compared,
}

impl<P: Platform> Work<'_, P> {
    /// Before the first row nothing lies below the watermark; later a change is told until something has renewed the rows.
    pub(in crate::engine) fn follow_rules(&mut self, source: &SourceSchema) {
        let mapping = &self.scope.mapping;
        let now = Rules::of(mapping);
        if self.ledger.watermark_text().is_none() {
            self.ledger.set_rules(now);
            return;
        }
        let then = self.ledger.state().rules.clone().unwrap_or_default();
        // What is said of columns that are still to come holds from their first row on.
        let masks = each(&now, &then, |column| !is_about(mapping, source, column));
        self.ledger.set_rules(Rules { filter: then.filter, masks });
        for finding in changed_rules(&self.scope.mapping, self.ledger.state(), source) {
            self.note(finding.to_string());
        }
    }

    /// Saved with whatever comes next.
    pub(in crate::engine) fn renew_rules(&mut self, by: Renewed) {
        let rules = renewed(&self.scope.mapping, self.ledger.state(), by);
        self.ledger.set_rules(rules);
    }
}

/// The rules by which the rows below the watermark are there, once they have been renewed.
pub(in crate::engine) fn renewed(mapping: &Mapping, state: &MappingState, by: Renewed) -> Rules {
    let (now, then) = (Rules::of(mapping), state.rules.clone().unwrap_or_default());
    let is_keyed = |mask: Option<&String>| mask.is_some_and(|mask| mask.starts_with("hmac "));
    let masks = each(&now, &then, |column| match (mapping.mode, by) {
        // An append leaves the values that it finds.
        (Mode::Append, _) => false,
        (Mode::Upsert | Mode::Replace | Mode::Mirror, Renewed::Moved) => true,
        // A comparison sees that there is a keyed mask, and not by which key.
        (Mode::Upsert | Mode::Replace | Mode::Mirror, Renewed::Compared) => {
            !(is_keyed(now.masks.get(column)) && is_keyed(then.masks.get(column)))
        }
    });
    Rules { filter: now.filter, masks }
}

/// The masks of now where something is so, and else those of then.
fn each(now: &Rules, then: &Rules, is_now: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let columns: BTreeSet<&String> = now.masks.keys().chain(then.masks.keys()).collect();
    let mask = |column: &String| if is_now(column) { now.masks.get(column) } else { then.masks.get(column) }.cloned();
    columns.into_iter().filter_map(|column| Some((column.clone(), mask(column)?))).collect()
}

/// Does the source have such a column, or one of such a pattern that is not named by itself?
fn is_about(mapping: &Mapping, source: &SourceSchema, name: &str) -> bool {
    let pattern = Pattern { name: name.to_owned(), treatment: Treatment::Keep };
    source.columns.iter().filter(|column| pattern.matches(&column.name)).any(|column| {
        let named = mapping.mask.keys().find(|named| same_name(named, &column.name));
        !mapping.places_rows_by(&column.name) && named.is_none_or(|named| named == name)
    })
}

/// A finding for each rule that is another than when the rows below the watermark were moved.
pub(in crate::engine) fn changed_rules(mapping: &Mapping, state: &MappingState, source: &SourceSchema) -> Vec<Finding> {
    if !mapping.mode.has_windows() || state.watermark.is_none() {
        return Vec::new();
    }
    let (now, then) = (Rules::of(mapping), state.rules.clone().unwrap_or_default());
    let option = quote::shell_option("--mapping", &mapping.name.0);
    let filter = (now.filter != then.filter).then(|| {
        let sentence = "`where` is another than when the rows up to the watermark were moved: rows below it that match only \
                        now are not in BigQuery, and rows that match no longer are there still";
        Finding::warn(Topic::Where, sentence).remedy(format!(
            "`bqsync verify {option} --repair` brings the ones (so does a backfill from the beginning), and the others go as \
             `deletes` says"
        ))
    });
    filter.into_iter().chain(changed_masks(mapping, &now, &then, source)).collect()
}

/// Values that were published before a mask, or by another one.
fn changed_masks(mapping: &Mapping, now: &Rules, then: &Rules, source: &SourceSchema) -> Option<Finding> {
    let columns: BTreeSet<&String> = now.masks.keys().chain(then.masks.keys()).collect();
    let differs = |column: &&String| now.masks.get(*column) != then.masks.get(*column);
    let named = columns.into_iter().filter(differs).filter(|column| is_about(mapping, source, column));
    let named: Vec<_> = named.map(|column| format!("`{column}`")).collect();
    if named.is_empty() {
        return None;
    }
    let sentence = format!(
        "the mask of {} is another than when the rows up to the watermark were published: {} holds their values as they came \
         then, which may be in clear",
        named.join(", "),
        mapping.target
    );
    let option = quote::shell_option("--mapping", &mapping.name.0);
    Some(Finding::warn(Topic::Mask, sentence).remedy(match mapping.mode {
        Mode::Append => "a backfill of an append leaves them as they are: load the table anew (take the mapping out of \
                         `last_sync` and drop the table), and mind that BigQuery's time travel shows the former rows for days"
            .to_owned(),
        Mode::Upsert | Mode::Replace | Mode::Mirror => format!(
            "a backfill from the beginning (`bqsync backfill {option} --start ...`) puts the masks of now in their place; \
             BigQuery's time travel shows the former rows for days, and rows that MySQL no longer has keep theirs until they are \
             deleted there"
        ),
    }))
}
