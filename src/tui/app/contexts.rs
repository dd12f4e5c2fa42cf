//! Contexts: switching to another configuration without leaving the console.

use super::App;
use crate::tui::deletes::Deletes;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::model::Book;
use crate::tui::schedule::Schedule;
use crate::tui::screens::Screens;
use crate::tui::session::{Contexts, Which};
use crate::tui::shared::{Effect, Files};
use crate::tui::timers::Timers;

/// Stands for the configuration that the console was started with, as in `cd -`.
const BACK: &str = "-";
/// The most answers that fit; the command accepts every name.
const LISTED: usize = 9;

impl App {
    /// `:context prod`. The contexts file is read again, because it may just have been written.
    ///
    /// # Errors
    /// More than one name.
    pub(super) fn context(&mut self, arguments: &[&str]) -> Result<(), String> {
        match arguments {
            [] => self.shared.effects.push(Effect::ReadContexts(None)),
            [BACK] => self.switch(Which::AsStarted),
            [name] => self.shared.effects.push(Effect::ReadContexts(Some((*name).to_owned()))),
            _ => return Err("`context` takes one name".to_owned()),
        }
        Ok(())
    }

    pub(super) fn contexts_read(&mut self, contexts: Contexts, wanted: Option<String>) {
        self.shared.contexts = contexts;
        self.shared.dirty = true;
        let Some(name) = wanted else { return self.ask_context() };
        let contexts = &self.shared.contexts;
        if contexts.get(&name).is_some() {
            return self.switch(Which::Context(name));
        }
        let why = contexts.problem.clone().unwrap_or_else(|| match contexts.known.as_slice() {
            [] => format!("{} lists no context", contexts.file),
            known => known.iter().map(|context| context.name.as_str()).collect::<Vec<_>>().join(", "),
        });
        self.shared.complain(format!("no context is called `{name}`: {why}"));
    }

    /// Asks which context to open.
    fn ask_context(&mut self) {
        if self.shared.dialog.is_some() {
            return;
        }
        let (contexts, which) = (&self.shared.contexts, &self.shared.which);
        if contexts.known.is_empty() {
            let said = match &contexts.problem {
                Some(problem) => format!("the contexts cannot be read: {problem}"),
                None => format!(
                    "there are no contexts yet: write `prod: {{config: /etc/bqsync/prod/config.yaml, colour: red}}` into {}",
                    contexts.file
                ),
            };
            return self.shared.complain(said);
        }
        let mut choices = vec![choice('n', "stay here", Intent::Nothing)];
        for (number, context) in (1_u8..).zip(contexts.known.iter().take(LISTED)) {
            let here = if contexts.present.as_ref() == Some(&context.name) { " (open now)" } else { "" };
            let label = format!("open {}{here}  {}", context.name, context.written);
            choices.push(choice(
                char::from(b'0' + number),
                label,
                Intent::Switch(Which::Context(context.name.clone())),
            ));
        }
        if *which != Which::AsStarted {
            choices.push(choice('-', "go back to the configuration of the start", Intent::Switch(Which::AsStarted)));
        }
        let more = contexts.known.len().saturating_sub(LISTED);
        let lines = if more > 0 { vec![format!("{more} more: `:context NAME` opens any of them")] } else { Vec::new() };
        self.shared.dialog = Some(Dialog::new("Which configuration?", lines, choices));
    }

    /// Switches to another configuration. Only the filter, the order and the command lines stay, because they are the
    /// operator's.
    pub(super) fn switch(&mut self, which: Which) {
        let shared = &mut self.shared;
        let present = shared.contexts.present.as_deref();
        let is_open = match &which {
            Which::AsStarted => shared.which == Which::AsStarted,
            Which::Context(name) => present == Some(name.as_str()),
        };
        if is_open {
            return shared.say("it is open already; u reads its files again");
        }
        // Two readings at once would disagree about where relative paths begin.
        if shared.files == Files::Reading {
            return shared.say("the configuration is being read: try again in a moment");
        }
        if self.busy() && self.only_records() {
            self.shared.say("the last run's report is being written: switching in a moment");
            self.next_context = Some(which);
            return;
        }
        if self.busy() {
            let shared = &mut self.shared;
            return shared.complain("something is running here: wait for its end or cancel it (c), then switch");
        }
        let kept = self.preferences();
        self.screens = Screens::default();
        self.screens.mappings.restore(&kept.filter, kept.only_wrong, kept.order);
        (self.deletes, self.schedule) = (Deletes::default(), Schedule::default());
        let shared = &mut self.shared;
        (shared.book, shared.timers) = (Book::default(), Timers::default());
        (shared.facts, shared.trouble, shared.files) = (None, None, Files::Reading);
        shared.contexts.present = match &which {
            Which::Context(name) => Some(name.clone()),
            Which::AsStarted => None,
        };
        shared.notice = None;
        shared.which = which.clone();
        shared.effects.push(Effect::Switch(which));
    }

    /// The context that was asked for while a report was being written. A run that has begun since then takes
    /// precedence, and the operator must ask again.
    pub(super) fn due_context(&mut self) -> Option<Which> {
        if !self.busy() {
            return self.next_context.take();
        }
        if !self.only_records() {
            self.next_context = None;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use ratatui::crossterm::event::KeyCode;

    use crate::domain::config::{Colour, Context};
    use crate::domain::report::Outcome;
    use crate::engine::{Command, Event};
    use crate::tui::app::Msg;
    use crate::tui::ask::Answer;
    use crate::tui::desk::looks::snapshots;
    use crate::tui::desk::{Desk, RUN};
    use crate::tui::model::samples;
    use crate::tui::screen::Screen;
    use crate::tui::session::{Contexts, Trouble, Which};
    use crate::tui::shared::Effect;

    fn context(name: &str, colour: Option<Colour>) -> Context {
        let directory = PathBuf::from(format!("/etc/bqsync/{name}"));
        let (config, env) = (directory.join("config.yaml"), directory.join(".env"));
        let written = config.display().to_string();
        Context { name: name.into(), config, written, env, names_env: false, directory, colour }
    }

    fn contexts(present: Option<&str>) -> Msg {
        Msg::Contexts(Contexts {
            file: "/home/ops/.config/bqsync/contexts.yaml".into(),
            known: vec![context("prod", Some(Colour::Red)), context("staging", None)],
            present: present.map(str::to_owned),
            problem: None,
        })
    }

    fn desk() -> Desk {
        let mut desk = Desk::open();
        desk.tell(contexts(Some("staging")));
        desk
    }

    fn type_line(desk: &mut Desk, line: &str) -> Vec<Effect> {
        desk.press(':');
        line.chars().for_each(|c| {
            desk.press(c);
        });
        let effects = desk.code(KeyCode::Enter);
        read(desk, effects)
    }

    /// Answers the request to read the contexts file.
    fn read(desk: &mut Desk, effects: Vec<Effect>) -> Vec<Effect> {
        let wanted = effects.iter().find_map(|effect| match effect {
            Effect::ReadContexts(wanted) => Some(wanted.clone()),
            _ => None,
        });
        let contexts = desk.app.shared.contexts.clone();
        match wanted {
            Some(wanted) => desk.answered(Answer::ContextsRead { contexts, wanted }),
            None => effects,
        }
    }

    fn list(desk: &mut Desk) {
        let effects = desk.press('C');
        read(desk, effects);
    }

    fn prod() -> Effect {
        Effect::Switch(Which::Context("prod".into()))
    }

    #[test]
    fn another_configuration_keeps_nothing_of_the_one_before() {
        let mut desk = desk();
        desk.press(' ');
        desk.press('h');
        assert!(type_line(&mut desk, "context prod").contains(&prod()));
        assert_eq!(desk.app.screens.front(), Screen::Mappings);
        assert!(desk.app.shared.book.rows.is_empty() && desk.app.screens.mappings.marks.is_empty());
        desk.press('R');
        assert!(desk.notice().contains("being read"), "{}", desk.notice());
        desk.tell(contexts(Some("prod")));
        type_line(&mut desk, "context staging");
        assert!(desk.notice().contains("being read"), "one reading at a time: {}", desk.notice());
        let effects = desk.tell(Msg::Opened(Ok(samples::facts(&["orders"]))));
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Ask(_))));
        let orders = &desk.app.shared.book.rows[0];
        assert!(orders.status.is_none() && orders.lost.is_none(), "what staging knows of its orders is not prod's");
        let back = type_line(&mut desk, "context -");
        assert!(back.contains(&Effect::Switch(Which::AsStarted)));
    }

    #[test]
    fn a_running_mapping_prevents_switching_the_context() {
        let mut desk = desk();
        desk.start("orders");
        assert!(!type_line(&mut desk, "context prod").contains(&prod()));
        assert!(desk.notice().contains("running"), "{}", desk.notice());
        desk.finish("orders", Outcome::Ok);
        assert!(type_line(&mut desk, "context prod").contains(&prod()));
    }

    #[test]
    fn a_report_that_is_still_being_written_is_waited_for() {
        let mut desk = desk();
        desk.start("orders");
        let report = Box::new(samples::report("orders", RUN, Outcome::Ok));
        desk.hear(Event::MappingFinished { report });
        assert!(!type_line(&mut desk, "context prod").contains(&prod()));
        assert!(desk.notice().contains("in a moment"), "{}", desk.notice());
        assert!(desk.end_run("orders", Outcome::Ok).contains(&prod()));
    }

    #[test]
    fn a_run_that_is_begun_meanwhile_keeps_its_configuration() {
        let mut desk = desk();
        desk.start("orders");
        let report = Box::new(samples::report("orders", RUN, Outcome::Ok));
        desk.hear(Event::MappingFinished { report });
        type_line(&mut desk, "context prod");
        desk.press('r');
        assert!(!desk.end_run("orders", Outcome::Ok).contains(&prod()));
        assert_eq!(desk.app.shared.which, Which::AsStarted);
    }

    #[test]
    fn a_context_whose_files_are_broken_opens_and_says_so() {
        let mut desk = desk();
        type_line(&mut desk, "context prod");
        desk.tell(contexts(Some("prod")));
        let sentence = "1 problem in the configuration".to_owned();
        desk.tell(Msg::Opened(Err(Trouble { sentence, problems: Vec::new() })));
        let look = desk.look();
        assert!(look.contains("bqsync  prod  not connected") && look.contains("1 problem"), "{look}");
        assert!(desk.press('u').contains(&Effect::Reopen), "its own files are read again");
    }

    #[test]
    fn another_configuration_makes_up_no_missed_runs() {
        let mut desk = desk();
        desk.app.schedule.makes_up = true;
        type_line(&mut desk, "context prod");
        let effects = desk.tell(Msg::Opened(Ok(samples::facts(&["orders"]))));
        assert!(!effects.contains(&Effect::Send(Command::FollowSchedule { make_up: true })));
        assert!(!desk.app.schedule.makes_up);
    }

    #[test]
    fn context_names_are_completed_and_listed_and_a_wrong_name_is_refused() {
        let mut desk = desk();
        type_line(&mut desk, "context prd");
        assert!(desk.notice().contains("prod, staging"), "{}", desk.notice());
        desk.press(':');
        "context p".chars().for_each(|c| {
            desk.press(c);
        });
        desk.code(KeyCode::Tab);
        assert_eq!(desk.app.line.as_ref().unwrap().input.value(), "context prod ");
        desk.code(KeyCode::Esc);
        list(&mut desk);
        assert_eq!(desk.press('2'), [], "that one is open");
        list(&mut desk);
        assert_eq!(desk.press('1'), [prod()]);
        let mut desk = Desk::open();
        list(&mut desk);
        assert!(desk.notice().contains("no contexts yet"), "{}", desk.notice());
    }

    #[test]
    fn a_list_that_was_written_a_moment_ago_is_known() {
        let mut desk = Desk::open();
        let effects = desk.press('C');
        assert_eq!(effects, [Effect::ReadContexts(None)]);
        let Msg::Contexts(contexts) = contexts(None) else { panic!() };
        desk.answered(Answer::ContextsRead { contexts, wanted: None });
        assert_eq!(desk.press('1'), [prod()]);
    }

    #[test]
    fn the_first_line_says_which_configuration_is_open() {
        let mut desk = desk();
        desk.tell(contexts(Some("prod")));
        list(&mut desk);
        snapshots("contexts", &mut desk);
    }
}
