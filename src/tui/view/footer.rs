//! The last line: the keys that work here, now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text::width;
use crate::tui::app::{App, Screen};
use crate::tui::keys::{Action, Binding, Scope, bindings};
use crate::tui::screens::Preview;
use crate::tui::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    let scope = app.scope();
    let labelled = bindings(scope, app.read_only).filter(|binding| !binding.label.is_empty() && possible(app, binding));
    let items: Vec<(Action, String, &str)> =
        labelled.map(|binding| (binding.action, binding.keys[0].name(), label(app, binding))).collect();
    // The way out and the way to all the others are always offered.
    let kept = |action: Action| matches!(action, Action::Help | Action::Quit);
    let cells = |(_, key, label): &(Action, String, &str)| width(key) + 1 + width(label) + 2;
    let mut room = usize::from(area.width) + 2 - items.iter().filter(|i| kept(i.0)).map(cells).sum::<usize>();
    let mut spans = Vec::new();
    for item in &items {
        if !kept(item.0) {
            match room.checked_sub(cells(item)) {
                Some(left) => room = left,
                None => continue,
            }
        }
        spans.push(Span::styled(item.1.clone(), theme.key()));
        spans.push(Span::raw(format!(" {}  ", item.2)));
    }
    frame.render_widget(Line::from(spans), area);
}

fn label(app: &App, binding: &'static Binding) -> &'static str {
    let live = app.subject().and_then(|name| app.book.get(name)).and_then(|row| row.live.as_ref());
    match binding.action {
        Action::Pause if live.is_some_and(|live| live.paused) => "go on",
        Action::Open if app.screen() == Screen::Backfill && matches!(app.backfill.preview, Preview::Read(_)) => "start",
        Action::Quit if app.leaving.is_some() => "stay",
        _ => binding.label,
    }
}

/// Would the key do anything?
fn possible(app: &App, binding: &Binding) -> bool {
    let connected = app.facts.is_some();
    let row = app.subject().and_then(|name| app.book.get(name));
    match binding.action {
        Action::Cancel => app.book.running() > 0,
        Action::Pause => row.is_some_and(|row| row.live.is_some()),
        Action::RunSelected => connected && row.is_some_and(|row| row.live.is_none()),
        Action::RunAll => connected && app.book.running() < app.book.rows.len(),
        Action::Schema | Action::Backfill => connected && row.is_some(),
        Action::Open if matches!(app.scope(), Scope::Mappings) => row.is_some(),
        Action::Open if matches!(app.scope(), Scope::Schema) => !app.schema.marks.is_empty(),
        Action::Open if matches!(app.scope(), Scope::Form | Scope::Backfill) => app.backfill.ask().is_some(),
        Action::Toggle | Action::AcceptSafe if app.screen() == Screen::Schema => {
            app.schema.columns().iter().any(crate::tui::screens::can_decide)
        }
        Action::History | Action::Check => connected,
        Action::Copy if app.screen() == Screen::Check => app.check.text().is_some(),
        Action::Filter | Action::Sort | Action::Copy if app.screen() == Screen::Mappings => !app.book.rows.is_empty(),
        Action::Copy if app.screen() == Screen::Run => app.run.job(&app.book).is_some(),
        _ => true,
    }
}
