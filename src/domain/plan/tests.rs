//! The plan for each state of the target and each policy.

mod cluster;
mod conflicts;
mod declined;
mod masked;
mod paging;
mod partitions;

use std::path::Path;

use chrono_tz::Tz;

use super::*;
use crate::domain::column::{SourceColumn, SourceSchema, TargetColumn, TargetSchema};
use crate::domain::config::{self, DELETED_COLUMN, Mapping, SchemaAdditions};
use crate::domain::cursor::CursorKind;
use crate::domain::fault::FaultKind;
use crate::domain::partitioning::PartitionUnit;
use crate::domain::schema::{Decisions, Verdict};
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::Cast;

const BIGINT: SourceType = SourceType::Int { bits: 64, unsigned: false };
const STAMP: SourceType = SourceType::Timestamp { fsp: 0 };

fn mapping() -> Mapping {
    let users = "{name: users, mysql_table: users, primary_keys: [id], incremental_column: updated_at, mode: upsert}";
    let text = format!("project: p\ndataset: d\nmappings: [{users}]");
    config::parse(&text, Path::new("config.yaml"), &|_| None).expect("no problem").mappings.remove(0)
}

/// `id`, `updated_at` (indexed) and more.
fn source(more: &[(&str, SourceType)]) -> SourceSchema {
    let all = [("id", BIGINT), ("updated_at", STAMP)].into_iter().chain(more.iter().cloned());
    let columns =
        all.map(|(name, source_type)| SourceColumn::new(name, source_type, !matches!(name, "id" | "updated_at")));
    let (id, stamp) = (vec!["id".to_owned()], vec!["updated_at".to_owned()]);
    SourceSchema {
        columns: columns.collect(),
        unique_keys: vec![id.clone()],
        indexes: vec![id, stamp],
        is_view: false,
        is_transactional: true,
        hides_columns: false,
        rows_estimate: Some(1),
        comment: None,
    }
}

fn target(more: &[(&str, TargetType)]) -> TargetSchema {
    let all =
        [("id", TargetType::Int64), ("updated_at", TargetType::Timestamp)].into_iter().chain(more.iter().cloned());
    let columns = all.map(|(name, target_type)| TargetColumn::new(name, target_type, false));
    TargetSchema { columns: columns.collect(), rows: Some(0), ..TargetSchema::default() }
}

#[derive(Clone)]
struct Case {
    mapping: Mapping,
    source: SourceSchema,
    target: Option<TargetSchema>,
    additions: SchemaAdditions,
    decisions: Decisions,
}

/// Both tables without differences, and one more column on either side if given.
fn case(at_source: Option<SourceType>, at_target: Option<TargetType>) -> Case {
    let source_columns: Vec<_> = at_source.map(|t| ("x", t)).into_iter().collect();
    let target_columns: Vec<_> = at_target.map(|t| ("x", t)).into_iter().collect();
    Case {
        mapping: mapping(),
        source: source(&source_columns),
        target: Some(target(&target_columns)),
        additions: SchemaAdditions::Allow,
        decisions: Decisions::new(),
    }
}

impl Case {
    fn plan(&self) -> Result<Planned, Fault> {
        plan(PlanInput {
            mapping: &self.mapping,
            timezone: Tz::UTC,
            additions: self.additions,
            source: &self.source,
            target: self.target.as_ref(),
            decisions: &self.decisions,
        })
    }

    fn planned(&self) -> Planned {
        self.plan().expect("a plan")
    }

    #[track_caller]
    fn refused(&self, words: &str) {
        let fault = self.plan().expect_err("a fault");
        assert_eq!(fault.kind(), FaultKind::Config);
        assert!(fault.to_string().contains(words), "`{words}` is not in `{fault}`");
        assert_ne!(fault.hint(), FaultKind::Config.hint(), "{fault}");
    }
}

impl Planned {
    fn verdict(&self, name: &str) -> &Verdict {
        &self.diff.columns.iter().find(|c| c.name == name).expect("a compared column").verdict
    }

    fn moved(&self) -> Vec<&str> {
        self.table.columns.iter().map(|c| c.target_name.as_str()).collect()
    }

    fn column(&self, name: &str) -> &ColumnPlan {
        self.table.columns.iter().find(|c| c.target_name == name).expect("a moved column")
    }
}

const TEXT: SourceType = SourceType::Text { chars: Some(50) };

#[test]
fn a_new_table_gets_every_column_whatever_the_policy() {
    for additions in [SchemaAdditions::Allow, SchemaAdditions::Deny, SchemaAdditions::Review] {
        let planned = Case { target: None, additions, ..case(Some(TEXT), None) }.planned();
        assert!(planned.diff.creates_table);
        assert_eq!(planned.moved(), ["id", "updated_at", "x"]);
        let cursor = planned.table.cursor.unwrap();
        assert_eq!((planned.table.keys.as_slice(), cursor.position), (&[0][..], 1));
        assert_eq!(cursor.kind, CursorKind::DateTime { fsp: 0, zone: Tz::UTC });
        assert!(planned.warnings.is_empty(), "{:?}", planned.warnings);
        assert!(planned.table.is_verbatim());
    }
}

#[test]
fn the_policy_decides_whether_a_new_column_is_added() {
    for (additions, moved) in [
        (SchemaAdditions::Allow, vec!["id", "updated_at", "x"]),
        (SchemaAdditions::Review, vec!["id", "updated_at", "x"]),
        (SchemaAdditions::Deny, vec!["id", "updated_at"]),
    ] {
        let planned = Case { additions, ..case(Some(TEXT), None) }.planned();
        assert_eq!(planned.moved(), moved);
        // Named in every case, so that the operator can decide.
        assert_eq!(planned.verdict("x"), &Verdict::New(TargetType::String(None)));
        let warned = planned
            .warnings
            .iter()
            .any(|w| w.sentence.contains("`x`") && w.sentence.contains("allow_schema_additions"));
        assert_eq!(warned, additions == SchemaAdditions::Deny);
    }
}

#[test]
fn a_key_or_cursor_that_may_not_be_added_stops_the_mapping() {
    let mut case = Case { additions: SchemaAdditions::Deny, ..case(None, None) };
    case.target.as_mut().unwrap().columns.remove(1);
    case.refused("`updated_at`, `incremental_column` of mapping `users`, is not among the columns");
    case.target = Some(target(&[]));
    case.target.as_mut().unwrap().columns.remove(0);
    case.refused("`id`, `primary_keys` of mapping `users`, is not among the columns");
}

#[test]
fn a_column_of_another_type_that_holds_every_value_is_used_as_it_is() {
    for (at_source, at_target, cast) in [
        (SourceType::DateTime { fsp: 0 }, TargetType::DateTime, Cast::None),
        (SourceType::Int { bits: 32, unsigned: true }, TargetType::String(None), Cast::None),
        (SourceType::Decimal { precision: 10, scale: 2 }, TargetType::BigNumeric(None), Cast::To),
        (SourceType::Json, TargetType::Json, Cast::ParseJson),
        (SourceType::Text { chars: Some(5) }, TargetType::String(Some(5)), Cast::None),
    ] {
        let planned = case(Some(at_source), Some(at_target.clone())).planned();
        assert_eq!(planned.verdict("x"), &Verdict::Same, "{at_target}");
        assert_eq!((&planned.column("x").target_type, planned.column("x").cast), (&at_target, cast));
        assert!(planned.diff.is_settled());
        assert_eq!(planned.table.is_verbatim(), cast == Cast::None);
    }
}

#[test]
fn a_column_that_has_become_too_narrow_is_widened() {
    let shape = Some(crate::domain::target_type::DecimalShape { precision: 10, scale: 2 });
    for (at_source, at_target, wide) in [
        (SourceType::Int { bits: 64, unsigned: true }, TargetType::Int64, TargetType::Numeric(None)),
        (SourceType::Decimal { precision: 12, scale: 2 }, TargetType::Numeric(shape), TargetType::Numeric(None)),
        (SourceType::Decimal { precision: 38, scale: 0 }, TargetType::Numeric(None), TargetType::BigNumeric(None)),
        (SourceType::Double, TargetType::Int64, TargetType::Float64),
        (TEXT, TargetType::String(Some(20)), TargetType::String(None)),
    ] {
        let planned = case(Some(at_source), Some(at_target)).planned();
        assert_eq!(planned.verdict("x"), &Verdict::Widen(wide.clone()));
        assert_eq!(planned.column("x").target_type, wide);
        assert_eq!(planned.diff.changes().count(), 1);
    }
}

#[test]
fn types_that_cannot_be_converted_are_a_conflict() {
    for (at_source, at_target) in [
        (TEXT, TargetType::Int64),
        (SourceType::DateTime { fsp: 0 }, TargetType::Date),
        (SourceType::Decimal { precision: 10, scale: 2 }, TargetType::Float64),
        (SourceType::Int { bits: 8, unsigned: false }, TargetType::Bool),
        (BIGINT, TargetType::Other("RANGE".into())),
    ] {
        let planned = case(Some(at_source), Some(at_target.clone())).planned();
        assert!(matches!(planned.verdict("x"), Verdict::Conflict(_)), "{at_target}");
        assert_eq!(planned.diff.conflicts().count(), 1);
        assert!(!planned.diff.is_settled());
    }
}

#[test]
fn a_configured_type_is_respected() {
    let asks = |at_source, asked: &str, at_target| {
        let mut case = case(Some(at_source), at_target);
        case.mapping.columns.insert("X".into(), asked.parse().unwrap());
        case
    };
    let tiny = SourceType::Int { bits: 8, unsigned: false };
    assert_eq!(asks(tiny.clone(), "BOOL", None).planned().verdict("x"), &Verdict::New(TargetType::Bool));
    assert_eq!(asks(tiny.clone(), "BOOL", Some(TargetType::Bool)).planned().verdict("x"), &Verdict::Same);
    // A type that would do without the override does not do with it.
    let strings = asks(tiny.clone(), "BOOL", Some(TargetType::String(None))).planned();
    assert_eq!(strings.verdict("x"), &Verdict::Conflict(TargetType::Bool));
    asks(tiny, "GEOGRAPHY", None)
        .refused("asks for column `x` as GEOGRAPHY, but a TINYINT of MySQL cannot become that");
}

#[test]
fn a_required_column_is_relaxed_if_the_source_may_hold_null() {
    let mut case = case(Some(TEXT), Some(TargetType::String(None)));
    for column in &mut case.target.as_mut().unwrap().columns {
        column.required = true;
    }
    let planned = case.planned();
    assert_eq!(planned.verdict("x"), &Verdict::Relax);
    assert_eq!(planned.verdict("id"), &Verdict::Same);
    assert!(planned.moved().contains(&"x"));
    // A column that is gone from the source gets no more values either.
    case.source.columns.pop();
    assert_eq!(case.planned().verdict("x"), &Verdict::Relax);
}

#[test]
fn a_column_that_only_bigquery_has_is_kept_and_reported() {
    let planned = case(None, Some(TargetType::Int64)).planned();
    assert_eq!(planned.verdict("x"), &Verdict::MissingInSource);
    assert_eq!(planned.moved(), ["id", "updated_at"]);
    assert!(
        planned.warnings[0].sentence.contains("`x` is in BigQuery's users but no longer in MySQL's users"),
        "{:?}",
        planned.warnings
    );
    assert!(planned.diff.is_settled());
}

#[test]
fn a_marking_column_that_no_run_sets_any_more_is_reported() {
    let mut case = case(None, Some(TargetType::Int64));
    for column in &mut case.target.as_mut().unwrap().columns {
        if column.name == "x" {
            DELETED_COLUMN.clone_into(&mut column.name);
        }
    }
    let told = case.planned().warnings[0].to_string();
    assert!(told.contains("a row that is back keeps its mark") && told.contains("DROP COLUMN"), "{told}");
}

#[test]
fn an_excluded_column_neither_moves_nor_warns() {
    for at_target in [None, Some(TargetType::String(None))] {
        let mut case = case(Some(TEXT), at_target);
        case.mapping.exclude.push("X".into());
        let planned = case.planned();
        assert_eq!(planned.moved(), ["id", "updated_at"]);
        assert!(planned.warnings.is_empty(), "{:?}", planned.warnings);
        assert!(planned.diff.is_settled());
    }
}

#[test]
fn a_column_of_an_unknown_type_is_left_out_and_not_reported_as_missing() {
    let unknown = || SourceType::Unknown("xmltype".into());
    for at_target in [None, Some(TargetType::String(None))] {
        let planned = case(Some(unknown()), at_target).planned();
        assert_eq!(planned.moved(), ["id", "updated_at"]);
        assert_eq!(planned.warnings.len(), 1, "{:?}", planned.warnings);
        assert!(planned.warnings[0].sentence.contains("XMLTYPE cannot be read"));
    }
    let mut asked = case(Some(unknown()), None);
    asked.mapping.columns.insert("x".into(), TargetType::String(None));
    asked.refused("cannot become that");
}

#[test]
fn two_columns_never_share_a_name_in_bigquery() {
    let mut case = Case { source: source(&[("a.b", TEXT), ("A-B", TEXT)]), target: None, ..case(None, None) };
    case.refused("Columns `a.b` and `A-B` of users would both be `A_B` in BigQuery");
    case.mapping.exclude.push("a.b".into());
    assert_eq!(case.planned().moved(), ["id", "updated_at", "A_B"]);
}

#[test]
fn staged_names_are_plain_and_distinct() {
    // `größe` stands at position 2, so its staged name would be `c2`, which the table has itself.
    let case =
        Case { source: source(&[("größe", TEXT), ("C2", TEXT), ("名前", TEXT)]), target: None, ..case(None, None) };
    let planned = case.planned();
    let staged: Vec<_> = planned.table.columns.iter().map(|c| c.staged_name.as_str()).collect();
    assert_eq!(staged, ["id", "updated_at", "c2_", "C2", "c4"]);
    assert_eq!(planned.moved(), ["id", "updated_at", "größe", "C2", "名前"]);
    assert!(!planned.table.is_verbatim());
}

#[test]
fn a_column_keeps_the_targets_spelling() {
    let planned = Case { target: Some(target(&[("X", TargetType::String(None))])), ..case(Some(TEXT), None) }.planned();
    assert_eq!(planned.moved(), ["id", "updated_at", "X"]);
    assert!(planned.diff.is_settled());
}

#[test]
fn unknown_columns_are_refused_with_a_list_of_the_existing_ones() {
    type Change = fn(&mut Mapping);
    let changes: [(&str, Change); 5] = [
        ("primary_keys", |m| m.primary_keys.push("nope".into())),
        ("incremental_column", |m| m.incremental_column = Some("nope".into())),
        ("exclude", |m| m.exclude.push("nope".into())),
        ("partition_by", |m| m.partition_by = Some(partitions::by("nope", PartitionUnit::Day))),
        ("columns", |m| drop(m.columns.insert("nope".into(), TargetType::Int64))),
    ];
    for (key, change) in changes {
        let mut case = case(None, None);
        change(&mut case.mapping);
        case.refused(&format!("`{key}` of mapping `users` names the column `nope`"));
        assert_eq!(case.plan().expect_err("a fault").hint(), "its columns are: id, updated_at");
    }
}

#[test]
fn a_cursor_must_grow_in_both_servers() {
    for bad in [TEXT, SourceType::Double, SourceType::Time { fsp: 0 }, SourceType::Json] {
        let mut case = case(Some(bad), None);
        case.mapping.incremental_column = Some("x".into());
        case.refused("`incremental_column` of mapping `users` is `x`, of type");
    }
    for (good, kind) in [
        (SourceType::Date, CursorKind::Date),
        (SourceType::DateTime { fsp: 3 }, CursorKind::DateTime { fsp: 3, zone: Tz::UTC }),
        (BIGINT, CursorKind::Int),
    ] {
        let mut case = case(Some(good), None);
        case.mapping.incremental_column = Some("x".into());
        assert_eq!(case.planned().table.cursor.unwrap().kind, kind);
    }
    // The text `9` comes after `10`: an upsert would keep the older row.
    let mut as_text = case(Some(BIGINT), Some(TargetType::String(None)));
    as_text.mapping.incremental_column = Some("x".into());
    as_text.refused("a number in MySQL but STRING in BigQuery");
}

#[test]
fn keys_stay_distinct_on_their_way() {
    let mut numbers = case(Some(TEXT), None);
    numbers.mapping.primary_keys = vec!["x".into()];
    numbers.mapping.columns.insert("x".into(), TargetType::Int64);
    numbers.refused("different TEXT values can become the same");
    // The way out for tables whose ids were made INT64 by hand.
    let mut unsigned = case(Some(SourceType::Int { bits: 64, unsigned: true }), Some(TargetType::Int64));
    unsigned.mapping.primary_keys = vec!["x".into()];
    unsigned.mapping.columns.insert("x".into(), TargetType::Int64);
    assert_eq!(unsigned.planned().verdict("x"), &Verdict::Same);
}

#[test]
fn a_key_whose_case_matters_only_in_mysql_is_refused() {
    let text = SourceType::Text { chars: Some(9) };
    let planned = |collation: &str| {
        let mut case = case(Some(text.clone()), Some(TargetType::String(None)));
        case.mapping.primary_keys = vec!["x".into()];
        case.source.columns[2].collation = Some(collation.to_owned());
        case.target.as_mut().unwrap().columns[2].ignores_case = true;
        case.plan()
    };
    let fault = planned("utf8mb4_bin").unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Schema);
    assert!(fault.to_string().contains("`x`") && fault.hint().contains("DEFAULT COLLATE ''"), "{fault}");
    assert!(planned("utf8mb4_general_ci").is_ok());
}
