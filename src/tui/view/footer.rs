//! The last line: the keys that work here, now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::app::{App, Screen};
use crate::tui::keys::{Action, Binding, Scope, bindings};
use crate::tui::screens::{Field, Preview};
use crate::tui::text::width;
use crate::tui::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    let items = items(app);
    // The way out and the way to all the others are always offered.
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

/// Action, key and word of all that is offered, what matters most first.
fn items(app: &App) -> Vec<(Action, String, &'static str)> {
    let labelled =
        bindings(app.scope(), app.read_only).filter(|binding| !binding.label.is_empty() && possible(app, binding));
    labelled.map(|binding| (binding.action, binding.keys[0].name(), label(app, binding))).collect()
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
        // What chooses the mapping, and how to get there.
        Action::Left | Action::Right => app.scope() == Scope::Backfill && app.backfill.field == Field::Mapping,
        Action::Up => app.scope() == Scope::Form && app.backfill.field == Field::Start,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ratatui::crossterm::event::{KeyCode, KeyEvent};

    use super::*;
    use crate::tui::app::Msg;
    use crate::tui::model::samples;

    fn offered(app: &App) -> Vec<String> {
        items(app).into_iter().map(|(_, key, label)| format!("{key} {label}")).collect()
    }

    #[test]
    fn the_backfill_form_says_how_another_mapping_is_chosen() {
        let now = samples::now();
        let mut app = App::new(None, false, Arc::default(), now);
        app.update(Msg::Opened(Ok(samples::facts(&["orders", "users"]))), now);
        let mut press = |code| {
            app.update(Msg::Key(KeyEvent::from(code)), now);
            offered(&app)
        };
        let on_start = press(KeyCode::Char('b'));
        assert!(on_start.contains(&"Up mapping".to_owned()), "{on_start:?}");
        let on_mapping = press(KeyCode::Up);
        assert_eq!(on_mapping[1..3], ["Left previous", "Right next mapping"]);
        press(KeyCode::Down);
        let on_end = press(KeyCode::Down);
        assert!(!on_end.iter().any(|item| item.contains("mapping")), "{on_end:?}");
    }
}
