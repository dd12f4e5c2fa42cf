//! Faults: a kind, a sentence and a source. The kind alone decides what happens next.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::excerpt::of_error;

/// The classes of faults; [`FaultKind::policy`] gives one reaction for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A dropped connection, a 5xx, a timeout: the same call may succeed in a moment.
    Transient,
    /// A quota is used up: the same call may succeed when some of it is back.
    Quota,
    /// Other statements on the same table, or rows that it still locks, are in the way: waiting minutes helps.
    Busy,
    /// A refused login or a missing permission.
    Auth,
    /// Source and target do not match, or something that should exist does not.
    Schema,
    /// The configuration is not valid.
    Config,
    /// A value that the target type cannot hold.
    Data,
    /// Somebody else works on the same object, or it is not in the state in which we left it.
    Conflict,
    /// A broken invariant of our own code.
    Bug,
}

/// The reaction to a fault: first by the call that met it, then by the mapping whose work it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Repeat the same call in place. `None`: the call has failed.
    pub call: Option<Tries>,
    /// Begin the mapping's work again, from the watermark. `None`: the mapping has failed; other mappings go on.
    pub mapping: Option<Tries>,
}

/// How often something is tried, and how long the waits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// The number of all tries, including the first.
    pub most: usize,
    /// The first wait; each further one is twice as long. A random part of up to the same length is added.
    pub wait: Duration,
    /// The longest wait, before the random part.
    pub longest_wait: Duration,
}

impl FaultKind {
    /// The one table from kind to policy.
    ///
    /// The waits follow Google's reliability guide: exponential from 1 s, capped at 32 s. An exceeded quota needs at
    /// least ten minutes, which no single call can wait out.
    #[must_use]
    pub const fn policy(self) -> Policy {
        const fn tries(most: usize, wait: Duration, longest_wait: Duration) -> Tries {
            Tries { most, wait, longest_wait }
        }
        let (call, mapping) = match self {
            Self::Transient => (
                Some(tries(5, Duration::from_secs(1), Duration::from_secs(32))),
                Some(tries(4, Duration::from_secs(1), Duration::from_secs(32))),
            ),
            Self::Quota => (None, Some(tries(3, Duration::from_mins(10), Duration::from_mins(30)))),
            // The waits last as long as a few large statements: an hour at most, or two if the server asks for more.
            Self::Busy => (None, Some(tries(6, Duration::from_mins(1), Duration::from_mins(10)))),
            Self::Auth | Self::Schema | Self::Config | Self::Data | Self::Conflict | Self::Bug => (None, None),
        };
        Policy { call, mapping }
    }

    /// The operator's next step, if the fault itself names none.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Transient => {
                "see with `bqsync check` that both sides can be reached, then run again: the run continues from the watermark"
            }
            Self::Quota => "wait for the quota to refill, or ask for a higher one, then run again",
            Self::Busy => "let the other work on the table end, then run again: the run continues from the watermark",
            Self::Auth => "check the account's credentials and permissions, then run again",
            Self::Schema => "compare both sides with `bqsync schema-diff`",
            Self::Config => "correct the configuration, then run again",
            Self::Data => "correct the value at the source, or map the column to a type that can hold it (`columns:`)",
            Self::Conflict => "look at what else works on this mapping with `bqsync status`",
            Self::Bug => "report this with the log of the run; the watermark was not moved",
        }
    }

    /// The kind's word for logs and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Quota => "quota",
            Self::Busy => "busy",
            Self::Auth => "auth",
            Self::Schema => "schema",
            Self::Config => "config",
            Self::Data => "data",
            Self::Conflict => "conflict",
            Self::Bug => "bug",
        }
    }
}

/// What helps where nothing answers, and no run is under way that could go on from its watermark.
const OUT_OF_REACH: &str = "see that it is up, and that this machine can reach it: name, proxy, firewall";

/// An error with its kind. `Display` gives the sentence and every cause behind it, on one line.
#[derive(Debug)]
pub struct Fault {
    kind: FaultKind,
    sentence: String,
    hint: Option<String>,
    retry_after: Option<Duration>,
    is_too_much: bool,
    absent: Option<Absent>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// A server that was not reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Host and port, as messages name it.
    pub server: String,
    /// Nobody has reached it for so long that nothing is tried again.
    pub is_given_up: bool,
}

impl Absent {
    pub fn now(server: impl Into<String>) -> Self {
        Self { server: server.into(), is_given_up: false }
    }
}

impl Fault {
    pub fn new(kind: FaultKind, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            sentence: sentence.into(),
            hint: None,
            retry_after: None,
            is_too_much: false,
            absent: None,
            source: None,
        }
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same fault in other words; kind and cause stay.
    #[must_use]
    pub fn reworded(mut self, words: impl Fn(&str) -> String) -> Self {
        self.sentence = words(&self.sentence);
        self.hint = self.hint.as_deref().map(words);
        self
    }

    /// Adds the operator's next step, if it is more exact than the kind's.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, if there is a hint; otherwise an existing hint stays.
    #[must_use]
    pub fn with_hint_if_any(self, hint: Option<impl Into<String>>) -> Self {
        match hint {
            Some(hint) => self.with_hint(hint),
            None => self,
        }
    }

    /// Sets how long the server asked to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Sets whether the same work in smaller pieces may succeed.
    #[must_use]
    pub fn too_much_at_once(mut self, is_too_much: bool) -> Self {
        self.is_too_much = is_too_much;
        self
    }

    /// Sets which server was not reached.
    #[must_use]
    pub fn with_absent(mut self, absent: Option<Absent>) -> Self {
        self.absent = absent;
        self
    }

    /// The server that was not reached, if that is the fault.
    #[must_use]
    pub const fn absent(&self) -> Option<&Absent> {
        self.absent.as_ref()
    }

    #[must_use]
    pub const fn is_too_much_at_once(&self) -> bool {
        self.is_too_much
    }

    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The next step, if the fault names a more exact one than its kind.
    #[must_use]
    pub fn own_hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    #[must_use]
    pub fn hint(&self) -> &str {
        self.hint.as_deref().unwrap_or_else(|| self.kind.hint())
    }

    /// The next step as `bqsync check` says it, which cannot be to run `bqsync check`.
    #[must_use]
    pub fn hint_of_check(&self) -> &str {
        match self.kind {
            FaultKind::Transient => self.hint.as_deref().unwrap_or(OUT_OF_REACH),
            _ => self.hint(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        let mut cause = self.source.as_deref().map(|e| e as &dyn Error);
        let mut said = self.sentence.clone();
        while let Some(error) = cause {
            // A library may pass on what a server says, at any length.
            let text = if error.is::<Self>() { error.to_string() } else { of_error(&error.to_string()) };
            // Many libraries repeat their source in their own text; it is shown once.
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_sentence_and_each_cause_once() {
        let io = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "connection reset");
        let inner = Fault::new(FaultKind::Transient, "Reading page 3 failed").caused_by(io);
        let outer = Fault::new(FaultKind::Transient, "Syncing orders failed").caused_by(inner);
        assert_eq!(outer.to_string(), "Syncing orders failed: Reading page 3 failed: connection reset");
    }

    #[test]
    fn check_is_no_next_step_of_check() {
        use FaultKind::{Auth, Bug, Busy, Config, Conflict, Data, Quota, Schema, Transient};
        for kind in [Transient, Quota, Busy, Auth, Schema, Config, Data, Conflict, Bug] {
            let fault = Fault::new(kind, "x");
            assert!(!fault.hint_of_check().contains("bqsync check"), "{}", fault.hint_of_check());
        }
        let fault = Fault::new(Transient, "x").with_hint("lower `readers`");
        assert_eq!(fault.hint_of_check(), "lower `readers`");
    }

    #[test]
    fn a_cause_of_any_length_is_cut_and_our_own_words_are_not() {
        let long = Fault::new(FaultKind::Transient, "y".repeat(2_000)).caused_by("x".repeat(64 * 1024));
        let shown = Fault::new(FaultKind::Transient, "Syncing orders failed").caused_by(long).to_string();
        assert!(shown.contains(&"y".repeat(2_000)) && shown.len() < 3_000, "{} bytes", shown.len());
    }

    #[test]
    fn only_temporary_faults_are_retried_and_no_single_call_waits_for_minutes() {
        use FaultKind::{Auth, Bug, Busy, Config, Conflict, Data, Quota, Schema, Transient};
        for kind in [Auth, Schema, Config, Data, Conflict, Bug] {
            assert_eq!(kind.policy(), Policy { call: None, mapping: None }, "{kind:?}");
        }
        assert!(Transient.policy().call.is_some() && Transient.policy().mapping.is_some());
        assert!(Busy.policy().call.is_none() && Busy.policy().mapping.unwrap().wait >= Duration::from_mins(1));
        assert!(Quota.policy().call.is_none() && Quota.policy().mapping.unwrap().wait >= Duration::from_mins(10));
    }
}
