//! Google credentials: found as Google's own tools find them, and exchanged for tokens for BigQuery and Cloud Storage.
//!
//! Messages name files and what was tried, never the content of a file.

mod aws;
mod document;
mod environment;
mod executable;
mod external;
mod fault;
mod key;
mod metadata;
mod refusal;
mod source;
mod subject;
mod token;
mod wire;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

pub use self::environment::Variables;
use self::fault::{copied, in_context};
use self::metadata::Metadata;
use self::source::{Place, Source};
use self::token::Token;
use self::wire::Wire;
use crate::domain::check::access::Identity;
use crate::domain::fault::{Fault, FaultKind};

/// How long before its end a token is renewed. Metadata servers keep a token until four minutes before its end.
const RENEWED_BEFORE: Duration = Duration::from_mins(4);

/// The pause between two attempts to renew a token that is still valid.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

/// One login, shared by all clients of Google. Cheap to clone.
#[derive(Clone)]
pub struct Login(Arc<Inner>);

struct Inner {
    /// The file of `GOOGLE_APPLICATION_CREDENTIALS`.
    named: Option<PathBuf>,
    variables: Variables,
    wire: OnceLock<Wire>,
    metadata: Metadata,
    held: Mutex<Held>,
}

/// The credentials and token that were found last.
#[derive(Default)]
struct Held {
    /// The place of the last token: no other place is searched any more.
    place: Option<Place>,
    source: Option<Arc<Source>>,
    token: Option<HeldToken>,
    failed: Option<(Instant, Fault)>,
}

struct HeldToken {
    token: Token,
    renew_at: Instant,
    ends: Instant,
}

/// The credentials that a request to Google carries.
#[derive(Clone, PartialEq, Eq)]
pub struct Pass {
    pub token: String,
    /// The project whose quota the request uses, if it is not the credentials' own.
    pub quota_project: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("named", &self.0.named).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("quota_project", &self.quota_project).finish_non_exhaustive()
    }
}

impl Login {
    /// Makes the login without using the network yet. `named`: the value of `GOOGLE_APPLICATION_CREDENTIALS`.
    #[must_use]
    pub fn new(named: Option<PathBuf>, variables: Variables) -> Self {
        let metadata = Metadata::new(&variables);
        let (wire, held) = (OnceLock::new(), Mutex::default());
        Self(Arc::new(Inner { named, variables, wire, metadata, held }))
    }

    /// The present token, or the next one if the present one ends soon.
    ///
    /// # Errors
    /// `Auth` if there are no credentials or they are refused, `Config` for an error in their file or in the trust in
    /// the server, `Transient`.
    pub async fn pass(&self) -> Result<Pass, Fault> {
        let asked = Instant::now();
        let mut held = self.0.held.lock().await;
        if held.token.as_ref().is_none_or(|token| token.renew_at <= Instant::now()) {
            self.renew(&mut held, asked).await?;
        }
        Ok(self.of(&held))
    }

    /// A token other than `refused`, which Google does not accept any more: it may have been withdrawn, or this machine
    /// may have slept, long before the token seems to end. If several are refused at once, one renewal serves all.
    ///
    /// # Errors
    /// The errors of [`Login::pass`].
    pub async fn renewed(&self, refused: &Pass) -> Result<Pass, Fault> {
        let asked = Instant::now();
        let mut held = self.0.held.lock().await;
        if held.token.as_ref().is_some_and(|token| token.token.text.expose() == refused.token) {
            tracing::debug!("the token was refused and is renewed");
            held.token = None;
        }
        if held.token.is_none() {
            self.renew(&mut held, asked).await?;
        }
        Ok(self.of(&held))
    }

    /// The identity of the credentials, and their origin.
    ///
    /// # Errors
    /// The errors of [`Login::pass`].
    pub async fn identity(&self) -> Result<Identity, Fault> {
        let Pass { quota_project, .. } = self.pass().await?;
        let held = self.0.held.lock().await;
        let (account, kind) = match (&held.place, &held.source) {
            (Some(place), Some(source)) => {
                let file = place.file().map(|file| file.display().to_string()).unwrap_or_default();
                (source.account(), format!("{} in {file} ({})", source.kind(), place.because()))
            }
            _ => (self.0.metadata.account(self.wire()?).await, self.0.metadata.place()),
        };
        let quota = quota_project.map(|project| format!(", with the quota of project {project}")).unwrap_or_default();
        Ok(Identity { account, origin: format!("{kind}{quota}") })
    }

    fn of(&self, held: &Held) -> Pass {
        let token = held.token.as_ref().map(|held| held.token.text.expose().to_owned()).unwrap_or_default();
        let of_file = || held.source.as_ref()?.quota_project().map(str::to_owned);
        Pass { token, quota_project: self.0.variables.quota_project().map(str::to_owned).or_else(of_file) }
    }

    /// `waiting`: since when the caller waits. A caller that waited while another one failed fails with it, so that a
    /// failing server is not asked by one caller after the other.
    async fn renew(&self, held: &mut Held, waiting: Instant) -> Result<(), Fault> {
        if let Some((_, fault)) = held.failed.as_ref().filter(|(at, _)| *at >= waiting) {
            return Err(copied(fault, fault.to_string()));
        }
        let asked = Instant::now();
        match self.fetch(held).await {
            Ok(token) => {
                let lasts = token.lasts;
                let renew_at = asked + lasts.saturating_sub(RENEWED_BEFORE).max(lasts / 2);
                held.token = Some(HeldToken { token, renew_at, ends: asked + lasts });
                Ok(())
            }
            Err(fault) => match &mut held.token {
                // The present token is valid for some more minutes, and the error may pass until then.
                Some(token) if fault.kind() == FaultKind::Transient && token.ends > Instant::now() + RENEWAL_PAUSE => {
                    tracing::warn!(because = %fault, "renewing the token failed; the present one is still valid");
                    token.renew_at = Instant::now() + RENEWAL_PAUSE;
                    Ok(())
                }
                _ => {
                    held.failed = Some((Instant::now(), copied(&fault, fault.to_string())));
                    Err(fault)
                }
            },
        }
    }

    async fn fetch(&self, held: &mut Held) -> Result<Token, Fault> {
        let Inner { named, variables, metadata, .. } = &*self.0;
        let place = held.place.clone().unwrap_or_else(|| Place::find(named.as_deref(), variables));
        let token = match place.file() {
            None => metadata.token(self.wire()?, &without_file(variables)).await?,
            Some(file) => {
                // The file is read each time, because a key may be replaced while the program runs.
                let source = match (Source::read(file, variables), &held.source) {
                    (Err(_), Some(source)) if !file.exists() => Arc::clone(source),
                    (read, _) => Arc::new(read?),
                };
                held.source = Some(Arc::clone(&source));
                let what = format!("No token with {} in {}", source.kind(), file.display());
                source.token(self.wire()?).await.map_err(|fault| in_context(&fault, &what))?
            }
        };
        held.place = Some(place);
        Ok(token)
    }

    fn wire(&self) -> Result<&Wire, Fault> {
        if let Some(wire) = self.0.wire.get() {
            return Ok(wire);
        }
        let wire = Wire::new()?;
        Ok(self.0.wire.get_or_init(|| wire))
    }
}

/// Which file does not exist, in words.
fn without_file(variables: &Variables) -> String {
    variables
        .gcloud_file()
        .map_or_else(|| "there is no home directory".to_owned(), |file| format!("{} does not exist", file.display()))
}

#[cfg(test)]
pub(crate) mod standin;

#[cfg(test)]
mod tests;
