//! Names and values as GoogleSQL spells them: the one place where text is put into a statement.

use crate::domain::ids::TableId;
use crate::domain::quote;

/// A column name, always quoted: reserved words and letters of any script are then plain names.
#[must_use]
pub fn column(name: &str) -> String {
    quote::bigquery_name(name)
}

/// A table's whole path in one pair of backticks (a project may hold dashes).
#[must_use]
pub fn table(id: &TableId) -> String {
    quote::bigquery_table(id)
}

/// A text literal: between single quotes, control characters as escapes.
#[must_use]
pub fn text(text: &str) -> String {
    quote::bigquery_text(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_cannot_leave_its_quotes() {
        assert_eq!(text("it's a \\ and\na größe"), "'it\\'s a \\\\ and\\u000aa größe'");
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(column("größe"), "`größe`");
        assert_eq!(column("a`b\\c"), "`a\\`b\\\\c`");
        let id = TableId { project: "my-project".into(), dataset: "d".into(), table: "t".into() };
        assert_eq!(table(&id), "`my-project.d.t`");
    }

    /// Reads a quoted identifier as BigQuery does; gives its name and the text after it.
    fn read(text: &str) -> Option<(String, &str)> {
        let inside = text.strip_prefix('`')?;
        let (mut name, mut chars) = (String::new(), inside.char_indices());
        loop {
            match chars.next()? {
                (at, '`') => return Some((name, &inside[at + 1..])),
                (_, '\\') => name.push(chars.next()?.1),
                (_, plain) => name.push(plain),
            }
        }
    }

    proptest! {
        #[test]
        fn a_quoted_name_is_read_back_with_the_rest_of_the_text(name in "[`\\\\'. a-zé]{0,20}|\\PC{0,64}", rest in "\\PC{0,9}") {
            let text = format!("{}{rest}", column(&name));
            prop_assert_eq!(read(&text), Some((name, rest.as_str())));
        }

        #[test]
        fn a_tables_path_is_one_name(project in "[a-z`\\\\-]{1,9}", dataset in "[a-z`_]{1,9}", name in "[a-z\\\\ -]{1,9}") {
            let id = TableId { project: project.clone(), dataset: dataset.clone(), table: name.clone() };
            let path = table(&id);
            prop_assert_eq!(read(&path), Some((format!("{project}.{dataset}.{name}"), "")));
        }
    }
}
