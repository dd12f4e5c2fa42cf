//! The check: what a run needs, as the engine found it.

#[cfg(test)]
mod tests;
mod view;

use super::shown::{About, Acts, Next};
use crate::domain::finding::{Finding, Standing};
use crate::domain::ids::MappingName;
use crate::engine::{self, Checked, Selection};
use crate::tui::ask::Ask;
use crate::tui::keys::Action;
use crate::tui::scroll::{Extent, Scroll};
use crate::tui::shared::Shared;

#[derive(Debug, Default)]
pub struct Check {
    /// `None`: all mappings.
    pub about: Option<MappingName>,
    /// Failures first; `None` until the engine has answered.
    pub findings: Option<Vec<Finding>>,
    pub scroll: Scroll,
}

impl Check {
    fn ask(&mut self, about: Option<MappingName>, shared: &mut Shared) {
        let selection = about.clone().map_or(Selection::All, |name| Selection::Named(vec![name]));
        *self = Self { about, ..Self::default() };
        shared.ask(Ask::Check(engine::Check { selection, probe: !shared.read_only, costs: false }));
    }

    /// Takes the answer; an answer to an earlier question is dropped.
    pub fn answered(&mut self, checked: Checked) {
        let Checked { mappings, mut findings } = checked;
        let asked = self.about.as_ref().is_none_or(|about| mappings == [about.clone()]);
        if asked && self.findings.is_none() {
            findings.sort_by_key(|finding| match finding.standing {
                Standing::Fail => 0,
                Standing::Warn => 1,
                Standing::Skip => 2,
                Standing::Ok => 3,
            });
            self.findings = Some(findings);
        }
    }
}

impl Acts for Check {
    fn open(&mut self, about: About, shared: &mut Shared) -> bool {
        let about = match about {
            About::Mapping(name) => Some(name),
            About::All | About::Several(_) | About::Run(_) => None,
        };
        self.ask(about, shared);
        true
    }

    fn can_open(&self, _subject: Option<&MappingName>, shared: &Shared) -> bool {
        shared.has_engine()
    }

    fn subject<'a>(&'a self, _shared: &Shared) -> Option<&'a MappingName> {
        self.about.as_ref()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.scroll.travel(action, shared.page());
            }
            Action::Reload if shared.has_engine() => self.ask(self.about.clone(), shared),
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, shared: &Shared) -> bool {
        action != Action::Copy || self.copied(shared).is_some()
    }

    fn drawn(&mut self, extent: Extent) {
        self.scroll.drawn(extent);
    }

    /// The text for the clipboard: problems and their remedies.
    fn copied(&self, _shared: &Shared) -> Option<String> {
        let findings = self.findings.as_ref()?.iter();
        let wrong = findings.filter(|f| matches!(f.standing, Standing::Fail | Standing::Warn));
        let lines: Vec<_> = wrong
            .map(|finding| {
                let mapping = finding.mapping.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
                format!("{} {} {mapping}{finding}", finding.standing.word(), finding.topic.word())
            })
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}
