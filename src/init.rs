//! Carries out `bqsync init`, which needs only MySQL, and no configuration.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use bigquery_syncer::cli::args::{Args, InitArg, OutputFormat};
use bigquery_syncer::cli::{self, ExitStatus, Printer};
use bigquery_syncer::domain::config::{self, Config, NamedSource};
use bigquery_syncer::domain::estate::{EstateAsk, counted};
use bigquery_syncer::domain::excerpt::of_error;
use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::domain::mask::SHORTEST_KEY;
use bigquery_syncer::domain::quote;
use bigquery_syncer::domain::retry::RetryNotes;
use bigquery_syncer::engine::{self, Around, Clock, SystemClock, Tables};
use bigquery_syncer::logging;
use bigquery_syncer::printable;
use bigquery_syncer::source::Source;

use crate::environment::Environment;
use crate::refusal::Refusal;
use crate::user_files::read_text;
use crate::wiring::{self, Database};

/// The operator waits for the answer: a second try tells a short disturbance from a lasting error.
const TRIES: usize = 2;

pub async fn run(args: &Args, init: &InitArg, printer: Printer) -> Result<ExitStatus, Refusal> {
    if let Some(out) = &init.out {
        if args.read_only {
            return Err(Refusal::Usage("--read-only: `--out` would write a file".to_owned()));
        }
        if out.exists() {
            return Err(there_already(out));
        }
    }
    let environment = Environment::read()?;
    logging::start(&wiring::log_settings(args, &environment)).map_err(|sentence| environment.refusal(sentence))?;
    environment.warn();
    // A file of its own is written whole.
    let config = if init.out.is_some() { None } else { existing(args, &environment)? };
    let named = named(args, init, config.as_ref(), &environment)?;
    // With `--database` the connection needs no database of its own.
    let anywhere = (!init.databases.is_empty()).then_some("information_schema");
    let source_in = |database| {
        let source = wiring::mysql(&environment, named.as_ref(), database)?;
        Ok::<_, Refusal>(source.watched(RetryNotes::default().with_most_tries(TRIES)))
    };
    let source = source_in(Database { unset: anywhere, always: None })?;
    let ask = EstateAsk { databases: init.databases.clone(), tables: init.tables.clone() };
    let mask_key = environment.get("MASK_KEY");
    let has_mask_key = mask_key.as_ref().is_some_and(|key| key.len() >= SHORTEST_KEY);
    if mask_key.is_some() && !has_mask_key {
        let remedy = "masks are proposed without it; make one: openssl rand -hex 32";
        printer.note(&format!("MASK_KEY is shorter than the {SHORTEST_KEY} bytes that a key needs: {remedy}"));
    }
    let around = Around { config: config.as_ref(), has_mask_key, now: SystemClock.now() };
    let server = named.as_ref().map(|source| &source.name);
    let place = source.place(server).unwrap_or_default();
    let listing = engine::propose_tables(&source, server, &ask, around);
    let mut listed = cli::waited_for(&place, listing, printer).await;
    // MYSQL_DATABASE may name a database that does not exist.
    if listed.as_ref().is_err_and(|fault| fault.kind() != FaultKind::Transient) && anywhere.is_some() {
        let elsewhere = source_in(Database { unset: None, always: anywhere })?;
        listed = engine::propose_tables(&elsewhere, server, &ask, around).await.or(listed);
    }
    let tables = match listed {
        Ok(tables) => tables,
        Err(fault) => {
            printer.error(&format!("bqsync: {fault} ({})", fault.hint()));
            return Ok(ExitStatus::Failed);
        }
    };
    if tables.seen == 0 {
        return Err(Refusal::Usage(nothing_found(init, &tables)));
    }
    let existing = config.as_ref().map(|config| config.path.display().to_string());
    let Some(out) = &init.out else {
        let as_json = args.output == OutputFormat::Json;
        return Ok(cli::show_proposed(&tables, existing.as_deref(), named.as_ref(), as_json, printer));
    };
    write_new(out, &cli::proposed(&tables, None, named.as_ref()))?;
    let file = out.display().to_string();
    let option = quote::shell_option("--config", &file);
    let config = if file == "config.yaml" { String::new() } else { format!(" {option}") };
    let counted = counted(&tables.proposals);
    printer.note(&format!(
        "{file} is written: {counted}; read it, then: bqsync{config} check, and bqsync{config} --no-tui run-once"
    ));
    Ok(ExitStatus::Ok)
}

/// The configuration that exists already; a file without mappings counts as none.
fn existing(args: &Args, environment: &Environment) -> Result<Option<Config>, Refusal> {
    let named = args.config.as_deref();
    match read_text(&wiring::config_path(named)) {
        Ok(text) if config::has_no_mappings(&text) => Ok(None),
        _ => wiring::read_config(named, environment),
    }
}

/// The named server that the question is about. A file that is written anew may use a server of the existing file.
fn named(
    args: &Args,
    init: &InitArg,
    config: Option<&Config>,
    environment: &Environment,
) -> Result<Option<NamedSource>, Refusal> {
    let of_all = config.and_then(|config| config.for_all.server()).map(|name| &name.0);
    let Some(name) = init.source.as_ref().or(of_all) else {
        let names: Vec<_> = config.map(|config| config.sources.as_slice()).unwrap_or_default().iter().collect();
        if names.is_empty() || environment.get("MYSQL_USER").is_some() {
            return Ok(None);
        }
        let names: Vec<_> = names.iter().map(|source| format!("--source {}", source.name)).collect();
        return Err(Refusal::Usage(format!("there are several servers: name one, {}", names.join(" or "))));
    };
    let other = match config {
        Some(_) => None,
        None => wiring::read_config(args.config.as_deref(), environment).ok().flatten(),
    };
    config::wanted_source(config.or(other.as_ref()), name).map(Some).map_err(Refusal::Usage)
}

fn nothing_found(init: &InitArg, tables: &Tables) -> String {
    let others = if tables.others.is_empty() { "none".to_owned() } else { tables.others.join(", ") };
    let place = asked(&init.databases, &tables.places.join(", "));
    let what = if init.tables.is_empty() {
        format!("{place} has no tables that this account can see")
    } else {
        format!("no table is like {} in {place}", asked(&init.tables, "*"))
    };
    printable::line(&format!("{what}; other databases that the account sees: {others} (`--database NAME`)"))
        .into_owned()
}

/// The patterns of the command line; `or` if there are none.
fn asked(patterns: &[String], or: &str) -> String {
    if patterns.is_empty() { format!("`{or}`") } else { format!("`{}`", patterns.join("`, `")) }
}

/// Another program may have created the file since.
fn write_new(path: &Path, text: &str) -> Result<(), Refusal> {
    let written = File::create_new(path).and_then(|mut file| {
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        if written.is_err() {
            // Half a file would be read as a complete one.
            let _ = std::fs::remove_file(path);
        }
        written
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => there_already(path),
        ErrorKind::NotFound => {
            let directory = path.parent().unwrap_or(path).display().to_string();
            let word = quote::shell_word(&directory);
            Refusal::Usage(format!("{}: there is no directory {directory}; make it: mkdir -p {word}", path.display()))
        }
        _ => Refusal::Usage(format!("{} cannot be written: {}", path.display(), of_error(&error.to_string()))),
    })
}

fn there_already(path: &Path) -> Refusal {
    let file = path.display();
    Refusal::Usage(format!(
        "{file} is there already, and `init` overwrites no file; without `--out` it prints what is new"
    ))
}
