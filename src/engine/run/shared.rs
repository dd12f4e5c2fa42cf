//! A backfill that several processes share without a coordinator: its parts are in the state that they all see, and the
//! holder of a part's lease moves it.
//!
//! The first process cuts the backfill under the mapping's lease and gives the lease back. From then on the mapping may
//! be taken again, but a process that takes it for other work first takes every unfinished part ([`hold_parts`]): so
//! two processes never move the same row, and a holder of a part that was thought dead can no longer write.

use std::time::Duration;

use crate::domain::fault::{Fault, FaultKind, Tries};
use crate::domain::shard::Shard;
use crate::engine::moving::backfill::{another, is_of};
use crate::engine::ports::Platform;
use crate::engine::protocol::{BackfillAsk, Phase};
use crate::engine::work::Work;
use crate::engine::work::ledger::Ledger;
use crate::engine::work::leftovers::Leftovers;
use crate::engine::work::rows_of::refuse_strays;
use crate::engine::work::rules::{Renewed, renewed, still_hold};
use crate::engine::work::scope::{Halt, Scope, Task};
use crate::engine::work::sweep::sweep;
use crate::engine::work::tally::Tally;
use crate::retry::next_wait;
use crate::state::{BackfillState, MappingState, StateStore};

/// How often a lease that another process holds is tried again; as long as that process lives, so until the mapping's
/// deadline.
const LOOKS: Tries = Tries { most: usize::MAX, wait: Duration::from_secs(1), longest_wait: Duration::from_secs(15) };

/// The standing of a shared backfill of the given words.
enum Standing {
    /// There is none, or it is not cut yet.
    ToBegin,
    Cut(BackfillState),
    /// It ended before this process came.
    Ended,
    Other(BackfillState),
}

/// This process's place among those that share the task's backfill; `None` if it is not shared. A command without
/// `--shard` goes on with a backfill that was begun with it.
pub(super) async fn shard_of<P: Platform>(scope: &Scope<P>) -> Option<(&BackfillAsk, Shard)> {
    let Task::Backfill { ask, restart, shard } = &scope.task else { return None };
    if let Some(shard) = shard {
        return Some((ask, *shard));
    }
    // A state that cannot be read is reported when the lease is taken.
    let state = scope.unless_cancelled(scope.ports.state.load(&scope.mapping.name)).await.ok()?;
    let is_cut = state.backfill.is_some_and(|known| known.parts.is_some() && is_of(&known, ask));
    (is_cut && !restart).then_some((ask, Shard::WHOLE))
}

impl<P: Platform> Scope<P> {
    /// Moves parts until all are done, by this process or others; gives the mapping's lease, under which that is
    /// recorded.
    pub(super) async fn share(&self, tally: &mut Tally, ask: &BackfillAsk, shard: Shard) -> Result<Ledger<P>, Halt> {
        let plan = loop {
            let seen = self.unless_cancelled(self.ports.state.load(&self.mapping.name)).await?;
            match standing(&seen, ask, shard) {
                Standing::Cut(plan) => break plan,
                Standing::Other(other) => return Err(another(&self.mapping, &other).into()),
                Standing::ToBegin | Standing::Ended => {}
            }
            let mut ledger = self.in_phase(Phase::Lease, self.lease_when_free()).await?;
            // Other processes may have been quicker.
            match standing(ledger.state(), ask, shard) {
                Standing::ToBegin => Work { scope: self, ledger, tally: &mut *tally }.with_retries().await?,
                Standing::Ended => {
                    self.note(tally, "the other processes had moved all of it before this one started".to_owned());
                    ledger.end_shared(shard).await?;
                    return Ok(ledger);
                }
                Standing::Cut(_) | Standing::Other(_) => {}
            }
        };
        self.move_parts(tally, &plan, shard).await?;
        let mut ledger = self.in_phase(Phase::Lease, self.lease_when_free()).await?;
        let stands = ledger.backfill().is_none_or(|known| known.is_same(&plan));
        if !stands {
            return Err(self.given_up().into());
        }
        if ledger.backfill().is_some() {
            self.sweep_parts(&plan).await?;
        }
        if let Some(rules) = plan.rules.filter(|rules| still_hold(rules, &self.mapping)) {
            let rules = renewed(&self.mapping, ledger.state(), Renewed::Moved, *rules);
            ledger.set_rules(rules);
        }
        ledger.end_shared(shard).await?;
        tally.window = Some(format!("[{}, {}]", plan.from, plan.to));
        Ok(ledger)
    }

    /// Waits for the mapping's lease until its holder gives it back.
    async fn lease_when_free(&self) -> Result<Ledger<P>, Halt> {
        let mut looks = 0;
        loop {
            let opened = Ledger::open(&self.ports, &self.mapping.name, &self.run);
            match self.unless_cancelled(opened).await {
                Err(Halt::Fault(fault)) if fault.kind() == FaultKind::Conflict => {
                    looks += 1;
                    self.look_later(looks, &fault).await?;
                }
                opened => return opened,
            }
        }
    }

    async fn look_later(&self, looks: usize, because: &Fault) -> Result<(), Halt> {
        if looks == 1 {
            tracing::info!(%because, "waiting for another process");
        }
        let wait = next_wait(LOOKS, looks, None).unwrap_or(LOOKS.longest_wait);
        tokio::select! {
            () = self.hold.cancel.cancelled() => Err(Halt::Cancelled),
            () = tokio::time::sleep(self.ports.patience.of(wait)) => Ok(()),
        }
    }

    /// Moves the parts that nobody else moves, and waits for the others' parts, because a process may die.
    async fn move_parts(&self, tally: &mut Tally, plan: &BackfillState, shard: Shard) -> Result<(), Halt> {
        let mut left: Vec<usize> = shard.rounds(plan.part_count()).collect();
        let mut looks = 0;
        loop {
            let mut held = Vec::new();
            let mut by = None;
            for &number in &left {
                if let Some(conflict) = self.move_part(tally, plan, number).await? {
                    held.push(number);
                    by = Some(conflict);
                }
            }
            let Some(by) = by else { return Ok(()) };
            looks = if held.len() < left.len() { 1 } else { looks + 1 };
            left = held;
            self.look_later(looks, &by).await?;
        }
    }

    /// `None`: the part is done; otherwise the fault that names its holder.
    async fn move_part(&self, tally: &mut Tally, plan: &BackfillState, number: usize) -> Result<Option<Fault>, Halt> {
        let store = &*self.ports.state;
        let Some(part) = plan.part(number) else { return Ok(None) };
        let scope = self.of_part(number, part.clone());
        if is_done(&scope.unless_cancelled(store.load(&scope.key)).await?, &part) {
            return Ok(None);
        }
        let mut ledger = match scope.unless_cancelled(Ledger::open(&scope.ports, &scope.key, &scope.run)).await {
            Err(Halt::Fault(fault)) if fault.kind() == FaultKind::Conflict => return Ok(Some(fault)),
            opened => opened?,
        };
        if is_done(ledger.state(), &part) {
            return Ok(None);
        }
        // Giving the backfill up needs the leases of all its parts, so what is read under this part's lease stays true.
        let whole = scope.unless_cancelled(store.load(&scope.mapping.name)).await?;
        if !whole.backfill.as_ref().is_some_and(|known| known.is_same(plan)) {
            return Err(scope.given_up().into());
        }
        scope.unless_cancelled(refuse_strays(&scope.ports, &scope.mapping, &whole)).await?;
        *ledger.decisions_mut() = whole.decisions;
        tracing::info!(part = number, of = plan.part_count(), "moving a part of the shared backfill");
        let mut own = tally.of_part();
        let moved = Work { scope: &scope, ledger, tally: &mut own }.with_retries().await;
        tally.absorb(own);
        moved.map(|()| None)
    }

    /// Drops what processes left that died after their part was done but before they cleaned up: nobody takes such a
    /// part again.
    async fn sweep_parts(&self, plan: &BackfillState) -> Result<(), Halt> {
        // Looked for anew: the listing from the run's beginning is older than these tables.
        let leftovers = Leftovers::default();
        for (number, part) in parts(plan) {
            sweep(&Self { leftovers: leftovers.clone(), ..self.of_part(number, part) }).await?;
        }
        Ok(())
    }

    fn given_up(&self) -> Fault {
        let sentence = format!("The backfill of `{}` was discarded by another process", self.mapping.name);
        Fault::new(FaultKind::Conflict, sentence).with_hint(
            "the rows that were moved stay in BigQuery; `bqsync status` shows which backfill replaced this one",
        )
    }

    /// Takes every unfinished part of a shared backfill, and settles what its last holder left. The mapping then
    /// belongs to this process as if there were no parts, until the leases are dropped.
    ///
    /// # Errors
    /// `Conflict` while another process moves a part.
    pub(super) async fn hold_parts(&self, ledger: &Ledger<P>, tally: &mut Tally) -> Result<Vec<Ledger<P>>, Halt> {
        let store = &*self.ports.state;
        let mut taken = Vec::new();
        for (number, part) in ledger.backfill().into_iter().flat_map(parts) {
            let scope = self.of_part(number, part.clone());
            if is_done(&scope.unless_cancelled(store.load(&scope.key)).await?, &part) {
                continue;
            }
            let held = scope.unless_cancelled(Ledger::open(&scope.ports, &scope.key, &scope.run)).await?;
            let mut work = Work { scope: &scope, ledger: held, tally: &mut *tally };
            work.recover().await?;
            sweep(&scope).await?;
            taken.push(work.ledger);
        }
        Ok(taken)
    }
}

fn standing(state: &MappingState, ask: &BackfillAsk, shard: Shard) -> Standing {
    match &state.backfill {
        Some(known) if !is_of(known, ask) => Standing::Other(known.clone()),
        Some(known) if known.parts.is_some() => Standing::Cut(known.clone()),
        Some(_) => Standing::ToBegin,
        None => match &state.ended_backfill {
            Some(ended) if ended.start == ask.start && ended.end == ask.end && ended.is_news_to(shard) => {
                Standing::Ended
            }
            _ => Standing::ToBegin,
        },
    }
}

fn parts(plan: &BackfillState) -> impl Iterator<Item = (usize, BackfillState)> {
    (0..plan.part_count()).filter_map(|number| Some((number, plan.part(number)?)))
}

fn is_done(state: &MappingState, part: &BackfillState) -> bool {
    state.backfill.as_ref().is_some_and(|known| known.is_same(part) && known.is_done())
}
