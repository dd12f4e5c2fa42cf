//! `bqsync backfill --dry-run`: shows what would be moved, before anything is.

use super::answer::answer;
use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::output::Preview;
use super::printer::Printer;
use crate::engine::{BackfillAsk, BackfillPreview, Failure, Handle, PreviewBackfill};
use crate::format;

pub(super) async fn preview(handle: Handle, ask: BackfillAsk, printer: Printer) -> ExitStatus {
    let mapping = ask.mapping.clone();
    match answer(handle, PreviewBackfill(ask), printer).await {
        Ok(Ok(preview)) => {
            show(&preview, printer);
            ExitStatus::Ok
        }
        Ok(Err(Failure { error, hint })) => {
            printer.error(&format!("{mapping}: error: {error}"));
            printer.error(&format!("{mapping}: next: {hint}"));
            ExitStatus::of_failure(&error)
        }
        Err(status) => status,
    }
}

fn show(preview: &BackfillPreview, printer: Printer) {
    if printer.format == OutputFormat::Json {
        printer.json(&Preview::from(preview));
        return;
    }
    let about = |number: Option<u64>, words: fn(u64) -> String| number.map_or_else(|| "?".to_owned(), words);
    printer.line(&format!("{}: would move {}", preview.ask.mapping, preview.window));
    for note in &preview.notes {
        printer.line(&format!("note: {note}"));
    }
    printer.line(&format!(
        "about {} rows, {} in MySQL; {} rows of the window are in BigQuery",
        about(preview.rows_estimate, format::count),
        about(preview.bytes_estimate, format::bytes),
        preview.rows_in_target.map_or_else(|| "no".to_owned(), format::count),
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
    printer.line("Nothing was moved: take --dry-run away to begin.");
}
