//! The last line: the keys that work here and now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::engine::MappingProgress;
use crate::tui::app::App;
use crate::tui::keys::{Action, Binding, Scope, bindings};
use crate::tui::model::Row;
use crate::tui::screens::shown::Shown;
use crate::tui::text::width;
use crate::tui::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    let items = items(app);
    // The key to leave and the key for help are always offered.
    let kept = |action: Action| matches!(action, Action::Help | Action::Quit);
    let cells = |(_, key, label): &(Action, String, &'static str)| width(key) + 1 + width(label) + 2;
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

/// Action, key and word of everything that is offered, the most important first.
fn items(app: &App) -> Vec<(Action, String, &'static str)> {
    let labelled = bindings(app.scope(), app.shared.read_only)
        .filter(|binding| !binding.label.is_empty() && possible(app, binding.action));
    labelled.map(|binding| (binding.action, binding.keys[0].name(), label(app, binding))).collect()
}

fn label(app: &App, binding: &'static Binding) -> &'static str {
    match binding.action {
        Action::Pause if live(app).is_some_and(|live| live.paused) => "resume",
        Action::Quit if app.shared.leaving.is_some() => "stay",
        action => of_screen(app).and_then(|screen| screen.label(action)).unwrap_or(binding.label),
    }
}

/// Tells if the key would do anything.
fn possible(app: &App, action: Action) -> bool {
    let shared = &app.shared;
    let connected = shared.has_engine();
    let generally = match action {
        Action::Cancel => shared.book.running() > 0,
        Action::Pause => live(app).is_some(),
        Action::Deletes => connected && subject(app).is_some(),
        Action::RunSelected => connected && subject(app).is_some_and(|row| row.live.is_none()),
        Action::RunAll => connected && shared.book.running() < shared.book.rows.len(),
        Action::Show(screen) => app.screens.at(screen).can_open(app.subject(), shared),
        // A question itself shows how to choose its answers.
        Action::Left | Action::Right => app.scope() != Scope::Dialog,
        _ => true,
    };
    generally && of_screen(app).is_none_or(|screen| screen.possible(action, shared))
}

fn subject(app: &App) -> Option<&Row> {
    app.shared.book.get(app.subject()?)
}

fn live(app: &App) -> Option<&MappingProgress> {
    subject(app)?.live.as_ref()
}

/// The screen, if the keys are its own.
fn of_screen(app: &App) -> Option<&dyn Shown> {
    match app.scope() {
        Scope::Screen(_) | Scope::Form => Some(app.screens.shown()),
        Scope::Help | Scope::Dialog | Scope::Typing | Scope::Command | Scope::Palette => None,
    }
}

#[cfg(test)]
mod tests;
