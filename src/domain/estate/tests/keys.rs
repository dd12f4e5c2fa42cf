//! Which key is proposed, and which columns prevent it.

use super::*;
use crate::domain::column::Cascade;

pub fn keyed(mut facts: TableFacts, keys: &[&[&str]]) -> TableFacts {
    facts.schema.unique_keys = keys.iter().map(|key| key.iter().map(|&name| name.to_owned()).collect()).collect();
    facts
}

pub fn set_null(column: &str, parent: &str) -> Cascade {
    let action = "ON DELETE SET NULL".to_owned();
    Cascade { columns: vec![column.to_owned()], parent: parent.to_owned(), action }
}

/// Mode, keys and reason of the proposal.
fn moved(facts: TableFacts) -> (Mode, Vec<String>, String) {
    let Choice::Moved(entry) = one(facts) else { panic!() };
    let why = entry.why().to_owned();
    (entry.mode, entry.keys, why)
}

#[test]
fn a_key_that_contains_the_stamp_is_not_used_for_an_upsert() {
    let log = || stamped(numbered(table("t", &[("code", text(8)), ("at", MOMENT)])), "at", true);
    let (mode, keys, why) = moved(keyed(log(), &[&["id", "at"]]));
    assert_eq!((mode, keys), (Mode::Mirror, vec!["id".to_owned(), "at".to_owned()]));
    assert!(why.starts_with("every UPDATE changes the key (id, at)"), "{why}");
    let (mode, keys, _) = moved(keyed(log(), &[&["id", "at"], &["code"]]));
    assert_eq!((mode, keys), (Mode::Upsert, vec!["code".to_owned()]));
    let without = TableFacts { has_primary_key: false, ..keyed(log(), &[&["code", "AT"]]) };
    assert_eq!(moved(without).0, Mode::Mirror);
}

#[test]
fn a_stamp_that_foreign_keys_bypass_is_not_used() {
    let mut lines = stamped(table("t", &[("pid", INT), ("at", MOMENT)]), "at", true);
    assert_eq!(moved(lines.clone()).0, Mode::Upsert);
    lines.cascades = vec![set_null("pid", "parent")];
    let (mode, _, why) = moved(lines);
    assert_eq!(mode, Mode::Mirror);
    assert!(why.starts_with("`pid` changes when `parent` does (foreign key, ON DELETE SET NULL)"), "{why}");
}

#[test]
fn a_key_without_personal_data_is_preferred() {
    let people = || table("t", &[("email", text(200)), ("code", text(8))]);
    let (_, keys, _) = moved(keyed(people(), &[&["email"], &["id", "code"], &["id"]]));
    assert_eq!(keys, ["id"]);
    let Choice::Moved(entry) = one(keyed(people(), &[&["email"], &["id"]])) else { panic!() };
    assert!(entry.notes.is_empty(), "{:?}", entry.notes);
    let line = |begins: &str| entry.lines.iter().find(|line| line.text.starts_with(begins)).unwrap();
    assert!(line("primary_keys: [id]").why.contains("`email` of the PRIMARY KEY reads like personal data"));
    assert_eq!(line("mask:").text, "mask: {email: sha256}");
    let without = TableFacts { has_primary_key: false, ..keyed(people(), &[&["id", "code"], &["code"]]) };
    assert_eq!(moved(without).1, ["code"], "the shortest, where there is no PRIMARY KEY");
}

#[test]
fn all_reasons_against_a_stamp_are_reported_at_once() {
    let reason = |is_nullable: bool, is_indexed, is_passed_over| {
        let mut facts = stamped(table("t", &[("pid", INT), ("at", MOMENT)]), "at", is_indexed);
        facts.schema.columns[2].nullable = is_nullable;
        facts.cascades = if is_passed_over { vec![set_null("pid", "parent")] } else { Vec::new() };
        moved(facts).2
    };
    let (upsert, passed) =
        ("`upsert`, which reads less", "`pid` changes when `parent` does (foreign key, ON DELETE SET NULL)");
    assert!(reason(true, true, false).contains(&format!("but may be NULL (as NOT NULL: {upsert})")));
    assert!(reason(false, false, false).contains(&format!("but is not indexed (with an index: {upsert})")));
    let both = reason(true, false, false);
    assert!(
        both.contains(&format!("may be NULL and is not indexed (as NOT NULL and with an index: {upsert})")),
        "{both}"
    );
    // No ALTER TABLE of the column helps, so none is suggested.
    for (is_nullable, is_indexed) in [(true, true), (false, false), (true, false)] {
        let why = reason(is_nullable, is_indexed, true);
        assert!(why.starts_with(passed) && !why.contains("upsert"), "{why}");
        assert_eq!((why.contains("may be NULL"), why.contains("is not indexed")), (is_nullable, !is_indexed), "{why}");
    }
}

#[test]
fn a_proposal_names_the_columns_that_the_account_may_not_read() {
    let hiding = |mut facts: TableFacts| {
        facts.schema.hides_columns = true;
        facts
    };
    let Choice::Moved(entry) = one(hiding(numbered(table("film", &[("title", text(90))])))) else { panic!() };
    assert_eq!(entry.mode, Mode::Append);
    assert!(entry.notes.iter().any(|note| note.contains("a key or a stamp may be among them")), "{:?}", entry.notes);
    // MySQL lists a key including columns that it does not list itself; MariaDB does not list such a key.
    for (keys, why) in [
        (&[&["staff_id"][..]][..], "its key has columns that the account may not read"),
        (&[], "no key whose columns the account may all read"),
    ] {
        let (mode, _, reason) = moved(hiding(keyed(table("staff", &[]), keys)));
        assert_eq!(mode, Mode::Replace);
        assert!(reason.starts_with(why), "{reason}");
    }
}
