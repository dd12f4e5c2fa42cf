//! Screen 6: log lines, shown by tui-logger's widget without a filter, and by our own list with one.

#[cfg(test)]
mod tests;
mod view;

use ratatui::crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;
use tui_logger::{TuiWidgetEvent, TuiWidgetState};

use super::shown::{About, Acts, Next};
use crate::tui::keys::{Action, Scope};
use crate::tui::scroll::{Extent, Tail};
use crate::tui::shared::Shared;

/// The number of lines of a page in the filtered list.
const PAGE: usize = 10;

pub struct Logs {
    pub widget: TuiWidgetState,
    pub targets_shown: bool,
    pub focused: bool,
    pub filter: Input,
    pub typing: bool,
    /// The position in the filtered list; without a filter the widget scrolls itself.
    tail: Tail,
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").field("filter", &self.filter.value()).finish_non_exhaustive()
    }
}

impl Default for Logs {
    fn default() -> Self {
        let widget = TuiWidgetState::new();
        // A narrow terminal has no room for the list of targets; Space shows it.
        widget.transition(TuiWidgetEvent::HideKey);
        Self {
            widget,
            targets_shown: false,
            focused: false,
            filter: Input::default(),
            typing: false,
            tail: Tail::default(),
        }
    }
}

impl Logs {
    #[must_use]
    pub fn has_filter(&self) -> bool {
        !self.filter.value().is_empty()
    }

    fn travel(&mut self, action: Action) {
        if self.has_filter() {
            self.tail.travel(action, PAGE);
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

    fn toggle_targets(&mut self) {
        self.targets_shown = !self.targets_shown;
        self.widget.transition(TuiWidgetEvent::HideKey);
    }

    /// Shows more or less of the marked target.
    fn level(&mut self, more: bool) {
        if self.targets_shown {
            self.widget.transition(if more { TuiWidgetEvent::RightKey } else { TuiWidgetEvent::LeftKey });
        }
    }

    /// Only the marked target, or all again.
    fn focus_target(&mut self) {
        if self.targets_shown {
            self.focused = !self.focused;
            self.widget.transition(TuiWidgetEvent::FocusKey);
        }
    }

    /// Sets the text to look for, from any screen.
    pub fn look_for(&mut self, text: &str) {
        self.clear_filter();
        self.filter = Input::new(text.to_owned());
    }

    fn clear_filter(&mut self) {
        self.typing = false;
        self.tail = Tail::default();
        self.filter.reset();
    }
}

impl Acts for Logs {
    fn open(&mut self, _about: About, _shared: &mut Shared) -> bool {
        true
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Open if self.typing => self.typing = false,
            Action::Back if self.typing || self.has_filter() => self.clear_filter(),
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.travel(action);
            }
            Action::Left | Action::Right | Action::NextPane if !self.targets_shown => {
                shared.remark("the list of targets is hidden: Space shows it");
            }
            Action::Right => self.level(true),
            Action::Left => self.level(false),
            Action::NextPane => self.focus_target(),
            Action::Toggle => self.toggle_targets(),
            Action::Filter => self.typing = true,
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn field(&self) -> Option<Scope> {
        self.typing.then_some(Scope::Typing)
    }

    fn type_in(&mut self, event: &KeyEvent, _shared: &mut Shared) {
        self.filter.handle_event(&Event::Key(*event));
        self.tail = Tail::default();
    }

    fn drawn(&mut self, extent: Extent) {
        self.tail.drawn(extent);
    }

    fn shows_logs(&self) -> bool {
        true
    }
}
