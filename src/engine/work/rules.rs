//! A mapping whose `where`, `mask` or set of columns has changed since its rows were moved: what lies below the watermark
//! came by other rules, and no incremental run reads it again.

use std::collections::{BTreeMap, BTreeSet};

use super::Work;
use super::prepared::Schemas;
use crate::domain::check::additions::backfill;
use crate::domain::column::{SourceSchema, same_name};
use crate::domain::config::{Mapping, Mode};
use crate::domain::finding::{Finding, Topic};
use crate::domain::new_columns::{Pattern, Treatment};
use crate::domain::plan::TablePlan;
use crate::domain::quote;
use crate::domain::source_type::SourceType;
use crate::domain::table_shard::emptying;
use crate::domain::verify::Comparison;
use crate::engine::ports::Platform;
use crate::state::{MappingState, Rules, SEVERAL};

/// By what the rows below the watermark have come by the rules of now.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) enum Renewed<'a> {
    /// A backfill of all of them: those that the source no longer shows stay.
    Moved,
    /// A comparison of all of them that has mended what differs.
    Compared {
        comparison: &'a Comparison,
        /// Rows that only BigQuery has were left there.
        leaves_rows: bool,
    },
}

impl<P: Platform> Work<'_, P> {
    /// Before the first row nothing lies below the watermark; later a change is told until something has renewed the rows.
    pub(in crate::engine) fn follow_rules(&mut self, schemas: &Schemas) {
        let mapping = &self.scope.mapping;
        let Schemas { source, plan, .. } = schemas;
        let now = rules_of(mapping, schemas);
        if self.ledger.watermark_text().is_none() {
            self.ledger.set_rules(now);
            return;
        }
        let then = self.ledger.state().rules.clone().unwrap_or_default();
        // What is said of columns that are still to come holds from their first row on.
        let masks = each(&now.masks, &then.masks, |column| !is_about(mapping, source, column));
        let names = each(&now.names, &then.names, |column| source.column(column).is_none());
        let has = |name: &String| source.column(name).is_some();
        let left_out = then.left_out.into_iter().filter(has).chain(now.left_out).collect();
        self.ledger.set_rules(Rules { filter: then.filter, masks, names, left_out });
        for finding in changed_rules(&self.scope.mapping, self.ledger.state(), source, Some(plan)) {
            self.note(finding.to_string());
        }
    }

    /// Rows are about to come by the rules of now, beside those that came by others. Saved with whatever comes next.
    pub(in crate::engine) fn mix_rules(&mut self, schemas: &Schemas) {
        let mapping = &self.scope.mapping;
        let now = rules_of(mapping, schemas);
        if self.ledger.watermark_text().is_some() {
            let then = self.ledger.state().rules.clone().unwrap_or_default();
            self.ledger.set_rules(then.mixed_with(&now));
        }
        // A backfill that goes on later does not renew what came by these rules meanwhile.
        if self
            .ledger
            .backfill()
            .and_then(|known| known.rules.as_ref())
            .is_some_and(|begun| !still_hold(begun, mapping))
        {
            self.ledger.forget_rules_of_backfill();
        }
    }

    /// Saved with whatever comes next.
    pub(in crate::engine) fn renew_rules(&mut self, by: Renewed<'_>, rules: Rules) {
        let rules = renewed(&self.scope.mapping, self.ledger.state(), by, rules);
        self.ledger.set_rules(rules);
    }

    /// Is anything known of the rows below the watermark, or to be said of them, that moving them again would change?
    pub(in crate::engine) fn has_rules(&self, now: &Rules) -> bool {
        !now.is_empty() || self.ledger.state().rules.is_some()
    }
}

/// The rules by which the rows of a plan move.
pub(in crate::engine) fn rules_of(mapping: &Mapping, schemas: &Schemas) -> Rules {
    Rules { left_out: left_out(&schemas.source, &schemas.plan), ..Rules::of(mapping) }
}

/// Does a backfill that began by these rules end by the same? A file may change meanwhile.
pub(in crate::engine) fn still_hold(begun: &Rules, mapping: &Mapping) -> bool {
    let now = Rules::of(mapping);
    (&begun.filter, &begun.masks, &begun.names) == (&now.filter, &now.masks, &now.names)
}

/// The rules by which the rows below the watermark are there, once they have been renewed by those of `now`.
pub(in crate::engine) fn renewed(mapping: &Mapping, state: &MappingState, by: Renewed<'_>, now: Rules) -> Rules {
    let then = state.rules.clone().unwrap_or_default();
    // Of several, each may have been keyed.
    let is_keyed = |mask: Option<&String>| mask.is_some_and(|mask| mask.starts_with("hmac ") || mask == SEVERAL);
    let masks = each(&now.masks, &then.masks, |column| match (mapping.mode, by) {
        // An append leaves the values that it finds.
        (Mode::Append, _) => false,
        (Mode::Upsert | Mode::Replace | Mode::Mirror, Renewed::Moved) => true,
        // A comparison sees that there is a keyed mask, and not by which key.
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
    // Without a filter every row matches.
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

/// What is said now of columns where something is so, and else what was said then.
fn each(
    now: &BTreeMap<String, String>,
    then: &BTreeMap<String, String>,
    is_now: impl Fn(&str) -> bool,
) -> BTreeMap<String, String> {
    let columns: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
    let said = |column: &String| if is_now(column) { now.get(column) } else { then.get(column) }.cloned();
    columns.into_iter().filter_map(|column| Some((column.clone(), said(column)?))).collect()
}

/// Does the source have such a column, or one of such a pattern that is not named by itself?
fn is_about(mapping: &Mapping, source: &SourceSchema, name: &str) -> bool {
    let pattern = Pattern { name: name.to_owned(), treatment: Treatment::Keep };
    source.columns.iter().filter(|column| pattern.matches(&column.name)).any(|column| {
        let named = mapping.mask.keys().find(|named| same_name(named, &column.name));
        !mapping.places_rows_by(&column.name) && named.is_none_or(|named| named == name)
    })
}

/// A finding for each rule that is another than when the rows below the watermark were moved. `plan`: `None` where there is
/// none to say which columns move.
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
        let sentence = "`where` is another than when the rows up to the watermark were moved: rows below it that match only \
                        now are not in BigQuery, and rows that match no longer are there still";
        Finding::warn(Topic::Where, sentence).remedy(format!(
            "`bqsync verify {option} --repair` brings the ones, and the others go as `deletes` says; what it leaves there keeps \
             this warning until it has been deleted in BigQuery and the command has ended once more"
        ))
    });
    let taken_up = plan.and_then(|plan| taken_up(mapping, &then, plan));
    let renamed = plan.and_then(|plan| renamed(mapping, &now, &then, plan));
    filter.into_iter().chain(changed_masks(mapping, &now, &then, source)).chain(renamed).chain(taken_up).collect()
}

/// Columns that have another name in BigQuery than when the rows up to the watermark were moved.
fn renamed(mapping: &Mapping, now: &Rules, then: &Rules, plan: &TablePlan) -> Option<Finding> {
    let columns: BTreeSet<&String> = now.names.keys().chain(then.names.keys()).collect();
    let differs = |column: &&String| now.names.get(*column) != then.names.get(*column) && moves(plan, column);
    let named: Vec<_> = columns.into_iter().filter(differs).map(|name| format!("`{name}`")).collect();
    let cursor = plan.cursor_column()?.source.source_type.clone();
    if named.is_empty() {
        return None;
    }
    let sentence = format!(
        "`rename` of {} is another than when the rows up to the watermark were moved: in {} these hold NULL under the name of now, and \
         what they held under the former one",
        named.join(", "),
        mapping.target
    );
    Some(Finding::warn(Topic::Columns, sentence).remedy(filling(mapping, &cursor)))
}

/// What fills a column of rows that are there.
fn filling(mapping: &Mapping, cursor: &SourceType) -> String {
    match mapping.mode {
        Mode::Append => format!(
            "a backfill of an append leaves them as they are: fill them in BigQuery by an UPDATE, then `bqsync verify {} --repair`",
            quote::shell_option("--mapping", &mapping.name.0)
        ),
        Mode::Upsert | Mode::Replace | Mode::Mirror => format!("`{}` fills them", backfill(mapping, cursor)),
    }
}

/// Columns that move now, and did not when the rows up to the watermark were moved.
fn taken_up(mapping: &Mapping, then: &Rules, plan: &TablePlan) -> Option<Finding> {
    let named: Vec<_> = then.left_out.iter().filter(|name| moves(plan, name)).map(|name| format!("`{name}`")).collect();
    let cursor = plan.cursor_column()?.source.source_type.clone();
    if named.is_empty() {
        return None;
    }
    let sentence = format!(
        "{} did not move when the rows up to the watermark were moved: {} holds NULL or a former value in it for rows that have \
         not changed since",
        named.join(", "),
        mapping.target
    );
    Some(Finding::warn(Topic::Columns, sentence).remedy(filling(mapping, &cursor)))
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
        Mode::Append => format!(
            "a backfill of an append leaves them as they are: load them anew (in BigQuery, {}; then take `{}` out of `last_sync` in \
             the state file and run again), and mind that BigQuery's time travel shows the former rows for days",
            emptying(&mapping.target, mapping.shard.as_ref()),
            mapping.name
        ),
        Mode::Upsert | Mode::Replace | Mode::Mirror => format!(
            "a backfill from the beginning (`bqsync backfill {option} --start ...`) puts the masks of now in their place; \
             BigQuery's time travel shows the former rows for days, and rows that MySQL no longer has keep theirs until they are \
             deleted there"
        ),
    }))
}
