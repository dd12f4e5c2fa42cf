//! The trait of a screen: keys and answers change it, and it draws itself.

use ratatui::Frame;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use crate::domain::ids::{MappingName, RunId};
use crate::engine::Event;
use crate::tui::keys::{Action, Scope};
use crate::tui::screen::Screen;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::theme::Theme;

/// The mappings that a screen is opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// All mappings.
    All,
    Mapping(MappingName),
    /// Several mappings.
    Several(Vec<MappingName>),
    Run(RunId),
}

/// What follows from a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing more is to be done.
    Done,
    Show(Screen, About),
    /// The key does what it does on every screen.
    Usual,
}

/// A screen's state, and what changes it.
pub trait Acts {
    /// Opens it by a key. `false`: it cannot be shown, and the operator was told why.
    fn open(&mut self, about: About, shared: &mut Shared) -> bool;

    /// Tells if a key that opens it would do anything. `subject`: the mapping that the keys apply to.
    fn can_open(&self, _subject: Option<&MappingName>, _shared: &Shared) -> bool {
        true
    }

    /// The mapping that the keys apply to.
    fn subject<'a>(&'a self, _shared: &Shared) -> Option<&'a MappingName> {
        None
    }

    /// All mappings that the keys apply to: the marked ones, otherwise the subject.
    fn subjects(&self, shared: &Shared) -> Vec<MappingName> {
        self.subject(shared).cloned().into_iter().collect()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next;

    /// Tells if the key would do anything.
    fn possible(&self, _action: Action, _shared: &Shared) -> bool {
        true
    }

    /// The footer's word for a key that means something else at the moment.
    fn label(&self, _action: Action) -> Option<&'static str> {
        None
    }

    /// The scope of the field that has the keys, if one has them.
    fn field(&self) -> Option<Scope> {
        None
    }

    /// Handles a letter, or another key that only a field accepts.
    fn type_in(&mut self, _event: &KeyEvent, _shared: &mut Shared) {}

    /// Hears the engine's events; each screen picks out those that it needs.
    fn heard(&mut self, _event: &Event, _is_shown: bool, _shared: &mut Shared) {}

    /// Learns how much was drawn of the text that the keys scroll.
    fn drawn(&mut self, _extent: Extent) {}

    /// The text for the clipboard.
    fn copied(&self, _shared: &Shared) -> Option<String> {
        None
    }

    /// Tells if a new log line must be drawn at once.
    fn shows_logs(&self) -> bool {
        false
    }

    /// Tells if leaving would stop something besides runs.
    fn busy(&self) -> bool {
        false
    }
}

/// A screen's look: draws it, and gives the extent of the text that the keys scroll. Nothing is changed.
pub trait Draws {
    fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) -> Extent;

    /// The address of the link that is drawn.
    fn link(&self, _shared: &Shared) -> Option<String> {
        None
    }
}

/// Both halves of a screen: `mod.rs` and `view.rs` of its folder.
pub trait Shown: Acts + Draws {}

impl<T: Acts + Draws> Shown for T {}
