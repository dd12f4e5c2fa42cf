//! The console's look: state goes in, a frame comes out, and nothing is changed.

mod footer;
#[cfg(test)]
mod tests;
mod title;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::app::{App, Drawn};
use super::links::Link;
use super::panes::cut;
use super::text;
use super::theme::Theme;

/// Below this size the important content does not fit.
const SMALLEST: (u16, u16) = (60, 15);
/// The most lines of a notice.
const NOTICE_LINES: usize = 3;
/// The typed line, and the line about it.
const COMMAND_LINES: u16 = 2;

/// Draws the whole screen, and gives the extents of the texts that can be scrolled.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme) -> Drawn {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let (width, height) = SMALLEST;
        let sentence = format!(
            "bqsync needs {width} columns and {height} lines; this terminal has {} and {}.",
            area.width, area.height
        );
        let lines: Vec<Line<'_>> = text::wrap(&sentence, usize::from(area.width)).into_iter().map(Line::from).collect();
        frame.render_widget(Paragraph::new(lines), area);
        return Drawn::default();
    }
    let notice = app.shared.notice.as_ref().map_or_else(Vec::new, |notice| {
        let cells = usize::from(area.width);
        let style = if notice.bad { theme.bad() } else { Theme::strong() };
        let lines = text::wrap(&notice.text, cells).into_iter().map(|line| Line::styled(line, style)).collect();
        cut(lines, NOTICE_LINES, cells, "", theme)
    });
    let lines = if app.line.is_some() { COMMAND_LINES } else { u16::try_from(notice.len()).unwrap_or(0) };
    let [top, body, said, bottom] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(lines), Constraint::Length(1)])
            .areas(area);
    title::draw(frame, app, theme, top);
    let mut drawn = Drawn::default();
    match &app.help {
        Some(help) => drawn.help = Some(help.draw(frame, app.screens.front(), &app.shared, theme, body)),
        None => drawn.screen = Some(app.screens.shown().draw(frame, &app.shared, theme, body)),
    }
    match &app.line {
        Some(line) => line.draw(frame, &app.shared, theme, said),
        None => frame.render_widget(Paragraph::new(notice), said),
    }
    footer::draw(frame, app, theme, bottom);
    if let Some(palette) = &app.palette {
        palette.draw(frame, theme, body);
    }
    drawn.dialog = app.shared.dialog.as_ref().map(|dialog| dialog.draw(frame, theme, body));
    // Last, because whatever covers the label also hides the link.
    let address = app.screens.shown().link(&app.shared).filter(|_| theme.links && app.help.is_none());
    drawn.link = address.and_then(|address| Link::find(frame.buffer_mut(), body, address));
    drawn
}
