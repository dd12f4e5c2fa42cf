//! An entry for many tables, applied to one of them.

use super::draft::{Cursor, Draft, Keys, Named};
use crate::domain::config::content::Mode;
use crate::domain::config::read::{Place, Reading, Value};

/// The settings that one of many tables has of its own.
pub(in crate::domain::config) struct OfTable {
    pub name: Value,
    pub table: Value,
    pub target: Named,
    pub keys: Vec<Value>,
    pub cursor: Option<Value>,
    pub mode: Mode,
}

impl Draft {
    /// The entry as it applies to one of its tables.
    pub fn of_table(self, table: OfTable) -> Self {
        let OfTable { name, table, target, keys, cursor, mode } = table;
        let mut draft = self;
        (draft.name, draft.table, draft.target) = (Some(name), Some(table), Some(target));
        draft.mapping.mode = mode;
        draft.keys = Keys::of(keys);
        draft.cursor = Cursor::of(cursor);
        draft
    }

    /// Refuses `mode: auto`, which is for the tables of a pattern.
    pub fn refuse_auto(&self, r: &mut Reading<'_>, place: &Place) {
        if self.says_auto {
            let message = format!("{} is `auto`, which goes with `tables`", place.name);
            let hint = "write `tables: [the_table]` in the place of `name` and `mysql_table`, or the mode that \
                        `bqsync init --table the_table` proposes";
            r.problem(place.line, message, hint);
        }
    }

    /// The column that `incremental_column` names.
    pub fn named_cursor(&self) -> Option<&str> {
        self.cursor.named()
    }

    /// Checks the keys against each other for a table that has none of the usual columns.
    pub fn try_out(&self, r: &mut Reading<'_>, mode: Mode, line: usize) {
        let value = |key: &'static str, text: &str| {
            let place = Place { key, name: format!("`{key}`"), line: Some(line) };
            Value { text: text.to_owned(), written: text.to_owned(), line: Some(line), place }
        };
        let of_table = OfTable {
            name: value("name", "table"),
            table: value("mysql_table", "table"),
            target: Named { name: "table".to_owned(), line },
            keys: vec![value("primary_keys", "\u{1}key")],
            cursor: Some(value("incremental_column", "\u{1}cursor")),
            mode,
        };
        self.clone().of_table(of_table).finish(r);
    }
}
