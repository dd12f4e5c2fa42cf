//! The variables of every server that a configuration uses.

use super::access::{MysqlSettings, NamedSource, PLAIN};
use super::interpolate::Env;
use super::problem::Problem;
use super::read::{nearest, shown};
use super::settings;
use super::sources::is_name;
use super::whole::Config;

/// The settings of every server that a mapping uses, and of the others in `sources` whose variables are valid, for
/// those who look for tables to move.
///
/// # Errors
/// The problems of [`settings::mysql_settings`], each with the variable's own name and the source's.
pub fn mysql_servers(config: &Config, env: Env<'_>) -> Result<Vec<MysqlSettings>, Vec<Problem>> {
    let used = config.used_sources();
    let (mut servers, mut problems) = (Vec::new(), Vec::new());
    if used.contains(&None) {
        settings::mysql_settings(env).map_or_else(|found| problems.extend(found), |plain| servers.push(plain));
    }
    for source in &config.sources {
        match source_settings(source, env) {
            Ok(settings) => servers.push(settings),
            Err(found) if used.contains(&Some(source.name.clone())) => problems.extend(found),
            Err(_) => {}
        }
    }
    if problems.is_empty() { Ok(servers) } else { Err(problems) }
}

/// Reads the variables of a named server.
///
/// # Errors
/// The problems of [`mysql_servers`].
pub fn source_settings(source: &NamedSource, env: Env<'_>) -> Result<MysqlSettings, Vec<Problem>> {
    let own = |name: &str| env(&name.replacen(PLAIN, &source.prefix, 1));
    let named = |problem: Problem| Problem {
        message: format!("{} (source `{}`)", source.worded(&problem.message), source.name),
        hint: source.worded(&problem.hint),
        ..problem
    };
    match settings::mysql_settings(&own) {
        Ok(settings) => Ok(MysqlSettings { source: Some(source.clone()), ..settings }),
        Err(problems) => Err(problems.into_iter().map(named).collect()),
    }
}

/// The server of the given name, with or without a configuration.
///
/// # Errors
/// A sentence that the configuration knows only other servers.
pub fn wanted_source(config: Option<&Config>, name: &str) -> Result<NamedSource, String> {
    let known = config.map(|config| config.sources.as_slice()).unwrap_or_default();
    match known.iter().find(|source| source.name.0 == name) {
        Some(source) => Ok(source.clone()),
        None if known.is_empty() && is_name(name) => Ok(NamedSource::called(name)),
        None => {
            let names: Vec<_> = known.iter().map(|source| source.name.0.as_str()).collect();
            Err(format!("no source is called `{}`: {}", shown(name), nearest(name, &names)))
        }
    }
}
