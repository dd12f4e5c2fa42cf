use super::*;
use crate::domain::column::TargetColumn;
use crate::domain::partitioning::Partitioning;
use crate::domain::plan::samples;
use crate::domain::target_type::TargetType;

/// A table of one integer column that is cursor and key.
fn plan(mode: Mode) -> TablePlan {
    TablePlan { mode, ..samples::plan(vec![samples::number("id")], &[0], 0) }
}

fn target(rows: u64, extra_column: bool) -> TargetSchema {
    let column = |name: &str| TargetColumn::new(name, TargetType::Int64, false);
    let mut columns = vec![column("id")];
    if extra_column {
        columns.push(column("old"));
    }
    TargetSchema { columns, rows: Some(rows), ..TargetSchema::default() }
}

fn mark(imported: bool) -> Watermark {
    Watermark { cursor: Cursor::Int(5), imported }
}

fn window(low: Low) -> Window {
    Window { low, high: Cursor::Int(9) }
}

#[test]
fn a_window_begins_after_our_own_watermark_and_at_an_imported_one() {
    let low_of = |operator, imported| low(operator, Some(&mark(imported)), None);
    let (after, from) = (Low::After(Cursor::Int(5)), Low::From(Cursor::Int(5)));
    assert_eq!(low_of(Operator::Greater, false), after);
    assert_eq!(low_of(Operator::Greater, true), from);
    assert_eq!(low_of(Operator::GreaterOrEqual, false), from);
}

#[test]
fn without_a_watermark_the_window_begins_where_the_mapping_says() {
    assert_eq!(low(Operator::Greater, None, None), Low::Beginning);
    assert_eq!(low(Operator::Greater, None, Some(Cursor::Int(3))), Low::From(Cursor::Int(3)));
}

/// A first publish after `5`, into a table that does not exist.
fn facts(plan: &TablePlan) -> Facts<'_> {
    Facts {
        plan,
        target: None,
        window: window(Low::After(Cursor::Int(5))),
        overlap: None,
        unsure: false,
        is_first: true,
        each_key_once: true,
        staging: Staging::Table,
        wins: Wins::Newer,
    }
}

/// The choice for these facts, after the test's change.
fn chosen(mode: Mode, target: Option<&TargetSchema>, change: impl Fn(&mut Facts<'_>)) -> PublishKind {
    let plan = plan(mode);
    let mut facts = Facts { target, ..facts(&plan) };
    change(&mut facts);
    choose(&facts)
}

#[test]
fn an_append_copies_only_if_the_columns_match_and_no_row_can_be_there() {
    let of = |target: Option<TargetSchema>, overlap: Option<i128>| {
        chosen(Mode::Append, target.as_ref(), |facts| facts.overlap = overlap.map(Cursor::Int))
    };
    assert_eq!(of(Some(target(7, false)), None), PublishKind::Copy);
    assert_eq!(of(Some(target(7, true)), None), PublishKind::Insert);
    assert_eq!(of(None, None), PublishKind::Copy);
    assert_eq!(of(Some(target(7, false)), Some(5)), PublishKind::Copy);
    assert_eq!(of(Some(target(7, false)), Some(6)), PublishKind::InsertMissing);
    let unsure = chosen(Mode::Append, Some(&target(7, false)), |facts| facts.unsure = true);
    assert_eq!(unsure, PublishKind::InsertMissing);
    let inline = chosen(Mode::Append, Some(&target(7, false)), |facts| facts.staging = Staging::Inline);
    assert_eq!(inline, PublishKind::Insert, "there is no table to be copied");
}

#[test]
fn a_window_overlaps_unless_it_follows_our_watermark_or_the_table_is_empty() {
    let (full, empty, ours) = (target(7, false), target(0, false), mark(false));
    let after = window(Low::After(Cursor::Int(5)));
    assert!(!may_overlap(&after, Some(&full), Some(&ours)));
    assert!(may_overlap(&window(Low::From(Cursor::Int(5))), Some(&full), Some(&ours)));
    assert!(may_overlap(&window(Low::Beginning), Some(&full), None));
    assert!(!may_overlap(&window(Low::Beginning), Some(&empty), None));
    assert!(!may_overlap(&window(Low::Beginning), None, None));
    let unknown = TargetSchema { rows: None, ..empty };
    assert!(may_overlap(&window(Low::Beginning), Some(&unknown), None));
}

#[test]
fn an_upsert_merges_unless_the_target_is_empty() {
    let as_it_is = |_: &mut Facts<'_>| {};
    let of = |target: Option<TargetSchema>| chosen(Mode::Upsert, target.as_ref(), as_it_is);
    assert_eq!(of(None), PublishKind::Copy);
    assert_eq!(of(Some(target(0, false))), PublishKind::Copy);
    assert_eq!(of(Some(target(0, true))), PublishKind::Insert, "a copy job's rule for other columns is unknown");
    assert_eq!(of(Some(target(1, false))), PublishKind::Merge);
    let unknown = TargetSchema { rows: None, ..target(0, false) };
    assert_eq!(of(Some(unknown)), PublishKind::Merge, "a figure that is missing is not 0");
    let into_nothing = |change: fn(&mut Facts<'_>)| chosen(Mode::Upsert, None, change);
    assert_eq!(into_nothing(|facts| facts.each_key_once = false), PublishKind::InsertNewest);
    assert_eq!(into_nothing(|facts| facts.staging = Staging::Inline), PublishKind::Insert);
    assert_eq!(into_nothing(|facts| facts.is_first = false), PublishKind::Merge);
    let read_again = into_nothing(|facts| (facts.is_first, facts.wins) = (false, Wins::Read));
    assert_eq!(read_again, PublishKind::MergeAsRead);
}

#[test]
fn a_new_table_is_filled_by_a_copy_only_if_it_has_exactly_the_staged_columns() {
    let is_copied = |change: fn(&mut TablePlan)| {
        let mut plan = plan(Mode::Upsert);
        change(&mut plan);
        choose(&facts(&plan)) == PublishKind::Copy
    };
    assert!(is_copied(|_| ()));
    assert!(!is_copied(|plan| plan.columns[0].target_type = TargetType::BigNumeric(None)));
    assert!(!is_copied(|plan| plan.columns[0].staged_name = "c0".to_owned()));
    assert!(!is_copied(|plan| plan.deleted_column = Some("gone".to_owned())));
    assert!(!is_copied(|plan| plan.partitioning = Some(Partitioning::by_day("id".to_owned()))));
}
