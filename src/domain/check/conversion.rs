//! What ends a conflict of types: which next step works for which pair of types, and for which column.
//!
//! `schema-diff --apply` ends none, because BigQuery has no statement that turns one type into the other.

use super::additions::filling;
use super::anew::making_anew;
use crate::domain::column::{SourceColumn, TargetSchema, same_name};
use crate::domain::config::Mapping;
use crate::domain::mask::Mask;
use crate::domain::quote;
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::{Carriage, Encoding, carriage, widens};

/// A column whose type in BigQuery does not take what MySQL's becomes.
#[derive(Debug, Clone, Copy)]
pub struct Conflict<'a> {
    pub mapping: &'a Mapping,
    pub source: &'a SourceColumn,
    pub target: &'a TargetSchema,
    /// The column's name in BigQuery.
    pub name: &'a str,
    /// The type it has there.
    pub has: &'a TargetType,
    /// The type that it was to get.
    pub wanted: &'a TargetType,
    pub mask: Option<&'a Mask>,
    /// The incremental column's type, if the mapping has one.
    pub cursor: Option<&'a SourceType>,
}

/// What ends a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// `columns` names the type that BigQuery has: values are converted to it.
    Keep(TargetType, Carriage),
    /// `columns` names a type that BigQuery can widen the column to.
    Widen(TargetType),
    /// The column in BigQuery goes out of the way, and another is added.
    Aside,
    /// The table is made anew: BigQuery cannot rename or drop the column, or rows are told apart by it.
    Anew,
}

/// Types that BigQuery widens others to.
const WIDER: [TargetType; 5] = [
    TargetType::Numeric(None),
    TargetType::BigNumeric(None),
    TargetType::Float64,
    TargetType::String(None),
    TargetType::Bytes(None),
];

impl Conflict<'_> {
    /// The first of the ways that works for the column as it is, with the least to do.
    #[must_use]
    pub fn way(&self) -> Way {
        let is_masked = self.mask.is_some_and(Mask::gives_text);
        let plain = TargetType::from_name(self.has.name());
        if let Some(way) = self.carriage(self.has).filter(|_| !is_masked && self.carriage(&plain).is_some()) {
            return Way::Keep(plain, way);
        }
        let wider = WIDER.into_iter().find(|to| widens(self.has, to) && self.carriage(to).is_some());
        match wider {
            Some(to) if !is_masked => Way::Widen(to),
            _ if self.is_fixed() => Way::Anew,
            _ => Way::Aside,
        }
    }

    /// How values of the source become a type; `None` also where different keys would become the same.
    fn carriage(&self, to: &TargetType) -> Option<Carriage> {
        let is_key = self.mapping.primary_keys.iter().any(|key| same_name(key, &self.source.name));
        carriage(&self.source.source_type, to).filter(|way| !(is_key && merges(way)))
    }

    /// Tells if the table cannot do without the column as it is.
    fn is_fixed(&self) -> bool {
        let partition = self.target.partitioning.as_ref().and_then(|by| by.column.as_deref());
        let clusters = |column: &String| same_name(column, &self.source.name);
        self.mapping.places_rows_by(&self.source.name)
            || self.mapping.cluster_by.iter().any(clusters)
            || partition.is_some_and(|column| same_name(column, self.name))
    }

    /// The next step in words.
    #[must_use]
    pub fn remedy(&self) -> String {
        let Self { mapping, name, has, wanted, .. } = self;
        let option = quote::shell_option("--mapping", &mapping.name.0);
        let asking =
            |to: &TargetType| format!("`columns: {{{}: {to}}}` in the mapping", quote::yaml_word(&self.source.name));
        let way = self.way();
        let step = match &way {
            Way::Keep(to, carriage) => {
                let keeps = format!("{} keeps the type that BigQuery has{}", asking(to), losing(*carriage));
                if self.is_fixed() { keeps } else { format!("{keeps}; or, for {wanted}, {}", self.aside()) }
            }
            Way::Widen(to) => format!(
                "{}, then `bqsync schema-diff {option} --apply`: BigQuery can widen {has} to {to}{}",
                asking(to),
                self.carriage(to).map(losing).unwrap_or_default()
            ),
            Way::Aside if self.mask.is_some_and(Mask::gives_text) => format!(
                "a masked value is a text: {}; or `mask: {{{}: null}}`, which keeps the type",
                self.aside(),
                quote::yaml_word(&self.source.name)
            ),
            Way::Aside => self.aside(),
            Way::Anew => format!(
                "rows are told apart or placed by the column, so the table has to be made anew: {}",
                making_anew(mapping)
            ),
        };
        if self.is_fixed() {
            return step;
        }
        let decline = quote::shell_option("--decline", name);
        format!("{step}; or leave the column out: `bqsync schema-diff {option} {decline}`")
    }

    /// The steps that put the column in BigQuery out of the way. One that was published unmasked is dropped. BigQuery
    /// refuses both for a column by which a table is clustered, and a described table does not say by which it is.
    fn aside(&self) -> String {
        let Self { mapping, name, wanted, .. } = self;
        let table = quote::bigquery_table(&mapping.target);
        let column = quote::bigquery_name(name);
        let statement = if self.mask.is_some_and(Mask::gives_text) {
            format!("ALTER TABLE {table} DROP COLUMN {column}")
        } else {
            let former = quote::bigquery_name(&free_name(self.target, name));
            format!("ALTER TABLE {table} RENAME COLUMN {column} TO {former}")
        };
        let whose = if mapping.shard.is_some() { " (the column of all shards of the table)" } else { "" };
        let option = quote::shell_option("--mapping", &mapping.name.0);
        // Modes without an incremental column do not look at its type.
        let filled = filling(mapping, &[name], self.cursor.unwrap_or(&SourceType::Date));
        let of_each = if mapping.shard.is_some() { ", for each shard" } else { "" };
        format!(
            "in BigQuery: {statement}{whose}; then `bqsync schema-diff {option} --apply` adds it as {wanted}, NULL in the rows that \
             are there; {filled}{of_each} (if the table is clustered by the column, BigQuery refuses that statement; then make the \
             table anew: {})",
            making_anew(mapping)
        )
    }
}

/// What an operator can do about a column of ours (`key`) that exists in BigQuery with another type.
#[must_use]
pub fn of_ours(mapping: &Mapping, target: &TargetSchema, key: &str, name: &str) -> String {
    format!(
        "choose another name for `{key}`; or, if the column is in nobody's use under that name, and the table is neither \
         partitioned nor clustered by it, in BigQuery: ALTER TABLE {} RENAME COLUMN {} TO {}",
        quote::bigquery_table(&mapping.target),
        quote::bigquery_name(name),
        quote::bigquery_name(&free_name(target, name))
    )
}

/// A name for a column that is put out of the way.
fn free_name(target: &TargetSchema, name: &str) -> String {
    let mut free = format!("{name}_before");
    while target.column(&free).is_some() {
        free.push('_');
    }
    free
}

/// What a conversion costs; empty if every value arrives as it is.
const fn losing(carriage: Carriage) -> &'static str {
    match carriage.encoding {
        _ if carriage.lossless => "",
        Encoding::DecimalAsFloat => " (digits beyond the fifteenth are rounded)",
        encoding if encoding.has_flaws() => " (`invalid_values` says what becomes of values that it cannot hold)",
        _ => " (a value that it cannot hold fails the run)",
    }
}

/// Tells if the conversion may give different values the same form, which a key must not have. A BIGINT UNSIGNED in an
/// INT64 does not: a value that does not fit is a flaw, never another value.
#[must_use]
pub const fn merges(way: &Carriage) -> bool {
    !way.lossless && !matches!(way.encoding, Encoding::Int { .. })
}
