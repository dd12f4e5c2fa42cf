//! Remarks about tables: why a table is not moved, or what has changed about one that is.

use super::super::known_tables::TakenAs;
use super::outcome::Refused;
use super::view::View;
use super::work::{Match, Work};
use crate::domain::config::TablePattern;
use crate::domain::counted::counted;
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::MappingName;

impl Work<'_> {
    /// Compares how the table was taken with how today's rules would take it.
    pub(super) fn compare(&mut self, view: &View<'_>, pattern: &TablePattern, table: &Match<'_>, taken: &TakenAs) {
        let name = &table.name;
        let (sentence, remedy) = match self.proposed(view, pattern, table, Some(&taken.bigquery_table)) {
            Ok(mapping) if TakenAs::of(&mapping) == *taken => return,
            Ok(mapping) => (
                format!(
                    "`{name}` was taken as {}; by its present keys and indexes it would be {}",
                    told(taken),
                    told(&TakenAs::of(&mapping))
                ),
                format!(
                    "it stays as it is; to change that, give it its own mapping named `{name}`, which takes \
                     precedence and keeps the state"
                ),
            ),
            Err(why) => (
                format!("`{name}` was taken as {}; today it would not be taken: {why}", told(taken)),
                "it stays as it is; to leave it out, name it in `except`".to_owned(),
            ),
        };
        self.remark(name, sentence, &remedy);
    }

    pub(super) fn remark_gone(&mut self, pattern: &TablePattern, table: &Match<'_>) {
        let name = &table.name;
        let sentence = format!(
            "`{name}` is gone from MySQL, or the account may no longer see it; the tables `{}` took it",
            pattern.text
        );
        self.remark(name, sentence, "if it is gone for good, name it in `except`");
    }

    pub(super) fn remark_view(&mut self, table: &Match<'_>) {
        let name = &table.name;
        let sentence = format!("`{name}` was a table when it was taken, and is a view now");
        self.remark(name, sentence, "it is moved as before; to leave it out, name it in `except`");
    }

    pub(super) fn remark_refused(&mut self, pattern: &TablePattern, table: &Match<'_>, why: &str) {
        let name = &table.name;
        let sentence = format!("`{name}` is not moved by the tables `{}`: {why}", pattern.text);
        let remedy = "give it its own mapping with an unused `bigquery_table`, or leave it out: `except`";
        match table.known.and_then(|known| known.taken.as_ref()) {
            Some(taken) => self.out.refused.push(Refused {
                name: name.clone(),
                target: format!("{}.{}", pattern.dataset(), taken.bigquery_table),
                sentence,
                remedy: remedy.to_owned(),
            }),
            None => self.remark(name, sentence, remedy),
        }
    }

    fn remark(&mut self, name: &MappingName, sentence: String, remedy: &str) {
        self.out.remarks.push(Finding::warn(Topic::Tables, sentence).remedy(remedy).of(name));
    }

    pub(super) fn remark_none(&mut self, pattern: &TablePattern) {
        let sentence = format!("no table is like `{}` (line {})", pattern.text, pattern.line);
        let remedy =
            "see that the database and the tables are spelt as MySQL spells them, and that the account may see them";
        self.out.remarks.push(Finding::warn(Topic::Tables, sentence).remedy(remedy));
    }

    pub(super) fn remark_left(&mut self, pattern: &TablePattern, left: &[String]) {
        let sentence = format!(
            "`allow_table_additions: false` leaves out {} that `{}` would take: {}",
            counted(left.len(), "new table"),
            pattern.text,
            few(left)
        );
        let remedy = "to take them, set it to `true` or `review`; to end this warning, name them in `except`";
        self.out.remarks.push(Finding::warn(Topic::Tables, sentence).remedy(remedy));
    }
}

/// `upsert by updated_at, keys id`.
fn told(taken: &TakenAs) -> String {
    let TakenAs { mode, primary_keys, incremental_column, .. } = taken;
    let cursor = incremental_column.as_ref().map(|column| format!(" by {column}")).unwrap_or_default();
    let keys = if primary_keys.is_empty() { String::new() } else { format!(", keys {}", primary_keys.join(", ")) };
    format!("{}{cursor}{keys}", mode.word())
}

/// The most names that are listed; the rest is a number.
const MOST_NAMED: usize = 8;

fn few(names: &[String]) -> String {
    let first = names.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_of_many_names_are_listed() {
        let names: Vec<_> = (1..=10).map(|number| number.to_string()).collect();
        assert_eq!(few(&names[..2]), "1, 2");
        assert_eq!(few(&names), "1, 2, 3, 4, 5, 6, 7, 8 and 2 more");
    }
}
