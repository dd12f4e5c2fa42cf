//! Screen 3: both schemas side by side, and the operator's decision on each column.

mod question;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;

use super::shown::{About, Acts, Next};
use crate::domain::ids::MappingName;
use crate::domain::report::Outcome;
use crate::domain::schema::{ColumnDiffView, VerdictKind};
use crate::engine::{ColumnDecision, Compare, Comparison, Decide, Decided, Event, Failure, Of, Selection, WHOLE_TABLE};
use crate::format::numbered;
use crate::tui::ask::Ask;
use crate::tui::keys::Action;
use crate::tui::lost;
use crate::tui::scroll::travel;
use crate::tui::shared::{NO_MAPPING, Shared};

/// The operator's decision on a column, not yet sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Accept,
    Decline,
}

/// The engine's comparison of both schemas.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Compared {
    #[default]
    Asked,
    Failed(Failure),
    Read {
        creates_table: bool,
        columns: Vec<ColumnDiffView>,
        statements: Vec<String>,
        /// Table options that differ from those that the mapping asks for.
        options: Vec<String>,
    },
}

#[derive(Debug, Default)]
pub struct Schema {
    pub mapping: Option<MappingName>,
    pub compared: Compared,
    pub marks: BTreeMap<String, Mark>,
    pub selected: usize,
    /// The mapping whose whole table is new in MySQL and waits to be taken.
    new_table: Option<MappingName>,
    /// The screen was opened and nothing is read yet: the cursor goes to the first column that needs a decision.
    is_fresh: bool,
    /// The next comparison answers for the accepted columns alone.
    asking: bool,
    deciding: Option<MappingName>,
    /// The decisions that were sent last have left nothing undecided.
    complete: bool,
}

impl Schema {
    /// Asks for both schemas; the marks of the same mapping stay.
    fn ask(&mut self, mapping: MappingName, shared: &mut Shared) {
        shared.ask(compare(mapping.clone(), Vec::new()));
        let same = self.mapping.as_ref() == Some(&mapping);
        let (marks, selected) =
            if same { (std::mem::take(&mut self.marks), self.selected) } else { (BTreeMap::new(), 0) };
        let deciding = self.deciding.take();
        *self = Self { mapping: Some(mapping), marks, selected, deciding, ..Self::default() };
    }

    #[must_use]
    pub fn columns(&self) -> &[ColumnDiffView] {
        match &self.compared {
            Compared::Read { columns, .. } => columns,
            Compared::Asked | Compared::Failed(_) => &[],
        }
    }

    /// Goes from undecided to accept to decline; a conflict can only be declined.
    fn toggle(&mut self, shared: &mut Shared) {
        let Some(column) = self.columns().get(self.selected).cloned() else { return };
        if !can_decide(&column) {
            let why = match column.verdict {
                VerdictKind::MissingInSource => "is in BigQuery only",
                _ => "is the same on both sides",
            };
            let next = if self.columns().iter().any(|column| self.is_open(column)) {
                "; n goes to the next column that needs a decision"
            } else {
                ""
            };
            return shared.remark(format!("{} {why}: there is nothing to decide{next}", column.column));
        }
        let next = match (self.marks.get(&column.column), is_safe(&column)) {
            (None, true) => Some(Mark::Accept),
            (None, false) | (Some(Mark::Accept), _) => Some(Mark::Decline),
            (Some(Mark::Decline), _) => None,
        };
        match next {
            Some(mark) => self.marks.insert(column.column, mark),
            None => self.marks.remove(&column.column),
        };
    }

    fn accept_safe(&mut self, shared: &mut Shared) {
        if !self.columns().iter().any(is_safe) {
            return shared.remark("no column can be accepted safely: decide each one with Space");
        }
        let safe = self.columns().iter().filter(|column| is_safe(column) && column.accepted != Some(false));
        let safe: Vec<String> = safe.map(|column| column.column.clone()).collect();
        self.marks.extend(safe.into_iter().map(|column| (column, Mark::Accept)));
    }

    /// Enter: asks for the exact DDL of the accepted columns, which the question shows.
    fn apply(&mut self, shared: &mut Shared) {
        let Some(mapping) = self.mapping.clone() else { return shared.say(NO_MAPPING) };
        if self.new_table.as_ref() == Some(&mapping) {
            shared.dialog = Some(self.confirm_table(&mapping));
            return;
        }
        if self.marks.is_empty() {
            return shared.say("accept or decline a column first: Space, or a for all safe columns");
        }
        let accepted = self.marked(Mark::Accept);
        if accepted.is_empty() {
            shared.dialog = Some(self.confirm(&mapping, &[]));
            return;
        }
        self.asking = true;
        shared.ask(compare(mapping, accepted));
    }

    pub fn answered(&mut self, compared: Of<Comparison>, shared: &mut Shared) {
        if self.mapping.as_ref() != Some(&compared.mapping) {
            return;
        }
        match compared.answer {
            Ok(comparison) => self.compared(comparison, shared),
            Err(failure) => {
                self.asking = false;
                self.compared = Compared::Failed(failure);
            }
        }
    }

    fn compared(&mut self, comparison: Comparison, shared: &mut Shared) {
        let Comparison { mapping, creates_table, new_table, columns, statements, applied, options, .. } = comparison;
        self.new_table = new_table.then(|| mapping.clone());
        if std::mem::take(&mut self.asking) && !applied {
            let dialog = self.confirm(&mapping, &statements);
            if !shared.read_only {
                shared.dialog = Some(dialog);
            }
            return;
        }
        self.marks.retain(|name, _| columns.iter().any(|column| column.column == *name && can_decide(column)));
        self.selected = self.selected.min(columns.len().saturating_sub(1));
        self.compared = Compared::Read { creates_table, columns, statements, options };
        if std::mem::take(&mut self.is_fresh) {
            self.selected = self.columns().iter().position(|column| self.is_open(column)).unwrap_or(0);
        }
    }

    /// Goes to the next or previous column that needs a decision; after the last one comes the first.
    fn travel_open(&mut self, forward: bool, shared: &mut Shared) {
        let columns = self.columns();
        let count = columns.len();
        let steps = (1..=count).map(|step| if forward { step } else { count - step });
        let mut places = steps.map(|step| (self.selected + step) % count);
        match places.find(|place| self.is_open(&columns[*place])) {
            Some(place) => self.selected = place,
            None if self.marks.is_empty() => shared.remark("no column needs a decision"),
            None => shared.remark("every column has its decision: Enter shows what is applied"),
        }
    }

    /// The operator has confirmed.
    pub fn decide(&mut self, mapping: MappingName, decisions: Vec<ColumnDecision>, shared: &mut Shared) {
        self.deciding.clone_from(&self.mapping);
        shared.ask(Ask::Decide(Decide { mapping, decisions }));
    }

    /// Tells if the whole table waits to be taken.
    const fn is_new_table(&self) -> bool {
        self.new_table.is_some()
    }

    #[must_use]
    pub const fn deciding(&self) -> bool {
        self.deciding.is_some()
    }

    /// Once the decision is carried out, a mapping that waited for nothing else goes on.
    pub fn decided(&mut self, mapping: &MappingName, decided: Result<Decided, Failure>, shared: &mut Shared) {
        if self.deciding.as_ref() == Some(mapping) {
            self.deciding = None;
        }
        let Decided { accepted, declined, statements, .. } = match decided {
            Ok(decided) => decided,
            Err(Failure { error, hint }) => return shared.complain(format!("{mapping}: {error}. {hint}")),
        };
        let is_table = |columns: &[String]| columns.iter().any(|column| column == WHOLE_TABLE);
        shared.say(if is_table(&accepted) {
            let without = if declined.is_empty() { String::new() } else { format!(" without {}", declined.join(", ")) };
            format!("{mapping}: the new table is taken{without}")
        } else if is_table(&declined) {
            format!("{mapping}: the new table is declined")
        } else {
            let sent = numbered(statements.len() as u64, "statement was run", "statements were run");
            let accepted = numbered(accepted.len() as u64, "column accepted", "columns accepted");
            format!("{mapping}: {accepted}, {} declined; {sent} in BigQuery", declined.len())
        });
        if self.mapping.as_ref() == Some(mapping) {
            self.marks.clear();
        }
        shared.watch_now();
        // A table that was declined is not moved.
        if self.complete && !is_table(&declined) && waits(mapping, shared) {
            lost::run(vec![mapping.clone()], shared);
        }
        shared.ask(compare(mapping.clone(), Vec::new()));
    }

    /// The engine is gone, and the decision on its way with it.
    pub fn lost(&mut self) {
        self.deciding = None;
    }

    fn marked(&self, wanted: Mark) -> Vec<String> {
        self.marks.iter().filter(|(_, mark)| **mark == wanted).map(|(column, _)| column.clone()).collect()
    }
}

impl Acts for Schema {
    fn open(&mut self, about: About, shared: &mut Shared) -> bool {
        let About::Mapping(name) = about else {
            shared.say(NO_MAPPING);
            return false;
        };
        self.ask(name, shared);
        self.is_fresh = true;
        true
    }

    fn can_open(&self, subject: Option<&MappingName>, shared: &Shared) -> bool {
        shared.can_ask_about(subject)
    }

    fn subject<'a>(&'a self, _shared: &Shared) -> Option<&'a MappingName> {
        self.mapping.as_ref()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.selected = travel(self.selected, self.columns().len(), shared.page(), action);
            }
            Action::Toggle => self.toggle(shared),
            Action::AcceptSafe => self.accept_safe(shared),
            Action::NextOpen => self.travel_open(true, shared),
            Action::PreviousOpen => self.travel_open(false, shared),
            Action::Open => self.apply(shared),
            Action::Reload if shared.has_engine() => {
                if let Some(name) = self.mapping.clone() {
                    self.ask(name, shared);
                }
            }
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, _shared: &Shared) -> bool {
        match action {
            Action::Open => self.is_new_table() || !self.marks.is_empty(),
            Action::Toggle | Action::AcceptSafe => self.columns().iter().any(can_decide),
            Action::NextOpen => self.columns().iter().any(|column| self.is_open(column)),
            _ => true,
        }
    }

    fn heard(&mut self, event: &Event, _is_shown: bool, shared: &mut Shared) {
        // A run has met the same difference, and may have carried it out.
        if let Event::SchemaCompared(comparison) = event
            && self.mapping.as_ref() == Some(&comparison.mapping)
        {
            self.compared((**comparison).clone(), shared);
        }
    }

    /// The whole difference's DDL.
    fn copied(&self, _shared: &Shared) -> Option<String> {
        match &self.compared {
            Compared::Read { statements, .. } if !statements.is_empty() => Some(statements.join(";\n") + ";"),
            _ => None,
        }
    }

    fn busy(&self) -> bool {
        self.deciding()
    }
}

fn compare(mapping: MappingName, columns: Vec<String>) -> Ask {
    Ask::Compare(Compare { selection: Selection::Named(vec![mapping]), apply: false, columns })
}

/// Tells if the mapping waits for a decision.
fn waits(mapping: &MappingName, shared: &Shared) -> bool {
    shared.book.get(mapping).is_some_and(|row| {
        let last = row.last_run().is_some_and(|last| last.outcome == Outcome::Waiting);
        row.live.is_none() && (last || row.is_new_table() || !row.undecided().is_empty())
    })
}

/// Tells if accepting the column loses nothing.
fn is_safe(column: &ColumnDiffView) -> bool {
    match column.verdict {
        VerdictKind::New | VerdictKind::Widen | VerdictKind::Relax => true,
        VerdictKind::Same | VerdictKind::MissingInSource | VerdictKind::Conflict => false,
    }
}

fn can_decide(column: &ColumnDiffView) -> bool {
    match column.verdict {
        VerdictKind::New | VerdictKind::Widen | VerdictKind::Relax | VerdictKind::Conflict => true,
        VerdictKind::Same => column.accepted == Some(false),
        VerdictKind::MissingInSource => false,
    }
}
