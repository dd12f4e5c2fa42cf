//! A mapping whose `where` or `mask` has changed since its rows were moved: what lies below the watermark came by other
//! rules, and no incremental run reads it again.

use super::Work;
use crate::domain::config::{Mapping, Mode};
use crate::domain::finding::{Finding, Topic};
use crate::domain::quote;
use crate::engine::ports::Platform;
use crate::state::{MappingState, Rules};

impl<P: Platform> Work<'_, P> {
    /// Before the first row nothing lies below the watermark; later the change is told until something has renewed the rows.
    pub(in crate::engine) fn follow_rules(&mut self) {
        if self.ledger.watermark_text().is_none() {
            self.ledger.set_rules(Rules::of(&self.scope.mapping));
            return;
        }
        for finding in changed_rules(&self.scope.mapping, self.ledger.state()) {
            self.note(finding.to_string());
        }
    }

    /// A backfill has moved the rows again, or a repair has made both sides equal. Saved with whatever comes next.
    pub(in crate::engine) fn renew_rules(&mut self) {
        self.ledger.set_rules(Rules::of(&self.scope.mapping));
    }
}

/// A finding for each rule that is another than when the rows below the watermark were moved.
pub(in crate::engine) fn changed_rules(mapping: &Mapping, state: &MappingState) -> Vec<Finding> {
    if mapping.mode == Mode::Replace || state.watermark.is_none() {
        return Vec::new();
    }
    let (now, then) = (Rules::of(mapping), state.rules.clone().unwrap_or_default());
    let option = quote::shell_option("--mapping", &mapping.name.0);
    let filter = (now.filter != then.filter).then(|| {
        let sentence = "`where` is another than when the rows up to the watermark were moved: rows below it that match only \
                        now are not in BigQuery, and rows that match no longer are there still";
        Finding::warn(Topic::Where, sentence).remedy(format!(
            "`bqsync verify {option} --repair` brings the ones (so does a backfill from the beginning), and the others go as \
             `deletes` says"
        ))
    });
    filter.into_iter().collect()
}
