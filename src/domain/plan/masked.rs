//! Masked columns: the text that a mask works on, and the type of the masked value.

use crate::domain::column::{SourceColumn, same_name};
use crate::domain::config::Mapping;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::{Finding, Topic};
use crate::domain::mask::Mask;
use crate::domain::quote;
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::{self, Carriage, Cast, Encoding, StagedType};

/// A masked value is text, whatever its column's type is.
const TEXT: TargetType = TargetType::String(None);

/// How a value becomes the text that a mask works on: as in a STRING column, or the bytes of a binary column.
pub fn carriage(source: &SourceType, target: &TargetType, mask: &Mask) -> Option<Carriage> {
    if *target != TEXT {
        return None;
    }
    let encoding = match source {
        // Only a text has characters to count.
        SourceType::Binary if mask.counts_characters() => return None,
        SourceType::Binary => Encoding::Bytes,
        other => type_map::carriage(other, &TEXT)?.encoding,
    };
    Some(Carriage { encoding, staged: StagedType::Text, cast: Cast::None, lossless: true })
}

/// The type that the masked column gets.
///
/// # Errors
/// `Config` for a type whose values have no text.
pub(super) fn wanted(mapping: &Mapping, source: &SourceColumn, mask: &Mask) -> Result<TargetType, Fault> {
    if carriage(&source.source_type, &TEXT, mask).is_some() {
        return Ok(TEXT);
    }
    let (name, column, source_type) = (&mapping.name, &source.name, &source.source_type);
    let sentence = format!("Mapping `{name}` masks column `{column}` with `{mask}`, which a {source_type} cannot have");
    Err(Fault::new(FaultKind::Config, sentence).with_hint(format!(
        "`mask: {{{}: null}}` lets nothing of it arrive, `exclude` leaves the column in MySQL",
        quote::yaml_word(column)
    )))
}

/// Reports a column that `new_columns` leaves in MySQL although BigQuery has it.
pub(super) fn kept_back(mapping: &Mapping, source: &SourceColumn) -> Option<Finding> {
    let by_pattern =
        mapping.excludes(&source.name) && !mapping.exclude.iter().any(|name| same_name(name, &source.name));
    by_pattern.then(|| {
        let sentence = format!(
            "`new_columns` leaves column `{}` in MySQL, but {} has it: its values there are no longer updated",
            source.name, mapping.target.table
        );
        Finding::warn(Topic::Columns, sentence).remedy(format!(
            "if it should stay in MySQL, name it in `exclude` and drop the column in BigQuery; otherwise put \
             `new_columns: {{{}: keep}}` before the pattern",
            quote::yaml_word(&source.name)
        ))
    })
}
