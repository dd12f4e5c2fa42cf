//! The list over the screen: the typed letters, and the entries that match.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::{Entry, Palette};
use crate::tui::panes::{first_shown, pane};
use crate::tui::text::{fit, left};
use crate::tui::theme::Theme;

/// The greatest width: enough for a sentence.
const WIDEST: u16 = 90;
/// The width of keys and commands: `Shift-Tab`, `:backfill`.
const KEYS: usize = 11;

impl Palette {
    pub fn draw(&self, frame: &mut Frame<'_>, theme: Theme, area: Rect) {
        let width = WIDEST.min(area.width.saturating_sub(4));
        let place = Rect { x: area.x + (area.width - width) / 2, y: area.y, width, height: area.height };
        let block = pane("Actions here", true, theme);
        let inner = block.inner(place);
        frame.render_widget(
            Clear,
            Rect { x: place.x.saturating_sub(2), width: place.width + 4, ..place }.intersection(area),
        );
        frame.render_widget(block, place);
        let cells = usize::from(inner.width);
        let height = usize::from(inner.height).saturating_sub(1);
        let first = first_shown(self.place, self.found().len(), height);
        let mut lines = vec![Line::from(vec![Span::styled("> ", theme.key()), Span::raw(self.input.value())])];
        let shown = self.found().enumerate().skip(first).take(height);
        lines.extend(shown.map(|(number, entry)| {
            let line = line(entry, cells, theme);
            if number == self.place { line.patch_style(Theme::marked()) } else { line }
        }));
        if self.found().len() == 0 {
            lines.push(Line::styled("No action here contains these letters; Esc closes the list.", theme.quiet()));
        }
        frame.render_widget(Paragraph::new(lines), inner);
        let cursor = u16::try_from(self.input.visual_cursor()).unwrap_or(0);
        frame.set_cursor_position(Position::new((inner.x + 2 + cursor).min(inner.right().saturating_sub(1)), inner.y));
    }
}

fn line(entry: &Entry, cells: usize, theme: Theme) -> Line<'static> {
    Line::from(vec![
        Span::styled(left(&entry.keys, KEYS, theme), theme.key()),
        Span::raw(left(
            &fit(&entry.text, cells.saturating_sub(KEYS + 1), theme),
            cells.saturating_sub(KEYS + 1),
            theme,
        )),
    ])
}
