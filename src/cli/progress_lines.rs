//! Progress for a person at a terminal without the console: every other second, a line for each mapping that moved.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use tokio::sync::watch;

use super::printer::Printer;
use crate::domain::ids::MappingName;
use crate::domain::verify::Looking;
use crate::engine::{MappingProgress, Progress};
use crate::format;

/// Often enough to show progress, rarely enough to read.
const EVERY: Duration = Duration::from_secs(2);

/// Prints until aborted; nothing if stderr is not a terminal.
pub(super) async fn print_progress(progress: watch::Receiver<Progress>, printer: Printer) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let mut shown: HashMap<MappingName, String> = HashMap::new();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let now = progress.borrow().clone();
        for (mapping, progress) in &now.mappings {
            let line = line(mapping, progress);
            if shown.get(mapping) != Some(&line) {
                printer.note(&line);
                shown.insert(mapping.clone(), line);
            }
        }
    }
}

fn line(mapping: &MappingName, progress: &MappingProgress) -> String {
    let mut parts = vec![format!("{mapping}: {}", progress.phase.word())];
    parts.extend(progress.looking.map(Looking::words));
    if progress.rows_read > 0 {
        let share = percent(progress).map(|percent| format!(" (about {percent} %)")).unwrap_or_default();
        parts.push(format!("{}{share}", format::counted(progress.rows_read, "row")));
        parts.extend(rate(progress).map(|rate| format!("{} rows/s", format::count(rate))));
        parts.push(format!("{} uploaded", format::bytes(progress.bytes_uploaded)));
    }
    parts.extend(progress.snapshot_words());
    if progress.attempt > 1 {
        parts.push(format!("attempt {}", progress.attempt));
    }
    parts.join(", ")
}

/// Percentage of the server's estimate, which may be too low: at most 99 while rows still come.
fn percent(progress: &MappingProgress) -> Option<u64> {
    let total = progress.rows_estimate.filter(|&total| total > 0)?;
    Some((progress.rows_read.saturating_mul(100) / total).min(99))
}

fn rate(progress: &MappingProgress) -> Option<u64> {
    let millis = u64::try_from(progress.extract_began?.elapsed().as_millis()).ok()?;
    progress.rows_read.checked_mul(1000)?.checked_div(millis)
}
