//! The columns of screen 1, and which of them fit.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::engine::Lag;
use crate::format;
use crate::tui::model::{Book, Measured, Now, Row};
use crate::tui::text::width;
use crate::tui::theme::Theme;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Source,
    Mode,
    Watermark,
    Lag,
    LastRun,
    Rows,
    Status,
}

const ALL: [Column; 8] = [
    Column::Name,
    Column::Source,
    Column::Mode,
    Column::Watermark,
    Column::Lag,
    Column::LastRun,
    Column::Rows,
    Column::Status,
];

/// The columns that are dropped first if they do not fit: the lines below the list show them for the marked mapping.
const DROPPED: [Column; 5] = [Column::Source, Column::Mode, Column::Rows, Column::LastRun, Column::Watermark];

/// The least width of STATUS: a word, a bar and a rate.
const STATUS_LEAST: usize = 24;
const GAP: usize = 2;

impl Column {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Source => "SOURCE -> TABLE",
            Self::Mode => "MODE",
            Self::Watermark => "WATERMARK",
            Self::Lag => "LAG",
            Self::LastRun => "LAST RUN",
            Self::Rows => "ROWS",
            Self::Status => "STATUS",
        }
    }

    pub(super) const fn is_right(self) -> bool {
        matches!(self, Self::Lag | Self::Rows)
    }

    const fn widest(self) -> usize {
        match self {
            Self::Name => 22,
            Self::Source => 40,
            _ => 24,
        }
    }
}

/// The columns that fit, each with its width; STATUS takes the rest.
pub(super) fn chosen(book: &Book, cells: usize, now: Now, theme: Theme) -> Vec<(Column, usize)> {
    let natural = |column: Column| {
        let widest = book.rows.iter().map(|row| width(&cell(column, row, now, theme))).max().unwrap_or(0);
        widest.max(width(column.title())).min(column.widest())
    };
    let mut columns: Vec<(Column, usize)> =
        ALL.into_iter().filter(|column| *column != Column::Status).map(|column| (column, natural(column))).collect();
    let taken = |columns: &[(Column, usize)]| columns.iter().map(|(_, cells)| cells + GAP).sum::<usize>();
    for dropped in DROPPED {
        if taken(&columns) + STATUS_LEAST <= cells {
            break;
        }
        columns.retain(|(column, _)| *column != dropped);
    }
    let status = cells.saturating_sub(taken(&columns));
    columns.push((Column::Status, status));
    columns
}

pub(super) fn cell(column: Column, row: &Row, now: Now, theme: Theme) -> String {
    match column {
        Column::Name => row.name.0.clone(),
        Column::Source => format!("{} {} {}", row.source, theme.arrow(), row.target),
        Column::Mode => row.mode.word().to_owned(),
        Column::Watermark => row.watermark().map_or_else(|| "-".to_owned(), watermark),
        Column::Lag => lag(row, now.at),
        Column::LastRun => row.last_run().map_or_else(
            || if row.status.is_some() { "never".to_owned() } else { String::new() },
            |run| {
                let took = format::in_cell(Duration::from_millis(run.duration_ms));
                format!("{} {took}", clock(run.finished_at, now.utc))
            },
        ),
        Column::Rows => row.last_run().map_or_else(|| "-".to_owned(), |run| format::count(run.rows)),
        Column::Status => String::new(),
    }
}

/// A watermark in whole seconds, which tell enough; a number in groups of digits.
pub(super) fn watermark(text: &str) -> String {
    match text.parse::<u64>() {
        Ok(number) => format::count(number),
        Err(_) => text.split_once('.').map_or(text, |(whole, _)| whole).to_owned(),
    }
}

/// `?`: MySQL did not say. `-`: there is nothing to lag behind. An outdated figure shows its age.
pub(super) fn lag(row: &Row, now: Instant) -> String {
    let Some(measured) = &row.measured else { return String::new() };
    let lag = lag_of(measured);
    match measured.stale_for(now).filter(|_| measured.lag.is_some()) {
        Some(age) => format!("{lag}, {} ago", ago(age)),
        None => lag,
    }
}

/// An age in minutes or hours.
pub(super) fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0..60 => format!("{minutes}m"),
        _ => format!("{}h", minutes / 60),
    }
}

fn lag_of(measured: &Measured) -> String {
    match measured.lag {
        Some(Lag::Seconds(seconds)) => format::in_cell(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
        Some(Lag::Steps(steps)) => format::count(u64::try_from(steps).unwrap_or(0)),
        None if measured.problem.is_some() => "?".to_owned(),
        None => "-".to_owned(),
    }
}

/// A time of today without the date; an earlier one with only the date.
pub(super) fn clock(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let form = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%m-%d %H:%M" };
    at.format(form).to_string()
}
