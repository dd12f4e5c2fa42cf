//! The user's contexts file: finds and reads it, and finds the context that a configuration belongs to.

use std::path::Path;

use bigquery_syncer::domain::config::{self, Problem};
use bigquery_syncer::tui::Contexts;

use crate::refusal::Refusal;
use crate::user_files::{project_directories, read_text};

/// Reads the contexts file, each time anew, because it may have been mended. `present`: the config.yaml that is being
/// read.
pub fn known(present: &Path) -> Contexts {
    let Some(file) = project_directories().map(|d| d.config_dir().join("contexts.yaml")) else {
        return Contexts::default();
    };
    let mut contexts = Contexts { file: file.display().to_string(), ..Contexts::default() };
    if !file.exists() {
        return contexts;
    }
    let read = read_text(&file)
        .and_then(|text| config::contexts(&text, &file, &|name| std::env::var(name).ok()).map_err(Refusal::Problems));
    match read {
        Ok(known) => contexts.known = known,
        Err(Refusal::Usage(sentence)) => contexts.problem = Some(sentence),
        Err(Refusal::Problems(problems)) => {
            let line = |problem: &Problem| format!("{}: {}; {}", problem.place(), problem.message, problem.hint);
            contexts.problem = problems.first().map(line);
        }
    }
    let is_it = |config: &Path| match (config.canonicalize(), present.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => config == present,
    };
    contexts.present = contexts.known.iter().find(|context| is_it(&context.config)).map(|context| context.name.clone());
    contexts
}
