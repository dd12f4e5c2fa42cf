//! Help: the key table, what works here first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::app::{App, Screen};
use crate::tui::keys::{Scope, bindings, names};
use crate::tui::panes::pane;
use crate::tui::text::left;
use crate::tui::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect, scroll: u16) {
    let block = pane("Help", true, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(content(app, theme)).scroll((scroll, 0)), inner);
}

/// How many lines it has, for scrolling.
pub fn lines(app: &App) -> usize {
    content(app, Theme::default()).len()
}

fn content(app: &App, theme: Theme) -> Vec<Line<'static>> {
    let here = match app.screen() {
        Screen::Mappings => Scope::Mappings,
        Screen::Run => Scope::Run,
        Screen::Schema => Scope::Schema,
        Screen::Backfill => Scope::Backfill,
        Screen::History => Scope::History,
        Screen::Report => Scope::Report,
        Screen::Logs => Scope::Logs,
        Screen::Check => Scope::Check,
    };
    let mut lines = section(here, app.read_only, theme);
    let others = [
        Scope::Mappings,
        Scope::Run,
        Scope::Schema,
        Scope::Backfill,
        Scope::Form,
        Scope::History,
        Scope::Report,
        Scope::Logs,
        Scope::Check,
    ];
    for scope in others.into_iter().filter(|scope| *scope != here) {
        lines.push(Line::raw(""));
        lines.extend(section(scope, app.read_only, theme));
    }
    lines.push(Line::raw(""));
    for sentence in [
        "All times are UTC. LAG is how far MySQL's newest row is ahead of the watermark.",
        "Staged rows are in BigQuery, in a table of their own; published ones are in the target.",
        "? unknown, - nothing. The state is read again every few seconds, MySQL every minute.",
    ] {
        lines.push(Line::styled(sentence, theme.quiet()));
    }
    lines
}

fn section(scope: Scope, read_only: bool, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(scope.title(), Theme::strong())];
    for binding in bindings(scope, read_only) {
        lines.push(Line::from(vec![
            Span::styled(format!("  {}", left(&names(binding), 16, theme)), theme.key()),
            Span::raw(binding.help),
        ]));
    }
    lines
}
