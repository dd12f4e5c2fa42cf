//! Screen 6: tui-logger's widgets, or the lines that hold the text looked for.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{BorderType, Paragraph};
use tracing::Level;
use tui_logger::{TuiLoggerLevelOutput, TuiLoggerSmartWidget};

use crate::logging::LogLine;
use crate::tui::app::App;
use crate::tui::panes::{from_end, pane};
use crate::tui::text::wrap;
use crate::tui::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    let mut rest = area;
    if app.logs.typing || app.logs.has_filter() {
        let [line, below] = Layout::vertical([Constraint::Length(1), Constraint::Min(3)]).areas(area);
        rest = below;
        let text = app.logs.filter.value().to_owned();
        frame.render_widget(Line::from(vec![Span::styled("/", theme.key()), Span::raw(text)]), line);
        if app.logs.typing {
            let cursor = u16::try_from(app.logs.filter.visual_cursor()).unwrap_or(0);
            frame.set_cursor_position(Position::new((line.x + 1 + cursor).min(line.right() - 1), line.y));
        }
    }
    if app.logs.has_filter() {
        draw_filtered(frame, app, theme, rest);
    } else {
        frame.render_widget(widget(app, theme), rest);
        if theme.ascii {
            plain_frames(frame.buffer_mut(), rest);
        }
    }
}

/// tui-logger's frames come in no ASCII.
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

fn widget(app: &App, theme: Theme) -> TuiLoggerSmartWidget<'static> {
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
        .state(&app.logs.widget)
}

fn draw_filtered(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    let block = pane("Lines that hold it", true, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let wanted = app.logs.filter.value().to_lowercase();
    let (cells, height) = (usize::from(inner.width), usize::from(inner.height));
    let holds = |line: &LogLine| {
        line.text.to_lowercase().contains(&wanted)
            || line.mapping.as_ref().is_some_and(|mapping| mapping.to_lowercase().contains(&wanted))
            || line.target.contains(&wanted)
    };
    let kept = app.logs.ring.latest(height + app.logs.up + 20, holds);
    let told = kept.iter().map(|line| {
        let mapping = line.mapping.as_ref().map(|mapping| format!("{mapping}: ")).unwrap_or_default();
        LogLine { text: mapping + &line.text, ..line.clone() }
    });
    let lines: Vec<Line<'_>> = told.flat_map(|line| lines(&line, cells, theme)).collect();
    if lines.is_empty() {
        frame.render_widget(Line::styled("No line holds that text.", theme.quiet()), inner);
    }
    frame.render_widget(Paragraph::new(from_end(&lines, height, app.logs.up).to_vec()), inner);
}

/// A log line as lines of the screen.
pub(super) fn lines(line: &LogLine, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let head = format!("{} {:<5} ", line.at.format("%H:%M:%S"), line.level.as_str());
    let style = level_style(line.level, theme);
    let wrapped = wrap(&line.text, cells.saturating_sub(head.len()));
    let indent = " ".repeat(head.len());
    let heads = std::iter::once(head).chain(std::iter::repeat(indent));
    heads.zip(wrapped).map(|(head, text)| Line::styled(head + &text, style)).collect()
}

fn level_style(level: Level, theme: Theme) -> Style {
    match level {
        Level::ERROR => theme.bad(),
        Level::WARN => theme.wants(),
        Level::INFO => Style::new(),
        Level::DEBUG | Level::TRACE => theme.quiet(),
    }
}
