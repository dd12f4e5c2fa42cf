//! The ids that we choose: of runs, jobs and staging tables.

use std::hash::{BuildHasher, Hasher, RandomState};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::domain::ids::{JobId, MappingName, RunId, TableId};
use crate::domain::naming;

/// The format of the start time in a run's id.
const RUN_BEGAN: &str = "%Y%m%dT%H%M%SZ";

/// A new run's id: its start time, and enough random bits to tell two hosts apart.
pub(in crate::engine) fn new_run_id(now: DateTime<Utc>) -> RunId {
    RunId(format!("{}-{:06x}", now.format(RUN_BEGAN), random() & 0xff_ffff))
}

/// Random bits of the operating system.
pub(in crate::engine) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// What tells one try of one step from every other.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Try<'a> {
    pub run: &'a RunId,
    /// The mapping, or a part of its backfill.
    pub mapping: &'a MappingName,
    /// The identity of the state that the run works under.
    pub state: &'a str,
    pub attempt: u32,
    /// The step's number within the attempt, from 1.
    pub step: u64,
}

/// The name of a table that `check` makes to test its permissions.
pub(in crate::engine) fn probe(run: &RunId, beside: &TableId, number: u8) -> TableId {
    beside.sibling(format!("{}{}_{number}", naming::PROBE_PREFIX, naming::id_part(&run.0)))
}

/// Tells if a check that has ended or died left this table behind. No check takes an hour.
pub(in crate::engine) fn is_dead_probe(table: &TableId, now: DateTime<Utc>) -> bool {
    let began = table.table.strip_prefix(naming::PROBE_PREFIX).and_then(began);
    began.is_some_and(|began| now.naive_utc() - began > TimeDelta::hours(1))
}

/// The owner of staging tables: a mapping into a target, and all that share one state and so its leases.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Owner<'a> {
    /// The mapping, or a part of its backfill.
    pub mapping: &'a MappingName,
    pub target: &'a TableId,
    /// [`StateStore::identity`](crate::state::StateStore::identity)
    pub state: &'a str,
}

impl Owner<'_> {
    /// The beginning of the names of the mapping's staging tables, the same for every process.
    fn stem(&self) -> String {
        let Self { mapping, target, .. } = self;
        let hash = short_hash(&format!("{mapping}|{target}"));
        format!("{}{}_{hash}_", naming::STAGING_PREFIX, naming::id_part(&mapping.0))
    }

    fn prefix(&self) -> String {
        format!("{}{}_", self.stem(), short_hash(self.state))
    }

    /// Tells if this is a staging table of a dead run. Under the lease every other run of the same state is dead. A run
    /// of another state (another host, or this one under another name) may be alive for as long as a run may take.
    pub(in crate::engine) fn is_dead(
        &self,
        table: &TableId,
        run: &RunId,
        now: DateTime<Utc>,
        longest: TimeDelta,
    ) -> bool {
        if let Some(rest) = table.table.strip_prefix(&self.prefix()) {
            return !rest.starts_with(&format!("{}_", naming::id_part(&run.0)));
        }
        let other = table.table.strip_prefix(&self.stem()).and_then(|rest| rest.split_once('_'));
        let began = other.and_then(|(_, rest)| began(rest));
        began.is_some_and(|began| now.naive_utc() - began > longest)
    }
}

/// When the run began whose id the text begins with.
fn began(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text.split('_').next()?, RUN_BEGAN).ok()
}

impl Try<'_> {
    /// The staging table of this try; no other step of any run has the same name.
    pub(in crate::engine) fn staging(&self, target: &TableId) -> TableId {
        let prefix = Owner { mapping: self.mapping, target, state: self.state }.prefix();
        target.sibling(format!("{prefix}{}_{}_{}", naming::id_part(&self.run.0), self.attempt, self.step))
    }

    /// A label's value that tells a publish of this try from every other.
    pub(in crate::engine) fn mark(&self, staging: &TableId, number: u32) -> String {
        short_hash(&format!("{staging}|{}|{number}", self.run))
    }

    /// The job of this try: the same words give the same id, so that sending it twice runs it once.
    pub(in crate::engine) fn job(&self, operation: &str, target: &TableId, moved: &str) -> JobId {
        let hash = short_hash(&format!("{}|{target}|{moved}|{}", self.mapping, self.step));
        let name = naming::id_part(&self.mapping.0);
        JobId(format!("bqsync_{operation}_{name}_{hash}_{}_{}", self.run, self.attempt))
    }
}

/// The job id of a publish that builds on a version of the target: the same, whichever process sends it.
pub(in crate::engine) fn turn(target: &TableId, version: &str, number: u32) -> JobId {
    let hash = short_hash(&format!("{target}|{version}|{number}"));
    JobId(format!("bqsync_publish_{}_{hash}_{number}", naming::id_part(&target.table)))
}

/// Tells if this run sent the job. (Jobs that are named by what they build on do not say.)
pub(in crate::engine) fn is_of_run(job: &JobId, run: &RunId) -> bool {
    job.0.contains(&run.0)
}

/// A hash that tells apart names which plain characters do not: `orders-eu` from `orders_eu`.
pub(in crate::engine) fn short_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hash = digest.iter().take(6).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    format!("{hash:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_depends_on_mapping_window_and_attempt_and_is_legal() {
        let run = RunId("20261123T080000Z-00ff00".into());
        let mapping = MappingName("shop orders/ü".into());
        let target = TableId { project: "p".into(), dataset: "d".into(), table: "orders".into() };
        let of = |attempt, high| {
            Try { run: &run, mapping: &mapping, state: "s", attempt, step: 1 }.job(
                "publish",
                &target,
                &format!("(beginning, {high}]"),
            )
        };
        assert_eq!(of(1, 5), of(1, 5));
        assert_ne!(of(1, 5), of(1, 6));
        assert_ne!(of(1, 5), of(2, 5));
        assert!(is_of_run(&of(2, 5), &run) && !is_of_run(&of(2, 5), &RunId("20261123T080000Z-00ff01".into())));
        let other = MappingName("shop_orders/ü".into());
        let staging = |mapping| Try { run: &run, mapping, state: "s", attempt: 1, step: 1 }.staging(&target);
        assert_ne!(staging(&mapping), staging(&other));
        assert!(of(1, 5).0.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{}", of(1, 5));
    }

    #[test]
    fn only_staging_tables_of_dead_runs_of_the_same_mapping_target_and_state_are_swept() {
        let (old, own) = (RunId("20261123T080000Z-00ff00".into()), RunId("20261123T090000Z-00ff00".into()));
        let table = |name: &str| TableId { project: "p".into(), dataset: "d".into(), table: name.into() };
        let name = |name: &str| MappingName(name.into());
        let (orders, longer, part) = (name("orders"), name("orders_eu"), name("orders").part(1));
        let (target, other) = (table("orders"), table("orders_eu"));
        let owner = Owner { mapping: &orders, target: &target, state: "host a" };
        let staged = |run, mapping, target, state| Try { run, mapping, state, attempt: 1, step: 1 }.staging(target);
        let at = |day| chrono::NaiveDate::from_ymd_opt(2026, 11, day).unwrap().and_hms_opt(9, 0, 1).unwrap().and_utc();
        let is_dead = |table: &TableId, day| owner.is_dead(table, &own, at(day), TimeDelta::hours(24));
        assert!(is_dead(&staged(&old, &orders, &target, "host a"), 23));
        assert!(!is_dead(&staged(&own, &orders, &target, "host a"), 30), "it is this run's");
        // A mapping of the same name from another configuration, and mappings whose names begin alike.
        assert!(!is_dead(&staged(&old, &orders, &other, "host a"), 30));
        assert!(!is_dead(&staged(&old, &longer, &target, "host a"), 30));
        assert!(!is_dead(&staged(&old, &part, &target, "host a"), 30));
        let foreign = staged(&old, &orders, &target, "host b");
        assert!(!is_dead(&foreign, 23), "its run may be alive");
        assert!(is_dead(&foreign, 25));
        assert!(!is_dead(&table("bqsync_staging_orders_of_somebody"), 30));
        let probe = probe(&old, &target, 1);
        assert!(!is_dead(&probe, 30));
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
            let staging = Try { run: &run, mapping: &mapping, state: "s", attempt: 1, step: 1 }.staging(&target);
            assert!(!is_dead_probe(&staging, at(23)), "{name}");
            let owner = Owner { mapping: &mapping, target: &target, state: "s" };
            let other = RunId("20261123T090000Z-00ff00".into());
            assert!(!owner.is_dead(&table, &other, at(23), TimeDelta::zero()), "{name}");
        }
    }
}
