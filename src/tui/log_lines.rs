//! The form of a log line on all screens that show it.

use ratatui::style::Style;
use ratatui::text::Line;
use tracing::Level;

use crate::logging::LogLine;
use crate::tui::text::wrap;
use crate::tui::theme::Theme;

/// A log line as lines of the screen.
pub fn log_lines(line: &LogLine, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let head = format!("{} {:<5} ", line.at.format("%H:%M:%S"), line.level.as_str());
    let style = level_style(line.level, theme);
    let wrapped = wrap(&line.text, cells.saturating_sub(head.len()));
    let indent = " ".repeat(head.len());
    let heads = std::iter::once(head).chain(std::iter::repeat(indent));
    heads.zip(wrapped).map(|(head, text)| Line::styled(head + &text, style)).collect()
}

pub fn level_style(level: Level, theme: Theme) -> Style {
    match level {
        Level::ERROR => theme.bad(),
        Level::WARN => theme.wants(),
        Level::INFO => Style::new(),
        Level::DEBUG | Level::TRACE => theme.quiet(),
    }
}
