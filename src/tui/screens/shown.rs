//! What a screen is: keys and answers change it, and it draws itself.

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

/// What a screen is opened about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// All mappings.
    All,
    Mapping(MappingName),
    /// More than one.
    Several(Vec<MappingName>),
    Run(RunId),
}

/// What follows from a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing more.
    Done,
    Show(Screen, About),
    /// What the key does on every screen.
    Usual,
}

/// What a screen remembers, and what changes it.
pub trait Acts {
    /// Opened by a key. `false`: it cannot be shown, and the operator was told why.
    fn open(&mut self, about: About, shared: &mut Shared) -> bool;

    /// Would a key that opens it do anything? `subject` is the mapping that the keys are about.
    fn can_open(&self, _subject: Option<&MappingName>, _shared: &Shared) -> bool {
        true
    }

    /// The mapping that the keys are about.
    fn subject<'a>(&'a self, _shared: &Shared) -> Option<&'a MappingName> {
        None
    }

    /// All that the keys are about: what is marked, else the one.
    fn subjects(&self, shared: &Shared) -> Vec<MappingName> {
        self.subject(shared).cloned().into_iter().collect()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next;

    /// Would the key do anything?
    fn possible(&self, _action: Action, _shared: &Shared) -> bool {
        true
    }

    /// The footer's word for a key that means something else just now.
    fn label(&self, _action: Action) -> Option<&'static str> {
        None
    }

    /// Where the keys go while a field of it has them.
    fn field(&self) -> Option<Scope> {
        None
    }

    /// A letter, or another key that only a field takes.
    fn type_in(&mut self, _event: &KeyEvent, _shared: &mut Shared) {}

    /// The engine's events: each screen takes the answers that it has asked for.
    fn heard(&mut self, _event: &Event, _is_shown: bool, _shared: &mut Shared) {}

    /// What was drawn of the text that the keys scroll.
    fn drawn(&mut self, _extent: Extent) {}

    /// For the clipboard.
    fn copied(&self, _shared: &Shared) -> Option<String> {
        None
    }

    /// Is a log line to be drawn at once?
    fn shows_logs(&self) -> bool {
        false
    }

    /// Is something on its way that leaving would stop, besides runs?
    fn busy(&self) -> bool {
        false
    }
}

/// How it looks: draws, and says how much there was of the text that the keys scroll. Nothing is changed.
pub trait Draws {
    fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) -> Extent;

    /// Where the link leads that is drawn.
    fn link(&self, _shared: &Shared) -> Option<String> {
        None
    }
}

/// Both halves of a screen: `mod.rs` and `view.rs` of its folder.
pub trait Shown: Acts + Draws {}

impl<T: Acts + Draws> Shown for T {}
