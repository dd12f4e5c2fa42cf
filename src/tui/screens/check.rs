//! The check: what a run needs, as the engine found it.

use super::travel;
use crate::domain::finding::{Finding, Standing};
use crate::domain::ids::MappingName;
use crate::tui::keys::Action;

#[derive(Debug, Default)]
pub struct Check {
    /// `None`: all mappings.
    pub about: Option<MappingName>,
    /// What is wrong first; `None` until the engine has answered.
    pub findings: Option<Vec<Finding>>,
    pub scroll: usize,
}

impl Check {
    pub fn open(&mut self, about: Option<MappingName>) {
        *self = Self { about, findings: None, scroll: 0 };
    }

    /// An answer to what was asked before is none.
    pub fn answered(&mut self, mappings: &[MappingName], mut findings: Vec<Finding>) {
        let asked = self.about.as_ref().is_none_or(|about| mappings == std::slice::from_ref(about));
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

    pub fn travel(&mut self, action: Action, page: usize, width: u16) {
        let theme = crate::tui::theme::Theme::default();
        let lines =
            self.findings.as_ref().map_or(0, |findings| crate::tui::view::check::lines(findings, width, theme).len());
        self.scroll = travel(self.scroll, lines.saturating_sub(page), page, action);
    }

    /// For the clipboard: what is wrong and what to do about it.
    #[must_use]
    pub fn text(&self) -> Option<String> {
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
