//! What becomes of rows that MySQL no longer has.

use super::content::Deletes;
use super::read::{Reading, Section};
use crate::domain::naming;

/// More than this share of a table is rarely deleted between two looks; a table that was emptied by mistake always is.
pub(super) const DEFAULT_FRACTION: f64 = 0.1;

const DEFAULT_COLUMN: &str = "_bqsync_deleted_at";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Ignore,
    Soft,
    Hard,
}

/// What is done, and the greatest share of a table's rows that it may be done to.
pub(super) fn read(r: &mut Reading<'_>, section: &Section<'_>, keys: &[String]) -> (Deletes, f64) {
    let words = [("ignore", Word::Ignore), ("soft", Word::Soft), ("hard", Word::Hard)];
    let word = section.choice(r, "deletes", &words).unwrap_or(Word::Ignore);
    let has_keys = !keys.is_empty() || section.entry("primary_keys").is_some();
    if let Some(entry) = section.entry("deletes").filter(|_| word != Word::Ignore && !has_keys) {
        let message = format!("{} needs `primary_keys`: rows are told apart by them", section.name("deletes"));
        r.problem(entry.line, message, "name the columns that tell rows apart: `primary_keys: [id]`");
    }
    let column = column(r, section, word);
    let fraction = fraction(r, section);
    let deletes = match word {
        Word::Ignore => Deletes::Ignore,
        Word::Soft => Deletes::Soft { column },
        Word::Hard => Deletes::Hard,
    };
    (deletes, fraction)
}

fn column(r: &mut Reading<'_>, section: &Section<'_>, word: Word) -> String {
    let Some(value) = section.optional(r, "deleted_column") else { return DEFAULT_COLUMN.to_owned() };
    let name = naming::column_name(&value.text);
    if word != Word::Soft {
        section.refuse(r, "deleted_column", &value, "it works with `deletes: soft` alone; take it out");
    } else if name != value.text {
        section.refuse(r, "deleted_column", &value, format!("BigQuery takes no such name; write `{name}`"));
    }
    value.text
}

fn fraction(r: &mut Reading<'_>, section: &Section<'_>) -> f64 {
    let Some(value) = section.optional(r, "max_delete_fraction") else { return DEFAULT_FRACTION };
    match value.text.parse::<f64>() {
        Ok(fraction) if (0.0..=1.0).contains(&fraction) => fraction,
        _ => {
            section.refuse(r, "max_delete_fraction", &value, "write a share from 0 to 1, such as `0.1` for a tenth");
            DEFAULT_FRACTION
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
    fn nothing_is_deleted_unless_it_is_asked_for() {
        let plain = read("").unwrap();
        assert_eq!((plain.deletes, plain.most_deleted), (Deletes::Ignore, 0.1));
        let soft = read(", primary_keys: [id], deletes: soft").unwrap();
        assert_eq!(soft.deleted_column(), Some("_bqsync_deleted_at"));
        let named =
            read(", primary_keys: [id], deletes: soft, deleted_column: gone, max_delete_fraction: 0.5").unwrap();
        assert_eq!((named.deleted_column(), named.most_deleted), (Some("gone"), 0.5));
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        assert!(problem(", deletes: hard").contains("`deletes` of mapping `t` needs `primary_keys`"));
        assert!(problem(", primary_keys: [id], deletes: hard, deleted_column: x").contains("`deletes: soft` alone"));
        assert!(problem(", primary_keys: [id], deletes: soft, deleted_column: a-b").contains("write `a_b`"));
        for fraction in ["2", "-0.1", "tenth", "NaN"] {
            let told = problem(&format!(", primary_keys: [id], deletes: hard, max_delete_fraction: {fraction}"));
            assert!(told.contains("share from 0 to 1"), "{told}");
        }
        assert!(problem(", primary_keys: [id], deletes: softly").contains("did you mean `soft`?"));
    }
}
