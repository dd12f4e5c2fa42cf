//! Parts that the screens share: panes, and the visible part of a list.

use ratatui::text::Line;
use ratatui::widgets::{Block, Borders};

use crate::tui::theme::Theme;

/// A pane with a title; the pane that has the keys is drawn bold.
pub fn pane(title: &str, focused: bool, theme: Theme) -> Block<'static> {
    let style = if focused { Theme::strong() } else { theme.quiet() };
    let title =
        Line::styled(format!(" {title} "), if focused { Theme::strong() } else { ratatui::style::Style::new() });
    Block::new().borders(Borders::ALL).border_set(theme.border()).border_style(style).title(title)
}

/// The first visible line of a list with `count` lines, such that the marked line is visible.
pub fn first_shown(marked: usize, count: usize, height: usize) -> usize {
    marked.saturating_sub(height / 2).min(count.saturating_sub(height))
}
