//! A server that does not answer: is it at work on the statement, or is the way to it broken?
//!
//! A firewall that has forgotten a connection, a machine that is gone, a proxy that stalls: none of them says a word, and a
//! reader holds its snapshot meanwhile, and its lock on the table. So the server is asked by another connection what has
//! become of the first.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// A first row (or a MAX without an index) may take a full scan's time, but a server of which nothing can be learnt would hold
/// the run for ever.
const LONGEST: Duration = Duration::from_mins(30);

/// sqlx has no limit of its own; a firewall that drops packets would hold a run for ever. Time enough to connect and to set a
/// session up.
pub const SET_UP: Duration = Duration::from_secs(10);

/// A server that starts anew refuses connections for a moment, and a network may be away for as long as its routes are found.
const LOOKS_AT_NOBODY: u32 = 3;

/// Where a session's connection leads.
pub struct Line {
    /// The connection's number at the server.
    pub number: u64,
    /// How long an answer may not come until the server is asked.
    pub patience: Duration,
    pub watcher: Box<dyn Watches>,
}

/// Asks the server by another connection what has become of one.
pub trait Watches: Send + Sync {
    fn look(&self) -> BoxFuture<'_, Seen>;
}

/// What the server says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    AtWork,
    /// It has something to send, or has sent all.
    Done,
    Gone,
    /// Another server answers, or one that has no connection to spare.
    Nothing,
    /// No server answers.
    Nobody,
}

/// Waits for an answer of the connection, or until it is known that none will come: the connection is of no use then. One
/// that is being set up has no line yet, and no more than a login's time.
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

/// The answer, or why none will come.
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
        // What came while the server was asked.
        if let Some(answer) = (&mut answer).now_or_never() {
            return Ok(answer);
        }
        looks_at_nobody = if seen == Seen::Nobody { looks_at_nobody + 1 } else { 0 };
        match (was, seen) {
            // Known by its number before: a pooler in between may give numbers of its own.
            (Seen::AtWork | Seen::Done, Seen::Gone) => return Err("the server no longer has it"),
            // Twice, and nothing has come through in between.
            (Seen::Done, Seen::Done) => return Err("the server has sent what it has, and nothing arrives"),
            (_, Seen::Nobody) if looks_at_nobody == LOOKS_AT_NOBODY => return Err("no server answers there"),
            _ => was = seen,
        }
    }
    Err("the server sent nothing for 30 minutes")
}

/// Nothing comes by this connection any more.
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

/// Was it found here that nothing comes any more?
pub fn is_broken(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<Broken>)
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// What is heard of an answer that takes so long, where the looks show this, the last again and again.
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
    async fn a_server_that_is_at_work_is_waited_for() {
        assert_eq!(after(29 * MINUTE, &[Seen::AtWork]).await.0, Ok(7));
        let (heard, elapsed) = after(31 * MINUTE, &[Seen::AtWork]).await;
        assert!(heard.is_err() && elapsed == LONGEST);
        assert_eq!(after(29 * MINUTE, &[Seen::Nothing, Seen::Gone]).await.0, Ok(7), "a pooler's number");
        assert_eq!(after(5 * MINUTE, &[Seen::AtWork, Seen::Done, Seen::AtWork, Seen::Done]).await.0, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_way_that_is_broken_is_found_within_minutes() {
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
        assert!(is_broken(&io) && io.to_string() == "no answer within 10 s", "{io}");
    }
}
