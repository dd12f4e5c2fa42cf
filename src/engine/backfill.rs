//! A window that the operator names: moved in slices, each remembered, so that it goes on where it stopped. The
//! watermark stays where it is.

use super::ports::Platform;
use chrono::Utc;

use super::attempt::Ground;
use super::cut::cut;
use super::horizon::horizon;
use super::ledger::Ledger;
use super::protocol::{BackfillAsk, Event, Phase};
use super::scope::{Halt, Scope};
use super::steps::{Journey, move_in_steps};
use crate::domain::config::Mapping;
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::quote;
use crate::domain::report::MappingReport;
use crate::domain::shard::Shard;
use crate::domain::window::{Low, Window};
use crate::failpoint::reached;
use crate::state::{BackfillState, Moves};

/// What is asked of a try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'a> {
    pub ask: &'a BackfillAsk,
    /// Give up what is unfinished. A second try goes on with what the first has begun.
    pub restart: bool,
    /// Cut it into parts for so many processes; these are moved under leases of their own.
    pub shard: Option<Shard>,
}

/// Begins the backfill, or goes on with the unfinished one of the same words.
pub(super) async fn backfill<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    ground: &Ground,
    Order { ask, restart, shard }: Order<'_>,
) -> Result<(), Halt> {
    let state = match ledger.backfill().filter(|_| !restart).cloned() {
        // Cut while this process waited for the lease.
        Some(shared) if shared.parts.is_some() && shard.is_none() => {
            return Err(another(&scope.mapping, &shared).into());
        }
        Some(unfinished) if is_of(&unfinished, ask) => unfinished,
        Some(other) => return Err(another(&scope.mapping, &other).into()),
        None => scope.in_phase(Phase::Plan, begin(scope, ledger, report, ground, ask)).await?,
    };
    let state = match shard {
        Some(shard) => scope.in_phase(Phase::Plan, cut(scope, ledger, report, ground, (state, shard))).await?,
        None => state,
    };
    if ledger.backfill() != Some(&state) {
        ledger.set_backfill(Some(state.clone())).await?;
        reached("backfill_begun");
    }
    if shard.is_some() {
        return Ok(());
    }
    move_the_rest(scope, ledger, report, ground, &state).await?;
    Ok(ledger.set_backfill(None).await?)
}

/// Moves one part of a shared backfill, or what an earlier holder of it has left.
pub(super) async fn part<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    ground: &Ground,
    planned: &BackfillState,
) -> Result<(), Halt> {
    if !ledger.backfill().is_some_and(|known| known.is_same(planned)) {
        ledger.set_backfill(Some(planned.clone())).await?;
    }
    let state = ledger.backfill().unwrap_or(planned).clone();
    // It stays in the part's state, where the others see that it is done.
    move_the_rest(scope, ledger, report, ground, &state).await
}

async fn move_the_rest<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    ground: &Ground,
    state: &BackfillState,
) -> Result<(), Halt> {
    let window = rest(state, ground.plan.cursor_kind)?;
    report.window = Some(window.to_string());
    scope.progress.update(|p| p.window = Some(window.to_string()));
    let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
    scope.emit(Event::WindowFixed { run, mapping, window: window.to_string(), rows_estimate: None });
    if state.is_done() {
        return Ok(());
    }
    let journey = Journey { window, rows: None, moves: Moves::Backfill, reread_to: None, after: 0, is_first: true };
    move_in_steps(scope, ledger, report, ground, journey).await.map(|_| ())
}

/// What is not known to be in the target yet.
pub(super) fn rest(state: &BackfillState, kind: CursorKind) -> Result<Window, Fault> {
    let value = |text: &str| Cursor::parse(text, kind);
    let low = match &state.done {
        Some(done) => Low::After(value(done)?),
        None => Low::From(value(&state.from)?),
    };
    Ok(Window { low, high: value(&state.to)? })
}

/// The same words go on with it.
pub(super) fn is_of(unfinished: &BackfillState, ask: &BackfillAsk) -> bool {
    unfinished.start == ask.start && unfinished.end == ask.end
}

pub(super) fn another(mapping: &Mapping, unfinished: &BackfillState) -> Fault {
    let BackfillState { start, end, from, to, done, by, .. } = unfinished;
    let reached = match (done, unfinished.part_count()) {
        (None, 0) => "nothing of it is done".to_owned(),
        (Some(done), 0) => format!("done up to {done}"),
        (_, parts) => format!("`bqsync status` says how far its {parts} parts are"),
    };
    let sentence =
        format!("A backfill of `{}` from {from} to {to}, begun by {by}, has not ended ({reached})", mapping.name);
    let end = end.as_deref().map(|end| format!(" {}", quote::shell_option("--end", end))).unwrap_or_default();
    Fault::new(FaultKind::Conflict, sentence).with_hint(format!(
        "`bqsync backfill {} {}{end}` goes on with it; your command with `--restart` gives it up",
        quote::shell_option("--mapping", &mapping.name.0),
        quote::shell_option("--start", start)
    ))
}

/// What the operator's words mean: both ends included, and nothing beyond the watermark, which is the incremental runs'.
async fn begin<P: Platform>(
    scope: &Scope<P>,
    ledger: &Ledger<P>,
    report: &mut MappingReport,
    ground: &Ground,
    ask: &BackfillAsk,
) -> Result<BackfillState, Halt> {
    let kind = ground.plan.cursor_kind;
    let asked = Asked::read(ask, kind)?;
    let watermark = ledger.watermark(kind)?;
    let latest = match &watermark {
        Some(mark) => Some(mark.cursor),
        None => horizon(scope, ground, Low::From(asked.start), report).await?.high,
    };
    let (to, cut) = asked.until(latest).ok_or_else(|| nothing(&scope.mapping, &asked, latest))?;
    if let (true, Some(mark)) = (cut, &watermark) {
        scope.note(report, beyond(mark.cursor));
    }
    Ok(BackfillState {
        start: ask.start.clone(),
        end: ask.end.clone(),
        from: asked.start.to_string(),
        to: to.to_string(),
        done: None,
        slices: 0,
        rows: 0,
        began_at: Utc::now(),
        by: scope.ports.operator.to_string(),
        parts: None,
    })
}

pub(super) fn beyond(watermark: Cursor) -> String {
    format!("rows beyond the watermark {watermark} are left to the incremental runs")
}

/// The operator's words as values of the column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub start: Cursor,
    pub end: Option<Cursor>,
}

impl Asked {
    /// # Errors
    /// `Config`, naming the option.
    pub(super) fn read(ask: &BackfillAsk, kind: CursorKind) -> Result<Self, Fault> {
        let value = |option: &str, text: &str| {
            Cursor::parse(text, kind)
                .map_err(|fault| Fault::new(FaultKind::Config, format!("`{option}`")).caused_by(fault))
        };
        let start = value("--start", &ask.start)?;
        let end =
            ask.end.as_deref().map(|text| value("--end", text).map(|end| end.day_end_of(text, kind))).transpose()?;
        if end.is_some_and(|end| end.max_of(start) == start && end != start) {
            return Err(Fault::new(FaultKind::Config, "`--end` lies before `--start`")
                .with_hint("exchange the two; both ends are included"));
        }
        Ok(Self { start, end })
    }

    /// Where the window ends, and whether that is short of what was asked; `None` when nothing is left of it.
    pub(super) fn until(&self, latest: Option<Cursor>) -> Option<(Cursor, bool)> {
        let latest = latest?;
        let end = self.end.unwrap_or(latest);
        let cut = end.max_of(latest) == end && end != latest;
        let to = if cut { latest } else { end };
        (to.max_of(self.start) == to).then_some((to, cut))
    }
}

pub(super) fn nothing(mapping: &Mapping, asked: &Asked, latest: Option<Cursor>) -> Fault {
    let start = asked.start;
    let sentence = match latest {
        Some(latest) => {
            format!("There is nothing to backfill: `--start` is {start}, and `{}` has come to {latest}", mapping.name)
        }
        None => format!("There is nothing to backfill: {} holds no settled row from {start} on", mapping.source),
    };
    Fault::new(FaultKind::Config, sentence).with_hint("what lies beyond is fetched by `bqsync run-once`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::MappingName;

    const KIND: CursorKind = CursorKind::DateTime { fsp: 0, zone: chrono_tz::UTC };

    fn asked(start: &str, end: Option<&str>) -> Result<Asked, Fault> {
        let ask = BackfillAsk { mapping: MappingName("m".into()), start: start.into(), end: end.map(Into::into) };
        Asked::read(&ask, KIND)
    }

    fn at(text: &str) -> Cursor {
        Cursor::parse(text, KIND).unwrap()
    }

    #[test]
    fn a_day_as_the_end_is_meant_whole() {
        let october = asked("2026-10-01", Some("2026-10-31")).unwrap();
        assert_eq!(october.start.to_string(), "2026-10-01 00:00:00");
        assert_eq!(october.end.unwrap().to_string(), "2026-10-31 23:59:59.999999");
        assert_eq!(asked("2026-10-01", Some("2026-10-31 12:00:00")).unwrap().end, Some(at("2026-10-31 12:00:00")));
        assert!(asked("2026-10-02", Some("2026-10-01")).is_err());
        assert!(asked("yesterday", None).unwrap_err().to_string().contains("`--start`"));
    }

    #[test]
    fn the_watermark_bounds_a_backfill() {
        let october = asked("2026-10-01", Some("2026-10-31")).unwrap();
        let mark = at("2026-10-15 00:00:00");
        assert_eq!(october.until(Some(mark)), Some((mark, true)));
        assert_eq!(october.until(Some(at("2026-09-30"))), None);
        let open = asked("2026-10-01", None).unwrap();
        assert_eq!(open.until(Some(mark)), Some((mark, false)));
        assert_eq!(open.until(None), None);
    }
}
