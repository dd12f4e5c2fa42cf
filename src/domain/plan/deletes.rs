//! The column of ours that marks rows which the source no longer has (`deletes: soft`).

use super::input::PlanInput;
use crate::domain::column::same_name;
use crate::domain::config::SchemaAdditions;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::schema::{ColumnDiff, SchemaDiff, Verdict};
use crate::domain::target_type::TargetType;

/// Compares it as any other column; gives its name where the target has it, or will have it once the difference has been
/// carried out.
pub(super) fn mark(input: &PlanInput<'_>, diff: &mut SchemaDiff) -> Result<Option<String>, Fault> {
    let Some(name) = input.mapping.deleted_column() else { return Ok(None) };
    if let Some(taken) = diff.columns.iter().find(|column| same_name(&column.name, name)) {
        let (mapping, source) = (&input.mapping.name, &input.mapping.source);
        let sentence =
            format!("`deleted_column` of mapping `{mapping}` is `{name}`, but {source} has a column `{}`", taken.name);
        return Err(Fault::new(FaultKind::Config, sentence).with_hint("choose another name for `deleted_column`"));
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
    });
    Ok((is_there && accepted != Some(false)).then_some(name))
}
