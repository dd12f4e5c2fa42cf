//! Holds a mapping that is proposed to the rules of a check.

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use super::facts::TableFacts;
use crate::domain::check::mapping::{MappingFacts, findings};
use crate::domain::check::server::ServerFacts;
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::finding::{Standing, Topic};
use crate::domain::ids::SourceName;
use crate::domain::plan::{PlanInput, plan};
use crate::domain::schema::Decisions;

/// What proposals are held against.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    pub server: &'a ServerFacts,
    pub timezone: Tz,
    /// UTC.
    pub now: NaiveDateTime,
    /// `MASK_KEY` is set, and long enough.
    pub has_mask_key: bool,
    /// The server's name, where there are several.
    pub source: Option<&'a SourceName>,
}

/// Plans as a run does and asks the rules of a check. Gives what they warn of.
///
/// # Errors
/// What they would fail for.
pub fn held(mapping: &Mapping, facts: &TableFacts, ground: Ground<'_>) -> Result<Vec<String>, String> {
    let decisions = Decisions::new();
    let input = PlanInput {
        mapping,
        timezone: ground.timezone,
        additions: SchemaAdditions::Allow,
        source: &facts.schema,
        target: None,
        decisions: &decisions,
    };
    let planned = plan(input);
    let (server, now) = (ground.server, ground.now);
    let cascades = &facts.cascades;
    let found = findings(&MappingFacts { input, planned: &planned, server, values: None, cascades, now });
    if let Some(fail) = found.iter().find(|finding| finding.standing == Standing::Fail) {
        return Err(fail.to_string());
    }
    // What a check says of the incremental column stands beside it already.
    let warned = found.iter().filter(|finding| finding.standing == Standing::Warn && finding.topic != Topic::Cursor);
    Ok(warned.map(ToString::to_string).collect())
}
