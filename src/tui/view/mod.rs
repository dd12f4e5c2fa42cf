//! How the console looks: the state in, a frame out, and nothing changed.

mod backfill;
pub mod check;
mod footer;
pub mod help;
pub mod history;
mod logs;
mod mappings;
mod overlay;
mod run;
mod schema;
#[cfg(test)]
mod tests;
mod title;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::app::{App, Screen};
use super::text;
use super::theme::Theme;

/// Below this there is no room for what matters.
const SMALLEST: (u16, u16) = (60, 15);
/// A notice may take so many lines.
const NOTICE_LINES: usize = 3;

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let (width, height) = SMALLEST;
        let sentence =
            format!("bqsync needs {width} columns and {height} lines; here are {} and {}.", area.width, area.height);
        let lines: Vec<Line<'_>> = text::wrap(&sentence, usize::from(area.width)).into_iter().map(Line::from).collect();
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let notice = app.notice.as_ref().map_or_else(Vec::new, |notice| {
        let mut lines = text::wrap(&notice.text, usize::from(area.width));
        lines.truncate(NOTICE_LINES);
        let style = if notice.bad { theme.bad() } else { Theme::strong() };
        lines.into_iter().map(|line| Line::styled(line, style)).collect()
    });
    let lines = u16::try_from(notice.len()).unwrap_or(0);
    let [top, body, said, bottom] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(lines), Constraint::Length(1)])
            .areas(area);
    title::draw(frame, app, theme, top);
    draw_body(frame, app, theme, body);
    frame.render_widget(Paragraph::new(notice), said);
    footer::draw(frame, app, theme, bottom);
    if let Some(dialog) = &app.dialog {
        overlay::draw(frame, dialog, theme, body);
    }
}

fn draw_body(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    if let Some(scroll) = app.help {
        help::draw(frame, app, theme, area, scroll);
        return;
    }
    match app.screen() {
        Screen::Mappings => mappings::draw(frame, app, theme, area),
        Screen::Run => run::draw(frame, app, theme, area),
        Screen::Schema => schema::draw(frame, app, theme, area),
        Screen::Backfill => backfill::draw(frame, app, theme, area),
        Screen::History => history::draw(frame, app, theme, area),
        Screen::Report => history::draw_report(frame, app, theme, area),
        Screen::Logs => logs::draw(frame, app, theme, area),
        Screen::Check => check::draw(frame, app, theme, area),
    }
}
