//! The questions before a schema is changed.

use super::{Compared, Mark, Schema, can_decide};
use crate::domain::ids::MappingName;
use crate::domain::schema::{ColumnDiffView, VerdictKind};
use crate::engine::{ColumnDecision, WHOLE_TABLE};
use crate::tui::dialog::{Dialog, Intent, choice};

impl Schema {
    /// Shows the accepted and declined columns with the DDL; remembers whether nothing is left undecided.
    pub(super) fn confirm(&mut self, mapping: &MappingName, statements: &[String]) -> Dialog {
        let (accepted, declined) = (self.marked(Mark::Accept), self.marked(Mark::Decline));
        let open: Vec<&str> = self.columns().iter().filter(|c| self.is_open(c)).map(|c| c.column.as_str()).collect();
        let mut lines = Vec::new();
        if !statements.is_empty() {
            lines.push("This is sent to BigQuery:".to_owned());
            lines.extend(
                statements.iter().flat_map(|statement| {
                    format!("{statement};").lines().map(|l| format!("  {l}")).collect::<Vec<_>>()
                }),
            );
        } else if !accepted.is_empty() {
            lines.push(format!("Accepted: {}. No DDL is needed for that.", accepted.join(", ")));
        }
        if !declined.is_empty() {
            lines.push(format!("Left out of the mapping from now on: {}.", declined.join(", ")));
        }
        if open.is_empty() {
            lines.push("The decision is remembered with your name; a mapping that waits for it goes on.".to_owned());
        } else {
            lines.push(format!("Still undecided: {}. The mapping waits until they are decided.", open.join(", ")));
        }
        self.complete = open.is_empty();
        let decision = |column: &String, accept| ColumnDecision { column: column.clone(), accept };
        let decisions = accepted.iter().map(|c| decision(c, true)).chain(declined.iter().map(|c| decision(c, false)));
        let intent = Intent::Decide { mapping: mapping.clone(), decisions: decisions.collect() };
        let back = choice('n', "go back, change nothing", Intent::Nothing);
        let go = choice('y', "apply and remember", intent);
        Dialog::new(format!("Change the schema of {mapping}?"), lines, vec![back, go])
    }

    /// Asks if a table that has appeared in MySQL is moved, and names the columns that are left out.
    pub(super) fn confirm_table(&mut self, mapping: &MappingName) -> Dialog {
        self.complete = true;
        let decision = |column: &str, accept| ColumnDecision { column: column.to_owned(), accept };
        let table = |accept| decision(WHOLE_TABLE, accept);
        let declined = self.declined();
        let marks = self.marks.iter().map(|(column, mark)| decision(column, *mark == Mark::Accept));
        let take = std::iter::once(table(true)).chain(marks).collect();
        let intent = |decisions| Intent::Decide { mapping: mapping.clone(), decisions };
        let moved = match declined.as_slice() {
            [] => "If you take it, all of its columns are moved.".to_owned(),
            declined => {
                format!(
                    "If you take it, it is moved without {}: BigQuery's table gets no such column.",
                    declined.join(", ")
                )
            }
        };
        let adds = match &self.compared {
            Compared::Read { creates_table: false, .. } => self.marked(Mark::Accept),
            _ => Vec::new(),
        };
        let mut lines =
            vec!["The table has appeared in MySQL since its entry of `mappings` was first expanded.".to_owned(), moved];
        if !adds.is_empty() {
            lines.push(format!("BigQuery's table is changed at once for {}.", adds.join(", ")));
        }
        lines.push(
            "The decision is remembered with your name. A declined table leaves the list of mappings with the next u."
                .to_owned(),
        );
        let back = choice('n', "go back, decide nothing", Intent::Nothing);
        let take = choice('y', "take it and run it", intent(take));
        let decline = choice('x', "decline the whole table", intent(vec![table(false)]));
        Dialog::new(format!("Take the new table {mapping}?"), lines, vec![back, take, decline])
    }

    /// Columns that are left out, by a mark or by an earlier decision.
    pub(super) fn declined(&self) -> Vec<String> {
        let is_out = |column: &&ColumnDiffView| match self.marks.get(&column.column) {
            Some(mark) => *mark == Mark::Decline,
            None => column.accepted == Some(false),
        };
        self.columns().iter().filter(is_out).map(|column| column.column.clone()).collect()
    }

    /// Tells if the column needs a decision that neither the state nor the operator has made.
    pub(super) fn is_open(&self, column: &ColumnDiffView) -> bool {
        let needs = can_decide(column) && column.verdict != VerdictKind::Relax;
        needs && column.accepted.is_none() && !self.marks.contains_key(&column.column)
    }
}
