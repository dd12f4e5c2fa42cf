//! Names and values as GoogleSQL spells them: the one place where text is put into a statement.

use crate::domain::ids::TableId;

/// A column, quoted always: reserved words and letters of any script are then plain names.
#[must_use]
pub fn column(name: &str) -> String {
    format!("`{}`", escaped(name))
}

/// A table by its whole path, in one pair of backticks (a project may hold dashes).
#[must_use]
pub fn table(id: &TableId) -> String {
    format!("`{}.{}.{}`", escaped(&id.project), escaped(&id.dataset), escaped(&id.table))
}

/// Quoted identifiers take the escapes of string literals. Source: BigQuery reference, "Lexical structure".
fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('`', "\\`")
}

/// A label's value: lower case letters, digits, `_` and `-`, at most 63. Source: BigQuery guide, "Labels".
#[must_use]
pub fn label_value(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    text.to_lowercase().chars().take(63).map(|c| if allowed(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(column("größe"), "`größe`");
        assert_eq!(column("a`b\\c"), "`a\\`b\\\\c`");
        let id = TableId { project: "my-project".into(), dataset: "d".into(), table: "t".into() };
        assert_eq!(table(&id), "`my-project.d.t`");
    }

    #[test]
    fn a_label_takes_what_it_may() {
        assert_eq!(label_value("Orders.EU größe"), "orders_eu_gr__e");
        assert_eq!(label_value(&"x".repeat(80)).len(), 63);
    }
}
