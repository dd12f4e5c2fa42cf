//! Screen 1: what is current, what is moving, what is broken.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::Mappings;
use super::columns::{Column, cell, chosen};
use super::{detail, summary};
use crate::domain::config::NotMoved;
use crate::tui::model::{Row, Standing};
use crate::tui::panes::{first_shown, pane};
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::session::Trouble;
use crate::tui::shared::Shared;
use crate::tui::text::{left, right, width, wrap};
use crate::tui::theme::Theme;

/// From this height on the marked mapping is shown in detail.
const TALL: u16 = 26;

impl Draws for Mappings {
    fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) -> Extent {
        if let Some(trouble) = &shared.trouble {
            draw_trouble(frame, trouble, theme, area);
            return Extent::default();
        }
        let below = match area.height {
            ..17 => 2,
            17..TALL => 5,
            _ => 11,
        };
        let [head, list, below] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(2), Constraint::Length(below)]).areas(area);
        summary::draw(frame, self, shared, theme, head);
        draw_list(frame, self, shared, theme, list);
        detail::draw(frame, self, shared, theme, below);
        Extent::default()
    }
}

fn draw_list(frame: &mut Frame<'_>, screen: &Mappings, shared: &Shared, theme: Theme, area: Rect) {
    // Marked mappings also get a sign, because a style alone is not visible everywhere.
    let sign = if screen.marks.is_empty() { 0 } else { 2 };
    let columns = chosen(&shared.book, usize::from(area.width).saturating_sub(sign), shared.now, theme);
    let height = usize::from(area.height).saturating_sub(1);
    let visible = screen.visible();
    let cursor = screen.place(&shared.book);
    let first = first_shown(cursor.unwrap_or(0), visible.len(), height);
    let mut head = header(&columns, theme);
    head.spans.insert(0, Span::raw(" ".repeat(sign)));
    let mut lines = vec![head];
    for (place, row) in visible.iter().enumerate().skip(first).take(height) {
        let Some(row) = shared.book.rows.get(*row) else { continue };
        let mut line = list_line(row, &columns, shared, theme);
        if sign > 0 {
            let sign = if screen.marks.contains(&row.name) { "* " } else { "  " };
            line.spans.insert(0, Span::styled(sign, theme.wants()));
        }
        lines.push(if Some(place) == cursor { line.patch_style(Theme::marked()) } else { line });
    }
    if visible.is_empty() && !shared.book.rows.is_empty() {
        let cells = usize::from(area.width);
        lines.extend(wrap(&nothing(screen, shared), cells).into_iter().map(|line| Line::styled(line, theme.quiet())));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// Why nothing is listed, and which key shows the mappings again.
fn nothing(screen: &Mappings, shared: &Shared) -> String {
    match (screen.filter.value().trim(), screen.only_wrong) {
        ("", _) if !shared.not_moved().is_empty() => {
            let told = |NotMoved { name, fault, .. }: &NotMoved| {
                format!("{name} cannot be moved: {fault} ({}).", fault.hint())
            };
            shared.not_moved().iter().map(told).collect::<Vec<_>>().join(" ")
        }
        ("", _) => {
            "Nothing is wrong: nothing failed, lost, unknown, to review or late. ! shows all mappings.".to_owned()
        }
        (filter, false) => format!("No mapping matches `{filter}`; Esc clears the filter."),
        (filter, true) => {
            format!("No mapping that matches `{filter}` is wrong; ! shows all matches, Esc clears the filter.")
        }
    }
}

fn header(columns: &[(Column, usize)], theme: Theme) -> Line<'static> {
    let titles = columns.iter().map(|(column, cells)| aligned(*column, column.title(), *cells, theme));
    Line::styled(titles.collect::<Vec<_>>().join("  "), Theme::strong())
}

fn aligned(column: Column, text: &str, cells: usize, theme: Theme) -> String {
    if column.is_right() { right(text, cells, theme) } else { left(text, cells, theme) }
}

fn list_line(row: &Row, columns: &[(Column, usize)], shared: &Shared, theme: Theme) -> Line<'static> {
    let mut spans = Vec::new();
    for (number, (column, cells)) in columns.iter().enumerate() {
        if number > 0 {
            spans.push(Span::raw("  "));
        }
        if *column == Column::Status {
            spans.extend(status(&row.standing(shared.now.at), *cells, theme));
        } else {
            spans.push(Span::raw(aligned(*column, &cell(*column, row, shared.now, theme), *cells, theme)));
        }
    }
    Line::from(spans)
}

/// `RUNNING ######---- 62% 143k/s`
fn status(standing: &Standing, cells: usize, theme: Theme) -> Vec<Span<'static>> {
    /// A longer bar shows nothing more.
    const BAR: usize = 10;
    let word = standing.word.text();
    let mut spans = vec![Span::styled(word, theme.word(standing.word))];
    let mut room = cells.saturating_sub(width(word));
    if let Some(share) = standing.share {
        let bar = room.saturating_sub(width(&standing.detail) + 2).min(BAR);
        if bar >= 4 {
            spans.push(Span::raw(" "));
            spans.push(Span::styled(theme.bar(share, bar), theme.moving()));
            room = room.saturating_sub(bar + 1);
        }
    }
    spans.push(Span::raw(left(&format!(" {}", standing.detail), room, theme)));
    spans
}

fn draw_trouble(frame: &mut Frame<'_>, trouble: &Trouble, theme: Theme, area: Rect) {
    let block = pane("Nothing can run yet", true, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let cells = usize::from(inner.width).saturating_sub(1);
    let mut lines: Vec<Line<'_>> =
        wrap(&trouble.sentence, cells).into_iter().map(|line| Line::styled(line, theme.bad())).collect();
    for problem in &trouble.problems {
        let place = problem.line.map_or_else(|| problem.file.clone(), |line| format!("{}:{line}", problem.file));
        lines.push(Line::raw(""));
        lines.extend(wrap(&format!("{place}: {}", problem.message), cells).into_iter().map(Line::raw));
        let hint = format!("    {}", problem.hint);
        lines.extend(wrap(&hint, cells).into_iter().map(|line| Line::styled(line, theme.quiet())));
    }
    lines.push(Line::raw(""));
    lines.push(Line::from(vec![Span::styled("u", theme.key()), Span::raw(" reads the files again")]));
    frame.render_widget(Paragraph::new(lines), inner);
}
