//! `bqsync backfill --dry-run`: shows what would be moved, before anything is.

use super::answer::answers;
use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::output::Preview;
use super::printer::Printer;
use crate::engine::{BackfillAsk, BackfillPreview, Failure, Handle, PreviewBackfill};
use crate::format;

pub(super) async fn preview(mut handle: Handle, ask: BackfillAsk, printer: Printer) -> ExitStatus {
    let name = ask.mapping.clone();
    let previews = match answers(&mut handle, PreviewBackfill(ask), printer).await {
        Ok(previews) => previews,
        Err(status) => return status,
    };
    let (mut status, mut known) = (ExitStatus::Ok, Vec::new());
    let many = previews.len() > 1;
    for preview in previews {
        match preview {
            Ok(preview) => known.push(preview),
            Err(Failure { error, hint }) => {
                printer.error(&format!("{name}: error: {error}"));
                printer.error(&format!("{name}: next: {hint}"));
                status = ExitStatus::of_failure(&error);
            }
        }
    }
    match (printer.format, known.as_slice()) {
        (OutputFormat::Json, [one]) if !many => printer.json(&Preview::from(one)),
        (OutputFormat::Json, all) if many => printer.json(&all.iter().map(Preview::from).collect::<Vec<_>>()),
        (OutputFormat::Json, _) => {}
        (OutputFormat::Table, all) => {
            for preview in all {
                show(preview, printer);
            }
        }
    }
    if !known.is_empty() && printer.format == OutputFormat::Table {
        printer.line("Nothing was moved: run it without --dry-run to begin.");
    }
    status
}

fn show(preview: &BackfillPreview, printer: Printer) {
    let about = |number: Option<u64>, words: fn(u64) -> String| number.map_or_else(|| "?".to_owned(), words);
    printer.line(&format!("{}: would move {}", preview.ask.mapping, preview.window));
    for note in &preview.notes {
        printer.line(&format!("note: {note}"));
    }
    printer.line(&format!(
        "about {}, {} in MySQL; BigQuery holds {} of the window",
        about(preview.rows_estimate, |rows| format::counted(rows, "row")),
        about(preview.bytes_estimate, format::bytes),
        preview.rows_in_target.map_or_else(|| "no rows".to_owned(), |rows| format::counted(rows, "row")),
    ));
    printer.line(&format!("publishing: {}", preview.publish));
    let cost = preview.publish_bytes.map_or_else(|| "not known".to_owned(), |bytes| bytes.words());
    printer.line(&format!("read in BigQuery, and billed: {cost}"));
    if let Some(unfinished) = &preview.unfinished {
        let done = unfinished.done.as_deref().unwrap_or("nothing yet");
        printer.line(&format!(
            "unfinished: {} to {}, begun by {}, done up to: {done}; the same command continues it",
            unfinished.from, unfinished.to, unfinished.by
        ));
    }
    printer.line("");
    let row = |(number, slice): (usize, &crate::engine::SlicePreview)| {
        let rows = slice.rows.map_or_else(|| "the rest".to_owned(), |rows| format!("at least {}", format::count(rows)));
        vec![(number + 1).to_string(), slice.window.clone(), rows]
    };
    printer.table(&["SLICE", "WINDOW", "ROWS"], preview.slices.iter().enumerate().map(row).collect(), &[0]);
    if preview.more_slices {
        printer.line("... and more");
    }
}
