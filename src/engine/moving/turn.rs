//! How a publish is sent, and under which name. BigQuery takes a name once: of two publishes that build on the same
//! version of the target, one gives way.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::config::Mode;
use crate::domain::ids::{JobId, TableId};
use crate::domain::publish::PublishKind;
use crate::domain::window::Window;
use crate::engine::ports::Platform;
use crate::engine::work::Work;
use crate::engine::work::ids::{Try, turn};
use crate::engine::work::ledger::Ledger;
use crate::engine::work::scope::Halt;
use crate::state::Moves;
use crate::warehouse::{Staged, Taken};

/// After this many names that were taken, a publish uses its run's own name and looks up its rows.
const MOST_TURNS: u32 = 16;

/// A publish that ended this long ago is included in the figures that were read since.
const LONG_AGO: Duration = Duration::from_hours(1);

/// One staged step on its way into the target.
#[derive(Debug, Clone)]
pub(in crate::engine) struct StagedStep<'a> {
    pub target: &'a TableId,
    pub window: Window,
    pub moves: Moves,
    pub kind: PublishKind,
    pub staged: Staged,
    pub attempt: Try<'a>,
}

/// How a publish is sent, and under which name.
pub(in crate::engine) struct Turn<'a> {
    pub kind: PublishKind,
    step: &'a StagedStep<'a>,
    mode: Mode,
    version: Option<String>,
    number: u32,
    taken: u32,
}

impl<'a> Turn<'a> {
    pub(in crate::engine) fn first<P: Platform>(ledger: &Ledger<P>, mode: Mode, step: &'a StagedStep<'a>) -> Self {
        let version = ledger.version().map(str::to_owned);
        let ours = ledger.left().filter(|left| left.version.is_some() && left.version == version);
        Self { kind: step.kind, step, mode, version, number: ours.map_or(0, |left| left.turns), taken: 0 }
    }

    pub(in crate::engine) fn job(&self) -> JobId {
        let StagedStep { attempt, target, window, .. } = self.step;
        match &self.version {
            Some(version) => turn(target, version, self.number),
            None if self.number == 0 => attempt.job("publish", target, &window.to_string()),
            None => attempt.job("insert", target, &window.to_string()),
        }
    }

    /// The label that tells this publish from any other under the same name.
    pub(in crate::engine) fn mark(&self) -> String {
        self.step.attempt.mark(&self.step.staged.table, self.number)
    }

    /// The version of the target that the publish builds on.
    pub(in crate::engine) fn version(&self) -> Option<String> {
        self.version.clone()
    }

    /// The number under which the next publish that builds on the same version may be sent.
    pub(in crate::engine) const fn next(&self) -> u32 {
        self.number + 1
    }

    /// Sends the same rows in another way, once the publish is known not to have happened.
    pub(in crate::engine) fn instead(&mut self, kind: PublishKind) {
        self.kind = kind;
        self.number += 1;
    }

    /// Moves on to the next name, because another publish had this one.
    fn next_number(&mut self) {
        self.number += 1;
        self.taken += 1;
    }

    fn look_for_rows(&mut self) {
        self.kind = PublishKind::that_looks_for_rows(self.mode);
    }
}

impl<P: Platform> Work<'_, P> {
    /// Gives way to another publish that had the name. If that one changed the target, looks at the target again and
    /// looks up the rows.
    pub(in crate::engine) async fn give_way(&mut self, turn: &mut Turn<'_>, other: Taken) -> Result<(), Halt> {
        let scope = self.scope;
        turn.next_number();
        if other.changed {
            let target = scope.unless_cancelled(scope.ports.describe_target(&scope.mapping)).await?;
            self.recognise(target.as_ref());
            let is_as_it_was = self.ledger.version() == turn.version.as_deref();
            if !is_as_it_was {
                turn.version = self.ledger.version().map(str::to_owned);
                turn.number = 0;
            }
            if !(is_as_it_was && ended_long_ago(other.ended, scope.ports.clock.now())) {
                turn.look_for_rows();
            }
        }
        if turn.taken >= MOST_TURNS {
            turn.version = None;
            turn.look_for_rows();
        }
        Ok(())
    }
}

/// `ended`: when the other publish ended, in milliseconds since 1970.
fn ended_long_ago(ended: Option<u64>, now: DateTime<Utc>) -> bool {
    let now = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    let long = u64::try_from(LONG_AGO.as_millis()).unwrap_or(u64::MAX);
    ended.is_some_and(|ended| ended.saturating_add(long) < now)
}
