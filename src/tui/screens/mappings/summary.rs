//! A summary in one line: counts by status, marks, order and filter; or the filter while it is typed.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Mappings;
use crate::tui::model::Word;
use crate::tui::shared::Shared;
use crate::tui::text::{fit, width};
use crate::tui::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, screen: &Mappings, shared: &Shared, theme: Theme, area: Rect) {
    if screen.typing {
        return draw_field(frame, screen, theme, area);
    }
    let cells = usize::from(area.width);
    let rows = shared.book.rows.len();
    let mut parts = vec![(if rows == 1 { "1 mapping".to_owned() } else { format!("{rows} mappings") }, Style::new())];
    parts.extend(filtered(screen).map(|text| (text, Theme::strong())));
    parts.extend(marked(screen, shared).map(|text| (text, theme.wants())));
    let counts = counts(shared, theme).into_iter().filter(|(count, ..)| *count > 0);
    parts.extend(counts.map(|(count, word, style)| (format!("{count} {word}"), style)));
    let (mut spans, mut used) = (Vec::new(), 0);
    for (text, style) in parts {
        let gap = if spans.is_empty() { "" } else { "  " };
        if used + gap.len() + width(&text) <= cells {
            used += gap.len() + width(&text);
            spans.extend([Span::raw(gap), Span::styled(text, style)]);
        }
    }
    let end = format!("by {}, times in UTC", screen.order.word());
    let gap = cells.saturating_sub(used + width(&end));
    if gap > 1 {
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(end, theme.quiet()));
    }
    frame.render_widget(Line::from(spans), area);
}

fn filtered(screen: &Mappings) -> Option<String> {
    let (filter, shown) = (screen.filter.value().trim(), screen.visible().len());
    match (filter.is_empty(), screen.only_wrong) {
        (true, false) => None,
        (true, true) => Some(format!("! only what is wrong ({shown} shown)")),
        (false, false) => Some(format!("/{filter} ({shown} shown)")),
        (false, true) => Some(format!("! /{filter} ({shown} shown)")),
    }
}

fn marked(screen: &Mappings, shared: &Shared) -> Option<String> {
    let names = screen.marks.names(&shared.book);
    let hidden = screen.hidden(&shared.book);
    match (names.len(), hidden) {
        (0, _) => None,
        (marked, 0) => Some(format!("{marked} marked")),
        (marked, hidden) => Some(format!("{marked} marked, {hidden} of them not shown")),
    }
}

fn counts(shared: &Shared, theme: Theme) -> [(usize, &'static str, Style); 8] {
    let rows = &shared.book.rows;
    let count = |words: &[Word]| rows.iter().filter(|row| words.contains(&row.word())).count();
    let failed = rows.iter().filter(|row| row.has_failed()).count();
    let in_error = rows.iter().filter(|row| row.word() == Word::Error && !row.has_failed()).count();
    [
        (failed, "failed", theme.bad()),
        (count(&[Word::Lost]), "lost", theme.bad()),
        (in_error, "in error", theme.bad()),
        (count(&[Word::Unknown]), "unknown", theme.wants()),
        (count(&[Word::Review]), "to review", theme.wants()),
        (rows.iter().filter(|row| row.late().is_some()).count(), "late", theme.wants()),
        (count(&[Word::Running, Word::Retry, Word::Paused, Word::Queued, Word::Elsewhere]), "running", theme.moving()),
        (count(&[Word::Ok]), "ok", theme.good()),
    ]
}

/// The filter with the cursor, and beside it the part that was not understood, or what could be typed.
fn draw_field(frame: &mut Frame<'_>, screen: &Mappings, theme: Theme, area: Rect) {
    let filter = screen.filter.value();
    let mut spans = vec![Span::styled("/", theme.key()), Span::raw(filter.to_owned())];
    let room = usize::from(area.width).saturating_sub(width(filter) + 4);
    let shown = format!("{} shown", screen.visible().len());
    let (said, style) = match screen.complaint() {
        Some(complaint) => (complaint.to_owned(), theme.bad()),
        None if filter.is_empty() => ("words, status:failed, lag:>1h, mode:append, -not".to_owned(), theme.quiet()),
        None if screen.visible().is_empty() => ("nothing matches; Esc clears".to_owned(), theme.wants()),
        None => (shown, theme.quiet()),
    };
    spans.extend([Span::raw("   "), Span::styled(fit(&said, room, theme), style)]);
    frame.render_widget(Line::from(spans), area);
    let cursor = u16::try_from(screen.filter.visual_cursor()).unwrap_or(0);
    frame.set_cursor_position(Position::new((area.x + 1 + cursor).min(area.right() - 1), area.y));
}
