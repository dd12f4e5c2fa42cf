//! What each screen remembers, and how its keys change that. How it looks is the views' business.

mod backfill;
mod check;
mod history;
mod logs;
mod mappings;
mod run;
mod schema;

pub use self::backfill::{Backfill, Field, Preview, read_end, read_value};
pub use self::check::Check;
pub use self::history::{History, Kept, Report};
pub use self::logs::Logs;
pub use self::mappings::Mappings;
pub use self::run::{Pane, RunScreen};
pub use self::schema::{Asked, Compared, Mark, Schema, can_decide};

use super::keys::Action;

/// Moves a mark in a list of so many.
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
