//! Ids that are ours to choose: of runs, of jobs, of staging tables.

use std::hash::{BuildHasher, Hasher, RandomState};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::domain::ids::{JobId, MappingName, RunId, TableId};
use crate::domain::naming;
use crate::domain::window::Window;

/// How a run's id says when it began.
const RUN_BEGAN: &str = "%Y%m%dT%H%M%SZ";

/// A new run's id: when it began, and enough chance to tell two hosts apart.
pub(super) fn new_run_id() -> RunId {
    RunId(format!("{}-{:06x}", Utc::now().format(RUN_BEGAN), random() & 0xff_ffff))
}

/// Random bits of the operating system's.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// What tells one try at one window from every other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try<'a> {
    pub run: &'a RunId,
    /// Or a part of its backfill.
    pub mapping: &'a MappingName,
    pub attempt: u32,
    /// Of the window, from 1.
    pub step: u64,
}

/// A table that a check makes to see whether it may.
pub(super) fn probe(run: &RunId, beside: &TableId, number: u8) -> TableId {
    beside.sibling(format!("{}{}_{number}", naming::PROBE_PREFIX, naming::id_part(&run.0)))
}

/// Did a check that has ended, or died, leave this table behind? None takes an hour.
pub(super) fn is_dead_probe(table: &TableId, now: DateTime<Utc>) -> bool {
    let began = table.table.strip_prefix(naming::PROBE_PREFIX).and_then(|rest| rest.split('_').next());
    let began = began.and_then(|began| NaiveDateTime::parse_from_str(began, RUN_BEGAN).ok());
    began.is_some_and(|began| now.naive_utc() - began > TimeDelta::hours(1))
}

/// What the names of a mapping's staging tables begin with, whatever the run.
pub(super) fn staging_prefix(mapping: &MappingName) -> String {
    format!("{}{}_{}_", naming::STAGING_PREFIX, naming::id_part(&mapping.0), short_hash(&mapping.0))
}

impl Try<'_> {
    /// What the names of this run's staging tables begin with.
    pub(super) fn staging_stem(&self) -> String {
        format!("{}{}_", staging_prefix(self.mapping), naming::id_part(&self.run.0))
    }

    /// The staging table of this try; no other step of any run has the same.
    pub(super) fn staging(&self, target: &TableId) -> TableId {
        target.sibling(format!("{}{}_{}", self.staging_stem(), self.attempt, self.step))
    }

    /// The job of this try: the same words give the same id, so that sending it twice does it once.
    pub(super) fn job(&self, operation: &str, target: &TableId, window: &Window) -> JobId {
        let hash = short_hash(&format!("{}|{target}|{window}", self.mapping));
        let name = naming::id_part(&self.mapping.0);
        JobId(format!("bqsync_{operation}_{name}_{hash}_{}_{}", self.run, self.attempt))
    }
}

/// Tells apart what plain characters alone do not: `orders-eu` from `orders_eu`.
fn short_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hash = digest.iter().take(6).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    format!("{hash:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cursor::Cursor;
    use crate::domain::window::Low;

    #[test]
    fn a_job_id_depends_on_mapping_window_and_attempt_and_is_legal() {
        let run = RunId("20261123T080000Z-00ff00".into());
        let mapping = MappingName("shop orders/ü".into());
        let target = TableId { project: "p".into(), dataset: "d".into(), table: "orders".into() };
        let window = |high| Window { low: Low::Beginning, high: Cursor::Int(high) };
        let of = |attempt, high| {
            Try { run: &run, mapping: &mapping, attempt, step: 1 }.job("publish", &target, &window(high))
        };
        assert_eq!(of(1, 5), of(1, 5));
        assert_ne!(of(1, 5), of(1, 6));
        assert_ne!(of(1, 5), of(2, 5));
        let other = MappingName("shop_orders/ü".into());
        let staging = |mapping| Try { run: &run, mapping, attempt: 1, step: 1 }.staging(&target);
        assert_ne!(staging(&mapping), staging(&other));
        assert!(of(1, 5).0.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{}", of(1, 5));
    }
    #[test]
    fn a_probe_is_dead_after_an_hour_and_a_staging_table_is_never_one() {
        let run = RunId("20261123T080000Z-00ff00".into());
        let target = TableId { project: "p".into(), dataset: "d".into(), table: "orders".into() };
        let at =
            |hour| chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap().and_hms_opt(hour, 30, 0).unwrap().and_utc();
        let table = probe(&run, &target, 1);
        assert!(table.table.starts_with(naming::STAGING_PREFIX), "swept as ours: {table}");
        assert!(!is_dead_probe(&table, at(8)) && is_dead_probe(&table, at(9)));
        for name in ["check", "_check"] {
            let mapping = MappingName(name.into());
            let staging = Try { run: &run, mapping: &mapping, attempt: 1, step: 1 }.staging(&target);
            assert!(!is_dead_probe(&staging, at(23)) && !table.table.starts_with(&staging_prefix(&mapping)), "{name}");
        }
    }
}
