//! Screen 1: is everything current, what is moving, what is broken.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::Mappings;
use super::columns::{Column, cell, chosen};
use super::detail;
use crate::domain::report::Outcome;
use crate::tui::model::{Row, Standing, Word};
use crate::tui::panes::{first_shown, pane};
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::session::Trouble;
use crate::tui::shared::Shared;
use crate::tui::text::{left, right, width, wrap};
use crate::tui::theme::Theme;

/// From this height on the marked mapping is shown in full.
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
        summary(frame, self, shared, theme, head);
        draw_list(frame, self, shared, theme, list);
        detail::draw(frame, self, shared, theme, below);
        Extent::default()
    }
}

/// Everything in one line: counts by word, order and filter.
fn summary(frame: &mut Frame<'_>, screen: &Mappings, shared: &Shared, theme: Theme, area: Rect) {
    let filter = screen.filter.value();
    if screen.typing {
        frame.render_widget(Line::from(vec![Span::styled("/", theme.key()), Span::raw(filter)]), area);
        let cursor = u16::try_from(screen.filter.visual_cursor()).unwrap_or(0);
        frame.set_cursor_position(Position::new((area.x + 1 + cursor).min(area.right() - 1), area.y));
        return;
    }
    let count = |words: &[Word]| shared.book.rows.iter().filter(|row| words.contains(&row.word())).count();
    let rows = shared.book.rows.len();
    let mut spans = vec![Span::raw(if rows == 1 { "1 mapping".to_owned() } else { format!("{rows} mappings") })];
    // A mapping in error whose run has failed for it is one that failed.
    let both =
        |row: &&Row| row.word() == Word::Error && row.last_run().is_some_and(|run| run.outcome == Outcome::Failed);
    let both = shared.book.rows.iter().filter(both).count();
    let counts = [
        (count(&[Word::Failed]) + both, "failed", theme.bad()),
        (count(&[Word::Lost]), "lost", theme.bad()),
        (count(&[Word::Error]) - both, "in error", theme.bad()),
        (count(&[Word::Unknown]), "unknown", theme.wants()),
        (count(&[Word::Review]), "to review", theme.wants()),
        (count(&[Word::Running, Word::Retry, Word::Paused, Word::Queued, Word::Elsewhere]), "running", theme.moving()),
        (count(&[Word::Ok]), "ok", theme.good()),
    ];
    let mut used = width(&spans[0].content);
    for (count, word, style) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        let text = format!("{count} {word}");
        used += 2 + width(&text);
        if used <= usize::from(area.width) {
            spans.push(Span::raw("  "));
            spans.push(Span::styled(text, style));
        }
    }
    if !filter.is_empty() {
        spans.push(Span::raw("  "));
        spans.push(Span::styled(format!("/{filter} ({} shown)", screen.visible().len()), Theme::strong()));
    }
    let used: usize = spans.iter().map(|span| width(&span.content)).sum();
    let end = format!("by {}, times in UTC", screen.order.word());
    let gap = usize::from(area.width).saturating_sub(used + width(&end));
    if gap > 1 {
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(end, theme.quiet()));
    }
    frame.render_widget(Line::from(spans), area);
}

fn draw_list(frame: &mut Frame<'_>, screen: &Mappings, shared: &Shared, theme: Theme, area: Rect) {
    let columns = chosen(&shared.book, usize::from(area.width), shared.now, theme);
    let height = usize::from(area.height).saturating_sub(1);
    let visible = screen.visible();
    let marked = screen.place(&shared.book);
    let first = first_shown(marked.unwrap_or(0), visible.len(), height);
    let mut lines = vec![header(&columns, theme)];
    for (place, row) in visible.iter().enumerate().skip(first).take(height) {
        let Some(row) = shared.book.rows.get(*row) else { continue };
        let line = list_line(row, &columns, shared, theme);
        lines.push(if Some(place) == marked { line.patch_style(Theme::marked()) } else { line });
    }
    if visible.is_empty() && !shared.book.rows.is_empty() {
        lines.push(Line::styled("No mapping holds that text; Esc clears the filter.", theme.quiet()));
    }
    frame.render_widget(Paragraph::new(lines), area);
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
    /// A longer bar says no more.
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
