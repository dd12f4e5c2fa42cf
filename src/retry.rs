//! The only way to retry: [`FaultKind::policy`] says how often and how far apart, both for a single call and for a
//! mapping's whole work.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::domain::fault::{Absent, Fault, FaultKind, Tries};
use crate::domain::retry::{RetryNote, RetryNotes};

/// The longest wait within a call, which may hold connections and half an upload. If a server asks for a longer one,
/// the mapping begins again after that time.
const LONGEST_WISH: Duration = Duration::from_mins(2);

/// An outage that lasts this long is told again.
const AGAIN: Duration = Duration::from_mins(10);

/// An error that says whether a retry makes sense.
pub trait Failure: fmt::Display + Send {
    fn kind(&self) -> FaultKind;

    /// How long the server asked to be left alone.
    fn retry_after(&self) -> Option<Duration>;

    /// The server that was not reached, if that is the error.
    fn absent(&self) -> Option<&Absent> {
        None
    }

    /// The same call cannot succeed, whatever the kind says; its caller may begin the whole work anew.
    fn is_final(&self) -> bool {
        false
    }
}

impl Failure for Fault {
    fn kind(&self) -> FaultKind {
        self.kind()
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after()
    }

    fn absent(&self) -> Option<&Absent> {
        self.absent()
    }
}

/// Makes a call until it succeeds or its error's policy allows no further try. `operation` names the work, such as
/// `creating the dataset p.d`.
///
/// # Errors
/// The last error, unchanged.
pub async fn repeated<T, E, F>(
    notes: &RetryNotes,
    operation: impl Into<String>,
    mut call: impl FnMut() -> F,
) -> Result<T, E>
where
    E: Failure,
    F: Future<Output = Result<T, E>>,
{
    let mut waits = Waits::new(notes, operation);
    loop {
        // On the heap, so that its size does not add to the caller's.
        match Box::pin(call()).await {
            Ok(done) => return Ok(done),
            Err(error) => waits.after(error).await?,
        }
    }
}

/// The waits of one operation that consists of several calls.
#[derive(Debug)]
pub struct Waits<'a> {
    notes: &'a RetryNotes,
    operation: String,
    failures: usize,
}

impl<'a> Waits<'a> {
    pub fn new(notes: &'a RetryNotes, operation: impl Into<String>) -> Self {
        Self { notes, operation: operation.into(), failures: 0 }
    }

    /// The operation has advanced: the next failure counts as the first.
    pub const fn progressed(&mut self) {
        self.failures = 0;
    }

    /// Waits until the next try is due.
    ///
    /// # Errors
    /// The error itself, if there is no next try.
    pub async fn after<E: Failure>(&mut self, error: E) -> Result<(), E> {
        self.failures += 1;
        let wish = error.retry_after();
        let is_given_up = error.is_final() || error.absent().is_some_and(|absent| absent.is_given_up);
        let allowed = !is_given_up && self.notes.allows_after(self.failures);
        let tries = error.kind().policy().call.filter(|_| allowed && wish.is_none_or(|w| w <= LONGEST_WISH));
        let Some(wait) = tries.and_then(|tries| next_wait(tries, self.failures, wish)) else { return Err(error) };
        let (because, absent) = (error.to_string(), error.absent().map(|absent| absent.server.clone()));
        drop(error);
        let attempt = u32::try_from(self.failures + 1).unwrap_or(u32::MAX);
        if !self.notes.is_heard() {
            let (operation, wait_ms) = (self.operation.as_str(), wait.as_millis());
            match &absent {
                Some(server) if is_news(server) => {
                    tracing::warn!(because, "{server} does not answer; what needs it is tried again");
                }
                Some(_) => tracing::debug!(operation, attempt, wait_ms, because, "a call failed and is made again"),
                None => tracing::warn!(operation, attempt, wait_ms, because, "a call failed and is made again"),
            }
        }
        self.notes.tell(RetryNote { operation: self.operation.clone(), attempt, wait, because, absent });
        tokio::time::sleep(self.notes.patience().of(wait)).await;
        Ok(())
    }
}

/// Whether a server's outage was not told for a while, by calls whose failures go to the log alone; from now on it
/// counts as told.
fn is_news(server: &str) -> bool {
    static TOLD: LazyLock<Mutex<HashMap<String, Instant>>> = LazyLock::new(Mutex::default);
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let is_news = told.get(server).is_none_or(|at| at.elapsed() >= AGAIN);
    if is_news {
        told.insert(server.to_owned(), Instant::now());
    }
    is_news
}

/// How long to wait after this many failures (from 1) in a row; `None` after the last try. The server's wish only makes
/// a wait longer.
#[must_use]
pub fn next_wait(tries: Tries, failures: usize, wish: Option<Duration>) -> Option<Duration> {
    let mut waits = ExponentialBuilder::default()
        .with_min_delay(tries.wait)
        .with_max_delay(tries.longest_wait)
        .with_max_times(tries.most.saturating_sub(1))
        // Calls that failed together should not be repeated together.
        .with_jitter()
        .build();
    let wait = waits.nth(failures.saturating_sub(1))?;
    Some(wish.map_or(wait, |wish| wish.max(wait)))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::domain::retry::Patience;

    fn heard() -> (RetryNotes, Arc<Mutex<Vec<RetryNote>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&told);
        let notes = RetryNotes::to(move |note| ear.lock().unwrap().push(note));
        (notes.with_patience(Patience::one_in(100_000)), told)
    }

    fn fault(kind: FaultKind) -> Fault {
        Fault::new(kind, "no")
    }

    #[tokio::test]
    async fn a_call_with_a_temporary_fault_is_repeated_and_every_wait_is_announced() {
        let (notes, told) = heard();
        let calls = Cell::new(0);
        let done: Result<i32, Fault> = repeated(&notes, "counting", || async {
            calls.set(calls.get() + 1);
            if calls.get() < 4 { Err(fault(FaultKind::Transient)) } else { Ok(7) }
        })
        .await;
        assert_eq!((done.unwrap(), calls.get()), (7, 4));
        let told = told.lock().unwrap();
        let attempts: Vec<_> = told.iter().map(|n| (n.operation.as_str(), n.attempt, n.because.as_str())).collect();
        assert_eq!(attempts, [("counting", 2, "no"), ("counting", 3, "no"), ("counting", 4, "no")]);
        for (note, seconds) in told.iter().zip([1, 2, 4]) {
            let (least, most) = (Duration::from_secs(seconds), Duration::from_secs(2 * seconds));
            assert!(least <= note.wait && note.wait <= most, "{note:?}");
        }
    }

    #[tokio::test]
    async fn a_call_is_repeated_a_limited_number_of_times_and_a_permanent_error_ends_it() {
        for (kind, expected) in [(FaultKind::Transient, 5), (FaultKind::Auth, 1), (FaultKind::Quota, 1)] {
            let (notes, told) = heard();
            let calls = Cell::new(0);
            let failed: Result<(), Fault> = repeated(&notes, "x", || async {
                calls.set(calls.get() + 1);
                Err(fault(kind))
            })
            .await;
            assert_eq!((failed.unwrap_err().kind(), calls.get()), (kind, expected));
            assert_eq!(told.lock().unwrap().len(), expected - 1);
        }
    }

    #[tokio::test]
    async fn a_server_that_is_given_up_is_not_tried_again_and_an_outage_is_told_once() {
        let (notes, told) = heard();
        let mut waits = Waits::new(&notes, "x");
        let away = |is_given_up| {
            let absent = Absent { server: "db:3306".to_owned(), is_given_up };
            fault(FaultKind::Transient).with_absent(Some(absent))
        };
        waits.after(away(false)).await.unwrap();
        assert_eq!(told.lock().unwrap()[0].absent.as_deref(), Some("db:3306"));
        assert!(waits.after(away(true)).await.is_err());
        assert!(is_news("away:1") && !is_news("away:1") && is_news("away:2"));
    }

    #[tokio::test]
    async fn a_caller_that_waits_for_an_answer_may_allow_fewer_tries() {
        let (notes, told) = heard();
        let mut waits = Waits::new(&notes, "x");
        let few = notes.clone().with_most_tries(2);
        let mut waits_less = Waits::new(&few, "x");
        assert!(waits.after(fault(FaultKind::Transient)).await.is_ok());
        assert!(waits.after(fault(FaultKind::Transient)).await.is_ok());
        assert!(waits_less.after(fault(FaultKind::Transient)).await.is_ok());
        assert!(waits_less.after(fault(FaultKind::Transient)).await.is_err());
        assert_eq!(told.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_servers_wish_lengthens_a_wait_and_one_of_an_hour_ends_the_call() {
        let (notes, told) = heard();
        let mut waits = Waits::new(&notes, "x");
        let wishing = |seconds| fault(FaultKind::Transient).with_retry_after(Some(Duration::from_secs(seconds)));
        waits.after(wishing(60)).await.unwrap();
        waits.after(wishing(0)).await.unwrap();
        let told: Vec<_> = told.lock().unwrap().iter().map(|n| n.wait).collect();
        assert!(told[0] == Duration::from_mins(1) && told[1] < Duration::from_secs(5), "{told:?}");
        assert!(waits.after(wishing(3600)).await.is_err());
    }

    #[tokio::test]
    async fn an_operation_that_advances_may_fail_any_number_of_times() {
        let (notes, _) = heard();
        let mut waits = Waits::new(&notes, "x");
        for _ in 0..20 {
            waits.after(fault(FaultKind::Transient)).await.unwrap();
            waits.progressed();
        }
    }

    #[test]
    fn waits_grow_to_their_limit_and_end() {
        let tries = Tries { most: 8, wait: Duration::from_secs(1), longest_wait: Duration::from_secs(32) };
        let waits: Vec<_> = (1..8).map(|failures| next_wait(tries, failures, None).unwrap()).collect();
        for (wait, seconds) in waits.iter().zip([1, 2, 4, 8, 16, 32, 32]) {
            assert!((seconds..=2 * seconds).contains(&wait.as_secs()), "{waits:?}");
        }
        assert_eq!(next_wait(tries, 8, None), None);
    }
}
