//! What happens to rows that MySQL no longer has.

use super::content::{Deletes, Mode};
use super::key::{At, put};
use super::read::{Place, Reading, Value};
use crate::domain::naming;

const WORDS: [(&str, Word); 3] = [("ignore", Word::Ignore), ("soft", Word::Soft), ("hard", Word::Hard)];

const NO_DELETES: &str = "remove it: a replace drops every row that MySQL no longer has";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Ignore,
    Soft,
    Hard,
}

/// The keys' values before they are checked against each other.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    word: Word,
    place: Option<Place>,
    column: Option<Value>,
}

impl Draft {
    pub const fn new() -> Self {
        Self { word: Word::Ignore, place: None, column: None }
    }

    pub fn take_word(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.word, at.choice(&WORDS));
        if at.is_written() {
            self.place = Some(at.place());
        }
    }

    pub fn take_column(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.column, at.value().map(Some));
    }

    /// The column that would mark deleted rows.
    pub fn column(&self) -> Option<&str> {
        self.column.as_ref().filter(|_| self.word == Word::Soft).map(|column| column.text.as_str())
    }

    /// Refuses `deletes` for a mapping that is replaced as a whole.
    pub fn refuse(&self, r: &mut Reading<'_>) {
        if let Some(place) = self.place.as_ref().filter(|place| self.word != Word::Ignore && !place.is_shared()) {
            r.problem(place.line, format!("{} does not go with `mode: replace`", place.name), NO_DELETES);
        }
    }

    /// The setting after all checks. A mirror deletes unless it is told not to.
    pub fn finish(mut self, r: &mut Reading<'_>, has_keys: bool, mode: Mode) -> Deletes {
        if !has_keys && self.place.as_ref().is_some_and(Place::is_shared) {
            self.word = Word::Ignore;
        }
        let is_written = self.place.is_some();
        if let Some(place) = self.place.filter(|_| self.word != Word::Ignore && !has_keys) {
            let message = format!("{} needs `primary_keys`: rows are told apart by them", place.name);
            r.problem(place.line, message, "name the columns that tell rows apart: `primary_keys: [id]`");
        }
        if let Some(column) = self.column.as_ref().filter(|column| column.line.is_some()) {
            let name = naming::column_name(&column.text);
            if self.word != Word::Soft && column.place.is_shared() {
                // It applies to the mappings that mark rows.
            } else if self.word != Word::Soft {
                r.refuse(column, "it works only with `deletes: soft`; remove it");
            } else if name != column.text {
                r.refuse(column, format!("BigQuery takes no such name; write `{name}`"));
            }
        }
        match self.word {
            Word::Ignore if mode == Mode::Mirror && !is_written => Deletes::Hard,
            Word::Ignore => Deletes::Ignore,
            Word::Soft => Deletes::Soft { column: self.column.map(|column| column.text).unwrap_or_default() },
            Word::Hard => Deletes::Hard,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::domain::config::{Deletes, Mapping, Problem, parse};

    fn read(rest: &str) -> Result<Mapping, Vec<Problem>> {
        let text = format!(
            "project: p\ndataset: d\nmappings:\n  - {{name: t, mysql_table: t, incremental_column: id{rest}}}\n"
        );
        parse(&text, Path::new("config.yaml"), &|_| None).map(|config| config.mappings[0].clone())
    }

    fn problem(rest: &str) -> String {
        let problems = read(rest).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].line, Some(4));
        format!("{}: {}", problems[0].message, problems[0].hint)
    }

    #[test]
    fn rows_are_deleted_only_if_the_mapping_says_so() {
        let plain = read("").unwrap();
        assert_eq!((plain.deletes, plain.most_deleted), (Deletes::Ignore, 0.1));
        let soft = read(", primary_keys: [id], deletes: soft").unwrap();
        assert_eq!(soft.deleted_column(), Some("_bqsync_deleted_at"));
        let named =
            read(", primary_keys: [id], deletes: soft, deleted_column: gone, max_delete_fraction: 0.5").unwrap();
        assert_eq!((named.deleted_column(), named.most_deleted), (Some("gone"), 0.5));
    }

    #[test]
    fn an_invalid_setting_is_reported() {
        assert!(problem(", deletes: hard").contains("`deletes` of mapping `t` needs `primary_keys`"));
        assert!(
            problem(", primary_keys: [id], deletes: hard, deleted_column: x").contains("only with `deletes: soft`")
        );
        assert!(problem(", primary_keys: [id], deletes: soft, deleted_column: a-b").contains("write `a_b`"));
        for fraction in ["2", "-0.1", "tenth", "NaN"] {
            let told = problem(&format!(", primary_keys: [id], deletes: hard, max_delete_fraction: {fraction}"));
            assert!(told.contains("share from 0 to 1"), "{told}");
        }
        assert!(problem(", primary_keys: [id], deletes: softly").contains("did you mean `soft`?"));
    }
}
