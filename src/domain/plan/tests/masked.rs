//! Masked columns, renamed columns and our own columns in a plan.

use super::*;
use crate::domain::mask::Mask;
use crate::domain::new_columns::{Pattern, Treatment};
use crate::domain::type_map::{Encoding, StagedType};

const TEXT: SourceType = SourceType::Text { chars: Some(40) };

fn masked(source: SourceType, target: Option<TargetType>, mask: Mask) -> Case {
    let mut case = case(Some(source), target);
    case.mapping.mask.insert("X".to_owned(), mask);
    case
}

#[test]
fn a_masked_column_becomes_text() {
    for (source, encoding) in [
        (TEXT, Encoding::Text),
        (BIGINT, Encoding::IntAsText { bits: 64, unsigned: false }),
        (SourceType::Date, Encoding::DateAsText),
        (SourceType::Decimal { precision: 10, scale: 2 }, Encoding::Text),
        (SourceType::Binary, Encoding::Bytes),
    ] {
        let planned = masked(source.clone(), None, Mask::Sha256).planned();
        let column = planned.column("x");
        assert_eq!((&column.target_type, column.staged), (&TargetType::String(None), StagedType::Text), "{source}");
        assert_eq!((column.encoding, column.mask.as_ref()), (encoding, Some(&Mask::Sha256)), "{source}");
        let diff = planned.diff.columns.iter().find(|c| c.name == "x").unwrap();
        assert_eq!((diff.mask.as_deref(), &diff.verdict), (Some("sha256"), &Verdict::New(TargetType::String(None))));
    }
}

#[test]
fn a_column_that_never_arrives_keeps_its_type_and_may_be_null() {
    let case = masked(BIGINT, Some(TargetType::Int64), Mask::Null);
    let planned = case.planned();
    assert_eq!((planned.verdict("x"), &planned.column("x").target_type), (&Verdict::Same, &TargetType::Int64));
    let position = planned.table.columns.iter().position(|c| c.target_name == "x").unwrap();
    assert!(planned.table.may_be_null(position));
    let mut required = case;
    required.source.columns[2].nullable = false;
    required.target.as_mut().unwrap().columns[2].required = true;
    assert_eq!(required.planned().verdict("x"), &Verdict::Relax);
}

#[test]
fn a_target_column_of_another_type_is_widened_or_a_conflict() {
    let narrow = masked(TEXT, Some(TargetType::String(Some(20))), Mask::Last(4)).planned();
    assert_eq!(narrow.verdict("x"), &Verdict::Widen(TargetType::String(None)));
    for has in [TargetType::Int64, TargetType::Json, TargetType::Bytes(None)] {
        let planned = masked(BIGINT, Some(has.clone()), Mask::Sha256).planned();
        assert_eq!(planned.verdict("x"), &Verdict::Conflict(TargetType::String(None)), "{has}");
    }
}

#[test]
fn a_value_without_text_takes_no_mask_but_null() {
    masked(SourceType::Bit { width: 8 }, None, Mask::Sha256).refused("which a BIT");
    masked(SourceType::Binary, None, Mask::Last(4)).refused("with `last 4`");
    assert!(masked(SourceType::Bit { width: 8 }, None, Mask::Null).plan().is_ok());
    let unknown = masked(SourceType::Unknown("xmltype".to_owned()), None, Mask::Sha256).planned();
    assert_eq!(unknown.moved(), ["id", "updated_at"], "it is left out as ever");
    let mut elsewhere = case(None, None);
    elsewhere.mapping.mask.insert("nowhere".to_owned(), Mask::Null);
    elsewhere.refused("`mask` of mapping `users` names the column `nowhere`");
}

#[test]
fn a_column_that_a_pattern_excludes_is_reported_if_bigquery_has_it() {
    let mut case = case(Some(TEXT), Some(TargetType::String(None)));
    case.mapping.new_columns = vec![Pattern { name: "*".to_owned(), treatment: Treatment::Exclude }];
    let planned = case.planned();
    assert_eq!(planned.moved(), ["id", "updated_at"], "rows are told apart and ordered by these");
    assert!(
        planned
            .warnings
            .iter()
            .any(|warning| warning.sentence.contains("leaves column `x` in MySQL, but users has it"))
    );
    case.target = Some(target(&[]));
    assert!(case.planned().warnings.is_empty());
}

#[test]
fn a_renamed_column_is_compared_under_its_new_name() {
    let mut case = case(Some(TEXT), None);
    case.mapping.rename = [("x".to_owned(), "y".to_owned()), ("ID".to_owned(), "key".to_owned())].into();
    case.target = Some(target(&[("y", TargetType::String(None)), ("key", TargetType::Int64)]));
    let planned = case.planned();
    assert_eq!((planned.verdict("y"), planned.moved()), (&Verdict::Same, vec!["key", "updated_at", "y"]));
    assert_eq!(planned.verdict("id"), &Verdict::MissingInSource);
    assert_eq!(planned.table.keys, [0]);
    case.mapping.rename.insert("x".to_owned(), "updated_at".to_owned());
    case.refused("would both be `updated_at` in BigQuery");
    case.mapping.rename = [("z".to_owned(), "y".to_owned())].into();
    case.refused("`rename` of mapping `users` names the column `z`");
}

#[test]
fn the_loaded_at_column_is_added_like_any_other() {
    let mut case = case(None, None);
    case.mapping.loaded_at = Some("loaded".to_owned());
    let planned = case.planned();
    assert_eq!(planned.verdict("loaded"), &Verdict::New(TargetType::Timestamp));
    assert_eq!(planned.table.loaded_at.as_deref(), Some("loaded"));
    case.additions = SchemaAdditions::Deny;
    assert_eq!(case.planned().table.loaded_at, None, "it waits for leave");
    case.target = Some(target(&[("LOADED", TargetType::Timestamp)]));
    assert_eq!(case.planned().table.loaded_at.as_deref(), Some("LOADED"));
    case.target = Some(target(&[("loaded", TargetType::Int64)]));
    assert_eq!(case.planned().verdict("loaded"), &Verdict::Conflict(TargetType::Timestamp));
    case.mapping.loaded_at = Some("updated_at".to_owned());
    case.refused("`loaded_at` of mapping `users` is `updated_at`, but users has a column");
}
