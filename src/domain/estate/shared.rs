//! The file's settings for all mappings, as far as they concern one table.
//!
//! A mapping's own key replaces the same key of `defaults`, so a proposal with such a key repeats the values of
//! `defaults`. It leaves out columns that the table does not have, because a check fails a mapping that names them;
//! `new_columns` covers such columns in case they are added later.

use super::entry::{Line, list, word};
use super::facts::TableFacts;
use crate::domain::column::same_name;
use crate::domain::config::ForAll;
use crate::domain::mask::Mask;
use crate::domain::new_columns::{Treatment, treatment};

/// The reason beside a key that repeats `defaults` for the columns of this table.
const AS_SAID: &str = "what `defaults` says about the columns of this table";

/// The column stays in MySQL.
const EXCLUDE: &str = "exclude";

#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    pub all: &'a ForAll,
    pub facts: &'a TableFacts,
}

impl Shared<'_> {
    fn has(&self, column: &str) -> bool {
        self.facts.schema.column(column).is_some()
    }

    /// Whether the file says how to treat the column's values; then the proposal does not guess.
    pub fn decides(&self, column: &str) -> bool {
        let of_masks = self.all.masks().iter().any(|mask| same_name(mask.column, column));
        of_masks || self.excludes(column) || treatment(self.all.patterns(), column).is_some()
    }

    pub fn excludes(&self, column: &str) -> bool {
        self.all.excluded().iter().any(|name| same_name(name, column))
    }

    /// Whether the file gives the column a type, which would conflict with a mask that gives text.
    pub fn has_type(&self, column: &str) -> bool {
        self.all.types().iter().any(|(name, _)| same_name(name, column))
    }

    /// Whether the file's masks can be repeated.
    pub fn masks_can_be_written(&self) -> bool {
        self.all.masks().iter().all(|mask| mask.written.is_some() || !self.has(mask.column))
    }

    /// `mask` with these masks added to the file's; `None` if the file's own are enough.
    pub fn mask(&self, own: &[String], why: &str) -> Option<Line> {
        let masks = self.all.masks();
        let here: Vec<_> = masks.iter().filter(|mask| self.has(mask.column)).collect();
        if own.is_empty() && here.len() == masks.len() {
            return None;
        }
        let written = here.iter().map(|mask| Some(format!("{}: {}", word(mask.column), mask.written?)));
        let mut all = written.collect::<Option<Vec<_>>>()?;
        let why = with_said(own, !all.is_empty(), why);
        all.extend_from_slice(own);
        Some(Line::new(format!("mask: {{{}}}", all.join(", ")), why))
    }

    /// `exclude` with these columns added to the file's; `None` if the file's own are enough.
    pub fn exclude(&self, own: &[String], why: &str) -> Option<Line> {
        let (mut all, is_whole) = self.here(&self.all.excluded());
        if own.is_empty() && is_whole {
            return None;
        }
        let why = with_said(own, !all.is_empty(), why);
        all.extend_from_slice(own);
        Some(Line::new(format!("exclude: {}", list(&all)), why))
    }

    /// Keys of `defaults` that name columns which the table does not have, reduced to the columns that it has.
    pub fn narrowed(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (key, pairs) in [("columns", self.all.types()), ("rename", self.all.renamed())] {
            let here: Vec<_> = pairs.iter().filter(|(column, _)| self.has(column)).collect();
            if here.len() < pairs.len() {
                let each: Vec<_> =
                    here.iter().map(|(column, said)| format!("{}: {}", word(column), word(said))).collect();
                lines.push(Line::new(format!("{key}: {{{}}}", each.join(", ")), AS_SAID));
            }
        }
        let (here, is_whole) = self.here(&self.all.clustered());
        if !is_whole {
            lines.push(Line::new(format!("cluster_by: {}", list(&here)), AS_SAID));
        }
        lines
    }

    /// Rules for columns that `defaults` masks or excludes and the table does not have: `mask` and `exclude` cannot
    /// name them here, but they may be added later. The patterns of `defaults` are repeated too, because this key
    /// replaces them.
    pub fn yet_to_come(&self) -> Option<Line> {
        let masks = self.all.masks();
        let absent = masks.iter().filter(|mask| !self.has(mask.column));
        let masked = absent.map(|mask| format!("{}: {}", word(mask.column), mask.written.unwrap_or(EXCLUDE)));
        let left_out = self.all.excluded().into_iter().filter(|column| !self.has(column));
        let mut each: Vec<_> = masked.chain(left_out.map(|column| format!("{}: {EXCLUDE}", word(column)))).collect();
        if each.is_empty() {
            return None;
        }
        let patterns = self.all.patterns().iter();
        each.extend(patterns.map(|pattern| format!("{}: {}", word(&pattern.name), self.written(&pattern.treatment))));
        let why = "what `defaults` says about columns that this table lacks, in case they are added";
        Some(Line::new(format!("new_columns: {{{}}}", each.join(", ")), why))
    }

    /// The treatment as it can be written. A mask whose key cannot be repeated becomes `exclude`.
    fn written(&self, treatment: &Treatment) -> String {
        match treatment {
            Treatment::Exclude => EXCLUDE.to_owned(),
            Treatment::Keep => "keep".to_owned(),
            Treatment::Mask(Mask::Sha256) => "sha256".to_owned(),
            Treatment::Mask(Mask::Null) => "null".to_owned(),
            Treatment::Mask(Mask::Last(most)) => format!("{{last: {most}}}"),
            Treatment::Mask(mask @ Mask::Hmac(_)) => {
                let masks = self.all.masks();
                let same = masks.iter().find(|known| known.mask == mask).and_then(|known| known.written);
                same.unwrap_or(EXCLUDE).to_owned()
            }
        }
    }

    /// Why the `where` of `defaults` cannot filter the table: none of its words is a column here.
    pub fn cannot_be_filtered(&self) -> Option<String> {
        let filter = self.all.filter()?;
        let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        let speaks = filter.text().split(|c| !of_name(c)).any(|name| !name.is_empty() && self.has(name));
        (!speaks).then(|| format!("`where` of `defaults` speaks of none of its columns: {filter}"))
    }

    /// The partition column of `defaults`, if the table has it.
    pub fn partition_column(&self) -> Option<&str> {
        let column = self.all.partition_column()?;
        self.facts.schema.column(column).map(|column| column.name.as_str())
    }

    /// The columns that the table has, and whether these are all.
    fn here(&self, columns: &[&str]) -> (Vec<String>, bool) {
        let here: Vec<_> = columns.iter().filter(|column| self.has(column)).map(|&column| column.to_owned()).collect();
        let is_whole = here.len() == columns.len();
        (here, is_whole)
    }
}

fn with_said(own: &[String], has_said: bool, why: &str) -> String {
    match (own.is_empty(), has_said) {
        (true, _) => AS_SAID.to_owned(),
        (false, true) => format!("{why}; and what `defaults` says"),
        (false, false) => why.to_owned(),
    }
}
