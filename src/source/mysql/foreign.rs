//! What answers is not MySQL: an SSH or web server on that port, or a proxy that cuts packets short.
//!
//! sqlx reads the fields of most packets without asking whether they are there, and panics where a packet ends early.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use sqlx::Error;

use crate::panics::{Panicked, caught};

/// The next step where something else than MySQL answers.
const PORT: &str = "check MYSQL_HOST and MYSQL_PORT: is it the right port? Something else may listen there, or a proxy may \
                    answer in MySQL's place";

const UPGRADE: &str = "bqsync cannot log in at a server that old: upgrade it, or see with MYSQL_HOST and MYSQL_PORT that a newer \
                       one answers; a proxy in between may be what is old";

/// The error of a server that does not speak MySQL's protocol, or not the one that is spoken here.
#[derive(Debug)]
pub enum Foreign {
    /// An SSH or web server, or a proxy that cuts packets short.
    Unlike,
    /// MySQL's other protocols greet in a similar way: that of port 33060, and those before version 10.
    OtherVersion,
    TooOld,
    /// An answer at which sqlx panicked.
    Unread(Panicked),
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unlike | Self::Unread(_) => "it did not answer as MySQL does",
            Self::OtherVersion => "it did not answer as MySQL does: it speaks another protocol than version 10",
            Self::TooOld => "the server is older than MySQL 4.1",
        })
    }
}

impl StdError for Foreign {}

/// The error of an answer at which sqlx panicked, although the server had answered as MySQL does before.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sqlx panicked at MySQL's answer; the log names the place in its source")
    }
}

impl StdError for Broken {}

pub fn error() -> io::Error {
    Foreign::Unlike.into()
}

impl From<Foreign> for io::Error {
    fn from(foreign: Foreign) -> Self {
        Self::new(io::ErrorKind::InvalidData, foreign)
    }
}

/// The error for a greeting that did not come. A proxy whose server is away accepts a connection, and ends it at once.
pub fn left(error: io::Error) -> io::Error {
    match error.kind() {
        // Of this kind `unreached.rs` keeps the words that are not the system's.
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(io::ErrorKind::ConnectionAborted, "it ended the connection before its greeting")
        }
        _ => error,
    }
}

fn foreign(error: &io::Error) -> Option<&Foreign> {
    error.get_ref()?.downcast_ref()
}

/// Tells if the server does not speak MySQL's protocol.
pub fn is_foreign(error: &io::Error) -> bool {
    foreign(error).is_some()
}

/// The next step after such an error.
pub fn hint(error: &io::Error) -> &'static str {
    if matches!(foreign(error), Some(Foreign::TooOld)) { UPGRADE } else { PORT }
}

/// The answer of sqlx, whose panics become errors. The connection must not be used after an error.
pub async fn heard<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    caught(answer).await.unwrap_or_else(|panicked| Err(io::Error::from(Foreign::Unread(panicked)).into()))
}

/// The error of [`heard`] on a connection that is set up: its server speaks MySQL's protocol, so the panic is a bug. Its
/// place is logged, because nobody else has it.
pub fn after_set_up(error: Error) -> Error {
    let Error::Io(io) = &error else { return error };
    let Some(Foreign::Unread(Panicked { place })) = foreign(io) else { return error };
    tracing::warn!(place = place.as_deref(), "sqlx panicked while it read an answer of MySQL");
    io::Error::other(Broken).into()
}

/// Tells if [`after_set_up`] made the error.
pub fn is_bug(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<Broken>)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::FaultKind;
    use crate::source::mysql::fault::from_sqlx;

    async fn panicked() -> Error {
        let short = async {
            let packet = bytes::Bytes::from_static(b"\x03def");
            Ok(packet.slice(9..).len())
        };
        heard(short).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_panic_of_sqlx_is_reported_as_a_server_that_is_not_mysql() {
        let Error::Io(io) = panicked().await else { panic!("another error") };
        assert!(is_foreign(&io) && !io.to_string().contains("slice"), "{io}");
    }

    #[tokio::test]
    async fn a_panic_of_sqlx_on_a_connection_that_is_set_up_is_a_bug() {
        let fault = from_sqlx(after_set_up(panicked().await), "Reading columns failed");
        assert_eq!(fault.kind(), FaultKind::Bug);
        assert!(!fault.hint().contains("MYSQL_PORT") && !fault.to_string().contains("slice"), "{fault}");
        // Other errors stay what they are.
        assert!(matches!(after_set_up(Error::RowNotFound), Error::RowNotFound));
        assert_eq!(from_sqlx(after_set_up(error().into()), "x").kind(), FaultKind::Config);
    }

    #[test]
    fn a_connection_that_ends_before_the_greeting_is_described_in_these_words() {
        let ended = left(io::Error::new(io::ErrorKind::UnexpectedEof, "early eof"));
        let fault = from_sqlx(ended.into(), "Connecting failed");
        assert_eq!(fault.kind(), FaultKind::Transient);
        assert_eq!(fault.to_string(), "Connecting failed: it ended the connection before its greeting");
    }
}
