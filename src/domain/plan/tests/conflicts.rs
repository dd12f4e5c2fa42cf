//! Types in conflict: the next step that is named ends the conflict, for each pair of types.

use super::*;
use crate::domain::check::conversion::{Conflict, Way};
use crate::domain::target_type::DecimalShape;

const INT: SourceType = SourceType::Int { bits: 32, unsigned: false };

fn sources() -> Vec<SourceType> {
    let decimal = |precision, scale| SourceType::Decimal { precision, scale };
    let int = |bits| SourceType::Int { bits, unsigned: bits == 64 };
    vec![
        int(8),
        INT,
        int(64),
        BIGINT,
        SourceType::Year,
        decimal(10, 2),
        decimal(65, 30),
        decimal(65, 20),
        SourceType::Float,
        SourceType::Double,
        SourceType::Bit { width: 1 },
        SourceType::Bit { width: 64 },
        SourceType::Date,
        SourceType::DateTime { fsp: 6 },
        STAMP,
        SourceType::Time { fsp: 3 },
        TEXT,
        SourceType::Text { chars: None },
        SourceType::Enum,
        SourceType::Json,
        SourceType::Binary,
        SourceType::Geometry,
        SourceType::Vector,
        SourceType::Uuid,
    ]
}

fn targets() -> Vec<TargetType> {
    vec![
        TargetType::Int64,
        TargetType::Float64,
        TargetType::Bool,
        TargetType::Numeric(None),
        TargetType::Numeric(Some(DecimalShape { precision: 6, scale: 2 })),
        TargetType::BigNumeric(None),
        TargetType::String(None),
        TargetType::String(Some(10)),
        TargetType::Bytes(None),
        TargetType::Bytes(Some(4)),
        TargetType::Date,
        TargetType::DateTime,
        TargetType::Time,
        TargetType::Timestamp,
        TargetType::Json,
        TargetType::Geography,
        TargetType::Other("RECORD".to_owned()),
    ]
}

/// The way out of the conflict about `x`, if there is one.
fn way(case: &Case) -> Option<Way> {
    let planned = case.planned();
    let Verdict::Conflict(wanted) = planned.verdict("x") else { return None };
    let target = case.target.as_ref().unwrap();
    let conflict = Conflict {
        mapping: &case.mapping,
        source: case.source.column("x").unwrap(),
        target,
        name: "x",
        has: &target.column("x").unwrap().target_type,
        wanted,
        mask: case.mapping.mask_of("x"),
        cursor: Some(&STAMP),
    };
    let told = planned.diff.columns.iter().find(|column| column.name == "x").unwrap().remedy.clone();
    assert_eq!(told, Some(conflict.remedy()));
    Some(conflict.way())
}

fn remedy(case: &Case) -> String {
    case.planned().diff.columns.iter().find_map(|column| column.remedy.clone()).expect("a conflict")
}

#[test]
fn the_named_step_ends_the_conflict_of_every_pair_of_types() {
    let mut seen = [0; 3];
    for (from, has) in sources().into_iter().flat_map(|from| targets().into_iter().map(move |has| (from.clone(), has)))
    {
        let before = case(Some(from.clone()), Some(has.clone()));
        let Some(way) = way(&before) else { continue };
        let mut after = before.clone();
        match way {
            Way::Keep(to, _) => {
                after.mapping.columns.insert("x".to_owned(), to);
                assert_eq!(after.planned().verdict("x"), &Verdict::Same, "{from} in {has}");
                seen[0] += 1;
            }
            Way::Widen(to) => {
                after.mapping.columns.insert("x".to_owned(), to.clone());
                assert_eq!(after.planned().verdict("x"), &Verdict::Widen(to), "{from} in {has}");
                seen[1] += 1;
            }
            Way::Aside => {
                after.target = Some(target(&[("x_before", has.clone())]));
                assert!(matches!(after.planned().verdict("x"), Verdict::New(_)), "{from} in {has}");
                assert!(after.planned().diff.conflicts().next().is_none());
                seen[2] += 1;
            }
            Way::Anew => panic!("{from} in {has}: BigQuery can rename the column"),
        }
    }
    assert!(seen.iter().all(|seen| *seen > 0), "{seen:?}");
}

#[test]
fn a_conflict_names_the_steps_for_its_pair_of_types() {
    let told = remedy(&case(Some(TEXT), Some(TargetType::Int64)));
    assert!(
        told.starts_with(
            "`columns: {x: INT64}` in the mapping keeps the type that BigQuery has (a value that it cannot hold \
                              fails the run)"
        ),
        "{told}"
    );
    assert!(
        told.contains(
            "or, for STRING, in BigQuery: ALTER TABLE `p.d.users` RENAME COLUMN `x` TO `x_before`; then `bqsync \
                           schema-diff --mapping users --apply` adds it as STRING"
        ),
        "{told}"
    );
    assert!(told.contains("`bqsync backfill --mapping users --start '1970-01-01'` fills them"), "{told}");
    assert!(told.ends_with("or leave the column out: `bqsync schema-diff --mapping users --decline x`"), "{told}");
    let clustered = "if the table is clustered by the column, BigQuery refuses that statement; then make the table anew: in \
                     BigQuery, DROP TABLE `p.d.users`";
    assert!(told.contains(clustered), "BigQuery refuses to rename such a column: {told}");
    let told = remedy(&case(Some(SourceType::Decimal { precision: 65, scale: 20 }), Some(TargetType::Int64)));
    assert!(
        told.starts_with("`columns: {x: FLOAT64}` in the mapping, then `bqsync schema-diff --mapping users --apply`"),
        "{told}"
    );
}

#[test]
fn a_name_that_is_taken_is_not_proposed_for_the_former_column() {
    let target = target(&[("x", TargetType::Bool), ("X_before", TargetType::Bool)]);
    let told = remedy(&Case { target: Some(target), ..case(Some(INT), None) });
    assert!(told.contains("RENAME COLUMN `x` TO `x_before_`"), "{told}");
}

#[test]
fn a_column_by_which_rows_are_told_apart_has_its_table_made_anew() {
    let mut placed = case(Some(TEXT), Some(TargetType::Bool));
    placed.mapping.primary_keys.push("x".to_owned());
    placed.source.unique_keys.push(vec!["x".to_owned()]);
    assert_eq!(way(&placed), Some(Way::Anew), "a key that is converted might not tell rows apart");
    let told = remedy(&placed);
    assert!(
        told.ends_with(
            "in BigQuery, DROP TABLE `p.d.users`; then `bqsync run-once --forget-watermark --mapping users`; rows that MySQL \
             no longer has are lost"
        ),
        "{told}"
    );
}

#[test]
fn a_mask_is_a_text_and_takes_the_place_of_what_was_unmasked() {
    let mut masked = case(Some(TEXT), Some(TargetType::Int64));
    masked.mapping.mask.insert("x".to_owned(), crate::domain::mask::Mask::Sha256);
    let told = remedy(&masked);
    assert!(told.contains("DROP COLUMN `x`") && told.contains("`mask: {x: null}`"), "{told}");
    assert!(!told.contains("x_before"), "the former values were not masked: {told}");
}
