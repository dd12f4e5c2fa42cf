//! Parses the command line, wires the real adapters, chooses the front end, and turns the outcome into an exit code.

mod adding;
mod console;
mod contexts;
mod environment;
mod expansion;
mod init;
mod new_tables;
mod refusal;
mod renewal;
mod user_files;
mod watched_files;
mod wiring;

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use bigquery_syncer::cli::args::{Args, CommandArg, Invocation};
use bigquery_syncer::cli::{self, ExitStatus, Printer};
use bigquery_syncer::commands;
use bigquery_syncer::engine;
use bigquery_syncer::logging;
use bigquery_syncer::memory;
use bigquery_syncer::panics;
use clap::{CommandFactory, Parser};

use self::environment::Environment;
use self::expansion::For;
use self::refusal::Refusal;
use self::renewal::Files;

fn main() -> color_eyre::Result<ExitCode> {
    memory::keep_blocks();
    color_eyre::install()?;
    panics::hush_caught();
    // Every TLS connection uses this provider; without it the clients panic at their first handshake.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return Ok(cli::unparsed(&error, std::env::args_os()).into()),
    };
    commands::remember(args.config.as_deref());
    let printer = Printer::of(&args);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let status = runtime.block_on(run(&args, printer)).unwrap_or_else(|refusal| {
        refusal.tell(printer);
        ExitStatus::Usage
    });
    // A request that no task waits for must not delay the end of the process.
    runtime.shutdown_background();
    Ok(printer.end(status).into())
}

async fn run(args: &Args, printer: Printer) -> Result<ExitStatus, Refusal> {
    if let Some(Invocation::Print(what)) = &args.command {
        return Ok(cli::print(what, printer));
    }
    if let Some(Invocation::Init(asked)) = &args.command {
        return init::run(args, asked, printer).await;
    }
    if args.read_only && args.engine_command().is_some_and(CommandArg::writes) {
        return Err(Refusal::Usage("--read-only: this command would write".to_owned()));
    }
    if let Some(sentence) = args.engine_command().and_then(CommandArg::contradiction) {
        return Err(Refusal::Usage(sentence));
    }
    if console::is_wanted(args) {
        return console::run(args, printer).await;
    }
    let command = command(args)?;
    if *command == CommandArg::Schedule {
        watched_files::refuse_pipes(&wiring::config_path(args.config.as_deref()), Path::new(environment::FILE))?;
    }
    let environment = Environment::read()?;
    logging::start(&wiring::log_settings(args, &environment)).map_err(|sentence| environment.refusal(sentence))?;
    environment.warn();
    let shard = command.shard(&|name| environment.get(name)).map_err(|sentence| environment.refusal(sentence))?;
    let setup = wiring::read_setup(args.config.as_deref(), &environment)?;
    if *command == CommandArg::Schedule {
        wiring::refuse_no_schedule(&setup)?;
    }
    let servers = setup.servers();
    let ports = wiring::connect(setup, None)?;
    let ports = match expansion::expand(ports, &servers, For::command(command)).await {
        Ok(expanded) => expanded,
        Err(fault) => {
            let is_check = matches!(command, CommandArg::Check { .. });
            let hint = if is_check { fault.hint_of_check() } else { fault.hint() };
            printer.error(&format!("bqsync: the state cannot be read or written: {fault} ({hint})"));
            return Ok(ExitStatus::Failed);
        }
    };
    let is_all_moved = ports.config.not_moved.is_empty();
    // A run reports what cannot be moved, even if nothing can be moved.
    let runs = *command == CommandArg::Schedule || (!is_all_moved && matches!(command, CommandArg::RunOnce { .. }));
    if ports.config.mappings.is_empty() && command.writes() && !runs {
        // The reason has been printed.
        return Ok(ExitStatus::Failed);
    }
    let selection = cli::select(&ports.config, command.mappings());
    if selection.is_err() && command.mappings().iter().any(|name| expansion::may_not_be_moved(&ports, &servers, name)) {
        // The reason has been printed.
        return Ok(ExitStatus::Failed);
    }
    let selection = selection.map_err(|error| Refusal::Usage(error.to_string()))?;
    let selection = match shard {
        Some(shard) => cli::share(&ports.config, command, selection, shard).map_err(Refusal::Usage)?,
        None => selection,
    };
    let held = Arc::new(Mutex::new(Arc::clone(&ports.state)));
    let status = if *command == CommandArg::Schedule {
        let mut files = Files::of(&ports, servers, Arc::clone(&held));
        cli::schedule(engine::start(ports), printer, Box::new(move || files.look())).await
    } else {
        cli::run(engine::start(ports), args, command, selection, shard).await
    };
    let state = Arc::clone(&held.lock().unwrap_or_else(PoisonError::into_inner));
    state.settle(wiring::GIVING_BACK).await;
    let is_well = matches!(status, ExitStatus::Ok | ExitStatus::Waiting);
    Ok(if !is_all_moved && is_well { ExitStatus::Failed } else { status })
}

fn command(args: &Args) -> Result<&CommandArg, Refusal> {
    args.engine_command().ok_or_else(|| {
        let help = Args::command().render_help();
        Refusal::Usage(format!("the console needs a terminal; without one, name a command\n\n{help}"))
    })
}
