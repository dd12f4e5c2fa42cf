//! How the rows of a window are read: in pages by key, where that is both right and cheap.

use super::input::PlanInput;
use super::table::{ColumnPlan, Paging};
use crate::domain::column::same_name;
use crate::domain::source_type::SourceType;
use crate::domain::type_map::Encoding;

/// Pages if an index carries `(cursor, key)` and the keys are truly unique; otherwise one pass.
pub(super) fn choose(input: &PlanInput<'_>, columns: &[ColumnPlan], keys: &[usize]) -> Paging {
    let names: Vec<&str> = keys.iter().map(|&k| columns[k].source.name.as_str()).collect();
    let unique = input.source.unique_keys.iter().any(|index| same_set(index, &names));
    let pageable = keys.iter().all(|&k| can_page(&columns[k]));
    let indexed = input.mapping.incremental_column.as_ref().is_some_and(|cursor| input.source.has_index_on(cursor));
    if indexed && unique && pageable && !names.is_empty() { Paging::Keyset } else { Paging::Stream }
}

fn same_set(index: &[String], names: &[&str]) -> bool {
    index.len() == names.len() && names.iter().all(|n| index.iter().any(|i| same_name(i, n)))
}

/// Tells if ORDER BY and a comparison with a bound value agree for the type. (ENUM and SET order by position but
/// compare as text; floats have no exact literal.) A NULL would end the pages.
fn can_page(column: &ColumnPlan) -> bool {
    !column.source.nullable
        && match column.source.source_type {
            SourceType::Int { .. }
            | SourceType::Decimal { .. }
            | SourceType::Year
            | SourceType::Date
            | SourceType::DateTime { .. }
            | SourceType::Timestamp { .. }
            | SourceType::Binary
            | SourceType::Uuid => true,
            SourceType::Text { .. } => text_comes_back(column),
            _ => false,
        }
}

/// Tells if a text that was read is the same to the server when it comes back as a bound value. A text that is read as
/// bytes is not, because bytes are not in the connection's character set; nor is one in a character set older than
/// Unicode, which may become another character on the way back. And MariaDB stores a CHAR padded but gives it stripped:
/// under a NO PAD collation these are two values.
fn text_comes_back(column: &ColumnPlan) -> bool {
    let source = &column.source;
    let no_pad = source.collation.as_deref().is_some_and(|collation| collation.contains("nopad"));
    column.encoding == Encoding::Text && !source.is_legacy_text() && !no_pad
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::column::SourceColumn;
    use crate::domain::target_type::TargetType;
    use crate::domain::type_map::{Cast, StagedType};

    fn text(charset: &str, collation: &str, encoding: Encoding) -> ColumnPlan {
        let source = SourceColumn::new("k", SourceType::Text { chars: Some(4) }, false);
        ColumnPlan {
            source: SourceColumn { charset: Some(charset.into()), collation: Some(collation.into()), ..source },
            target_name: "k".into(),
            target_type: TargetType::String(None),
            staged_name: "k".into(),
            encoding,
            staged: StagedType::Text,
            cast: Cast::None,
            mask: None,
        }
    }

    #[test]
    fn pages_follow_a_text_key_only_if_it_can_be_bound_as_it_was_read() {
        assert!(can_page(&text("utf8mb4", "utf8mb4_unicode_ci", Encoding::Text)));
        assert!(can_page(&text("latin1", "latin1_swedish_ci", Encoding::Text)));
        for no_pad in ["utf8mb4_nopad_bin", "latin1_swedish_nopad_ci", "utf8mb4_uca1400_nopad_ai_ci"] {
            assert!(!can_page(&text("utf8mb4", no_pad, Encoding::Text)), "{no_pad}");
        }
        assert!(!can_page(&text("latin1", "latin1_swedish_ci", Encoding::Bytes)));
        assert!(!can_page(&text("cp932", "cp932_japanese_ci", Encoding::Text)));
        let mut nullable = text("utf8mb4", "utf8mb4_bin", Encoding::Text);
        nullable.source.nullable = true;
        assert!(!can_page(&nullable));
    }
}
