//! Adds mappings to the configuration's file, which keeps every line that it has.

use std::path::Path;

use bigquery_syncer::domain::config;
use bigquery_syncer::domain::estate::{Proposal, append, named_meanwhile, only_adds};
use bigquery_syncer::files;
use bigquery_syncer::tui::Added;

use crate::environment::Environment;
use crate::refusal::Refusal;
use crate::user_files::read_text;
use crate::wiring;

/// The file is read as a run would read it before it is written, so that it is never left broken.
pub fn add(named: Option<&Path>, environment: &Environment, proposals: &[Proposal]) -> Result<Added, Refusal> {
    let path = wiring::config_path(named);
    let text = read_text(&path)?;
    let read = |text: &str| config::parse(text, &path, &|name: &str| environment.get(name)).map_err(Refusal::Problems);
    let before = read(&text)?;
    if let Some(has) = named_meanwhile(&before, proposals) {
        return Ok(Added::Meanwhile(format!(
            "{} was changed in the meantime and now has {has}; nothing was written",
            path.display()
        )));
    }
    let longer = append(&text, proposals).map_err(|why| Refusal::Usage(format!("{}: {why}", path.display())))?;
    let after = read(&longer)?;
    if !only_adds(&before, &after, proposals.len()) {
        let sentence =
            "these lines at the end of `mappings` would change how the rest of the file is read; add them by hand";
        return Err(Refusal::Usage(format!("{}: {sentence}", path.display())));
    }
    let written = files::replace_as_owned(&path, longer.as_bytes());
    written.map_err(|fault| Refusal::Usage(format!("{fault} ({})", fault.hint())))?;
    Ok(Added::Mappings(proposals.len()))
}
