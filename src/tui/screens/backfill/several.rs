//! The same stretch for several mappings: previewed one by one, asked about and started together.

use std::collections::HashMap;

use ratatui::text::{Line, Span};

use crate::domain::ids::MappingName;
use crate::engine::{BackfillAsk, BackfillPreview, Failure};
use crate::format::{self, numbered};
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::naming::asked_about;
use crate::tui::text::{fit, left, width};
use crate::tui::theme::Theme;

#[derive(Debug, Default)]
pub struct Several {
    /// The mappings; empty if the form is for one mapping.
    pub names: Vec<MappingName>,
    /// The previews that were asked for, with the answers so far.
    previews: HashMap<MappingName, Option<Result<Box<BackfillPreview>, Failure>>>,
}

impl Several {
    pub fn of(names: Vec<MappingName>) -> Self {
        Self { names, previews: HashMap::new() }
    }

    pub fn asks(&self, ask: &BackfillAsk) -> Vec<BackfillAsk> {
        self.names.iter().map(|name| BackfillAsk { mapping: name.clone(), ..ask.clone() }).collect()
    }

    pub fn asked(&mut self) {
        self.previews = self.names.iter().map(|name| (name.clone(), None)).collect();
    }

    /// Forgets the previews, because they are wrong for other words.
    pub fn forget(&mut self) {
        self.previews.clear();
    }

    /// Tells if previews were asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        !self.previews.is_empty()
    }

    pub fn answered(&mut self, mapping: &MappingName, preview: Result<Box<BackfillPreview>, Failure>) {
        if let Some(known) = self.previews.get_mut(mapping) {
            *known = Some(preview);
        }
    }

    /// The question about the mappings that can be moved; `None` while an answer is missing.
    #[must_use]
    pub fn question(&self, size: (u16, u16)) -> Option<Dialog> {
        if self.names.is_empty() || !self.is_asked() {
            return None;
        }
        let known = self.names.iter().map(|name| self.previews.get(name)?.as_ref()).collect::<Option<Vec<_>>>()?;
        let previews: Vec<&BackfillPreview> = known.into_iter().filter_map(|one| one.as_deref().ok()).collect();
        let asks: Vec<BackfillAsk> = previews.iter().map(|preview| preview.ask.clone()).collect();
        let names: Vec<MappingName> = asks.iter().map(|ask| ask.mapping.clone()).collect();
        let rows: u64 = previews.iter().filter_map(|preview| preview.rows_estimate).sum();
        let bytes: u64 = previews.iter().filter_map(|preview| Some(preview.publish_bytes?.in_all)).sum();
        let mut lines = vec![
            asked_about(&names, size),
            format!(
                "About {} from MySQL; BigQuery bills about {}.",
                numbered(rows, "row is read", "rows are read"),
                format::bytes(bytes)
            ),
            "Watermarks stay where they are. Each backfill can be paused, cancelled and continued later.".to_owned(),
        ];
        let unfinished = previews.iter().filter(|preview| preview.unfinished.is_some()).count();
        if unfinished > 0 {
            lines.push(numbered(
                unfinished as u64,
                "unfinished backfill among them starts from the beginning.",
                "unfinished backfills among them start from the beginning.",
            ));
        }
        let left_out = self.names.len() - names.len();
        if left_out > 0 {
            lines.push(numbered(
                left_out as u64,
                "mapping cannot be previewed and is left out.",
                "mappings cannot be previewed and are left out.",
            ));
        }
        let mut choices = vec![choice('n', "go back", Intent::Nothing)];
        if !asks.is_empty() {
            choices.push(choice('y', format!("start these {}", asks.len()), Intent::StartBackfills(asks)));
        }
        Some(Dialog::new(format!("Backfill {}?", numbered(names.len() as u64, "mapping", "mappings")), lines, choices))
    }

    pub fn lines(&self, cells: usize, theme: Theme) -> Vec<Line<'static>> {
        let widest = self.names.iter().map(|name| width(&name.0)).max().unwrap_or(0).min(cells / 2);
        let line = |name: &MappingName| {
            let (text, style) = match self.previews.get(name) {
                None | Some(None) => ("asking".to_owned(), theme.quiet()),
                Some(Some(Err(failure))) => (failure.error.clone(), theme.bad()),
                Some(Some(Ok(preview))) => (told(preview), ratatui::style::Style::new()),
            };
            let text = fit(&text, cells.saturating_sub(widest + 2), theme);
            Line::from(vec![Span::raw(left(&name.0, widest, theme) + "  "), Span::styled(text, style)])
        };
        self.names.iter().map(line).collect()
    }
}

fn told(preview: &BackfillPreview) -> String {
    let rows = preview.rows_estimate.map_or_else(|| "?".to_owned(), format::count);
    let bytes = preview.publish_bytes.map_or_else(|| "?".to_owned(), |bytes| format::bytes(bytes.in_all));
    let held = preview.rows_in_target.map_or_else(|| "no table".to_owned(), format::count);
    format!("about {rows} rows in MySQL, {held} in BigQuery, bills about {bytes}")
}
