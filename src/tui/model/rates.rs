//! Rows per second over the last minute, for the sparkline, the rate and the time left.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::engine::{MappingProgress, Phase};

/// A minute, with a sample every second: the greatest width of the sparkline.
const KEPT: usize = 60;
/// The rate that is shown is the mean of this many seconds: steady enough to read, quick enough to show a stall.
const SHOWN: usize = 5;

/// The rows that were read in each of the last seconds, oldest first.
#[derive(Debug, Default, Clone)]
pub struct Rates {
    samples: VecDeque<u64>,
    last: Option<(Instant, u64)>,
    /// When the latest row was read; before the first row, when reading began.
    moved_at: Option<Instant>,
    course: Course,
}

/// Rows per second since the run's beginning, in bars that each cover as many seconds as needed.
#[derive(Debug, Default, Clone)]
struct Course {
    bars: Vec<u64>,
    /// The number of samples in a bar, a power of two; the bar is their mean.
    width: u64,
    filling: Vec<u64>,
}

impl Course {
    /// The most bars: as many as fit on a narrow screen.
    const MOST: usize = 40;

    fn add(&mut self, sample: u64) {
        self.filling.push(sample);
        if (self.filling.len() as u64) < self.width.max(1) {
            return;
        }
        self.bars.push(mean(&self.filling));
        self.filling.clear();
        if self.bars.len() == Self::MOST {
            self.bars = self.bars.chunks(2).map(mean).collect();
            self.width = self.width.max(1) * 2;
        }
    }
}

fn mean(values: &[u64]) -> u64 {
    values.iter().sum::<u64>() / (values.len() as u64).max(1)
}

/// The shortest pause that is worth a remark.
const SILENCE: Duration = Duration::from_secs(5);

impl Rates {
    /// Records how many rows have been read.
    pub fn sample(&mut self, live: &MappingProgress, now: Instant) {
        let read = live.rows_read;
        let waits = live.phase == Phase::Extract && !live.paused && self.last.is_some_and(|(_, before)| before == read);
        if !waits {
            self.moved_at = Some(now);
        }
        // There are fewer rows than before: this is another attempt, or another run.
        let Some((at, before)) = self.last.filter(|(_, before)| *before <= read) else {
            self.last = Some((now, read));
            self.samples.clear();
            self.course = Course::default();
            return;
        };
        let millis = u64::try_from(now.saturating_duration_since(at).as_millis()).unwrap_or(u64::MAX);
        if millis < 500 {
            return;
        }
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        let sample = (read - before).saturating_mul(1000) / millis;
        self.samples.push_back(sample);
        self.course.add(sample);
        self.last = Some((now, read));
    }

    /// How long no row has come while rows are read; `None` for a short moment.
    #[must_use]
    pub fn silent_for(&self, now: Instant) -> Option<Duration> {
        let silent = now.saturating_duration_since(self.moved_at?);
        (silent >= SILENCE).then_some(silent)
    }

    #[must_use]
    pub fn samples(&self) -> Vec<u64> {
        self.samples.iter().copied().collect()
    }

    /// Rows per second over the whole run, oldest first.
    #[must_use]
    pub fn course(&self) -> &[u64] {
        &self.course.bars
    }

    /// Rows per second over the last seconds; `None` before there are two samples.
    #[must_use]
    pub fn per_second(&self) -> Option<u64> {
        let shown: Vec<u64> = self.samples.iter().rev().take(SHOWN).copied().collect();
        let count = u64::try_from(shown.len()).ok().filter(|count| *count > 0)?;
        Some(shown.iter().sum::<u64>() / count)
    }

    /// The time that `rows` more rows take at this rate.
    #[must_use]
    pub fn time_for(&self, rows: u64) -> Option<Duration> {
        let rate = self.per_second().filter(|rate| *rate > 0)?;
        Some(Duration::from_secs(rows / rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_rows_of_the_last_seconds() {
        let (mut rates, start) = (Rates::default(), Instant::now());
        for second in 0..10 {
            let live = MappingProgress { rows_read: second * 1000, ..MappingProgress::default() };
            rates.sample(&live, start + Duration::from_secs(second));
        }
        assert_eq!((rates.per_second(), rates.samples().len()), (Some(1000), 9));
        assert_eq!(rates.time_for(5_000), Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_server_that_sends_nothing_more_is_silent_since_its_last_row() {
        let (mut rates, start) = (Rates::default(), Instant::now());
        let mut at = |second: u64, phase, rows_read| {
            let now = start + Duration::from_secs(second);
            rates.sample(&MappingProgress { phase, rows_read, ..MappingProgress::default() }, now);
            rates.silent_for(now).map(|silent| silent.as_secs())
        };
        assert_eq!([at(0, Phase::Extract, 0), at(1, Phase::Extract, 9), at(5, Phase::Extract, 9)], [None; 3]);
        assert_eq!([at(6, Phase::Extract, 9), at(40, Phase::Extract, 9)], [Some(5), Some(39)]);
        assert_eq!(
            [at(50, Phase::Load, 9), at(51, Phase::Extract, 9)],
            [None; 2],
            "while it is loaded nothing is read"
        );
    }

    #[test]
    fn the_whole_run_is_kept_in_ever_wider_bars() {
        let (mut rates, start) = (Rates::default(), Instant::now());
        for second in 0..1_000 {
            // A thousand rows a second in the first half, three thousand in the second.
            let rows_read = if second < 500 { second * 1_000 } else { 500_000 + (second - 500) * 3_000 };
            let live = MappingProgress { rows_read, ..MappingProgress::default() };
            rates.sample(&live, start + Duration::from_secs(second));
        }
        let course = rates.course();
        assert!((20..40).contains(&course.len()), "{course:?}");
        assert_eq!((course.first(), course.last()), (Some(&1_000), Some(&3_000)));
    }

    #[test]
    fn another_attempt_starts_the_rates_from_zero() {
        let (mut rates, start) = (Rates::default(), Instant::now());
        for (second, rows_read) in [(0, 0), (1, 9_000), (2, 100)] {
            let live = MappingProgress { rows_read, ..MappingProgress::default() };
            rates.sample(&live, start + Duration::from_secs(second));
        }
        assert_eq!(rates.per_second(), None);
    }
}
