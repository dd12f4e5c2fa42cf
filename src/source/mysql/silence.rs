//! A server that does not answer: finds out if it works on the statement, or if the connection to it is broken.
//!
//! A firewall that has forgotten a connection, a machine that is gone, a proxy that stalls: none of them reports
//! anything, and meanwhile a reader holds its snapshot and its lock on the table. So another connection asks the server
//! what the first one is doing.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// The longest wait for an answer. A first row (or a MAX without an index) may take as long as a full scan, but without
/// a limit a server about which nothing can be learnt would hold the run forever.
const LONGEST: Duration = Duration::from_mins(30);

/// The time limit for connecting and setting up a session. sqlx has none of its own; a firewall that drops packets
/// would hold a run forever.
pub const SET_UP: Duration = Duration::from_secs(10);

/// After this many looks that reach no server, the connection is given up. A server that restarts refuses connections
/// for a moment, and a network may be away until its routes are found.
const LOOKS_AT_NOBODY: u32 = 3;

/// The connection of a session.
pub struct Line {
    /// The connection's number at the server.
    pub number: u64,
    /// How long an answer may take until the server is asked.
    pub patience: Duration,
    pub watcher: Box<dyn Watches>,
}

/// Asks the server, through another connection, what a connection is doing.
pub trait Watches: Send + Sync {
    fn look(&self) -> BoxFuture<'_, Seen>;
}

/// What the server says about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    AtWork,
    /// It has something to send, or has sent everything.
    Done,
    Gone,
    /// Another server answers, or one without a free connection.
    Nothing,
    /// No server answers.
    Nobody,
}

/// Waits for an answer of the connection, or until it is known that none will come; then the connection is of no use. A
/// connection that is being set up has no line yet, and at most a login's time.
pub async fn listen<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
    line: Option<&Line>,
) -> Result<T, sqlx::Error> {
    let heard = match line {
        Some(line) => heard(answer, line.patience, || line.watcher.look()).await,
        None => tokio::time::timeout(SET_UP, answer).await.map_err(|_| "no answer within 10 s"),
    };
    heard.unwrap_or_else(|what| {
        let number = line.map(|line| line.number);
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, Broken { number, what })))
    })
}

/// The answer, or the reason why none will come.
async fn heard<T, L: Future<Output = Seen>>(
    answer: impl Future<Output = T>,
    patience: Duration,
    mut look: impl FnMut() -> L,
) -> Result<T, &'static str> {
    let mut answer = std::pin::pin!(answer);
    let mut was = Seen::Nothing;
    let mut looks_at_nobody = 0;
    let mut silent = Duration::ZERO;
    while silent < LONGEST {
        if let Ok(answer) = tokio::time::timeout(patience, &mut answer).await {
            return Ok(answer);
        }
        silent += patience;
        let seen = look().await;
        // An answer that came while the server was asked.
        if let Some(answer) = (&mut answer).now_or_never() {
            return Ok(answer);
        }
        looks_at_nobody = if seen == Seen::Nobody { looks_at_nobody + 1 } else { 0 };
        match (was, seen) {
            // The number was known before: a pooler in between may give numbers of its own.
            (Seen::AtWork | Seen::Done, Seen::Gone) => return Err("the server no longer has it"),
            // The server said so twice, and nothing arrived in between.
            (Seen::Done, Seen::Done) => return Err("the server has sent what it has, and nothing arrives"),
            (_, Seen::Nobody) if looks_at_nobody == LOOKS_AT_NOBODY => return Err("no server answers there"),
            _ => was = seen,
        }
    }
    Err("the server sent nothing for 30 minutes")
}

/// The error of a connection through which nothing comes any more.
#[derive(Debug)]
struct Broken {
    number: Option<u64>,
    what: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, what } = self;
        match number {
            Some(number) => write!(f, "the way to MySQL is broken (connection {number}: {what})"),
            None => f.write_str(what),
        }
    }
}

impl Error for Broken {}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// The result for an answer that takes `time`, when the looks show this; the last look repeats.
    async fn after(time: Duration, looks: &[Seen]) -> (Result<u8, &'static str>, Duration) {
        let mut looks = looks.iter().copied().peekable();
        let began = Instant::now();
        let answer = async {
            sleep(time).await;
            7
        };
        let mut seen = Seen::Nothing;
        let look = || {
            seen = looks.next().unwrap_or(seen);
            std::future::ready(seen)
        };
        (heard(answer, MINUTE, look).await, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_at_work_is_waited_for() {
        assert_eq!(after(29 * MINUTE, &[Seen::AtWork]).await.0, Ok(7));
        let (heard, elapsed) = after(31 * MINUTE, &[Seen::AtWork]).await;
        assert!(heard.is_err() && elapsed == LONGEST);
        assert_eq!(after(29 * MINUTE, &[Seen::Nothing, Seen::Gone]).await.0, Ok(7), "a pooler's number");
        assert_eq!(after(5 * MINUTE, &[Seen::AtWork, Seen::Done, Seen::AtWork, Seen::Done]).await.0, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_connection_is_noticed_within_minutes() {
        for (looks, minutes) in [
            (&[Seen::Done][..], 2),
            (&[Seen::AtWork, Seen::Gone], 2),
            (&[Seen::AtWork, Seen::AtWork, Seen::Done], 4),
            (&[Seen::Nobody], 3),
            (&[Seen::Nobody, Seen::Nobody, Seen::AtWork, Seen::Nobody], 6),
        ] {
            let (heard, elapsed) = after(LONGEST, looks).await;
            assert!(heard.is_err() && elapsed == minutes * MINUTE, "{looks:?}: {heard:?} after {elapsed:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_being_set_up_has_ten_seconds() {
        let began = Instant::now();
        let error = listen(std::future::pending::<Result<(), _>>(), None).await.unwrap_err();
        assert_eq!(began.elapsed(), SET_UP);
        let sqlx::Error::Io(io) = error else { panic!("{error}") };
        assert_eq!(io.to_string(), "no answer within 10 s");
    }
}
