//! A mapping's last runs at a glance: how they ended, and whether the last one is far from the usual.

use std::time::Duration;

use crate::domain::ids::MappingName;
use crate::domain::report::{Outcome, PartSummary, RunSummary};
use crate::format;

/// How many runs are considered.
const KEPT: usize = 30;
/// With fewer runs, nobody can say what is usual.
const LEAST: usize = 5;
/// A figure this many times greater or smaller than usual is worth a remark.
const FAR: u64 = 3;

/// A mapping's last runs, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Glance {
    pub outcomes: Vec<Outcome>,
    pub figures: Vec<Figure>,
}

/// One kind of figure of each run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub label: &'static str,
    pub values: Vec<u64>,
    /// The last run's figure, and the usual one, in words.
    pub last: String,
    pub usual: Option<String>,
    /// A remark if the last figure is far from the usual one.
    pub far: Option<String>,
}

impl Glance {
    /// `runs`: newest first. Backfills and similar runs are not compared with incremental runs.
    #[must_use]
    pub fn of(mapping: &MappingName, runs: &[RunSummary]) -> Option<Self> {
        let incremental = runs.iter().filter(|run| run.trigger.is_incremental());
        let parts = incremental.filter_map(|run| run.parts.iter().find(|part| part.mapping == *mapping));
        let mut parts: Vec<_> = parts.take(KEPT).collect();
        parts.reverse();
        let last = parts.last()?;
        // A run that failed or was cancelled does not count for the usual figure, and is not compared with it.
        let ended: Vec<_> = parts[..parts.len() - 1].iter().filter(|part| part.outcome == Outcome::Ok).collect();
        let compares = last.outcome == Outcome::Ok;
        let figure = |label, value: fn(&PartSummary) -> u64, words: fn(u64) -> String, worth| {
            let values: Vec<u64> = parts.iter().map(|part| value(part)).collect();
            let median = median(ended.iter().map(|part| value(part)).collect());
            Figure {
                label,
                last: words(value(last)),
                usual: median.map(words),
                far: median.filter(|_| compares).and_then(|usual| far(value(last), usual, worth)),
                values,
            }
        };
        Some(Self {
            outcomes: parts.iter().map(|part| part.outcome).collect(),
            figures: vec![
                figure("rows", |part| part.rows, format::count, 100),
                figure("took", |part| part.duration_ms, took, 5_000),
                figure("billed", |part| part.bytes_billed.unwrap_or(0), format::bytes, 20_000_000),
            ],
        })
    }
}

fn took(millis: u64) -> String {
    format::duration(Duration::from_millis(millis))
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    (values.len() + 1 >= LEAST).then(|| values.get(values.len() / 2).copied()).flatten()
}

/// `worth`: smaller differences get no remark, whatever their ratio.
fn far(last: u64, usual: u64, worth: u64) -> Option<String> {
    if last.abs_diff(usual) < worth {
        return None;
    }
    if last >= usual.saturating_mul(FAR) {
        return Some(match last.checked_div(usual) {
            Some(times) => format!("{times} times the usual"),
            None => "usually none".to_owned(),
        });
    }
    (last.saturating_mul(FAR) <= usual).then(|| match usual.checked_div(last) {
        Some(times) => format!("a {times}th of the usual"),
        None => "none this time".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::report::Trigger;
    use crate::tui::model::samples::{past_runs, past_runs_by};

    fn rows(runs: &[RunSummary]) -> Figure {
        Glance::of(&MappingName("orders".into()), runs).unwrap().figures.remove(0)
    }

    #[test]
    fn a_last_run_that_is_far_from_the_median_gets_a_word() {
        let far = |rows_of_each: &[u64]| rows(&past_runs("orders", rows_of_each)).far;
        assert_eq!(far(&[1_000, 1_100, 900, 1_000, 5_200]).as_deref(), Some("5 times the usual"));
        assert_eq!(far(&[1_000, 1_100, 900, 1_000, 100]).as_deref(), Some("a 10th of the usual"));
        assert_eq!(far(&[1_000, 1_100, 900, 1_000, 0]).as_deref(), Some("none this time"));
        assert_eq!(far(&[0, 0, 0, 0, 500]).as_deref(), Some("usually none"));
        assert_eq!(far(&[1_000, 1_100, 900, 1_000, 1_900]), None);
        assert_eq!(far(&[10, 11, 9, 10, 60]), None, "too few rows to be worth a word");
        assert_eq!(far(&[1_000, 1_000, 9_000]), None, "of so few runs nobody can say what is usual");
    }

    #[test]
    fn a_failed_run_is_shown_and_not_compared() {
        let mut runs = past_runs("orders", &[1_000, 1_000, 1_000, 1_000, 1_000, 0]);
        runs[0].parts[0].outcome = Outcome::Failed;
        let glance = Glance::of(&MappingName("orders".into()), &runs).unwrap();
        assert_eq!((glance.outcomes.len(), glance.outcomes.last()), (6, Some(&Outcome::Failed)));
        assert_eq!(rows(&runs).far, None);
    }

    #[test]
    fn backfills_and_other_mappings_are_left_out_and_thirty_runs_are_kept() {
        assert_eq!(Glance::of(&MappingName("orders".into()), &past_runs("users", &[1, 2])), None);
        assert_eq!(Glance::of(&MappingName("orders".into()), &past_runs_by("orders", Trigger::Backfill, &[1])), None);
        assert_eq!(rows(&past_runs("orders", &[7; 40])).values, [7; 30]);
    }
}
