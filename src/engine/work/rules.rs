//! Follows changes of a mapping's `where`, `mask` or set of columns: rows below the watermark were moved under the
//! former rules, and no incremental run reads them again.

use std::collections::{BTreeMap, BTreeSet};

use super::Work;
use super::prepared::Schemas;
use crate::domain::check::additions::filling;
use crate::domain::check::anew::loading_again;
use crate::domain::column::{SourceSchema, same_name};
use crate::domain::config::{Mapping, Mode};
use crate::domain::finding::{Finding, Topic};
use crate::domain::new_columns::{Pattern, Treatment};
use crate::domain::plan::TablePlan;
use crate::domain::quote;
use crate::domain::verify::Comparison;
use crate::engine::ports::Platform;
use crate::state::{MappingState, Rules, SEVERAL};

/// How the rows below the watermark were renewed under the present rules.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) enum Renewed<'a> {
    /// A backfill has moved all of them; rows that the source no longer shows have stayed.
    Moved,
    /// A comparison of all of them has mended the differences.
    Compared {
        comparison: &'a Comparison,
        /// Rows that only BigQuery has were left in the target.
        leaves_rows: bool,
    },
}

impl<P: Platform> Work<'_, P> {
    /// Compares the rules with those of the rows below the watermark, if there are any, and warns about each difference
    /// until the rows have been renewed.
    pub(in crate::engine) fn follow_rules(&mut self, schemas: &Schemas) {
        let mapping = &self.scope.mapping;
        let Schemas { source, plan, .. } = schemas;
        let now = rules_of(mapping, schemas);
        if self.ledger.watermark_text().is_none() {
            self.ledger.set_rules(now);
            return;
        }
        let then = self.ledger.state().rules.clone().unwrap_or_default();
        // A rule about a column that does not exist yet holds from the column's first row on.
        let masks = each(&now.masks, &then.masks, |column| !is_about(mapping, source, column));
        let names = each(&now.names, &then.names, |column| source.column(column).is_none());
        let has = |name: &String| source.column(name).is_some();
        let left_out = then.left_out.into_iter().filter(has).chain(now.left_out).collect();
        self.ledger.set_rules(Rules { filter: then.filter, masks, names, left_out });
        for finding in changed_rules(&self.scope.mapping, self.ledger.state(), source, Some(plan)) {
            self.note(finding.to_string());
        }
    }

    /// Records that rows will come under the present rules beside rows under other rules; saved with the next change.
    pub(in crate::engine) fn mix_rules(&mut self, schemas: &Schemas) {
        let mapping = &self.scope.mapping;
        let now = rules_of(mapping, schemas);
        if self.ledger.watermark_text().is_some() {
            let then = self.ledger.state().rules.clone().unwrap_or_default();
            self.ledger.set_rules(then.mixed_with(&now));
        }
        // When the backfill continues later, it does not renew rows that came under these rules in between.
        if self
            .ledger
            .backfill()
            .and_then(|known| known.rules.as_ref())
            .is_some_and(|begun| !still_hold(begun, mapping))
        {
            self.ledger.forget_rules_of_backfill();
        }
    }

    /// Records that the rows below the watermark were renewed; saved with the next change.
    pub(in crate::engine) fn renew_rules(&mut self, by: Renewed<'_>, rules: Rules) {
        let rules = renewed(&self.scope.mapping, self.ledger.state(), by, rules);
        self.ledger.set_rules(rules);
    }

    /// Whether the rows below the watermark have rules, or would get some by being moved again.
    pub(in crate::engine) fn has_rules(&self, now: &Rules) -> bool {
        !now.is_empty() || self.ledger.state().rules.is_some()
    }
}

/// The rules under which a plan's rows move.
pub(in crate::engine) fn rules_of(mapping: &Mapping, schemas: &Schemas) -> Rules {
    Rules { left_out: left_out(&schemas.source, &schemas.plan), ..Rules::of(mapping) }
}

/// Whether a backfill that began under these rules ends under the same ones. The configuration may change meanwhile.
pub(in crate::engine) fn still_hold(begun: &Rules, mapping: &Mapping) -> bool {
    let now = Rules::of(mapping);
    (&begun.filter, &begun.masks, &begun.names) == (&now.filter, &now.masks, &now.names)
}

/// The rules of the rows below the watermark after they were renewed under the rules `now`.
pub(in crate::engine) fn renewed(mapping: &Mapping, state: &MappingState, by: Renewed<'_>, now: Rules) -> Rules {
    let then = state.rules.clone().unwrap_or_default();
    // One of several masks may have had a key.
    let is_keyed = |mask: Option<&String>| mask.is_some_and(|mask| mask.starts_with("hmac ") || mask == SEVERAL);
    let masks = each(&now.masks, &then.masks, |column| match (mapping.mode, by) {
        // An append does not change values that are in the target.
        (Mode::Append, _) => false,
        (Mode::Upsert | Mode::Replace | Mode::Mirror, Renewed::Moved) => true,
        // A comparison sees that a mask has a key, but not which one.
        (Mode::Upsert | Mode::Replace | Mode::Mirror, Renewed::Compared { .. }) => {
            !(is_keyed(now.masks.get(column)) && is_keyed(then.masks.get(column)))
        }
    });
    let left_out = match (mapping.mode, by) {
        (Mode::Append, Renewed::Moved) => then.left_out,
        (Mode::Upsert | Mode::Replace | Mode::Mirror, Renewed::Moved) => now.left_out,
        (_, Renewed::Compared { comparison, .. }) => {
            let unseen = then.left_out.into_iter().filter(|name| !comparison.looks_at(name));
            now.left_out.into_iter().chain(unseen).collect()
        }
    };
    let names = each(&now.names, &then.names, |column| match (mapping.mode, by) {
        (Mode::Append, Renewed::Moved) => false,
        (Mode::Upsert | Mode::Replace | Mode::Mirror, Renewed::Moved) => true,
        (_, Renewed::Compared { comparison, .. }) => comparison.looks_at(column),
    });
    // Without a filter every row was moved.
    let leaves_rows = match by {
        Renewed::Moved => now.filter.is_some(),
        Renewed::Compared { leaves_rows, .. } => leaves_rows,
    };
    Rules { filter: if leaves_rows { then.filter } else { now.filter }, masks, names, left_out }
}

/// Columns of the source that do not move.
fn left_out(source: &SourceSchema, plan: &TablePlan) -> BTreeSet<String> {
    source.columns.iter().map(|column| &column.name).filter(|name| !moves(plan, name)).cloned().collect()
}

pub(super) fn moves(plan: &TablePlan, column: &str) -> bool {
    plan.columns.iter().any(|planned| same_name(&planned.source.name, column))
}

/// Joins both maps: for columns where `is_now` is true, the present entry; for others, the former one.
fn each(
    now: &BTreeMap<String, String>,
    then: &BTreeMap<String, String>,
    is_now: impl Fn(&str) -> bool,
) -> BTreeMap<String, String> {
    let columns: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
    let said = |column: &String| if is_now(column) { now.get(column) } else { then.get(column) }.cloned();
    columns.into_iter().filter_map(|column| Some((column.clone(), said(column)?))).collect()
}

/// Whether the source has this column, or a column that matches this pattern and is not named by itself.
fn is_about(mapping: &Mapping, source: &SourceSchema, name: &str) -> bool {
    let pattern = Pattern { name: name.to_owned(), treatment: Treatment::Keep };
    source.columns.iter().filter(|column| pattern.matches(&column.name)).any(|column| {
        let named = mapping.mask.keys().find(|named| same_name(named, &column.name));
        !mapping.places_rows_by(&column.name) && named.is_none_or(|named| named == name)
    })
}

/// A finding for each rule that has changed since the rows below the watermark were moved. `plan`: `None` if there is
/// no plan that says which columns move.
pub(in crate::engine) fn changed_rules(
    mapping: &Mapping,
    state: &MappingState,
    source: &SourceSchema,
    plan: Option<&TablePlan>,
) -> Vec<Finding> {
    if !mapping.mode.has_windows() || state.watermark.is_none() {
        return Vec::new();
    }
    let (now, then) = (Rules::of(mapping), state.rules.clone().unwrap_or_default());
    let option = quote::shell_option("--mapping", &mapping.name.0);
    let filter = (now.filter != then.filter).then(|| {
        let sentence = "`where` has changed since the rows up to the watermark were moved: rows below it that match \
                        only now are missing in BigQuery, and rows that no longer match are still there";
        Finding::warn(Topic::Where, sentence).remedy(format!(
            "`bqsync verify {option} --repair` brings the missing rows, and removes the others as `deletes` says; if \
             it leaves any, this warning stays until they have been deleted in BigQuery and the command has run again"
        ))
    });
    let taken_up = plan.and_then(|plan| taken_up(mapping, &then, plan));
    let renamed = plan.and_then(|plan| renamed(mapping, &now, &then, plan));
    filter.into_iter().chain(changed_masks(mapping, &now, &then, source)).chain(renamed).chain(taken_up).collect()
}

fn in_words(columns: &[&String]) -> String {
    let quoted: Vec<_> = columns.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The finding for columns whose name in BigQuery has changed since the rows up to the watermark were moved.
fn renamed(mapping: &Mapping, now: &Rules, then: &Rules, plan: &TablePlan) -> Option<Finding> {
    let columns: BTreeSet<&String> = now.names.keys().chain(then.names.keys()).collect();
    let differs = |column: &&String| now.names.get(*column) != then.names.get(*column) && moves(plan, column);
    let columns: Vec<_> = columns.into_iter().filter(differs).collect();
    if columns.is_empty() {
        return None;
    }
    let remedy = filled(mapping, &columns, plan)?;
    let sentence = format!(
        "`rename` of {} has changed since the rows up to the watermark were moved: in {} these rows have NULL under \
         the new name and their values under the former one",
        in_words(&columns),
        mapping.target
    );
    Some(Finding::warn(Topic::Columns, sentence).remedy(remedy))
}

/// What fills these columns of the source in the rows that are in the target already.
fn filled(mapping: &Mapping, columns: &[&String], plan: &TablePlan) -> Option<String> {
    let names: Vec<_> = columns.iter().map(|column| mapping.target_column(column)).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    Some(filling(mapping, &names, &plan.cursor_column()?.source.source_type))
}

/// The finding for columns that move now but were left out when the rows up to the watermark were moved.
fn taken_up(mapping: &Mapping, then: &Rules, plan: &TablePlan) -> Option<Finding> {
    let columns: Vec<_> = then.left_out.iter().filter(|name| moves(plan, name)).collect();
    if columns.is_empty() {
        return None;
    }
    let remedy = filled(mapping, &columns, plan)?;
    let sentence = format!(
        "{} was left out when the rows up to the watermark were moved: {} holds NULL or a former value in it for rows \
         that have not changed since",
        in_words(&columns),
        mapping.target
    );
    Some(Finding::warn(Topic::Columns, sentence).remedy(remedy))
}

/// The finding for values that were published without a mask, or with another one.
fn changed_masks(mapping: &Mapping, now: &Rules, then: &Rules, source: &SourceSchema) -> Option<Finding> {
    let columns: BTreeSet<&String> = now.masks.keys().chain(then.masks.keys()).collect();
    let differs = |column: &&String| now.masks.get(*column) != then.masks.get(*column);
    let columns = columns.into_iter().filter(differs).filter(|column| is_about(mapping, source, column));
    let columns: Vec<_> = columns.collect();
    if columns.is_empty() {
        return None;
    }
    let sentence = format!(
        "the mask of {} has changed since the rows up to the watermark were published: {} holds their values under \
         the former mask, or unmasked",
        in_words(&columns),
        mapping.target
    );
    let option = quote::shell_option("--mapping", &mapping.name.0);
    Some(Finding::warn(Topic::Mask, sentence).remedy(match mapping.mode {
        Mode::Append => format!(
            "a backfill does not change rows of an append: load them again ({}); BigQuery's time travel shows the former rows \
             for some days",
            loading_again(mapping)
        ),
        Mode::Upsert | Mode::Replace | Mode::Mirror => format!(
            "a backfill from the beginning (`bqsync backfill {option} --start ...`) applies the present masks; \
             BigQuery's time travel shows the former rows for some days, and rows that MySQL no longer has keep their \
             values until they are deleted there"
        ),
    }))
}
