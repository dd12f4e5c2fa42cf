//! Takes up a changed config.yaml or `.env`, and tables that come and go, while the program stays up.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bigquery_syncer::cli::{Found, Starter};
use bigquery_syncer::domain::retry::Patience;
use bigquery_syncer::engine::{self, Ports};
use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::outlets::webhook::FilesNews;
use bigquery_syncer::state::AnyState;
use futures_util::FutureExt;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::environment::{self, Environment};
use crate::expansion::{self, For};
use crate::refusal::Refusal;
use crate::wiring::{self, Adapters};

/// What both files hold, as a word for it: they hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Contents([Option<[u8; 32]>; 2]);

/// The files, and what was made of them last.
pub struct Files {
    config: PathBuf,
    /// Of what is followed.
    followed: Contents,
    seen: Contents,
    /// That cannot be used, and has been told of.
    broken: Option<Contents>,
    outlets: Arc<Outlets>,
    state: Held,
    tables: Tables,
}

/// The list of tables is read so often: by then a new one is known before most runs begin.
const READ_TABLES: Duration = Duration::from_mins(1);

/// What entries for many tables were expanded to.
struct Tables {
    ports: Ports<Adapters>,
    /// An engine works with these ports.
    are_followed: bool,
    own: String,
    /// When the list is read again.
    next: Instant,
    reading: Option<JoinHandle<Option<Ports<Adapters>>>>,
}

impl Tables {
    /// Of ports that an engine works with.
    fn of(ports: &Ports<Adapters>, own: String) -> Self {
        Self { ports: ports.clone(), are_followed: true, own, next: Instant::now() + READ_TABLES, reading: None }
    }

    /// Of ports whose tables are not known yet.
    fn new(ports: &Ports<Adapters>, own: String) -> Self {
        Self { are_followed: false, next: Instant::now(), ..Self::of(ports, own) }
    }

    /// The ports with the tables that are there now, where they are not what is followed. Reads in the background.
    fn look(&mut self) -> Option<Ports<Adapters>> {
        if self.ports.config.patterns.is_empty() {
            return None;
        }
        if self.reading.as_ref().is_some_and(JoinHandle::is_finished) {
            let read = self.reading.take().and_then(FutureExt::now_or_never);
            self.next = Instant::now() + READ_TABLES;
            let read = read.and_then(Result::ok).flatten()?;
            if self.are_followed && shape(&read) == shape(&self.ports) {
                return None;
            }
            expansion::say(&read.config);
            self.are_followed = true;
            self.ports = read.clone();
            return Some(read);
        }
        if self.reading.is_none() && Instant::now() >= self.next {
            let (ports, own) = (self.ports.clone(), self.own.clone());
            self.reading = Some(tokio::spawn(async move {
                let read = expansion::expand(ports, &own, For::Renewal).await;
                read.inspect_err(
                    |fault| tracing::warn!(error = %fault, "the list of tables cannot be brought up to date"),
                )
                .ok()
                .map(|(ports, _)| ports)
            }));
        }
        None
    }
}

/// What a run would do otherwise.
fn shape(ports: &Ports<Adapters>) -> String {
    format!("{:?}", ports.config.mappings)
}

/// The store of the latest engine: what it holds is given back when the program is left.
pub type Held = Arc<Mutex<Arc<AnyState>>>;

impl Files {
    /// Those that these ports were made by.
    pub fn of(ports: &Ports<Adapters>, own: String, state: Held) -> Self {
        let config = ports.config.path.clone();
        let now = Contents::of(&config);
        Self {
            config,
            followed: now.clone(),
            seen: now,
            broken: None,
            outlets: Arc::clone(&ports.outlets),
            state,
            tables: Tables::of(ports, own),
        }
    }

    /// Reads the files, and what they say where that is news. What changes between two looks is not read: its writer may
    /// be in the middle of it.
    pub fn look(&mut self) -> Found {
        let now = Contents::of(&self.config);
        if self.seen != now {
            self.seen = now;
            return Found::Nothing;
        }
        if now == self.followed {
            if self.broken.take().is_some() {
                return self.mended();
            }
            return match self.tables.look() {
                Some(ports) => Found::Changed(self.starter(ports)),
                None => Found::Nothing,
            };
        }
        if self.broken.as_ref() == Some(&now) {
            return Found::Nothing;
        }
        match self.read() {
            Ok((ports, own)) => {
                let was_broken = self.broken.take().is_some();
                self.followed = now;
                self.outlets = Arc::clone(&ports.outlets);
                if was_broken {
                    self.mended();
                }
                if !ports.config.patterns.is_empty() {
                    // It is followed once its tables are known.
                    self.tables = Tables::new(&ports, own);
                    return Found::Nothing;
                }
                self.tables = Tables::of(&ports, own);
                Found::Changed(self.starter(ports))
            }
            Err(refusal) => {
                self.broken = Some(now);
                let problems = lines(&refusal);
                self.tell(FilesNews::broken(&problems));
                Found::Broken(problems)
            }
        }
    }

    fn read(&self) -> Result<(Ports<Adapters>, String), Refusal> {
        let environment = Environment::read()?;
        let setup = wiring::read_setup(Some(&self.config), &environment)?;
        wiring::refuse_no_schedule(&setup)?;
        let own = setup.database().to_owned();
        let ports = wiring::connect(setup, None)?;
        Ok((ports, own))
    }

    fn starter(&self, ports: Ports<Adapters>) -> Starter {
        let held = Arc::clone(&self.state);
        Box::new(move || {
            *held.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ports.state);
            engine::start(ports)
        })
    }

    fn mended(&self) -> Found {
        self.tell(FilesNews::mended());
        Found::Mended
    }

    /// Nobody waits for it; what cannot be delivered is a line of the log.
    fn tell(&self, news: FilesNews) {
        let outlets = Arc::clone(&self.outlets);
        tokio::spawn(async move {
            let Some(webhook) = &outlets.webhook else { return };
            if let Err(fault) = webhook.tell_of_files(&news, Patience::FULL).await {
                tracing::warn!(outlet = "notify", error = %fault, hint = fault.hint(), "word could not be sent");
            }
        });
    }
}

impl Contents {
    /// A file that cannot be read is as good as none here; why is said when it is read to be used.
    fn of(config: &Path) -> Self {
        Self(
            [config, Path::new(environment::FILE)]
                .map(|file| std::fs::read(file).ok().map(|text| Sha256::digest(text).into())),
        )
    }
}

/// As a start of the program would say it.
fn lines(refusal: &Refusal) -> Vec<String> {
    match refusal {
        Refusal::Usage(sentence) => vec![sentence.clone()],
        Refusal::Problems(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}
