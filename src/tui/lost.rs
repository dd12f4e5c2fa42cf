//! Watermarks that this console has seen and that the state no longer holds: they are reported, and the console asks
//! before a run begins from the start.

use crate::domain::ids::MappingName;
use crate::engine::Command;
use crate::format;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::naming::listed;
use crate::tui::shared::Shared;

/// The most names in the question.
const NAMED: usize = 6;
/// The width, in cells, of the names in a sentence above the footer.
const SAID: usize = 80;

/// Reports once which watermarks are gone, and leaves the schedule, so that no scheduled run begins from the start.
pub fn tell(shared: &mut Shared) {
    let mut gone = Vec::new();
    for row in &mut shared.book.rows {
        if let Some(lost) = row.lost.as_mut().filter(|lost| !lost.told) {
            lost.told = true;
            gone.push(row.name.clone());
        }
    }
    if gone.is_empty() {
        return;
    }
    let scheduled =
        shared.facts.as_ref().is_some_and(|facts| facts.config.mappings.iter().any(|m| m.schedule.is_some()));
    let schedule = if scheduled && !shared.read_only {
        shared.send(Command::LeaveSchedule);
        " No scheduled run begins until it is back and you press u."
    } else {
        ""
    };
    let (names, place) = (listed(&gone, SAID), place(shared));
    shared.complain(format!(
        "{place} no longer holds the watermark of {names}: a run would begin from the start. Put the state or its copy back.{schedule}"
    ));
}

/// Runs mappings; asks first about those that would begin from the start although they had a watermark.
pub fn run(names: Vec<MappingName>, shared: &mut Shared) {
    let is_lost = |name: &MappingName| shared.book.get(name).is_some_and(|row| row.lost.is_some());
    let (lost, others): (Vec<MappingName>, Vec<MappingName>) = names.into_iter().partition(is_lost);
    if lost.is_empty() {
        return shared.sync(others);
    }
    let marks = lost.iter().filter_map(|name| Some((name, shared.book.get(name)?.lost.as_ref()?)));
    let mut lines = vec![format!("{} no longer holds watermarks that this console has seen:", place(shared))];
    lines.extend(marks.take(NAMED).map(|(name, lost)| format!("  {name}: watermark {}", lost.watermark)));
    lines.extend(lost.get(NAMED..).filter(|more| !more.is_empty()).map(|more| format!("  and {} more", more.len())));
    lines.push(
        "A run would read each whole table again. Put the state or its copy back, and runs go on from the watermark."
            .to_owned(),
    );
    let mut choices = vec![choice('n', "run nothing", Intent::Nothing)];
    if !others.is_empty() {
        let label = format!("run the other {} only", format::count(others.len() as u64));
        choices.push(choice('o', label, Intent::Run(others.clone())));
    }
    let all = lost.into_iter().chain(others).collect();
    choices.push(choice('y', "run all the same, from the start", Intent::Run(all)));
    shared.dialog = Some(Dialog::new("Begin from the start?", lines, choices));
}

fn place(shared: &Shared) -> String {
    shared.facts.as_ref().map_or_else(|| "The state".to_owned(), |facts| format!("The state in {}", facts.config.state))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use ratatui::crossterm::event::KeyCode;

    use crate::domain::config::parse;
    use crate::domain::report::Outcome;
    use crate::engine::{Command, MappingStatus};
    use crate::tui::app::Msg;
    use crate::tui::ask::Answer;
    use crate::tui::desk::{Desk, sync};
    use crate::tui::model::{Word, samples};
    use crate::tui::shared::Effect;

    /// A desk at which somebody has removed the state file and its copy.
    fn emptied() -> Desk {
        let mut desk = Desk::open();
        desk.watched(["orders", "users", "carts"].map(|name| samples::status(name, None)).to_vec());
        desk
    }

    #[test]
    fn lost_watermarks_are_reported_at_once_and_only_once() {
        let mut desk = emptied();
        assert!(desk.notice().contains("orders, users"), "{}", desk.notice());
        assert!(desk.notice().contains("from the start"), "{}", desk.notice());
        let words = ["orders", "users", "carts"].map(|name| desk.word(name));
        assert_eq!(words, [Word::Lost, Word::Lost, Word::New]);
        desk.press('j');
        desk.watched(vec![samples::status("orders", None)]);
        assert_eq!(desk.notice(), "", "the operator has read it");
    }

    #[test]
    fn nothing_begins_from_the_start_without_a_question() {
        let mut desk = emptied();
        assert_eq!(desk.press('r'), []);
        let dialog = desk.app.shared.dialog.clone().expect("a question");
        assert!(dialog.lines[1].contains("2026-11-23 07:59:58"), "{:?}", dialog.lines);
        assert_eq!(desk.code(KeyCode::Enter), [], "Enter alone runs nothing");
        assert_eq!(desk.press('R'), []);
        assert_eq!(desk.press('o'), [sync(&["carts"])]);
        desk.press('r');
        assert_eq!(desk.press('y'), [sync(&["orders"])]);
    }

    #[test]
    fn the_schedule_does_not_begin_from_the_start_either() {
        let mut desk = Desk::closed(false, None);
        let mut facts = samples::facts(&["orders"]);
        let text = "project: demo\ndataset: shop\nschedule: {}\nmappings: [{name: orders, mysql_table: o, incremental_column: id}]";
        facts.config = Arc::new(parse(text, Path::new("c"), &|_| None).unwrap());
        let follows =
            |effects: Vec<Effect>| effects.contains(&Effect::Send(Command::FollowSchedule { make_up: false }));
        let leaves = |effects: Vec<Effect>| effects.contains(&Effect::Send(Command::LeaveSchedule));
        assert!(follows(desk.tell(Msg::Opened(Ok(facts.clone())))));
        assert!(!leaves(desk.answered(Answer::Watched(vec![samples::status("orders", Some(Outcome::Ok))]))));
        let gone = || Answer::Watched(vec![samples::status("orders", None)]);
        assert!(leaves(desk.answered(gone())));
        assert!(follows(desk.tell(Msg::Opened(Ok(facts)))));
        assert!(leaves(desk.answered(gone())), "it is still gone");
    }

    #[test]
    fn a_state_that_is_put_back_or_cannot_be_read_is_not_lost() {
        let mut desk = emptied();
        desk.watched(vec![samples::status("orders", Some(Outcome::Ok))]);
        assert_eq!((desk.word("orders"), desk.press('r')), (Word::Ok, vec![sync(&["orders"])]));
        let mut desk = Desk::open();
        let problem = Some("Reading the state failed".to_owned());
        desk.watched(vec![MappingStatus { problem, ..samples::status("orders", None) }]);
        assert_eq!(desk.word("orders"), Word::Error);
        desk.watched(vec![samples::status("orders", None)]);
        assert_eq!(desk.word("orders"), Word::Lost, "what was seen before is not forgotten");
    }
}
