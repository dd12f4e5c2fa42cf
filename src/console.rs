//! Opens the console: which command lines open it, and how it gets its engine.

mod place;
mod watching;

use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bigquery_syncer::cli::args::{Args, CommandArg, OutputFormat};
use bigquery_syncer::cli::{self, ExitStatus, Printer};
use bigquery_syncer::domain::counted::counted;
use bigquery_syncer::domain::fault::Fault;
use bigquery_syncer::domain::ids::MappingName;
use bigquery_syncer::engine::{self, BackfillAsk, Ports, Selection, SyncOrder};
use bigquery_syncer::logging::{self, LogRing};
use bigquery_syncer::panics;
use bigquery_syncer::state::AnyState;
use bigquery_syncer::statements::Statements;
use bigquery_syncer::tui::{
    self, Appender, ContextsReader, Left, Opener, Opening, Session, Settings, Start, Trouble, Which,
};

use self::place::Began;
use self::watching::{Watched, Watching, lock, watcher};
use crate::adding;
use crate::environment::{self, Environment};
use crate::expansion::{self, For};
use crate::refusal::Refusal;
use crate::watched_files;
use crate::wiring::{self, Adapters, Servers};

/// Tells if this command line opens the console. It does not if output goes to a pipe or is JSON, or if this is one of
/// several processes.
pub fn is_wanted(args: &Args) -> bool {
    let opens =
        args.engine_command().is_none_or(|command| start(command).is_some() && args.output == OutputFormat::Table);
    opens && !args.no_tui && std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Runs the console until the operator leaves.
pub async fn run(args: &Args, printer: Printer) -> Result<ExitStatus, Refusal> {
    watched_files::refuse_pipes(&wiring::config_path(args.config.as_deref()), Path::new(environment::FILE))?;
    // A problem in `.env` is shown in the console, where the file can be read again.
    let environment = Environment::read().unwrap_or_default();
    if let Some(command) = args.engine_command() {
        check_names(args, command, &environment)?;
    }
    let start = args.engine_command().and_then(start);
    let ring = logging::start_in_console(&wiring::log_settings(args, &environment))
        .map_err(|sentence| environment.refusal(sentence))?;
    environment.warn();
    tui::hook_panics();
    panics::hush_caught();
    let (held, watching) = (Held::default(), Watching::default());
    let began = Arc::new(Began { named: args.config.clone(), directory: std::env::current_dir().ok() });
    let settings = Settings {
        opener: opener(Opens {
            began: Arc::clone(&began),
            held: Arc::clone(&held),
            ring: Arc::clone(&ring),
            watching: Arc::clone(&watching),
            writes: !args.read_only,
        }),
        watcher: watcher(watching),
        contexts: contexts_reader(Arc::clone(&began)),
        appender: appender(began),
        start,
        read_only: args.read_only,
        ring,
        memory: Environment::console_file(),
    };
    let left = tui::run(settings).await;
    let store = held.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(store) = store {
        store.settle(wiring::GIVING_BACK).await;
    }
    for panic in tui::unsaid_panics() {
        printer.errors(&panic);
    }
    match left {
        Ok(left) => Ok(exit_status(left)),
        Err(error) => Err(Refusal::Usage(format!("the terminal cannot be used: {error} (start without it: --no-tui)"))),
    }
}

fn exit_status(left: Left) -> ExitStatus {
    if left.interrupted {
        ExitStatus::Interrupted
    } else if left.failed {
        ExitStatus::Failed
    } else if left.waiting {
        ExitStatus::Waiting
    } else {
        ExitStatus::Ok
    }
}

/// The console's first action for a command; `None` for a command that does not open it.
fn start(command: &CommandArg) -> Option<Start> {
    match command {
        CommandArg::RunOnce { shard: Some(_), .. } | CommandArg::Backfill { shard: Some(_), .. } => None,
        CommandArg::RunOnce { mappings, lookback, allow_shrink, forget_watermark, shard: None } => {
            let names = mappings.iter().cloned().map(MappingName).collect::<Vec<_>>();
            let selection = if names.is_empty() { Selection::All } else { Selection::Named(names) };
            let (lookback, allow_shrink, forget_watermark) = (*lookback, *allow_shrink, *forget_watermark);
            Some(Start::Sync(SyncOrder { lookback, allow_shrink, forget_watermark, ..SyncOrder::manual(selection) }))
        }
        CommandArg::Backfill { mapping, start, end, dry_run, restart, shard: None } => {
            let mapping = MappingName(mapping.clone());
            let ask = BackfillAsk { mapping, start: start.clone(), end: end.clone() };
            Some(if *dry_run { Start::Preview(ask) } else { Start::Backfill { ask, restart: *restart } })
        }
        CommandArg::Schedule => Some(Start::Schedule),
        CommandArg::SchemaDiff { .. }
        | CommandArg::Deletes { .. }
        | CommandArg::Verify { .. }
        | CommandArg::Check { .. }
        | CommandArg::Status { .. } => None,
    }
}

/// Refuses a mapping that does not exist, if the configuration can be read; otherwise the console shows why not.
fn check_names(args: &Args, command: &CommandArg, environment: &Environment) -> Result<(), Refusal> {
    match wiring::read_setup(args.config.as_deref(), environment) {
        Ok(setup) => {
            let (patterns, servers) = (&setup.config.patterns, setup.servers());
            let names = command.mappings().iter().filter(|name| !engine::may_be_taken(patterns, name, &servers));
            let names: Vec<_> = names.cloned().collect();
            cli::select(&setup.config, &names).map(|_| ()).map_err(|error| Refusal::Usage(error.to_string()))
        }
        Err(_) => Ok(()),
    }
}

fn contexts_reader(began: Arc<Began>) -> ContextsReader {
    Arc::new(move |which| began.contexts(which))
}

/// Appends to the file that the opener reads.
fn appender(began: Arc<Began>) -> Appender {
    Arc::new(move |proposals, which| {
        let (_, place) = began.find(which);
        let added = place.and_then(|place| adding::add(place.config.as_deref(), &place.environment()?, proposals));
        added.map_err(|refusal| trouble(refusal).to_string())
    })
}

/// The state store of the latest engine: its leases are given back when the operator leaves the console.
type Held = Arc<Mutex<Option<Arc<AnyState>>>>;

/// What an opener works with.
#[derive(Clone)]
struct Opens {
    began: Arc<Began>,
    held: Held,
    ring: Arc<LogRing>,
    watching: Watching,
    writes: bool,
}

/// Reads the files and starts an engine, whenever the operator asks.
fn opener(opens: Opens) -> Opener {
    let sent = Arc::new(Mutex::new((Which::AsStarted, Arc::new(Statements::default()))));
    Box::new(move |which| {
        let (opens, sent) = (opens.clone(), Arc::clone(&sent));
        let Opens { began, held, ring, watching, writes } = opens;
        Box::pin(async move {
            let statements = statements_of(&which, &sent, &ring);
            let (contexts, place) = began.find(&which);
            *lock(&watching) = place.as_ref().ok().map(Watched::begin);
            let session = async {
                let setup = place.and_then(|place| place.read())?;
                let (mysql, emulator) = (setup.mysql_place(), setup.uses_emulator());
                let servers = setup.servers();
                let ports = wiring::connect(setup, Some(Arc::clone(&statements)))?;
                *held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&ports.state));
                let ports = expanded(ports, &servers, writes).await?;
                if let Some(watched) = lock(&watching).as_mut() {
                    watched.works(&ports.outlets);
                }
                let facts = tui::Facts { config: Arc::clone(&ports.config), mysql, emulator, statements };
                Ok(Session { handle: engine::start(ports), facts })
            };
            Opening { contexts, session: session.await.map_err(trouble) }
        })
    })
}

/// Expands the entries for many tables. The console opens on whatever is known, but not if nothing is known.
async fn expanded(ports: Ports<Adapters>, servers: &Servers, writes: bool) -> Result<Ports<Adapters>, Refusal> {
    let said = |fault: &Fault| Refusal::Usage(format!("{fault} ({})", fault.hint()));
    let ports = expansion::expand(ports, servers, For::Console { writes }).await.map_err(|fault| said(&fault))?;
    if !ports.config.mappings.is_empty() {
        return Ok(ports);
    }
    let remarks: Vec<_> = ports.config.remarks.iter().map(ToString::to_string).collect();
    let not_moved = ports.config.not_moved.first();
    Err(not_moved.map_or_else(|| Refusal::Usage(remarks.join("; ")), |not_moved| said(&not_moved.fault)))
}

/// The statements sent to BigQuery. Those of an earlier engine stay, because they were sent; those of another context
/// are dropped, and so are its log lines, which may name mappings of the same names.
fn statements_of(which: &Which, sent: &Mutex<(Which, Arc<Statements>)>, ring: &LogRing) -> Arc<Statements> {
    let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
    if sent.0 != *which {
        *sent = (which.clone(), Arc::new(Statements::default()));
        ring.clear();
    }
    Arc::clone(&sent.1)
}

fn trouble(refusal: Refusal) -> Trouble {
    match refusal {
        Refusal::Usage(sentence) => Trouble { sentence, problems: Vec::new() },
        Refusal::Problems(problems) => {
            Trouble { sentence: format!("{} in the configuration", counted(problems.len(), "problem")), problems }
        }
    }
}
