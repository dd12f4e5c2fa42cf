//! Compares quoting with a reader that undoes it as the server does: whatever a name holds, it cannot leave its quotes.

use proptest::prelude::*;

use super::*;

/// Reads a quoted identifier as MySQL does: its name, and the text after it. Source: MySQL manual, "Schema Object
/// Names".
fn read(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('`')?;
    let mut name = String::new();
    loop {
        let (before, after) = rest.split_once('`')?;
        name.push_str(before);
        let Some(doubled) = after.strip_prefix('`') else { return Some((name, after)) };
        name.push('`');
        rest = doubled;
    }
}

proptest! {
    #[test]
    fn a_quoted_name_is_read_back_with_the_rest_of_the_text(name in "[`\\\\'\". a-zé]{0,20}|\\PC{0,64}", rest in "[^`]\\PC{0,9}|") {
        let text = format!("{}{rest}", identifier(&name));
        prop_assert_eq!(read(&text), Some((name, rest.as_str())));
    }

    #[test]
    fn database_and_table_stay_two_names(database in "[`. a-z]{1,9}", name in "[`. a-z]{1,9}") {
        let source = SourceTable::whole(Some(database.clone()), name.clone());
        let text = table_name(&source);
        let (first, rest) = read(&text).unwrap();
        let (second, end) = read(rest.strip_prefix('.').unwrap()).unwrap();
        prop_assert_eq!((first, second, end), (database, name, ""));
    }

    #[test]
    fn an_integer_is_bound_unchanged(value in prop_oneof![any::<i64>().prop_map(i128::from), any::<u64>().prop_map(i128::from)]) {
        let bound = match Bind::from(&Cursor::Int(value)) {
            Bind::Int(number) => i128::from(number),
            Bind::UInt(number) => i128::from(number),
            Bind::Text(_) | Bind::Bytes(_) => return Err(TestCaseError::fail("not as a number")),
        };
        prop_assert_eq!(bound, value);
    }
}
