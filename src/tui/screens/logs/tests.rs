//! Log lines that contain a text.

use tracing::Level;

use crate::tui::app::Msg;
use crate::tui::desk::Desk;
use crate::tui::desk::looks::snapshots;
use crate::tui::desk::scenes::write_log;

/// The screen with a filter: the unfiltered list is tui-logger's own, which all tests of the process share.
fn logs() -> Desk {
    let mut desk = Desk::open();
    for (level, text) in [
        (Level::INFO, "window fixed"),
        (
            Level::WARN,
            "window: waiting for 2 open transactions that may still bring rows into it, the oldest since 08:00:12",
        ),
        (Level::ERROR, "window lost"),
        (Level::INFO, "nothing of the kind"),
    ] {
        write_log(&desk, level, text);
    }
    desk.press('l');
    desk.press('/');
    desk.tell(Msg::Paste("window".into()));
    desk
}

#[test]
fn log_lines_that_hold_a_text() {
    snapshots("logs", &mut logs());
}
