//! What the state remembers of a mapping's columns and of the rules by which its rows came. Saved with the next change.

use std::collections::{BTreeMap, BTreeSet};

use super::Ledger;
use crate::domain::schema::Decisions;
use crate::engine::ports::Platform;
use crate::state::{Declared, RowsOf, Rules};

impl<P: Platform> Ledger<P> {
    /// Sets the rules by which the rows below the watermark came; saved with the next change.
    pub(in crate::engine) fn set_rules(&mut self, rules: Rules) {
        self.state.rules = Some(rules).filter(|rules| !rules.is_empty());
    }

    /// Sets the columns that MySQL's table has, and those that it no longer has; saved with the next change.
    pub(in crate::engine) fn set_columns(&mut self, columns: BTreeSet<String>, gone: BTreeSet<String>) {
        self.state.columns = columns;
        self.state.gone_columns = gone;
    }

    /// Sets how MySQL's table declares the columns that move; saved with the next change.
    pub(in crate::engine) fn set_declared(&mut self, declared: BTreeMap<String, Declared>) {
        self.state.declared = declared;
    }

    /// Sets which rows of the target are the mapping's; this is saved with whatever comes next.
    pub(in crate::engine) fn set_rows_of(&mut self, rows_of: Option<RowsOf>) {
        self.state.rows_of = rows_of;
    }

    pub(in crate::engine) const fn decisions(&self) -> &Decisions {
        &self.state.decisions
    }

    pub(in crate::engine) const fn decisions_mut(&mut self) -> &mut Decisions {
        &mut self.state.decisions
    }

    /// Forgets undecided columns that the operator has now decided on.
    pub(in crate::engine) fn forget_undecided(&mut self, said: impl Fn(&str) -> bool) {
        self.state.undecided.retain(|column| !said(column));
    }

    /// Sets the columns that wait for the operator; saved with the next change.
    pub(in crate::engine) fn set_undecided(&mut self, columns: Vec<String>) {
        self.state.undecided = columns;
    }
}
