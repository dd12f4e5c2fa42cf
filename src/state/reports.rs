//! The reports of runs: the original tool's `report.json`, and one file per run kept beside it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::RunId;
use crate::domain::report::{RunReport, RunSummary};
use crate::files;
use crate::printable;

/// More than anyone reads of nightly runs in half a year; an hourly schedule keeps a week.
pub(super) const KEPT_RUNS: usize = 200;

/// A report of a thousand mappings has a megabyte or two.
const LARGEST_REPORT: u64 = 64 << 20;

/// Writes both reports; each is replaced whole, so a reader never sees half of one.
pub(super) fn write(directory: &Path, report: &RunReport) -> Result<(), Fault> {
    let runs = directory.join("runs");
    files::replace(&runs.join(format!("{}.json", file_stem(&report.run_id.0))), &sorted_json(report)?)?;
    write_last(directory, report)?;
    prune(&runs);
    Ok(())
}

/// Writes `report.json` alone, as the original tool did.
pub(super) fn write_last(directory: &Path, report: &RunReport) -> Result<(), Fault> {
    files::replace(&directory.join("report.json"), &sorted_json(&report.mappings)?)
}

/// The newest reports at a glance.
pub(super) fn history(directory: &Path, most: usize) -> Result<Vec<RunSummary>, Fault> {
    let mut files = report_files(&directory.join("runs"))?;
    files.sort_by(|a, b| b.cmp(a));
    Ok(files.iter().filter_map(|file| read_file(file)).take(most).map(|report| RunSummary::from(&report)).collect())
}

/// One run's report; `None` when it is no longer kept.
pub(super) fn read(directory: &Path, run: &RunId) -> Option<RunReport> {
    let file = directory.join("runs").join(format!("{}.json", file_stem(&run.0)));
    if file.exists() { read_file(&file) } else { None }
}

fn read_file(file: &Path) -> Option<RunReport> {
    let mut content = Vec::new();
    let read = fs::File::open(file).and_then(|opened| opened.take(LARGEST_REPORT).read_to_end(&mut content));
    match read {
        Ok(_) => parsed(&file.display().to_string(), &content),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "a run's report cannot be read");
            None
        }
    }
}

/// A file that is not a run report is a line in the log; the rest of the history is shown.
pub(super) fn parsed(place: &str, content: &[u8]) -> Option<RunReport> {
    let report = serde_json::from_slice(content);
    report
        .map_err(|error| tracing::warn!(place, %error, "this is not a run report: it is left out of the history"))
        .ok()
}

fn report_files(runs: &Path) -> Result<Vec<PathBuf>, Fault> {
    let entries = match fs::read_dir(runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(files::io_fault("Reading", runs, error)),
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths.filter(|path| path.extension().is_some_and(|e| e == "json")).collect())
}

/// Indented by two with sorted keys, as the original's `json.dump(..., indent=2, sort_keys=True)`.
pub(super) fn sorted_json(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    // A `Value` holds its keys in order; a struct would be written in the order of its fields.
    serde_json::to_value(value)
        .and_then(|sorted| serde_json::to_string_pretty(&sorted))
        // An error's text may contain control characters, and operators read this file with `cat`.
        .map(|text| printable::json(&text).into_owned().into_bytes())
        .map_err(|error| Fault::new(FaultKind::Bug, "The report cannot be written as JSON").caused_by(error))
}

/// A run's id is ours, but it must never become a path.
pub(super) fn file_stem(run_id: &str) -> String {
    run_id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// Removes all but the newest; ids sort by start time. Reports that cannot be removed now are removed after a later
/// run.
fn prune(runs: &Path) {
    let Ok(mut files) = report_files(runs) else { return };
    files.sort();
    let surplus = files.len().saturating_sub(KEPT_RUNS);
    for old in &files[..surplus] {
        if let Err(error) = fs::remove_file(old) {
            tracing::warn!(file = %old.display(), %error, "an old run report cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::domain::config::Mode;
    use crate::domain::ids::{MappingName, RunId};
    use crate::domain::report::{MappingReport, Trigger};

    fn report(run: &str) -> RunReport {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let run_id = RunId(run.to_owned());
        let name = MappingName("users".to_owned());
        let mapping = MappingReport::begin(name, Mode::Upsert, run_id.clone(), "users".into(), "p.d.users".into(), now);
        let (trigger, by) = (Trigger::Manual, "ops@jump1".to_owned());
        RunReport { run_id, trigger, by, started_at: now, finished_at: now, mappings: vec![mapping] }
    }

    #[test]
    fn a_reader_of_the_original_finds_its_keys_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("etl/reports");
        write(&target, &report("20261123T080000Z-4f1a9c")).unwrap();
        let text = fs::read_to_string(target.join("report.json")).unwrap();
        assert!(text.starts_with("[\n  {\n    \"attempts\": 1,\n"), "{text}");
        let keys: Vec<_> =
            text.lines().filter_map(|l| l.strip_prefix("    \"")?.split_once('"').map(|(key, _)| key)).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        for key in ["mapping_name", "mode", "records_processed", "errors", "duration_seconds"] {
            assert!(keys.contains(&key), "{key}");
        }
        let run = fs::read(target.join("runs/20261123T080000Z-4f1a9c.json")).unwrap();
        assert_eq!(serde_json::from_slice::<RunReport>(&run).unwrap(), report("20261123T080000Z-4f1a9c"));
    }

    #[test]
    fn the_newest_runs_are_kept_and_other_files_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path().join("runs");
        fs::create_dir_all(&runs).unwrap();
        for i in 0..KEPT_RUNS + 5 {
            fs::write(runs.join(format!("20260101T{i:06}Z-a.json")), "{}").unwrap();
        }
        fs::write(runs.join("0-notes.txt"), "mine").unwrap();
        write(dir.path(), &report("20261123T080000Z-b")).unwrap();
        assert_eq!(fs::read_dir(&runs).unwrap().count(), KEPT_RUNS + 1);
        assert!(runs.join("20261123T080000Z-b.json").exists() && runs.join("0-notes.txt").exists());
        assert!(!runs.join("20260101T000005Z-a.json").exists() && runs.join("20260101T000006Z-a.json").exists());
    }

    #[test]
    fn a_runs_id_cannot_leave_the_directory() {
        assert_eq!(file_stem("../../etc/x"), "______etc_x");
    }
}
