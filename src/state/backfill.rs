//! What a mapping's state remembers of a backfill, and of a backfill that several processes share.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::Fault;
use crate::domain::shard::Shard;
use crate::domain::window::{Low, Window};
use crate::state::Rules;

/// How far a backfill has come. Values of the incremental column as text, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillState {
    /// The operator's own words: the same words continue this backfill.
    pub start: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The values that those words stood for when the backfill began.
    pub from: String,
    pub to: String,
    /// Everything up to here is in BigQuery; `None` before the first slice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    pub slices: u64,
    pub rows: u64,
    pub began_at: DateTime<Utc>,
    /// `user@host`.
    pub by: String,
    /// The rest beyond `done` is cut into these parts, each with its own lease and state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
    /// The rules under which it moves all rows up to the watermark; `None` where it does not move all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Box<Rules>>,
}

/// How a backfill is cut into parts; the first process fixes this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// The number of processes that were to share the backfill.
    pub shards: usize,
    /// The last value of each part; a part begins behind the end of the part before it.
    pub ends: Vec<String>,
}

/// A finished backfill that several processes shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedBackfill {
    pub start: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    pub began_at: DateTime<Utc>,
    pub shards: usize,
    /// The processes that know it is finished. A process that does not know started late and has nothing left to do. A
    /// process that knows, and asks with the same words again, starts a new backfill.
    pub told: Vec<usize>,
}

impl BackfillState {
    /// The part with this number as a backfill of its own; `None` where there is no such part.
    #[must_use]
    pub fn part(&self, number: usize) -> Option<Self> {
        let ends = &self.parts.as_ref()?.ends;
        let to = ends.get(number)?.clone();
        let done = match number.checked_sub(1) {
            Some(before) => ends.get(before).cloned(),
            None => self.done.clone(),
        };
        Some(Self { to, done, slices: 0, rows: 0, parts: None, ..self.clone() })
    }

    /// The window that is not known to be in the target yet.
    ///
    /// # Errors
    /// `Config` where a value does not suit the column.
    pub fn rest(&self, kind: CursorKind) -> Result<Window, Fault> {
        let value = |text: &str| Cursor::parse(text, kind);
        let low = match &self.done {
            Some(done) => Low::After(value(done)?),
            None => Low::From(value(&self.from)?),
        };
        Ok(Window { low, high: value(&self.to)? })
    }

    #[must_use]
    pub fn part_count(&self) -> usize {
        self.parts.as_ref().map_or(0, |parts| parts.ends.len())
    }

    /// Whether this is the same backfill, or the same part of it, however far either has come.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.began_at == other.began_at && self.to == other.to
    }

    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done.as_ref() == Some(&self.to)
    }

    /// Adds the progress of its parts, as far as it is known.
    #[must_use]
    pub fn with_parts<'a>(mut self, known: impl Fn(usize) -> Option<&'a Self>) -> Self {
        let mut without_gap = true;
        for number in 0..self.part_count() {
            let Some(plan) = self.part(number) else { break };
            let part = known(number).filter(|part| part.is_same(&plan));
            self.slices += part.map_or(0, |part| part.slices);
            self.rows += part.map_or(0, |part| part.rows);
            if without_gap {
                // The first part begins where the backfill stood before it was cut.
                self.done.clone_from(&part.unwrap_or(&plan).done);
                without_gap = part.is_some_and(Self::is_done);
            }
        }
        self
    }
}

impl EndedBackfill {
    /// The record that the process `by` leaves when the backfill is finished.
    #[must_use]
    pub fn of(backfill: BackfillState, by: Shard) -> Self {
        let BackfillState { start, end, began_at, parts, .. } = backfill;
        let shards = parts.map_or(1, |parts| parts.shards);
        let mut ended = Self { start, end, began_at, shards, told: Vec::new() };
        ended.tell(by);
        ended
    }

    /// Whether this process was one of those that were to share the backfill.
    const fn counts(&self, shard: Shard) -> bool {
        self.shards == shard.count()
    }

    #[must_use]
    pub fn is_news_to(&self, shard: Shard) -> bool {
        self.counts(shard) && !self.told.contains(&shard.index())
    }

    pub fn tell(&mut self, shard: Shard) {
        if self.is_news_to(shard) {
            self.told.push(shard.index());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> BackfillState {
        BackfillState {
            start: "1".into(),
            end: None,
            from: "1".into(),
            to: "30".into(),
            done: None,
            slices: 0,
            rows: 0,
            began_at: DateTime::UNIX_EPOCH,
            by: "etl@etl1".into(),
            parts: Some(Parts { shards: 2, ends: vec!["10".into(), "20".into(), "30".into()] }),
            rules: None,
        }
    }

    #[test]
    fn parts_follow_one_another_without_a_gap() {
        let ends = |number| plan().part(number).map(|part| (part.done, part.to));
        assert_eq!(ends(0), Some((None, "10".into())));
        assert_eq!(ends(1), Some((Some("10".into()), "20".into())));
        assert_eq!(ends(2), Some((Some("20".into()), "30".into())));
        assert_eq!(ends(3), None);
        let gone_on_with = BackfillState { done: Some("4".into()), ..plan() };
        assert_eq!(gone_on_with.part(0).unwrap().done, Some("4".into()));
    }

    #[test]
    fn a_shared_backfill_is_done_as_far_as_its_parts_are_without_a_gap() {
        let done = |number: usize, done: &str| {
            Some(BackfillState { done: Some(done.into()), rows: 5, slices: 1, ..plan().part(number).unwrap() })
        };
        let seen = |parts: [Option<BackfillState>; 3]| {
            let all = plan().with_parts(|number| parts[number].as_ref());
            (all.done, all.rows)
        };
        assert_eq!(seen([None, None, None]), (None, 0));
        assert_eq!(seen([done(0, "7"), None, done(2, "30")]), (Some("7".into()), 10));
        assert_eq!(seen([done(0, "10"), done(1, "12"), done(2, "30")]), (Some("12".into()), 15));
        let former = BackfillState { began_at: DateTime::<Utc>::MAX_UTC, ..done(0, "10").unwrap() };
        assert_eq!(seen([Some(former), None, None]), (None, 0));
    }

    #[test]
    fn a_late_process_learns_once_that_the_backfill_is_finished() {
        let shard = |text: &str| text.parse::<Shard>().unwrap();
        let mut ended = EndedBackfill::of(plan(), shard("0/2"));
        assert!(ended.is_news_to(shard("1/2")) && !ended.is_news_to(shard("0/2")) && !ended.is_news_to(shard("1/3")));
        ended.tell(shard("1/2"));
        assert!(!ended.is_news_to(shard("1/2")));
    }
}
