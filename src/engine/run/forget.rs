//! `run-once --forget-watermark`: a table whose rows are gone from BigQuery is loaded from the beginning.
//!
//! Rows of an append that are still there would come a second time, so that is refused. An upsert finds rows by their
//! key.

use crate::domain::check::anew::loading_again;
use crate::domain::column::TargetSchema;
use crate::domain::config::{Mapping, Mode};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::quote;
use crate::domain::shard_change::Strays;
use crate::engine::ports::Platform;
use crate::engine::work::Work;
use crate::engine::work::scope::{Halt, Task};
use crate::warehouse::Estimates;

impl<P: Platform> Work<'_, P> {
    /// Tells if the watermark is still to be forgotten. A later attempt of the run continues from the watermark that an
    /// earlier one has reached.
    pub(super) const fn is_to_forget(&self) -> bool {
        matches!(self.scope.task, Task::Sync { forget_watermark: true, .. }) && !self.tally.has_forgotten
    }

    /// Forgets the watermark, and says what follows from that.
    ///
    /// # Errors
    /// `Conflict`, with the next step, where rows would come twice.
    pub(super) async fn forget_watermark(&mut self, target: Option<&TargetSchema>) -> Result<(), Halt> {
        let mapping = &self.scope.mapping;
        let Some(mark) = self.ledger.watermark_text() else {
            self.tally.has_forgotten = true;
            self.tell(format!("`{}` has no watermark to forget: the run continues as any other", mapping.name));
            return Ok(());
        };
        let (name, table) = (&mapping.name, &mapping.target);
        let from = mapping.backfill_start.as_ref().map_or("the beginning", |_| "`backfill_start`");
        let are_gone = match target {
            None => true,
            Some(target) => self.holds_no_row(target).await?,
        };
        let why = match (target, are_gone, mapping.mode) {
            (None, ..) => format!("{table} does not exist"),
            (Some(_), true, _) => format!("{table} holds none of its rows"),
            (Some(_), false, Mode::Upsert) => {
                format!("the rows of {table} stay, and those of MySQL replace them by key")
            }
            (Some(_), false, Mode::Append | Mode::Replace | Mode::Mirror) => return Err(would_double(mapping).into()),
        };
        self.ledger.forget_watermark(are_gone).await?;
        self.tally.has_forgotten = true;
        self.tell(format!("the watermark of `{name}`, {mark}, is forgotten: {why}, and the run reads from {from} on"));
        Ok(())
    }

    /// Tells the operator, also in the report of a later attempt.
    fn tell(&mut self, message: String) {
        self.tally.lasting_warnings.push(message.clone());
        self.note(message);
    }

    /// Tells if the target is known to hold no row of the mapping.
    async fn holds_no_row(&self, target: &TargetSchema) -> Result<bool, Halt> {
        let scope = self.scope;
        match &scope.mapping.shard {
            Some(shard) if !target.is_empty() && target.column(&shard.column).is_some() => {
                let strays = Strays::Of(shard.clone());
                let count = scope.ports.warehouse.count_strays(&scope.mapping.target, target, &strays);
                Ok(scope.unless_cancelled(count).await? == 0)
            }
            Some(_) | None => Ok(target.is_empty()),
        }
    }
}

fn would_double(mapping: &Mapping) -> Fault {
    let Mapping { name, target, .. } = mapping;
    let sentence = format!(
        "The watermark of `{name}` is not forgotten: {target} holds rows of it, and an append would bring them a second time"
    );
    Fault::new(FaultKind::Conflict, sentence).with_hint(format!(
        "`bqsync run-once {}` continues from the watermark; to load the table again, {}",
        quote::shell_option("--mapping", &name.0),
        loading_again(mapping)
    ))
}
