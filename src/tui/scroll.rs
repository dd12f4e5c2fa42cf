//! Moving through lists and texts. The view reports a text's length after it has drawn it.

use crate::tui::keys::Action;

/// The part of a scrollable text that a view has drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// The number of lines of the text.
    pub lines: usize,
    /// The number of lines that fit.
    pub height: usize,
}

impl Extent {
    /// The furthest position to scroll to.
    #[must_use]
    pub const fn most(self) -> usize {
        self.lines.saturating_sub(self.height)
    }
}

/// The position in a text: the number of lines above the first visible one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    at: usize,
    most: usize,
}

impl Scroll {
    /// Remembers what was drawn.
    pub const fn drawn(&mut self, extent: Extent) {
        self.most = extent.most();
    }

    pub fn travel(&mut self, action: Action, page: usize) {
        let at = self.at.min(self.most);
        self.at = match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => at.saturating_add(1),
            Action::PageUp => at.saturating_sub(page),
            Action::PageDown => at.saturating_add(page),
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => at,
        };
    }

    /// The first line to draw.
    #[must_use]
    pub fn first(self, extent: Extent) -> usize {
        self.at.min(extent.most())
    }

    /// Like `first`, in ratatui's form.
    #[must_use]
    pub fn offset(self, extent: Extent) -> (u16, u16) {
        (u16::try_from(self.first(extent)).unwrap_or(u16::MAX), 0)
    }
}

/// The position in a text that follows its end: the number of lines up from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tail {
    up: usize,
    most: usize,
}

impl Tail {
    /// The highest position; more than the number of lines that are kept.
    const TOP: usize = 10_000;

    /// Remembers what was drawn.
    pub const fn drawn(&mut self, extent: Extent) {
        self.most = extent.most();
    }

    pub fn travel(&mut self, action: Action, page: usize) {
        let up = self.up.min(self.most);
        self.up = match action {
            Action::Up => up.saturating_add(1),
            Action::Down => up.saturating_sub(1),
            Action::PageUp => up.saturating_add(page),
            Action::PageDown => up.saturating_sub(page),
            Action::Top => Self::TOP,
            Action::Bottom => 0,
            _ => up,
        };
    }

    /// The lines up from the end; the text may have fewer.
    #[must_use]
    pub const fn up(self) -> usize {
        self.up
    }

    /// The lines to draw.
    pub fn shown<T>(self, lines: &[T], height: usize) -> &[T] {
        let up = self.up.min(lines.len().saturating_sub(height));
        let end = lines.len() - up;
        &lines[end.saturating_sub(height)..end]
    }
}

/// Moves a mark in a list of `count` lines.
#[must_use]
pub fn travel(place: usize, count: usize, page: usize, action: Action) -> usize {
    let last = count.saturating_sub(1);
    match action {
        Action::Up => place.saturating_sub(1),
        Action::Down => place.saturating_add(1).min(last),
        Action::PageUp => place.saturating_sub(page),
        Action::PageDown => place.saturating_add(page).min(last),
        Action::Top => 0,
        Action::Bottom => last,
        _ => place.min(last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_OF_THIRTY: Extent = Extent { lines: 30, height: 10 };

    #[test]
    fn a_key_after_the_end_moves_at_once() {
        let mut scroll = Scroll::default();
        scroll.drawn(TEN_OF_THIRTY);
        (0..5).for_each(|_| scroll.travel(Action::PageDown, 10));
        assert_eq!(scroll.first(TEN_OF_THIRTY), 20);
        scroll.travel(Action::Up, 10);
        assert_eq!(scroll.first(TEN_OF_THIRTY), 19);
        let (mut tail, lines) = (Tail::default(), [0; 30]);
        tail.drawn(TEN_OF_THIRTY);
        tail.travel(Action::Top, 10);
        tail.travel(Action::Down, 10);
        assert_eq!((tail.up(), tail.shown(&lines, 10).len()), (19, 10));
    }

    #[test]
    fn the_end_of_a_text_is_found_once_it_is_drawn() {
        let mut scroll = Scroll::default();
        scroll.travel(Action::Bottom, 10);
        assert_eq!(scroll.first(TEN_OF_THIRTY), 20);
    }
}
