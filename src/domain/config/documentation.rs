//! Generates the tables of `docs/configuration.md` from the declarations of the keys.

use super::key::{Row, rows};
use super::{contexts, mapping, top};

const HEAD: &str = "| Key | Default | Meaning |\n|---|---|---|\n";

/// The table of the top level's keys, in Markdown.
#[must_use]
pub fn top_level_table() -> String {
    table(&rows(top::KEYS, ""))
}

/// The table of a mapping's keys; keys that it shares with the top level are explained there.
#[must_use]
pub fn mapping_table() -> String {
    let top = rows(top::KEYS, "");
    let is_shared = |row: &Row| top.iter().any(|other| other.key == row.key && other.meaning == row.meaning);
    let mut lines: Vec<Row> = Vec::new();
    let mut after_shared = false;
    for row in rows(mapping::KEYS, "") {
        let shared = is_shared(&row);
        match lines.last_mut() {
            Some(last) if shared && after_shared => last.key = format!("{}`, `{}", last.key, row.key),
            _ if shared => {
                lines.push(Row { default: "top level".to_owned(), meaning: "As above, for this mapping", ..row });
            }
            _ => lines.push(row),
        }
        after_shared = shared;
    }
    table(&lines)
}

/// The table of a context's keys.
#[must_use]
pub fn context_table() -> String {
    table(&contexts::rows())
}

fn table(rows: &[Row]) -> String {
    let line = |Row { key, default, meaning }: &Row| format!("| `{key}` | {default} | {meaning} |\n");
    HEAD.to_owned() + &rows.iter().map(line).collect::<String>()
}

#[cfg(test)]
mod tests;
