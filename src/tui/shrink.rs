//! A replaced or mirrored table that would have lost too many rows: shows both numbers, and asks whether it may.

use crate::domain::config::Mode;
use crate::domain::ids::MappingName;
use crate::domain::replacement::Shrink;
use crate::domain::report::{MappingReport, RunReport, Trigger};
use crate::engine::{Command, Selection, SyncOrder};
use crate::format;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::shared::Shared;

/// Asks only if an operator ran the mapping and the keys apply to it now: the question must not take a key that was
/// meant for something else, and must not appear when nobody waits for it.
pub fn ask(report: &RunReport, marked: Option<&MappingName>, shared: &mut Shared) {
    if report.trigger != Trigger::Manual || shared.read_only {
        return;
    }
    let of_marked = report.mappings.iter().find(|mapping| Some(&mapping.mapping_name) == marked);
    let Some((mapping, shrink)) = of_marked.and_then(|mapping| Some((mapping, mapping.shrink?))) else { return };
    shared.dialog = Some(question(mapping, shrink));
}

/// Runs the mapping once more, however many rows its table loses.
pub fn send(mapping: MappingName, shared: &mut Shared) {
    let selection = Selection::Named(vec![mapping]);
    shared.send_run(Command::Sync(SyncOrder { allow_shrink: true, ..SyncOrder::manual(selection) }));
}

fn question(report: &MappingReport, shrink: Shrink) -> Dialog {
    let name = &report.mapping_name;
    let held = shrink.held.map_or_else(|| "an unknown number of".to_owned(), format::count);
    let rows = format::numbered(shrink.rows, "row", "rows");
    let (anyway, kept, label) = match report.mode {
        Mode::Mirror => (
            "No row was deleted. If the rows were deleted on purpose, run it again: it deletes all rows that MySQL no longer has.",
            "BigQuery's time travel keeps them, for seven days unless the dataset says otherwise.",
            "delete them all the same",
        ),
        Mode::Append | Mode::Upsert | Mode::Replace => (
            "Nothing was replaced. If the rows were deleted on purpose, run it again: it reads the table again and replaces \
             it, whatever it holds then.",
            "BigQuery's time travel keeps the former rows; the report says how to see them and put them back.",
            "replace it all the same",
        ),
    };
    let lines = vec![
        format!("MySQL has {rows} in {}; {} holds {held}.", report.source, report.target),
        anyway.to_owned(),
        kept.to_owned(),
    ];
    let choices = vec![
        choice('n', "leave it as it is", Intent::Nothing),
        choice('y', label, Intent::ReplaceAnyway(name.clone())),
    ];
    Dialog::new(format!("{name} would shrink"), lines, choices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::{Fault, FaultKind};
    use crate::domain::report::Outcome;
    use crate::engine::Event;
    use crate::tui::desk::{Desk, RUN, named};
    use crate::tui::model::samples;
    use crate::tui::shared::Effect;

    /// The end of a run of orders that was refused because of the rows it would lose.
    fn refused(desk: &mut Desk, trigger: Trigger) {
        let mut report = samples::report("orders", RUN, Outcome::Ok);
        report.shrink = Some(Shrink { rows: 9, held: Some(18_204) });
        report.fail(&Fault::new(FaultKind::Conflict, "MySQL shows 9 rows of orders"));
        let (run_id, by) = (report.run_id.clone(), "ops@jump".to_owned());
        desk.hear(Event::RunStarted { run: run_id.clone(), trigger, mappings: vec![named("orders")] });
        desk.hear(Event::MappingFinished { report: Box::new(report.clone()) });
        let (started_at, finished_at) = (report.started_at, report.finished_at);
        let report = RunReport { run_id, trigger, by, started_at, finished_at, mappings: vec![report] };
        desk.hear(Event::RunFinished { report });
    }

    fn anyway() -> Effect {
        let selection = Selection::Named(vec![named("orders")]);
        Effect::Send(Command::Sync(SyncOrder { allow_shrink: true, ..SyncOrder::manual(selection) }))
    }

    #[test]
    fn a_table_that_would_shrink_is_asked_about_with_both_numbers() {
        let mut desk = Desk::open();
        refused(&mut desk, Trigger::Manual);
        let dialog = desk.app.shared.dialog.clone().expect("a question");
        assert_eq!(dialog.lines[0], "MySQL has 9 rows in orders; demo.shop.orders holds 18,204.");
        assert_eq!(dialog.chosen(), Intent::Nothing, "Enter alone replaces nothing");
        assert_eq!(desk.press('y'), [anyway()]);
        assert!(desk.app.busy() && desk.app.shared.dialog.is_none());
    }

    #[test]
    fn a_shrunk_table_asks_nothing_if_the_cursor_is_elsewhere_or_the_schedule_ran_it() {
        let mut scheduled = Desk::open();
        refused(&mut scheduled, Trigger::Schedule);
        let mut elsewhere = Desk::open();
        elsewhere.press('j');
        refused(&mut elsewhere, Trigger::Manual);
        for desk in [scheduled, elsewhere] {
            assert!(desk.app.shared.dialog.is_none() && desk.notice().contains("orders failed"), "{}", desk.notice());
        }
    }
}
