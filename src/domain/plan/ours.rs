//! The target's columns that no column of the source fills: the one that marks rows which the source no longer has
//! (`deletes: soft`), and the one that says when a row was published (`loaded_at`).

use super::input::PlanInput;
use crate::domain::column::same_name;
use crate::domain::config::SchemaAdditions;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::schema::{ColumnDiff, SchemaDiff, Verdict};
use crate::domain::target_type::TargetType;

/// The column that marks deleted rows, where there is one.
pub(super) fn mark(input: &PlanInput<'_>, diff: &mut SchemaDiff) -> Result<Option<String>, Fault> {
    input.mapping.deleted_column().map_or(Ok(None), |name| timestamp(input, diff, "deleted_column", name))
}

/// The column that says when a row was published, where there is one.
pub(super) fn loaded_at(input: &PlanInput<'_>, diff: &mut SchemaDiff) -> Result<Option<String>, Fault> {
    input.mapping.loaded_at.as_deref().map_or(Ok(None), |name| timestamp(input, diff, "loaded_at", name))
}

/// Compares it as any other column; gives its name where the target has it, or will have it once the difference has been
/// carried out.
fn timestamp(input: &PlanInput<'_>, diff: &mut SchemaDiff, key: &str, name: &str) -> Result<Option<String>, Fault> {
    if let Some(taken) = diff.columns.iter().find(|column| same_name(&column.name, name)) {
        let (mapping, source) = (&input.mapping.name, &input.mapping.source);
        let sentence =
            format!("`{key}` of mapping `{mapping}` is `{name}`, but {source} has a column `{}`", taken.name);
        return Err(Fault::new(FaultKind::Config, sentence).with_hint(format!("choose another name for `{key}`")));
    }
    let existing = input.target.and_then(|target| target.column(name));
    let verdict = match existing {
        None => Verdict::New(TargetType::Timestamp),
        Some(column) if column.target_type != TargetType::Timestamp => Verdict::Conflict(TargetType::Timestamp),
        Some(column) if column.required => Verdict::Relax,
        Some(_) => Verdict::Same,
    };
    let accepted = if diff.creates_table { None } else { input.said(name, "", &verdict) };
    let comes = diff.creates_table || input.additions != SchemaAdditions::Deny || accepted == Some(true);
    let is_there = match verdict {
        Verdict::New(_) => comes,
        Verdict::Conflict(_) => false,
        _ => true,
    };
    let name = existing.map_or_else(|| name.to_owned(), |column| column.name.clone());
    diff.columns.push(ColumnDiff {
        name: name.clone(),
        source: None,
        target: existing.map(|column| column.target_type.clone()),
        verdict,
        note: None,
        accepted,
        mask: None,
    });
    Ok((is_there && accepted != Some(false)).then_some(name))
}
