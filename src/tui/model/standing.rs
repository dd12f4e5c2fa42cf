//! The standing of a mapping: one word and its details.

use std::time::{Duration, Instant};

use super::row::Row;
use crate::domain::cursor::Moment;
use crate::domain::report::{Outcome, Trigger};
use crate::engine::Phase;
use crate::format;

/// The word in the STATUS column, in the order in which an operator wants to see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    Failed,
    Lost,
    Error,
    Unknown,
    Review,
    Retry,
    Running,
    Paused,
    Queued,
    Elsewhere,
    Backfill,
    Cancelled,
    New,
    Ok,
    Checking,
}

impl Word {
    pub const ALL: [Self; 15] = [
        Self::Failed,
        Self::Lost,
        Self::Error,
        Self::Unknown,
        Self::Review,
        Self::Retry,
        Self::Running,
        Self::Paused,
        Self::Queued,
        Self::Elsewhere,
        Self::Backfill,
        Self::Cancelled,
        Self::New,
        Self::Ok,
        Self::Checking,
    ];

    /// Tells if this is the word, in lower case, of the column.
    #[must_use]
    pub const fn is_called(self, word: &str) -> bool {
        self.text().eq_ignore_ascii_case(word)
    }

    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Lost => "LOST",
            Self::Error => "ERROR",
            Self::Unknown => "UNKNOWN",
            Self::Review => "REVIEW",
            Self::Retry => "RETRY",
            Self::Running | Self::Elsewhere => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Queued => "QUEUED",
            Self::Backfill => "UNFINISHED",
            Self::Cancelled => "CANCELLED",
            Self::New => "NEW",
            Self::Ok => "OK",
            Self::Checking => "...",
        }
    }
}

/// A word, the share done if it is known, and some details.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub word: Word,
    /// How much of the work under way is done, 0 to 1; `None` if it is unknown.
    pub share: Option<f64>,
    pub detail: String,
}

impl Row {
    #[must_use]
    pub fn standing(&self, now: Instant) -> Standing {
        if self.live.is_some() {
            return self.running(now);
        }
        let (word, detail) = self.at_rest();
        let detail = if word == Word::Ok { self.late().map_or(detail, str::to_owned) } else { detail };
        Standing { word, share: None, detail }
    }

    /// Only the word, for ordering and counting.
    #[must_use]
    pub fn word(&self) -> Word {
        match &self.live {
            Some(live) if live.retry.is_some() => Word::Retry,
            Some(live) if live.paused => Word::Paused,
            Some(live) if live.phase == Phase::Queued => Word::Queued,
            Some(_) => Word::Running,
            None => self.at_rest().0,
        }
    }

    /// Tells if its last run has failed, even if the present word is ERROR.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        match self.word() {
            Word::Failed => true,
            Word::Error => self.last_run().is_some_and(|run| run.outcome == Outcome::Failed),
            _ => false,
        }
    }

    fn at_rest(&self) -> (Word, String) {
        let Some(status) = &self.status else {
            return self.problem().map_or((Word::Checking, String::new()), |p| (self.trouble_word(), p.to_owned()));
        };
        if let Some(holder) = &status.held_by {
            return (Word::Elsewhere, format!("on {}:{}", holder.host, holder.pid));
        }
        if let Some(lost) = &self.lost {
            return (Word::Lost, format!("the state no longer holds its watermark {}", lost.watermark));
        }
        if status.new_table {
            return (Word::Review, "new table".to_owned());
        }
        if !status.undecided.is_empty() {
            return (
                Word::Review,
                format::numbered(status.undecided.len() as u64, "column to decide", "columns to decide"),
            );
        }
        // A failed or waiting run stays true while nobody answers; being current does not.
        let last = status.last_run.as_ref().map(|last| last.outcome);
        let told = self.is_unanswered() && matches!(last, Some(Outcome::Failed | Outcome::Waiting));
        if let Some(problem) = self.problem().filter(|_| !told) {
            return (self.trouble_word(), problem.to_owned());
        }
        let unfinished = status.backfill.as_ref().map(|b| format!("backfill of {} .. {}", b.start, b.to));
        let Some(last) = &status.last_run else {
            return unfinished.map_or((Word::New, "never run".to_owned()), |detail| (Word::Backfill, detail));
        };
        match last.outcome {
            Outcome::Failed => (Word::Failed, last.error.clone().unwrap_or_default()),
            Outcome::Waiting => (Word::Review, "waits for a decision".to_owned()),
            Outcome::Cancelled | Outcome::Ok if unfinished.is_some() => {
                (Word::Backfill, unfinished.unwrap_or_default())
            }
            Outcome::Cancelled if !self.mode.has_windows() => {
                (Word::Cancelled, "the next run looks at the whole table again".to_owned())
            }
            Outcome::Cancelled => (Word::Cancelled, "goes on from the watermark".to_owned()),
            Outcome::Ok => (Word::Ok, String::new()),
        }
    }

    /// The word for a problem.
    fn trouble_word(&self) -> Word {
        if self.is_unanswered() { Word::Unknown } else { Word::Error }
    }

    fn running(&self, now: Instant) -> Standing {
        let (word, share) = (self.word(), self.share());
        let detail = match (&self.live, word) {
            (Some(live), Word::Retry) => live.retry.as_ref().map_or_else(String::new, |retry| {
                let wait = format::duration(retry.at.saturating_duration_since(now));
                format!("{} in {wait}: {}", retry.attempt, retry.because)
            }),
            (Some(live), _) => {
                let share = share.map(|share| format!("{:.0}%", (share * 100.0).floor()));
                let rate = match self.rates.silent_for(now).filter(|_| live.phase == Phase::Extract) {
                    Some(silent) => Some(format!("no rows for {}", format::duration(silent))),
                    None => self.rates.per_second().filter(|_| live.phase == Phase::Extract).map(short_rate),
                };
                let phase = (live.phase != Phase::Extract || rate.is_none()).then(|| self.phase(now));
                let kind = matches!(live.trigger, Trigger::Backfill | Trigger::Repair);
                let kind = kind.then(|| live.trigger.word().to_owned());
                let words = [share, rate, phase.filter(|_| word != Word::Queued), kind];
                words.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
            (None, _) => String::new(),
        };
        Standing { word, share, detail }
    }

    /// The present phase, with its time if it takes long.
    #[must_use]
    pub fn phase(&self, now: Instant) -> String {
        /// Most phases end sooner.
        const LONG: Duration = Duration::from_secs(5);
        let Some(live) = &self.live else { return String::new() };
        let word = live.phase.word();
        let log = self.log.as_ref();
        let took = log.and_then(|log| log.phases(now).find(|(phase, _, current)| *current && *phase == live.phase)?.1);
        match took.filter(|took| *took >= LONG && !live.paused) {
            Some(took) => format!("{word} for {}", format::duration(took)),
            None => word.to_owned(),
        }
    }

    /// How much of the work under way is done: by the estimated rows, otherwise by the values of a backfill.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let live = self.live.as_ref()?;
        if let Some(total) = live.rows_estimate.filter(|total| *total > 0) {
            #[expect(clippy::cast_precision_loss, reason = "a percentage is shown")]
            let share = live.rows_read as f64 / total as f64;
            // The estimate may be too low: never show all of it while rows still come.
            return Some(share.min(0.99));
        }
        let backfill = self.status.as_ref()?.backfill.as_ref();
        let seen = self.log.as_ref()?.backfill.as_ref();
        let (from, to) = (&backfill?.from, &backfill?.to);
        between(from, &seen?.done, to)
    }

    /// The time left, if the rate and the remaining rows are known.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let live = self.live.as_ref()?;
        self.rates.time_for(live.rows_estimate?.checked_sub(live.rows_read)?)
    }
}

/// Where `at` lies between `from` and `to`, which are moments or whole numbers.
fn between(from: &str, at: &str, to: &str) -> Option<f64> {
    let number = |text: &str| -> Option<i64> {
        text.parse().ok().or_else(|| Some(Moment::parse(text)?.to_naive()?.and_utc().timestamp()))
    };
    let (from, at, to) = (number(from)?, number(at)?, number(to)?);
    let whole = to.checked_sub(from).filter(|whole| *whole > 0)?;
    #[expect(clippy::cast_precision_loss, reason = "a percentage is shown")]
    let share = at.checked_sub(from)? as f64 / whole as f64;
    Some(share.clamp(0.0, 1.0))
}

/// A rate in few characters: `143k/s`.
#[must_use]
pub fn short_rate(rate: u64) -> String {
    match rate {
        0..1_000 => format!("{rate}/s"),
        1_000..1_000_000 => format!("{}k/s", rate / 1_000),
        _ => format!("{}.{}M/s", rate / 1_000_000, rate / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backfill_is_as_far_as_its_values() {
        assert_eq!(between("0", "25", "100"), Some(0.25));
        assert_eq!(between("2026-10-01 00:00:00", "2026-10-02 00:00:00", "2026-10-03 00:00:00"), Some(0.5));
        assert_eq!(between("x", "1", "2"), None);
        assert_eq!(between("5", "5", "5"), None);
    }

    #[test]
    fn rates_are_short() {
        assert_eq!([short_rate(999), short_rate(143_200), short_rate(1_230_000)], ["999/s", "143k/s", "1.2M/s"]);
    }
}
