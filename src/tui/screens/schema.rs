//! Screen 3: both schemas side by side, and the operator's word on each column.

use std::collections::BTreeMap;

use super::travel;
use crate::domain::ids::MappingName;
use crate::domain::schema::{ColumnDiffView, VerdictKind};
use crate::engine::{ColumnDecision, Command, Selection};
use crate::tui::app::{Choice, Dialog, Intent};
use crate::tui::keys::Action;

/// The operator's word on a column, not yet sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Accept,
    Decline,
}

/// What the engine said of both schemas.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Compared {
    #[default]
    Asked,
    Failed {
        error: String,
        hint: String,
    },
    Read {
        creates_table: bool,
        columns: Vec<ColumnDiffView>,
        statements: Vec<String>,
    },
}

/// What Enter, or an answer, leads to.
#[derive(Debug)]
pub enum Asked {
    /// The exact DDL of what is accepted is not known yet.
    Compare(Command),
    Confirm(Dialog),
    Nothing(&'static str),
}

#[derive(Debug, Default)]
pub struct Schema {
    pub mapping: Option<MappingName>,
    pub compared: Compared,
    pub marks: BTreeMap<String, Mark>,
    pub selected: usize,
    /// The next comparison answers for the accepted columns alone.
    asking: bool,
    deciding: Option<MappingName>,
    /// Was everything that waited decided about in what was sent last?
    complete: bool,
}

impl Schema {
    pub fn open(&mut self, mapping: MappingName) {
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
            Compared::Asked | Compared::Failed { .. } => &[],
        }
    }

    pub fn travel(&mut self, action: Action, page: usize) {
        self.selected = travel(self.selected, self.columns().len(), page, action);
    }

    /// Accept, decline, undecided, in turn; a conflict can only be declined.
    pub fn toggle(&mut self) {
        let Some(column) = self.columns().get(self.selected).filter(|column| can_decide(column)).cloned() else {
            return;
        };
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

    pub fn accept_safe(&mut self) {
        let safe = self.columns().iter().filter(|column| is_safe(column) && column.accepted != Some(false));
        let safe: Vec<String> = safe.map(|column| column.column.clone()).collect();
        self.marks.extend(safe.into_iter().map(|column| (column, Mark::Accept)));
    }

    /// Enter.
    pub fn ask(&mut self) -> Asked {
        let Some(mapping) = self.mapping.clone() else { return Asked::Nothing("no mapping is marked") };
        if self.marks.is_empty() {
            return Asked::Nothing("accept or decline a column first: Space, or a for all that is safe");
        }
        let accepted = self.marked(Mark::Accept);
        if accepted.is_empty() {
            return Asked::Confirm(self.confirm(&mapping, &[]));
        }
        self.asking = true;
        Asked::Compare(Command::Compare { selection: Selection::Named(vec![mapping]), apply: false, columns: accepted })
    }

    pub fn compared(
        &mut self,
        mapping: &MappingName,
        creates_table: bool,
        columns: Vec<ColumnDiffView>,
        statements: Vec<String>,
        applied: bool,
    ) -> Asked {
        if self.mapping.as_ref() != Some(mapping) {
            return Asked::Nothing("");
        }
        if std::mem::take(&mut self.asking) && !applied {
            return Asked::Confirm(self.confirm(mapping, &statements));
        }
        self.marks.retain(|name, _| columns.iter().any(|column| column.column == *name && can_decide(column)));
        self.selected = self.selected.min(columns.len().saturating_sub(1));
        self.compared = Compared::Read { creates_table, columns, statements };
        Asked::Nothing("")
    }

    pub fn failed(&mut self, mapping: &MappingName, error: String, hint: String) {
        if self.mapping.as_ref() == Some(mapping) {
            self.asking = false;
            self.compared = Compared::Failed { error, hint };
        }
    }

    pub fn sent(&mut self) {
        self.deciding.clone_from(&self.mapping);
    }

    #[must_use]
    pub const fn deciding(&self) -> bool {
        self.deciding.is_some()
    }

    /// The decision is carried out; `true` when nothing is left that the mapping would wait for.
    pub fn decided(&mut self, mapping: &MappingName) -> bool {
        if self.deciding.as_ref() == Some(mapping) {
            self.deciding = None;
        }
        if self.mapping.as_ref() == Some(mapping) {
            self.marks.clear();
        }
        self.complete
    }

    pub fn not_decided(&mut self, mapping: &MappingName) {
        if self.deciding.as_ref() == Some(mapping) {
            self.deciding = None;
        }
    }

    /// The whole difference's DDL, for the clipboard.
    #[must_use]
    pub fn ddl(&self) -> Option<String> {
        match &self.compared {
            Compared::Read { statements, .. } if !statements.is_empty() => Some(statements.join(";\n") + ";"),
            _ => None,
        }
    }

    fn marked(&self, wanted: Mark) -> Vec<String> {
        self.marks.iter().filter(|(_, mark)| **mark == wanted).map(|(column, _)| column.clone()).collect()
    }

    fn confirm(&mut self, mapping: &MappingName, statements: &[String]) -> Dialog {
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
            lines.push(format!("Still undecided, so the mapping goes on waiting: {}.", open.join(", ")));
        }
        self.complete = open.is_empty();
        let decision = |column: &String, accept| ColumnDecision { column: column.clone(), accept };
        let decisions = accepted.iter().map(|c| decision(c, true)).chain(declined.iter().map(|c| decision(c, false)));
        let intent = Intent::Decide { mapping: mapping.clone(), decisions: decisions.collect() };
        let back = Choice { letter: 'n', label: "go back, change nothing".to_owned(), intent: Intent::Nothing };
        let go = Choice { letter: 'y', label: "apply and remember".to_owned(), intent };
        Dialog::new(format!("Change the schema of {mapping}?"), lines, vec![back, go])
    }

    /// Needs a word that neither the state nor the operator has given.
    fn is_open(&self, column: &ColumnDiffView) -> bool {
        let needs = can_decide(column) && column.verdict != VerdictKind::Relax;
        needs && column.accepted.is_none() && !self.marks.contains_key(&column.column)
    }
}

/// Would carrying it out lose nothing?
pub fn is_safe(column: &ColumnDiffView) -> bool {
    match column.verdict {
        VerdictKind::New | VerdictKind::Widen | VerdictKind::Relax => true,
        VerdictKind::Same | VerdictKind::MissingInSource | VerdictKind::Conflict => false,
    }
}

pub fn can_decide(column: &ColumnDiffView) -> bool {
    is_safe(column) || column.verdict == VerdictKind::Conflict
}
