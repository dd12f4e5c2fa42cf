//! Screen 6: tui-logger's widgets, or the lines that contain the text.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{BorderType, Paragraph};
use tracing::Level;
use tui_logger::{TuiLoggerLevelOutput, TuiLoggerSmartWidget};

use super::Logs;
use crate::logging::LogLine;
use crate::tui::log_lines::{level_style, log_lines};
use crate::tui::panes::pane;
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::theme::Theme;

impl Draws for Logs {
    fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let mut rest = area;
        if self.typing || self.has_filter() {
            let [line, below] = Layout::vertical([Constraint::Length(1), Constraint::Min(3)]).areas(area);
            rest = below;
            let text = self.filter.value().to_owned();
            frame.render_widget(Line::from(vec![Span::styled("/", theme.key()), Span::raw(text)]), line);
            if self.typing {
                let cursor = u16::try_from(self.filter.visual_cursor()).unwrap_or(0);
                frame.set_cursor_position(Position::new((line.x + 1 + cursor).min(line.right() - 1), line.y));
            }
        }
        if self.has_filter() {
            draw_filtered(frame, self, shared, theme, rest)
        } else {
            frame.render_widget(widget(self, theme), rest);
            if theme.ascii {
                plain_frames(frame.buffer_mut(), rest);
            }
            // Here the widget scrolls itself.
            Extent::default()
        }
    }
}

/// Redraws tui-logger's frames, which are never ASCII.
fn plain_frames(buffer: &mut Buffer, area: Rect) {
    let theirs = BorderType::Plain.to_border_set();
    for place in area.positions() {
        let Some(cell) = buffer.cell_mut(place) else { continue };
        let symbol = match cell.symbol() {
            line if line == theirs.horizontal_top => "-",
            line if line == theirs.vertical_left => "|",
            ascii if ascii.is_ascii() => continue,
            _ => "+",
        };
        cell.set_symbol(symbol);
    }
}

fn widget(screen: &Logs, theme: Theme) -> TuiLoggerSmartWidget<'static> {
    TuiLoggerSmartWidget::default()
        .title_log(" Logs")
        .title_target(" Targets ")
        .border_style(theme.quiet())
        .style(Style::new())
        .highlight_style(Theme::marked())
        .style_error(level_style(Level::ERROR, theme))
        .style_warn(level_style(Level::WARN, theme))
        .style_info(level_style(Level::INFO, theme))
        .style_debug(level_style(Level::DEBUG, theme))
        .style_trace(level_style(Level::TRACE, theme))
        .style_show(Theme::strong())
        .style_hide(theme.quiet())
        .style_off(theme.quiet())
        .output_separator(' ')
        .output_timestamp(Some("%H:%M:%S".to_owned()))
        .output_level(Some(TuiLoggerLevelOutput::Long))
        .output_target(false)
        .output_file(false)
        .output_line(false)
        .state(&screen.widget)
}

fn draw_filtered(frame: &mut Frame<'_>, screen: &Logs, shared: &Shared, theme: Theme, area: Rect) -> Extent {
    let block = pane(&format!("Lines with `{}`", screen.filter.value()), true, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let wanted = screen.filter.value().to_lowercase();
    let (cells, height) = (usize::from(inner.width), usize::from(inner.height));
    let holds = |line: &LogLine| {
        line.text.to_lowercase().contains(&wanted)
            || line.mapping.as_ref().is_some_and(|mapping| mapping.to_lowercase().contains(&wanted))
            || line.target.contains(&wanted)
    };
    let kept = shared.ring.latest(height + screen.tail.up() + 20, holds);
    let told = kept.iter().map(|line| {
        let mapping = line.mapping.as_ref().map(|mapping| format!("{mapping}: ")).unwrap_or_default();
        LogLine { text: mapping + &line.text, ..line.clone() }
    });
    let lines: Vec<Line<'_>> = told.flat_map(|line| log_lines(&line, cells, theme)).collect();
    if lines.is_empty() {
        frame.render_widget(Line::styled("No line contains this text; Esc clears the filter.", theme.quiet()), inner);
    }
    frame.render_widget(Paragraph::new(screen.tail.shown(&lines, height).to_vec()), inner);
    Extent { lines: lines.len(), height }
}
