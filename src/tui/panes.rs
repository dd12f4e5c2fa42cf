//! Parts that the screens share: panes, lines of several parts, and the visible part of a list.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders};

use crate::tui::text::width;
use crate::tui::theme::Theme;

/// A pane with a title; the pane that has the keys is drawn bold.
pub fn pane(title: &str, focused: bool, theme: Theme) -> Block<'static> {
    let style = if focused { Theme::strong() } else { theme.quiet() };
    let title = Line::styled(format!(" {title} "), if focused { Theme::strong() } else { Style::new() });
    Block::new().borders(Borders::ALL).border_set(theme.border()).border_style(style).title(title)
}

/// The first visible line of a list with `count` lines, such that the marked line is visible.
pub fn first_shown(marked: usize, count: usize, height: usize) -> usize {
    marked.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// The parts that fit into a line of `cells` cells, the first ones before the later ones, and the cells that they take.
pub fn in_a_line(parts: Vec<(String, Style)>, cells: usize) -> (Vec<Span<'static>>, usize) {
    let (mut spans, mut used) = (Vec::new(), 0);
    for (text, style) in parts {
        let gap = if spans.is_empty() { "" } else { "  " };
        if used + gap.len() + width(&text) <= cells {
            used += gap.len() + width(&text);
            spans.extend([Span::raw(gap), Span::styled(text, style)]);
        }
    }
    (spans, used)
}
