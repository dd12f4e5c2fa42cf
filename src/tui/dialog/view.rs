//! A question over the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::Dialog;
use crate::tui::panes::pane;
use crate::tui::scroll::Extent;
use crate::tui::text::{self, left, wrap};
use crate::tui::theme::Theme;

/// Wide enough for a statement, narrow enough to read.
const WIDEST: u16 = 90;

/// The area that is cleared, so that frames behind do not touch the question's frame.
const fn surroundings(place: Rect) -> Rect {
    Rect {
        x: place.x.saturating_sub(2),
        y: place.y.saturating_sub(1),
        width: place.width.saturating_add(4),
        height: place.height.saturating_add(2),
    }
}

/// How many more lines there are, and the keys that show them.
fn unseen(above: usize, below: usize) -> String {
    let lines = |count: usize| if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
    match (above, below) {
        (0, 0) => String::new(),
        (above, 0) => format!(" {} above: PgUp", lines(above)),
        (0, below) => format!(" {} more below: PgDn", lines(below)),
        (above, below) => format!(" {} above: PgUp, {below} more below: PgDn", lines(above)),
    }
}

impl Dialog {
    pub fn draw(&self, frame: &mut Frame<'_>, theme: Theme, area: Rect) -> Extent {
        let wide = WIDEST.min(area.width.saturating_sub(4));
        let cells = usize::from(wide.saturating_sub(4));
        let said: Vec<String> = self.lines.iter().flat_map(|line| wrap(line, cells)).collect();
        let choices = self.choices.len();
        let most = usize::from(area.height).saturating_sub(choices + 4);
        let shown = said.len().min(most);
        let extent = Extent { lines: said.len(), height: shown };
        let from = self.scroll.first(extent);
        let height = u16::try_from(shown + choices + 3).unwrap_or(area.height).min(area.height);
        let place =
            Rect { x: area.x + (area.width - wide) / 2, y: area.y + (area.height - height) / 2, width: wide, height };
        let mut lines: Vec<Line<'_>> =
            said[from..from + shown].iter().map(|line| Line::raw(format!(" {line}"))).collect();
        lines.push(Line::styled(unseen(from, said.len() - from - shown), theme.wants()));
        for (number, choice) in self.choices.iter().enumerate() {
            let label = left(&choice.label, cells.saturating_sub(4), theme);
            let marked = number == self.selected;
            let style = if marked { Theme::marked() } else { ratatui::style::Style::new() };
            let sign = if marked { ">" } else { " " };
            lines.push(Line::from(vec![
                Span::styled(format!(" {sign} "), style),
                Span::styled(choice.letter.to_string(), if marked { style } else { theme.key() }),
                Span::styled(format!(" {label}"), style),
            ]));
        }
        frame.render_widget(Clear, surroundings(place).intersection(area));
        let title = text::fit(&self.title, cells, theme);
        frame.render_widget(Paragraph::new(lines).block(pane(&title, true, theme)), place);
        extent
    }
}
