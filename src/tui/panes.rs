//! Pieces that the screens are drawn with: panes, and the part of a list that is shown.

use ratatui::text::Line;
use ratatui::widgets::{Block, Borders};

use crate::tui::theme::Theme;

/// A pane with a title; the one that has the keys is drawn bold.
pub fn pane(title: &str, focused: bool, theme: Theme) -> Block<'static> {
    let style = if focused { Theme::strong() } else { theme.quiet() };
    let title =
        Line::styled(format!(" {title} "), if focused { Theme::strong() } else { ratatui::style::Style::new() });
    Block::new().borders(Borders::ALL).border_set(theme.border()).border_style(style).title(title)
}

/// Where a list of so many begins, so that the marked line is seen.
pub fn first_shown(marked: usize, count: usize, height: usize) -> usize {
    marked.saturating_sub(height / 2).min(count.saturating_sub(height))
}
