//! A mapping whose `shard_column` or `shard` has changed since its rows were moved: the target still marks them with
//! the former value, so the next rows would come beside them.

use super::Work;
use super::scope::Halt;
use crate::domain::check::anew::loading;
use crate::domain::config::Mapping;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::quote;
use crate::domain::shard_change::{ShardChange, Strays};
use crate::domain::table_shard::{TableShard, emptying};
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::Phase;
use crate::format;
use crate::state::{MappingState, RowsOf};
use crate::warehouse::{Estimates, Warehouse};

/// What a change of the shard comes to.
enum Change {
    /// No row is left with the former value.
    Done,
    /// The table lacks the column, and the plan says what to do about that.
    OfThePlan,
}

impl<P: Platform> Work<'_, P> {
    /// Checks the shard before anything is read. If the state remembers none, the rows are those that the mapping says.
    pub(in crate::engine) async fn follow_shard(&mut self) -> Result<(), Halt> {
        let scope = self.scope;
        let (mapping, now) = (&scope.mapping, RowsOf::of(&scope.mapping));
        if let Some(then) = changed(mapping, self.ledger.state()).cloned() {
            let look = scope.unless_cancelled(judge(&scope.ports, mapping, &then));
            match scope.in_phase(Phase::Describe, look).await? {
                Change::OfThePlan => return Ok(()),
                Change::Done => self.note(taken_over(mapping, &then, &now)),
            }
        }
        self.ledger.set_rows_of(Some(now));
        Ok(())
    }
}

/// The same check for those who only look.
///
/// # Errors
/// `Config`, with the statement that makes the rows what the mapping says.
pub(in crate::engine) async fn refuse_strays<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    state: &MappingState,
) -> Result<(), Fault> {
    match changed(mapping, state) {
        Some(then) => judge(ports, mapping, then).await.map(|_| ()),
        None => Ok(()),
    }
}

/// The shard as which the rows were moved, if the mapping now says another one. Before the first row, any shard will
/// do.
fn changed<'a>(mapping: &Mapping, state: &'a MappingState) -> Option<&'a RowsOf> {
    state.rows_of.as_ref().filter(|then| !then.is_of(mapping) && state.has_published())
}

async fn judge<P: Platform>(ports: &Ports<P>, mapping: &Mapping, then: &RowsOf) -> Result<Change, Fault> {
    let Some(target) = ports.warehouse.describe(&mapping.target).await? else { return Ok(Change::Done) };
    let change = ShardChange { from: then.shard.clone(), to: mapping.shard.clone() };
    let Some(strays) = change.strays(&target) else {
        let lacks = |shard: &TableShard| target.column(&shard.column).is_none();
        let is_of_plan = change.to.as_ref().is_some_and(lacks) && !target.is_empty();
        return Ok(if is_of_plan { Change::OfThePlan } else { Change::Done });
    };
    let rows = ports.warehouse.count_strays(&mapping.target, &target, &strays).await?;
    if rows == 0 {
        return Ok(Change::Done);
    }
    let rival = change.from.as_ref().and_then(|from| {
        let is_now = |other: &&Mapping| {
            other.target == mapping.target && other.shard.as_ref().is_some_and(|shard| shard.is_like(from))
        };
        ports.config.mappings.iter().find(is_now)
    });
    let beside = match (&strays, &change.to) {
        (Strays::Of(_), Some(to)) if target.column(&to.column).is_some() => {
            ports.warehouse.count_strays(&mapping.target, &target, &Strays::Of(to.clone())).await?
        }
        _ => 0,
    };
    let hint = match (change.statement(&mapping.target, &target, &strays), rival) {
        (Some(_), Some(rival)) => format!(
            "mapping `{}` uses {} now, so its rows cannot be distinguished from these: give one of the two mappings its \
             former `shard` again",
            rival.name,
            words(change.from.as_ref())
        ),
        (Some(statement), None) => format!(
            "{}run in BigQuery: {statement}; the next run then continues from the watermark. Or give the mapping its former \
             `shard` again",
            doubles(mapping, &change, beside)
        ),
        (None, _) => format!(
            "write {} again; or give the mapping a `bigquery_table` of its own, then `{}`",
            former(then),
            loading(mapping)
        ),
    };
    Err(refusal(mapping, &change, rows).with_hint(hint))
}

fn refusal(mapping: &Mapping, change: &ShardChange, rows: u64) -> Fault {
    let (name, target, rows) = (&mapping.name, &mapping.target, format::counted(rows, "row"));
    let (then, now) = (words(change.from.as_ref()), words(change.to.as_ref()));
    let what = match (&change.from, &change.to) {
        (Some(_), None) => format!("{target} holds {rows} outside of {then}, which would be taken for the mapping's"),
        _ => format!("{target} still holds {rows} of {then}, which would come a second time"),
    };
    let sentence = format!("The rows of `{name}` were published under {then}, and the mapping now says {now}: {what}");
    Fault::new(FaultKind::Config, sentence)
}

/// Tells about rows that have the new value already; empty if there are none.
fn doubles(mapping: &Mapping, change: &ShardChange, rows: u64) -> String {
    let Some(to) = change.to.as_ref().filter(|_| rows > 0) else { return String::new() };
    format!(
        "{} of {} are there already: if they are another mapping's, choose another `shard`; if they are a second copy of \
         these rows, first run {}; then ",
        format::counted(rows, "row"),
        words(Some(to)),
        emptying(&mapping.target, Some(to))
    )
}

fn taken_over(mapping: &Mapping, then: &RowsOf, now: &RowsOf) -> String {
    let (name, target) = (&mapping.name, &mapping.target);
    let (then, now) = (words(then.shard.as_ref()), words(now.shard.as_ref()));
    format!(
        "the rows of `{name}` were published under {then} and belong to {now} from now on: {target} has none left of {then}"
    )
}

/// Names rows by the shard that marks them.
fn words(shard: Option<&TableShard>) -> String {
    shard.map_or_else(|| "no shard".to_owned(), |shard| format!("shard {}", shard.condition("")))
}

/// The keys that marked the rows; empty if they had no shard.
fn former(then: &RowsOf) -> String {
    let shard = then.shard.as_ref();
    shard.map_or_else(String::new, |shard| {
        format!("`shard_column: {}` and `shard: {}`", quote::yaml_word(&shard.column), quote::yaml_word(&shard.value))
    })
}
