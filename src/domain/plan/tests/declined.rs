//! Columns that an operator has declined, and a table that is made.

use super::*;
use crate::domain::schema::SchemaDecision;

#[test]
fn what_an_operator_has_declined_stays_out_of_a_new_table() {
    let said = |accepted, column: &str, mysql: &SourceType| {
        let (by, at) = ("ops@jump".to_owned(), chrono::DateTime::UNIX_EPOCH);
        (column.to_owned(), SchemaDecision { accepted, mysql: mysql.to_string(), by, at })
    };
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
