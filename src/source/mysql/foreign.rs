//! What answers is not MySQL: an SSH or web server on that port, or a proxy that cuts packets short.
//!
//! sqlx reads the fields of most packets without asking whether they are there, and panics where a packet ends early.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use sqlx::Error;

use crate::panics::caught;

/// The next step.
pub const HINT: &str = "check MYSQL_HOST and MYSQL_PORT: is it the right port? Something else may listen there, or a proxy may \
                        answer in MySQL's place";

/// The error of a server that does not speak MySQL's protocol.
#[derive(Debug)]
struct Foreign;

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it did not answer as MySQL does")
    }
}

impl StdError for Foreign {}

pub fn error() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Foreign)
}

/// Tells if the error was made here.
pub fn is_foreign(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<Foreign>)
}

/// The answer of sqlx, whose panics become errors. The connection must not be used after an error.
pub async fn heard<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    caught(answer).await.unwrap_or_else(|| Err(error().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_sqlx_is_reported_as_a_server_that_is_not_mysql() {
        let short = async {
            let packet = bytes::Bytes::from_static(b"\x03def");
            Ok(packet.slice(9..).len())
        };
        let Err(Error::Io(io)) = heard(short).await else { panic!("no error") };
        assert!(is_foreign(&io) && !io.to_string().contains("slice"), "{io}");
    }
}
