//! The results of a mapping's work so far. The report is made from them once, when the work has ended.

use crate::domain::cost::Cost;
use crate::domain::ids::JobId;
use crate::domain::mirror::Mirrored;
use crate::domain::replacement::{Replacement, Shrink};
use crate::domain::report::{Deletion, FlawCount};
use crate::domain::verify::Repair;

/// The results of a mapping's work so far.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Tally {
    /// Attempts that failed and were followed by another.
    pub failed_attempts: u32,
    /// How many whole tables or parts of one this attempt has staged: each has its own number, and so its own name.
    pub stagings: u64,
    /// Steps published, each with its own watermark or checkpoint.
    pub steps: u64,
    /// Rows read from MySQL and published.
    pub rows: u64,
    pub inserted: u64,
    pub updated: u64,
    /// Rows below the watermark that were read again.
    pub read_again: u64,
    /// Those of them that came after a run had passed their value; a lower bound.
    pub late: u64,
    /// Bytes of values read from MySQL, for the rows that were published.
    pub bytes_read: u64,
    /// Bytes of Parquet.
    pub bytes_staged: u64,
    pub cost: Cost,
    pub window: Option<String>,
    /// Why rows wait for the next run.
    pub held_back: Option<String>,
    pub lag_seconds: Option<u64>,
    pub deletion: Option<Deletion>,
    pub replaced: Option<Replacement>,
    pub mirrored: Option<Mirrored>,
    pub shrink: Option<Shrink>,
    pub repair: Option<Repair>,
    pub warnings: Vec<String>,
    /// Those warnings that a later attempt would not find again.
    pub lasting_warnings: Vec<String>,
    pub flaws: Vec<FlawCount>,
    /// DDL statements that were carried out.
    pub schema_changes: Vec<String>,
    pub jobs: Vec<JobId>,
    /// A staging table remains: the next run looks for it.
    pub left_behind: bool,
    /// The watermark was forgotten, as the run was asked to.
    pub has_forgotten: bool,
    /// Staging tables of dead runs were looked for.
    pub is_swept: bool,
    /// What other parts of the same run had moved when this one began, for the progress.
    pub before: Moved,
}

/// Rows and bytes that have been moved.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::engine) struct Moved {
    pub rows: u64,
    /// Bytes of values read.
    pub bytes_read: u64,
    /// Bytes of Parquet uploaded.
    pub bytes_uploaded: u64,
}

impl Tally {
    /// The attempt under way, from 1.
    pub(in crate::engine) const fn attempt(&self) -> u32 {
        self.failed_attempts + 1
    }

    pub(in crate::engine) const fn is_first_attempt(&self) -> bool {
        self.failed_attempts == 0
    }

    /// Begins another attempt: forgets warnings that it would find again.
    pub(in crate::engine) fn begin_attempt(&mut self) {
        self.warnings.clone_from(&self.lasting_warnings);
        self.shrink = None;
        self.stagings = 0;
    }

    /// The number of the next staging.
    pub(in crate::engine) const fn next_staging(&mut self) -> u64 {
        self.stagings += 1;
        self.stagings
    }

    /// Keeps a warning; true if it is new.
    pub(in crate::engine) fn warn(&mut self, message: &str) -> bool {
        let is_new = !self.warnings.iter().any(|known| known == message);
        if is_new {
            self.warnings.push(message.to_owned());
        }
        is_new
    }

    pub(in crate::engine) fn add_flaws(&mut self, flaws: &[FlawCount]) {
        for more in flaws {
            match self.flaws.iter_mut().find(|f| f.column == more.column && f.flaw == more.flaw) {
                Some(known) => known.count += more.count,
                None => self.flaws.push(more.clone()),
            }
        }
    }

    /// Everything that this run has moved.
    pub(in crate::engine) const fn moved(&self) -> Moved {
        Moved {
            rows: self.before.rows + self.rows,
            bytes_read: self.before.bytes_read + self.bytes_read,
            bytes_uploaded: self.before.bytes_uploaded + self.bytes_staged,
        }
    }

    /// An empty tally for a part of the same run.
    pub(in crate::engine) fn of_part(&self) -> Self {
        Self { before: self.moved(), ..Self::default() }
    }

    /// Adds the results of a part.
    pub(in crate::engine) fn absorb(&mut self, part: Self) {
        self.failed_attempts = self.failed_attempts.max(part.failed_attempts);
        self.steps += part.steps;
        self.rows += part.rows;
        self.inserted += part.inserted;
        self.updated += part.updated;
        self.read_again += part.read_again;
        self.late += part.late;
        self.bytes_read += part.bytes_read;
        self.bytes_staged += part.bytes_staged;
        self.cost.add(part.cost);
        self.window = part.window.or(self.window.take());
        self.held_back = part.held_back.or(self.held_back.take());
        self.lag_seconds = part.lag_seconds.or(self.lag_seconds);
        self.deletion = part.deletion.or(self.deletion);
        self.replaced = part.replaced.or(self.replaced.take());
        self.mirrored = part.mirrored.or(self.mirrored.take());
        self.shrink = part.shrink.or(self.shrink);
        self.repair = part.repair.or(self.repair);
        for warning in &part.warnings {
            self.warn(warning);
        }
        self.lasting_warnings.extend(part.lasting_warnings);
        self.add_flaws(&part.flaws);
        self.schema_changes.extend(part.schema_changes);
        self.jobs.extend(part.jobs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::report::Flaw;

    fn flaws(count: u64) -> Vec<FlawCount> {
        vec![FlawCount { column: "at".into(), flaw: Flaw::InvalidDate, count }]
    }

    #[test]
    fn the_parts_results_add_up_and_equal_warnings_appear_once() {
        let mut whole = Tally { rows: 5, bytes_staged: 7, ..Tally::default() };
        whole.warn("no index");
        let mut part = whole.of_part();
        assert!(part.is_first_attempt(), "each part begins with a first attempt");
        (part.rows, part.failed_attempts, part.cost.billed) = (3, 2, Some(10));
        part.add_flaws(&flaws(1));
        part.warn("no index");
        assert_eq!((part.moved().rows, part.moved().bytes_uploaded), (8, 7), "the progress goes on");
        whole.absorb(part.clone());
        whole.absorb(part);
        assert_eq!((whole.rows, whole.attempt(), whole.cost.billed), (11, 3, Some(20)));
        assert_eq!((whole.flaws.clone(), whole.warnings.len()), (flaws(2), 1));
    }
}
