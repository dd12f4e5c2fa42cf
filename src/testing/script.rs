//! What goes wrong in a test, and when: at the n-th call of a kind, or of any kind.

use std::fmt;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::domain::fault::{Fault, FaultKind};

/// A call of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Describe,
    Bounds,
    Writers,
    TailSums,
    ContentSums,
    StepEnd,
    Estimate,
    /// Reading a page of rows.
    Read,
    DescribeTarget,
    EnsureDataset,
    Apply,
    Stage,
    Write,
    Finish,
    Publish,
    Fate,
    Forestall,
    DropStaging,
    Leftovers,
    CountBeyond,
    CountStrays,
    CountVanished,
    KeySpan,
    PartSums,
    RowDigests,
    Delete,
    Lease,
    Load,
    Save,
    SaveSums,
    RecordRun,
}

/// What happens at a call.
pub enum Trouble {
    /// The call has no effect and fails.
    Refused(Refusal),
    /// The call takes effect, and its caller sees a broken connection.
    AnswerLost,
    /// The call takes effect, and its caller sees this failure.
    SaysFailed(FaultKind),
    /// The caller sees a broken connection; a publish takes effect when the test lets it.
    Late,
    /// The call takes effect when the test lets go.
    HeldBefore,
    /// The call has taken effect, and its answer comes when the test lets go.
    HeldAfter,
    /// Something else happens just before.
    Meanwhile(Box<dyn FnOnce() + Send>),
    /// The process is killed before the call takes effect.
    KilledBefore,
    /// The process is killed after the call has taken effect.
    KilledAfter,
}

/// The fault of a refused call.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub kind: FaultKind,
    pub retry_after: Option<Duration>,
    pub is_too_much: bool,
}

impl Trouble {
    pub const fn refused(kind: FaultKind) -> Self {
        Self::Refused(Refusal { kind, retry_after: None, is_too_much: false })
    }

    pub const fn too_much() -> Self {
        Self::Refused(Refusal { kind: FaultKind::Data, retry_after: None, is_too_much: true })
    }

    pub fn meanwhile(happens: impl FnOnce() + Send + 'static) -> Self {
        Self::Meanwhile(Box::new(happens))
    }
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(_) => "Refused",
            Self::AnswerLost => "AnswerLost",
            Self::SaysFailed(_) => "SaysFailed",
            Self::Late => "Late",
            Self::HeldBefore => "HeldBefore",
            Self::HeldAfter => "HeldAfter",
            Self::Meanwhile(_) => "Meanwhile",
            Self::KilledBefore => "KilledBefore",
            Self::KilledAfter => "KilledAfter",
        })
    }
}

#[derive(Debug)]
struct Rule {
    /// The kind of call; `None`: any.
    call: Option<Call>,
    /// Calls until it is due, including the one at which it is.
    left: usize,
    trouble: Trouble,
}

/// The calls so far, and the troubles to come.
#[derive(Debug)]
pub struct Script {
    rules: Mutex<Vec<Rule>>,
    calls: Mutex<Vec<Call>>,
    killed: watch::Sender<bool>,
    held: watch::Sender<bool>,
    let_go: Semaphore,
}

/// The content, even if another thread of the test has panicked while it held the lock.
pub fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Script {
    fn default() -> Self {
        Self {
            rules: Mutex::default(),
            calls: Mutex::default(),
            killed: watch::channel(false).0,
            held: watch::channel(false).0,
            let_go: Semaphore::new(0),
        }
    }
}

impl Script {
    /// The `nth` call from now on (1 is the next) meets this trouble.
    pub fn add(&self, call: Option<Call>, nth: usize, trouble: Trouble) {
        locked(&self.rules).push(Rule { call, left: nth, trouble });
    }

    /// Tells if there is trouble that no call has met.
    pub fn is_left(&self) -> bool {
        !locked(&self.rules).is_empty()
    }

    pub fn calls(&self) -> Vec<Call> {
        locked(&self.calls).clone()
    }

    /// Forgets the rest of the script, and allows a killed process to start again.
    pub fn clear(&self) {
        locked(&self.rules).clear();
        locked(&self.calls).clear();
        self.killed.send_replace(false);
    }

    /// Returns once the process has been killed.
    pub async fn killed(&self) {
        self.killed.subscribe().wait_for(|killed| *killed).await.unwrap();
    }

    pub fn is_killed(&self) -> bool {
        *self.killed.borrow()
    }

    /// Returns once a call is held.
    pub async fn held(&self) {
        self.held.subscribe().wait_for(|held| *held).await.unwrap();
    }

    pub fn let_go(&self) {
        self.held.send_replace(false);
        self.let_go.add_permits(1);
    }

    fn due(&self, call: Call) -> Vec<Trouble> {
        locked(&self.calls).push(call);
        let mut rules = locked(&self.rules);
        for rule in rules.iter_mut().filter(|rule| rule.call.is_none_or(|of| of == call)) {
            rule.left -= 1;
        }
        rules.extract_if(.., |rule| rule.left == 0).map(|rule| rule.trouble).collect()
    }

    /// Makes a call with its effect and the trouble that it meets; `late` stores an effect that comes later.
    pub async fn around<V>(
        &self,
        call: Call,
        effect: impl FnOnce() -> Result<V, Fault>,
        late: impl FnOnce(),
    ) -> Result<V, Fault> {
        // Like a server's answer, it never comes at once.
        tokio::task::yield_now().await;
        self.unless_killed().await;
        let mut after = None;
        for trouble in self.due(call) {
            match trouble {
                Trouble::Refused(refusal) => return Err(refusal.fault(call)),
                Trouble::Late => {
                    late();
                    return Err(broken(call));
                }
                Trouble::HeldBefore => self.hold().await,
                Trouble::Meanwhile(happens) => happens(),
                Trouble::KilledBefore => self.kill().await,
                Trouble::AnswerLost | Trouble::SaysFailed(_) | Trouble::HeldAfter | Trouble::KilledAfter => {
                    after = Some(trouble);
                }
            }
        }
        let done = effect();
        match after {
            Some(Trouble::AnswerLost) => done.and(Err(broken(call))),
            Some(Trouble::SaysFailed(kind)) => {
                done.and(Err(Fault::new(kind, format!("{call:?} is said to have failed"))))
            }
            Some(Trouble::HeldAfter) => {
                self.hold().await;
                done
            }
            Some(Trouble::KilledAfter) => {
                self.kill().await;
                done
            }
            _ => done,
        }
    }

    /// Makes a call that cannot take effect late.
    pub async fn at<V>(&self, call: Call, effect: impl FnOnce() -> Result<V, Fault>) -> Result<V, Fault> {
        self.around(call, effect, || {}).await
    }

    async fn hold(&self) {
        self.held.send_replace(true);
        self.let_go.acquire().await.unwrap().forget();
    }

    async fn kill(&self) {
        self.killed.send_replace(true);
        self.unless_killed().await;
    }

    /// A dead process does nothing more.
    async fn unless_killed(&self) {
        if *self.killed.borrow() {
            pending::<()>().await;
        }
    }
}

fn broken(call: Call) -> Fault {
    Fault::new(FaultKind::Transient, format!("{call:?}: the connection broke"))
}

impl Refusal {
    fn fault(self, call: Call) -> Fault {
        Fault::new(self.kind, format!("{call:?} was refused"))
            .with_retry_after(self.retry_after)
            .too_much_at_once(self.is_too_much)
    }
}
