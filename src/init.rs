//! Carries `bqsync init` out: it needs MySQL alone, and no configuration.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use bigquery_syncer::cli::args::{Args, InitArg, OutputFormat};
use bigquery_syncer::cli::{self, ExitStatus, Printer};
use bigquery_syncer::domain::config::{self, Config, NamedSource};
use bigquery_syncer::domain::estate::{EstateAsk, counted};
use bigquery_syncer::domain::mask::SHORTEST_KEY;
use bigquery_syncer::domain::quote;
use bigquery_syncer::domain::retry::RetryNotes;
use bigquery_syncer::engine::{self, Around, Clock, SystemClock};
use bigquery_syncer::logging;
use bigquery_syncer::printable;
use bigquery_syncer::source::Source;

use crate::environment::Environment;
use crate::refusal::Refusal;
use crate::user_files::read_text;
use crate::wiring;

/// Somebody waits for the answer: a second try tells a hiccup from trouble.
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
    // Whoever names databases needs none of his own.
    let anywhere = (!init.databases.is_empty()).then_some("information_schema");
    let source =
        wiring::mysql(&environment, named.as_ref(), anywhere)?.watched(RetryNotes::default().with_most_tries(TRIES));
    let ask = EstateAsk { databases: init.databases.clone(), tables: init.tables.clone() };
    let has_mask_key = environment.get("MASK_KEY").is_some_and(|key| key.len() >= SHORTEST_KEY);
    let around = Around { config: config.as_ref(), has_mask_key, now: SystemClock.now() };
    let server = named.as_ref().map(|source| &source.name);
    let listed = engine::propose_tables(&source, server, &ask, around).await;
    let tables = match listed {
        Ok(tables) => tables,
        Err(fault) => {
            printer.error(&format!("bqsync: {fault} ({})", fault.hint()));
            return Ok(ExitStatus::Failed);
        }
    };
    if tables.seen == 0 {
        let others = if tables.others.is_empty() { "none".to_owned() } else { tables.others.join(", ") };
        return Err(Refusal::Usage(format!(
            "no table is like {} in {}; other databases that the account sees: {}",
            printable::line(&asked(&init.tables, "*")),
            printable::line(&asked(&init.databases, &tables.places.join(", "))),
            printable::line(&others)
        )));
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

/// What is moved already. A file that lists nothing is as good as none.
fn existing(args: &Args, environment: &Environment) -> Result<Option<Config>, Refusal> {
    let named = args.config.as_deref();
    match read_text(&wiring::config_path(named)) {
        Ok(text) if config::has_no_mappings(&text) => Ok(None),
        _ => wiring::read_config(named, environment),
    }
}

/// The server that is asked about, where it has a name. A file that is written anew may be about one of an existing file's.
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

/// Patterns of the command line; `or`: what holds where there are none.
fn asked(patterns: &[String], or: &str) -> String {
    if patterns.is_empty() { format!("`{or}`") } else { format!("`{}`", patterns.join("`, `")) }
}

/// Another program may have made the file since.
fn write_new(path: &Path, text: &str) -> Result<(), Refusal> {
    let written = File::create_new(path).and_then(|mut file| {
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        if written.is_err() {
            // Half a file would be read as a whole one.
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
        _ => Refusal::Usage(format!("{} cannot be written: {error}", path.display())),
    })
}

fn there_already(path: &Path) -> Refusal {
    let file = path.display();
    Refusal::Usage(format!(
        "{file} is there already, and `init` overwrites no file; without `--out` it prints what is new"
    ))
}
