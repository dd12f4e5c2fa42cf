//! The questions before a backfill starts or continues.

use super::{Backfill, Preview};
use crate::domain::ids::MappingName;
use crate::engine::{BackfillAsk, BackfillState};
use crate::format::numbered;
use crate::tui::dialog::{Choice, Dialog, Intent, choice};
use crate::tui::shared::Shared;

impl Backfill {
    /// The question before it starts; `None` without a preview of exactly these words.
    #[must_use]
    pub fn confirm(&self) -> Option<Dialog> {
        let Preview::Read(preview) = &self.preview else { return None };
        let ask = self.ask().filter(|ask| *ask == preview.ask)?;
        let rows = preview
            .rows_estimate
            .map_or("an unknown number of rows".to_owned(), |rows| format!("about {}", numbered(rows, "row", "rows")));
        let mut lines = vec![
            format!("The backfill reads {rows} of {} from MySQL, window {}.", ask.mapping, preview.window),
            format!("Publishing: {}.", preview.publish),
            preview.publish_bytes.map_or_else(
                || "What BigQuery will bill for it is not known.".to_owned(),
                |bytes| format!("BigQuery bills {}.", bytes.words()),
            ),
            "The watermark stays where it is. The backfill can be paused, cancelled and continued later.".to_owned(),
        ];
        lines.extend(preview.notes.iter().cloned());
        let same = preview.unfinished.as_ref().filter(|state| state.start == ask.start && state.end == ask.end);
        let start = |restart| Intent::StartBackfill { ask: ask.clone(), restart };
        let mut choices = vec![choice('n', "go back", Intent::Nothing)];
        if let Some(state) = same {
            let done = state.done.as_deref().unwrap_or("the beginning");
            choices.push(choice('y', format!("go on from {done}"), start(false)));
            choices.push(choice('a', "start it from the beginning", start(true)));
        } else {
            if let Some(state) = &preview.unfinished {
                lines.push(format!("It replaces the unfinished backfill from {} to {}.", state.start, state.to));
            }
            let restart = preview.unfinished.is_some();
            choices.push(choice('y', "start it", start(restart)));
        }
        Some(Dialog::new(format!("Backfill {}?", ask.mapping), lines, choices))
    }
}

/// Offers unfinished backfills when the console opens.
pub fn offer_unfinished(shared: &mut Shared) {
    let unfinished: Vec<(MappingName, BackfillState)> = shared
        .book
        .rows
        .iter()
        .filter_map(|row| {
            let status = row.status.as_ref().filter(|status| status.held_by.is_none())?;
            Some((row.name.clone(), status.backfill.clone()?))
        })
        .collect();
    if unfinished.is_empty() || shared.read_only || shared.dialog.is_some() || shared.runs.busy() {
        return;
    }
    let lines = unfinished.iter().map(|(mapping, state)| {
        let done = state.done.as_deref().unwrap_or("nothing yet");
        let (to, by) = (&state.to, &state.by);
        format!(
            "{mapping}: {} to {to}; done up to {done} ({}, {}), begun by {by}",
            state.start,
            numbered(state.slices, "slice", "slices"),
            numbered(state.rows, "row", "rows")
        )
    });
    let lines = lines.collect();
    // The answers' letters must differ; more than nine unfinished backfills are not expected.
    let letters = if unfinished.len() == 1 { 'y'..='y' } else { '1'..='9' };
    let mut choices: Vec<Choice> = unfinished
        .into_iter()
        .zip(letters)
        .map(|((mapping, state), letter)| {
            let label = format!("open the backfill of {mapping}, to continue it");
            let ask = BackfillAsk { mapping, start: state.start, end: state.end };
            choice(letter, label, Intent::OpenBackfill(ask))
        })
        .collect();
    choices.push(choice('n', "not now", Intent::Nothing));
    shared.dialog = Some(Dialog::new("Unfinished backfills", lines, choices));
}
