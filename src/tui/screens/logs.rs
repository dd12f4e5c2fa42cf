//! Screen 6: log lines, by tui-logger's widget while nothing is filtered, by ours while a text is looked for.

use std::sync::Arc;

use ratatui::crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;
use tui_logger::{TuiWidgetEvent, TuiWidgetState};

use crate::logging::LogRing;
use crate::tui::keys::Action;

pub struct Logs {
    pub ring: Arc<LogRing>,
    pub widget: TuiWidgetState,
    pub targets_shown: bool,
    pub focused: bool,
    pub filter: Input,
    pub typing: bool,
    /// Lines up from the end, while filtered.
    pub up: usize,
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").field("filter", &self.filter.value()).finish_non_exhaustive()
    }
}

impl Logs {
    #[must_use]
    pub fn new(ring: Arc<LogRing>) -> Self {
        let widget = TuiWidgetState::new();
        // A narrow terminal has no room for the targets; Space shows them.
        widget.transition(TuiWidgetEvent::HideKey);
        Self { ring, widget, targets_shown: false, focused: false, filter: Input::default(), typing: false, up: 0 }
    }

    #[must_use]
    pub fn has_filter(&self) -> bool {
        !self.filter.value().is_empty()
    }

    pub fn travel(&mut self, action: Action) {
        if self.has_filter() {
            self.up = match action {
                Action::Up => self.up.saturating_add(1),
                Action::Down => self.up.saturating_sub(1),
                Action::PageUp => self.up.saturating_add(10),
                Action::PageDown => self.up.saturating_sub(10),
                Action::Top => 10_000,
                _ => 0,
            };
            return;
        }
        let event = match action {
            Action::Up => TuiWidgetEvent::UpKey,
            Action::Down => TuiWidgetEvent::DownKey,
            Action::PageUp | Action::Top => TuiWidgetEvent::PrevPageKey,
            Action::PageDown => TuiWidgetEvent::NextPageKey,
            _ => TuiWidgetEvent::EscapeKey,
        };
        self.widget.transition(event);
    }

    pub fn toggle_targets(&mut self) {
        self.targets_shown = !self.targets_shown;
        self.widget.transition(TuiWidgetEvent::HideKey);
    }

    /// Shows more or less of the marked target.
    pub fn level(&mut self, more: bool) {
        if self.targets_shown {
            self.widget.transition(if more { TuiWidgetEvent::RightKey } else { TuiWidgetEvent::LeftKey });
        }
    }

    /// Only the marked target, or all again.
    pub fn focus_target(&mut self) {
        if self.targets_shown {
            self.focused = !self.focused;
            self.widget.transition(TuiWidgetEvent::FocusKey);
        }
    }

    pub fn type_in(&mut self, event: &KeyEvent) {
        self.filter.handle_event(&Event::Key(*event));
        self.up = 0;
    }

    pub fn clear_filter(&mut self) {
        self.typing = false;
        self.up = 0;
        self.filter.reset();
    }
}
