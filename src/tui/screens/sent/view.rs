//! The list of sent statements, and the marked one in full.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{Pane, Sent};
use crate::statements::Statement;
use crate::tui::links::LABEL;
use crate::tui::panes::{first_shown, pane};
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::{fit, wrap};
use crate::tui::theme::Theme;

impl Draws for Sent {
    fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let listed = self.listed(shared);
        let [list, below] = Layout::vertical([Constraint::Percentage(40), Constraint::Min(6)]).areas(area);
        self.draw_list(frame, &listed, theme, list);
        let block = pane("SQL", self.pane == Pane::Sql, theme);
        let inner = block.inner(below);
        frame.render_widget(block, below);
        let Some(statement) = listed.get(self.place(&listed)) else { return Extent::default() };
        let lines = in_full(statement, usize::from(inner.width), theme);
        let extent = Extent { lines: lines.len(), height: usize::from(inner.height) };
        frame.render_widget(Paragraph::new(lines).scroll(self.scroll.offset(extent)), inner);
        extent
    }

    fn link(&self, shared: &Shared) -> Option<String> {
        let listed = self.listed(shared);
        listed.get(self.place(&listed))?.link()
    }
}

impl Sent {
    fn draw_list(&self, frame: &mut Frame<'_>, listed: &[Statement], theme: Theme, area: Rect) {
        let title = match self.wanted.as_slice() {
            [] => "Recently sent to BigQuery, the newest first".to_owned(),
            wanted => format!("Sent to BigQuery, with {}; Esc shows all", wanted.join(" ")),
        };
        let block = pane(&title, self.pane == Pane::List, theme);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        if listed.is_empty() {
            let said = match self.wanted.as_slice() {
                [] => "This console has sent nothing to BigQuery yet.".to_owned(),
                wanted => format!("No statement contains {}; Esc shows all.", wanted.join(" ")),
            };
            frame.render_widget(Line::styled(said, theme.quiet()), inner);
            return;
        }
        let (cells, height) = (usize::from(inner.width), usize::from(inner.height));
        let marked = self.place(listed);
        let first = first_shown(marked, listed.len(), height);
        let lines = listed.iter().enumerate().skip(first).take(height).map(|(place, statement)| {
            let text = format!("{} {}", statement.at.format("%H:%M:%S"), statement.what);
            let line = Line::raw(fit(&text, cells, theme));
            if place == marked { line.patch_style(Theme::marked()) } else { line }
        });
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
    }
}

fn in_full(statement: &Statement, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let job = statement.job.as_deref().unwrap_or("id unknown");
    let mut lines: Vec<Line<'_>> = wrap(&format!("job {job}"), cells).into_iter().map(Line::raw).collect();
    lines.extend(
        statement
            .link()
            .map(|link| if theme.links { vec![Line::styled(LABEL, theme.key())] } else { styled(&link, cells, theme) })
            .unwrap_or_default(),
    );
    match &statement.sql {
        Some(sql) => lines.extend(wrap(sql, cells).into_iter().map(Line::raw)),
        None => lines.push(Line::styled("This is a load or a copy: it has no SQL.", theme.quiet())),
    }
    lines
}

fn styled(text: &str, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    wrap(text, cells).into_iter().map(|line| Line::styled(line, theme.quiet())).collect()
}
