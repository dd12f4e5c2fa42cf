//! The comparison of a mapping's two tables: which rows, in which form, in which parts, and the result.
//!
//! Both servers write each row as the same text and hash it. Sums of the hashes by part of the key tell which parts
//! differ, and only those rows are fetched. `docs/verify.md` describes it for users.

mod beside;
mod comparable;
mod cure;
mod form;
mod looking;
mod parts;
mod repair;
mod result;
mod rows;
mod wanted;

use std::fmt;
use std::sync::Arc;

pub use self::beside::{Beside, Cell, MOST_CHARACTERS, NewestBy, Pair, SeenColumn, SeenRow, newest_by, unmatched};
pub use self::comparable::{Comparable, Keyed, NewestRows};
pub use self::cure::{Cure, Cures};
pub use self::form::{Form, form};
pub use self::looking::Looking;
pub use self::parts::{
    Cut, Grain, MOST_PARTS_BITS, PartSum, Parts, batches, chunks, coarsest, differing, finer, stretches,
};
pub use self::repair::Repair;
pub use self::result::{Outcome, Verification};
pub use self::rows::{Difference, DifferenceKind, Key, RowDigest, Tally};
pub use self::wanted::{ByParts, Wanted};

use super::column::same_name;
use super::config::{Mapping, Mode};
use super::ids::{SourceTable, TableId};
use super::plan::TablePlan;
use super::source_type::SourceType;
use super::target_type::TargetType;
use super::type_map::{Cast, Encoding};
use super::window::Window;

/// Hexadecimal digits of a row's hash that are summed: 60 bits, of which a NUMERIC holds the sum of 10^10 rows.
pub const SUMMED_DIGITS: usize = 15;

/// Hexadecimal digits of a row's hash that are compared row by row.
pub const COMPARED_DIGITS: usize = 32;

/// The most arguments of one CONCAT. Some servers turn it into a chain as deep as it is long, and refuse one of a
/// thousand; a tree with this many branches is two levels deep for every table that BigQuery takes.
const PIECES_AT_ONCE: usize = 100;

/// Concatenates texts, in SQL that MySQL, MariaDB and BigQuery share.
#[must_use]
pub fn concatenated(mut pieces: Vec<String>) -> String {
    let concat = |pieces: &[String]| format!("CONCAT({})", pieces.join(", "));
    while pieces.len() > PIECES_AT_ONCE {
        pieces = pieces.chunks(PIECES_AT_ONCE).map(concat).collect();
    }
    // Without any piece the result is still a text.
    pieces.insert(0, "''".to_owned());
    concat(&pieces)
}

/// What both sides are asked about: the same rows in the same form.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub source: SourceTable,
    pub target: TableId,
    pub plan: Arc<TablePlan>,
    /// The form of each column of the plan; `None` if both servers cannot write it alike.
    pub forms: Vec<Option<Form>>,
    /// The rows to compare; later rows are another run's. `None`: every row.
    pub window: Option<Window>,
    /// The target keeps earlier versions of a row; only the newest one is compared.
    pub newest_only: bool,
}

/// A question that a side can answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Question {
    /// The smallest and greatest value of the only key, a whole number.
    Span,
    /// The number of rows and the sum of their hashes, by part.
    Sums(Cut),
    /// The rows of some parts, each with its key.
    Rows(Parts),
    /// The values of the rows with these keys.
    Seen(Vec<Key>),
}

/// Keys are row values and must not reach a log.
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Span => f.write_str("Span"),
            Self::Sums(cut) => f.debug_tuple("Sums").field(cut).finish(),
            Self::Rows(parts) => f.debug_tuple("Rows").field(parts).finish(),
            Self::Seen(keys) => f.debug_tuple("Seen").field(&keys.len()).finish(),
        }
    }
}

impl Comparison {
    #[must_use]
    pub fn new(mapping: &Mapping, plan: Arc<TablePlan>, window: Option<Window>) -> Self {
        let forms = (0..plan.columns.len()).map(|position| form(&plan, position)).collect();
        Self {
            source: mapping.source.clone(),
            target: mapping.target.clone(),
            forms,
            window,
            newest_only: mapping.mode == Mode::Append && !plan.keys.is_empty(),
            plan,
        }
    }

    /// Columns whose values are not compared, by their name in MySQL: both servers cannot write them alike, or would
    /// need a secret key to.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let both = self.plan.columns.iter().zip(&self.forms);
        let is_told = |form: &Option<Form>| form.is_some_and(Form::tells_values_apart);
        both.filter(|(_, form)| !is_told(form)).map(|(column, _)| column.source.name.clone()).collect()
    }

    /// Tells if anything of a column's values is compared. `column`: its name in MySQL.
    #[must_use]
    pub fn looks_at(&self, column: &str) -> bool {
        let mut both = self.plan.columns.iter().zip(&self.forms);
        both.any(|(planned, form)| form.is_some() && same_name(&planned.source.name, column))
    }

    /// The position of the only key, if its values are whole numbers on both sides: parts are then ranges of it, which
    /// an index and a clustered table find without reading the rest.
    #[must_use]
    pub fn number_key(&self) -> Option<usize> {
        let &[key] = self.plan.keys.as_slice() else { return None };
        let column = &self.plan.columns[key];
        // A YEAR does not work as a range: MySQL reads 0 as 2000 there.
        let fits = matches!(column.source.source_type, SourceType::Int { .. });
        let is_number = match (column.encoding, &column.target_type) {
            (Encoding::Int { .. }, TargetType::Int64) => true,
            // BIGINT UNSIGNED; if a value exceeds 64 bits, the table has no span, and so no ranges.
            (Encoding::IntAsDecimal { .. }, TargetType::Numeric(_)) => column.cast == Cast::None,
            _ => false,
        };
        (fits && is_number).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(many: usize) -> Vec<String> {
        (0..many).map(|n| n.to_string()).collect()
    }

    #[test]
    fn many_pieces_become_a_tree_that_reads_in_the_same_order() {
        assert_eq!(concatenated(pieces(3)), "CONCAT('', 0, 1, 2)");
        assert_eq!(concatenated(Vec::new()), "CONCAT('')");
        for many in [100, 101, 1_000, 10_000, 10_001] {
            let text = concatenated(pieces(many));
            let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty());
            assert!(numbers.eq(pieces(many)), "{many}");
            let depths = text.chars().scan(0_usize, |depth, c| {
                *depth = *depth + usize::from(c == '(') - usize::from(c == ')');
                Some(*depth)
            });
            assert!(depths.max().unwrap_or(0) <= 3, "{many}");
            let widest = text.split("CONCAT(").map(|part| part.matches(", ").count()).max();
            assert!(widest.is_some_and(|widest| widest <= PIECES_AT_ONCE + 1), "{many}");
        }
    }
}
