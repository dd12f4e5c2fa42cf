//! Columns that an operator has declined, and a table that is made.

use super::*;
use crate::domain::schema::SchemaDecision;

fn said(accepted: bool, column: &str, mysql: &SourceType) -> (String, SchemaDecision) {
    let (by, at) = ("ops@jump".to_owned(), chrono::DateTime::UNIX_EPOCH);
    (column.to_owned(), SchemaDecision { accepted, mysql: mysql.to_string(), by, at })
}

#[test]
fn a_declined_column_stays_out_even_if_another_writer_adds_it() {
    let there = case(Some(TEXT), Some(TargetType::String(None)));
    let declined = Case { decisions: [said(false, "x", &TEXT)].into(), ..there.clone() }.planned();
    assert_eq!(declined.moved(), ["id", "updated_at"]);
    let warning = declined.warnings.iter().map(ToString::to_string).collect::<String>();
    assert!(warning.contains("`bqsync schema-diff --mapping users --apply --column x`"), "{warning}");
    for decisions in [[said(true, "x", &TEXT)], [said(false, "x", &BIGINT)]] {
        let moved = Case { decisions: decisions.into(), ..there.clone() }.planned();
        assert_eq!(moved.moved(), ["id", "updated_at", "x"]);
    }
}

#[test]
fn a_declined_column_stays_out_of_a_new_table() {
    let new = Case { target: None, ..case(Some(TEXT), None) };
    let declined = Case { decisions: [said(false, "X", &TEXT)].into(), ..new.clone() }.planned();
    assert_eq!(declined.moved(), ["id", "updated_at"]);
    assert!(declined.diff.creates_table);
    // A decision about another type does not count, and an accepted column stays in.
    let other = Case { decisions: [said(false, "x", &BIGINT)].into(), ..new.clone() }.planned();
    assert_eq!(other.moved(), ["id", "updated_at", "x"]);
    let accepted = Case { decisions: [said(true, "x", &TEXT)].into(), ..new.clone() }.planned();
    assert_eq!(accepted.moved(), ["id", "updated_at", "x"]);
    // A column that was declined before it became a key makes the plan fail.
    Case { decisions: [said(false, "id", &BIGINT)].into(), ..new }.refused("`id`, `primary_keys` of mapping `users`");
}
