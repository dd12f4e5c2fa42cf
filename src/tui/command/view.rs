//! The command line, and below it the command's meaning or the words that fit.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::CommandLine;
use crate::tui::keys::commands::Command;
use crate::tui::shared::Shared;
use crate::tui::text::{fit, width};
use crate::tui::theme::Theme;

impl CommandLine {
    /// Draws it in two lines.
    pub fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) {
        let cells = usize::from(area.width);
        let value = self.input.value();
        let hidden = width(value).saturating_sub(cells.saturating_sub(2));
        let text: String = value.chars().skip(hidden).collect();
        let (said, style) = self.said(cells, shared, theme);
        let lines = vec![
            Line::from(vec![Span::styled(":", theme.key()), Span::raw(text)]),
            Line::styled(fit(&said, cells, theme), style),
        ];
        frame.render_widget(Paragraph::new(lines), area);
        let cursor = u16::try_from(self.input.visual_cursor().saturating_sub(hidden)).unwrap_or(0);
        frame.set_cursor_position(Position::new((area.x + 1 + cursor).min(area.right() - 1), area.y));
    }

    fn said(&self, cells: usize, shared: &Shared, theme: Theme) -> (String, Style) {
        let value = self.input.value();
        let fitting = self.fitting(shared);
        if !value.contains(' ') && fitting.len() != 1 && Command::find(value).is_none() {
            let style = if fitting.is_empty() { theme.bad() } else { theme.quiet() };
            let none = || format!("no command is called `{value}`: delete it, and Tab lists them");
            return (joined(&fitting, cells).unwrap_or_else(none), style);
        }
        let name = value.split_whitespace().next().unwrap_or_default();
        let command = Command::find(name).or_else(|| Command::find(fitting.first()?));
        let Some(command) = command else {
            return (format!("no command is called `{name}`: Tab lists them"), theme.bad());
        };
        if shared.read_only && command.writes() {
            return (format!("`{}` writes, and this console was opened with --read-only", command.name), theme.bad());
        }
        match joined(&fitting, cells).filter(|_| value.contains(' ')) {
            Some(words) => (words, theme.quiet()),
            None => (format!("{}: {}", command.usage(), command.help()), theme.quiet()),
        }
    }
}

/// The words that fit into a line; `None` if there are no words.
fn joined(words: &[String], cells: usize) -> Option<String> {
    let mut said = words.first()?.clone();
    for (place, word) in words.iter().enumerate().skip(1) {
        let more = format!("  +{}", words.len() - place);
        if width(&said) + 2 + width(word) + width(&more) > cells {
            return Some(said + &more);
        }
        said = said + "  " + word;
    }
    Some(said)
}
