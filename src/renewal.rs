//! Takes up a changed config.yaml or `.env` while the program stays up.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bigquery_syncer::cli::{Found, Starter};
use bigquery_syncer::domain::retry::Patience;
use bigquery_syncer::engine::{self, Ports};
use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::outlets::webhook::FilesNews;
use bigquery_syncer::state::AnyState;
use sha2::{Digest, Sha256};

use crate::environment::{self, Environment};
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
}

/// The store of the latest engine: what it holds is given back when the program is left.
pub type Held = Arc<Mutex<Arc<AnyState>>>;

impl Files {
    /// Those that these ports were made by.
    pub fn of(ports: &Ports<Adapters>, state: Held) -> Self {
        let config = ports.config.path.clone();
        let now = Contents::of(&config);
        Self { config, followed: now.clone(), seen: now, broken: None, outlets: Arc::clone(&ports.outlets), state }
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
            return if self.broken.take().is_some() { self.mended() } else { Found::Nothing };
        }
        if self.broken.as_ref() == Some(&now) {
            return Found::Nothing;
        }
        match self.read() {
            Ok(ports) => {
                let was_broken = self.broken.take().is_some();
                self.followed = now;
                self.outlets = Arc::clone(&ports.outlets);
                if was_broken {
                    self.mended();
                }
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

    fn read(&self) -> Result<Ports<Adapters>, Refusal> {
        let environment = Environment::read()?;
        let setup = wiring::read_setup(Some(&self.config), &environment)?;
        wiring::refuse_no_schedule(&setup)?;
        wiring::connect(setup, None)
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
