//! A summary in one line: counts by status, marks, order and filter; or the filter while it is typed.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Mappings;
use crate::format::{self, numbered};
use crate::tui::filter;
use crate::tui::model::Word;
use crate::tui::panes::in_a_line;
use crate::tui::shared::Shared;
use crate::tui::text::width;
use crate::tui::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, screen: &Mappings, shared: &Shared, theme: Theme, area: Rect) {
    if screen.filter.typing {
        return screen.filter.draw(frame, (screen.visible().len(), shared.book.rows.len()), theme, area);
    }
    let cells = usize::from(area.width);
    let rows = shared.book.rows.len();
    let mut parts = vec![(numbered(rows as u64, "mapping", "mappings"), Style::new())];
    // A long filter must not push out how many marked mappings it hides.
    parts.extend(marked(screen, shared).map(|text| (text, theme.wants())));
    parts.extend(filtered(screen).map(|text| (text, Theme::strong())));
    let counts = counts(shared, theme).into_iter().filter(|(count, ..)| *count > 0);
    parts.extend(counts.map(|(count, word, style)| (format!("{} {word}", format::count(count as u64)), style)));
    let (mut spans, used) = in_a_line(parts, cells);
    let end = format!("by {}, times in UTC", screen.order.word());
    let gap = cells.saturating_sub(used + width(&end));
    if gap > 1 {
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(end, theme.quiet()));
    }
    frame.render_widget(Line::from(spans), area);
}

fn filtered(screen: &Mappings) -> Option<String> {
    let (filter, shown) = (screen.filter.value().trim(), format::count(screen.visible().len() as u64));
    match (filter.is_empty(), screen.only_wrong) {
        (true, false) => None,
        (true, true) => Some(format!("! only what is wrong ({shown} shown)")),
        (false, false) => Some(format!("/{filter} ({shown} shown)")),
        (false, true) => Some(format!("! /{filter} ({shown} shown)")),
    }
}

fn marked(screen: &Mappings, shared: &Shared) -> Option<String> {
    filter::marked(screen.marks.names(&shared.book).len(), screen.hidden(&shared.book))
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
