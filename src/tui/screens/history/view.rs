//! The list of runs, a line for each.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{History, glance};
use crate::domain::report::RunSummary;
use crate::engine::Failure;
use crate::format;
use crate::tui::panes::first_shown;
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::{self, left, right, wrap};
use crate::tui::theme::Theme;

impl Draws for History {
    fn draw(&self, frame: &mut Frame<'_>, _shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let cells = usize::from(area.width);
        if let Some(Failure { error, hint }) = &self.failure {
            let mut lines: Vec<Line<'_>> =
                wrap(error, cells).into_iter().map(|line| Line::styled(line, theme.bad())).collect();
            lines.extend(wrap(hint, cells).into_iter().map(|line| Line::styled(line, Theme::strong())));
            frame.render_widget(Paragraph::new(lines), area);
            return Extent::default();
        }
        let Some(runs) = &self.runs else {
            frame.render_widget(Line::raw("reading the history"), area);
            return Extent::default();
        };
        if runs.is_empty() {
            frame.render_widget(Line::raw("No run is recorded yet."), area);
            return Extent::default();
        }
        let listed = self.listed();
        let mut head = self.glanced(cells, theme);
        head.extend(self.filtered(listed.len(), theme));
        let older = self.reading_more.then(|| Line::styled("reading older runs", theme.quiet()));
        let height = usize::from(area.height).saturating_sub(1 + head.len() + usize::from(older.is_some()));
        let first = first_shown(self.place, listed.len(), height);
        let widths = widths(runs, cells);
        let titles = cells_of(
            ["WHEN", "WHO", "TRIGGER", "MAPPINGS", "ROWS", "TOOK", "OUTCOME"].map(str::to_owned),
            widths,
            theme,
        );
        let mut lines = head;
        lines.push(Line::styled(titles.join(" "), Theme::strong()));
        for (place, run) in listed.into_iter().enumerate().skip(first).take(height) {
            let line = line(run, widths, theme);
            lines.push(if place == self.place { line.patch_style(Theme::marked()) } else { line });
        }
        lines.extend(older);
        frame.render_widget(Paragraph::new(lines), area);
        Extent::default()
    }
}

impl History {
    fn glanced(&self, cells: usize, theme: Theme) -> Vec<Line<'static>> {
        let glance = self.about.as_ref().zip(self.glance.as_ref());
        glance.map(|(name, glance)| glance::lines(&name.0, glance, cells, theme)).unwrap_or_default()
    }

    /// The words that lines contain, and the number of lines.
    fn filtered(&self, count: usize, theme: Theme) -> Vec<Line<'static>> {
        if self.wanted.is_empty() {
            return Vec::new();
        }
        let wanted = format!("history {} ({count} shown)", self.wanted.join(" "));
        vec![Line::from(vec![Span::styled(wanted, Theme::strong()), Span::styled("  Esc shows all", theme.quiet())])]
    }
}

/// The width of each column, 0 for those that do not fit. WHO and MAPPINGS share the rest.
fn widths(runs: &[RunSummary], cells: usize) -> [usize; 7] {
    /// The columns that are dropped first, because the report shows them too.
    const DROPPED: [usize; 3] = [5, 4, 2];
    /// The least width of a `user@host` and a mapping's name together.
    const SHARED_LEAST: usize = 24;
    let widest = |text_of: &dyn Fn(&RunSummary) -> String| runs.iter().map(|run| text::width(&text_of(run))).max();
    let rows = widest(&|run| format::count(run.rows)).unwrap_or(0).max(4);
    let mut widths = [16, 0, 8, 0, rows, 6, 9];
    let left = |widths: &[usize; 7]| {
        let shown = widths.iter().filter(|cells| **cells > 0).count() + 2;
        cells.saturating_sub(widths.iter().sum::<usize>() + shown - 1)
    };
    for dropped in DROPPED {
        if left(&widths) >= SHARED_LEAST {
            break;
        }
        widths[dropped] = 0;
    }
    let shared = left(&widths);
    let who = widest(&|run| run.by.clone()).unwrap_or(0).max(3).min(shared / 2);
    (widths[1], widths[3]) = (who, shared - who);
    widths
}

fn cells_of(texts: [String; 7], widths: [usize; 7], theme: Theme) -> Vec<String> {
    let number = |place: usize| place == 4 || place == 5;
    let cell = |(place, (text, cells)): (usize, (String, usize))| {
        if number(place) { right(&text, cells, theme) } else { left(&text, cells, theme) }
    };
    texts.into_iter().zip(widths).enumerate().filter(|(_, (_, cells))| *cells > 0).map(cell).collect()
}

fn line(run: &RunSummary, widths: [usize; 7], theme: Theme) -> Line<'static> {
    let took = (run.finished_at - run.started_at).to_std().unwrap_or_default();
    let mappings = match run.mappings.as_slice() {
        [] => "-".to_owned(),
        [one] => one.to_string(),
        [first, ..] => format!("{first} and {} more", run.mappings.len() - 1),
    };
    let texts = [
        run.started_at.format("%Y-%m-%d %H:%M").to_string(),
        if run.by.is_empty() { "-".to_owned() } else { run.by.clone() },
        run.trigger.word().to_owned(),
        mappings,
        format::count(run.rows),
        format::in_cell(took),
        run.outcome.word().to_owned(),
    ];
    let mut cells = cells_of(texts, widths, theme);
    let outcome = cells.pop().unwrap_or_default();
    Line::from(vec![Span::raw(cells.join(" ") + " "), Span::styled(outcome, theme.outcome(run.outcome))])
}
