//! Help: the keys that work, shown over the screen where help was opened.

#[cfg(test)]
mod tests;
pub mod view;

use std::ops::ControlFlow;

use crate::tui::keys::Action;
use crate::tui::scroll::{Extent, Scroll};

#[derive(Debug, Default)]
pub struct Help {
    scroll: Scroll,
}

impl Help {
    /// `Break`: help is closed.
    pub fn act(&mut self, action: Action, page: usize) -> ControlFlow<()> {
        if matches!(action, Action::Back | Action::Help | Action::Quit) {
            return ControlFlow::Break(());
        }
        self.scroll.travel(action, page);
        ControlFlow::Continue(())
    }

    pub const fn drawn(&mut self, extent: Extent) {
        self.scroll.drawn(extent);
    }
}
