//! The server's answers other than rows: done, refused, end of rows.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use sqlx::Error;
use sqlx::error::{DatabaseError, ErrorKind};

use super::fields::{Fields, malformed};

pub const OK: u8 = 0x00;
pub const ERR: u8 = 0xff;

/// The end of rows, in an EOF or an OK packet; during a login, the request to switch to another plugin.
pub const END: u8 = 0xfe;

/// The server asks for a file of this machine.
pub const LOCAL_FILE: u8 = 0xfb;

/// Status flag: another result follows.
const MORE_RESULTS: u16 = 0x0008;

/// Status flag: the rows wait in a cursor, which no statement of ours asks for.
const CURSOR: u16 = 0x0040;

/// The server's error, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub number: u16,
    pub state: String,
    pub message: String,
}

impl Refusal {
    /// Reads a packet that begins with [`ERR`].
    ///
    /// # Errors
    /// The packet is not an error packet.
    pub fn read(packet: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::of(packet);
        if fields.u8()? != ERR {
            return Err(malformed("what should be an error is none"));
        }
        let number = fields.u16()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // An error before the login has no state.
        let (state, message) = match fields.rest() {
            [b'#', rest @ ..] if rest.len() >= 5 => (text(&rest[..5]), text(&rest[5..])),
            rest => (String::new(), text(rest)),
        };
        Ok(Self { number, state, message })
    }

    fn has_state(&self) -> bool {
        self.state.len() == 5 && self.state.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }
}

/// The same format as sqlx's.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, state, message } = self;
        if state.is_empty() { write!(f, "{number}: {message}") } else { write!(f, "{number} ({state}): {message}") }
    }
}

impl StdError for Refusal {}

impl DatabaseError for Refusal {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.state))
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// The packet, unless it reports an error.
///
/// # Errors
/// The error in the packet.
pub fn heard(packet: &[u8]) -> Result<&[u8], Error> {
    match packet.first() {
        None => Err(malformed("a packet is empty")),
        Some(&ERR) => Err(Refusal::read(packet)?.into()),
        Some(_) => Ok(packet),
    }
}

/// The error for a packet that begins like an error where a row was expected. The server's errors have a state; without
/// one, the bytes are those of a row that was damaged on the way, and must not be shown.
pub fn no_row(packet: &[u8]) -> Error {
    match Refusal::read(packet) {
        Ok(refusal) if refusal.has_state() => refusal.into(),
        _ => malformed("a row is damaged"),
    }
}

/// Checks that the packet ends a statement that has no rows.
///
/// # Errors
/// The server's error, or any other packet.
pub fn done(packet: &[u8]) -> Result<(), Error> {
    match heard(packet)?.first() {
        Some(&OK) => {
            let mut fields = Fields::of(&packet[1..]);
            let (_rows, _id) = (fields.number()?, fields.number()?);
            no_more(fields.u16()?)
        }
        Some(&LOCAL_FILE) => Err(wants_a_file()),
        _ => Err(malformed("rows arrive that were not asked for")),
    }
}

/// Checks that the packet ends the rows.
///
/// # Errors
/// The packet says that more follows, or is malformed.
pub fn ended(packet: &[u8], deprecates_eof: bool) -> Result<(), Error> {
    let mut fields = Fields::of(packet);
    let _header = fields.u8()?;
    if deprecates_eof {
        let (_rows, _id, status, _warnings) = (fields.number()?, fields.number()?, fields.u16()?, fields.u16()?);
        no_more(status)
    } else {
        let (_warnings, status) = (fields.u16()?, fields.u16()?);
        if fields.rest().is_empty() { no_more(status) } else { Err(malformed("the end of rows is too long")) }
    }
}

fn no_more(status: u16) -> Result<(), Error> {
    if status & (MORE_RESULTS | CURSOR) == 0 { Ok(()) } else { Err(malformed("more arrives than was asked for")) }
}

/// No statement of ours is LOAD DATA LOCAL, so a server that asks for a file cannot be trusted.
pub fn wants_a_file() -> Error {
    malformed("the server asks for a file of this machine (LOAD DATA LOCAL), which is refused")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_reported_in_the_servers_words_with_or_without_a_state() {
        let of = |packet: &[u8]| Refusal::read(packet).unwrap().to_string();
        assert_eq!(of(b"\xff\x19\x04#42000Unknown database 'x'"), "1049 (42000): Unknown database 'x'");
        assert_eq!(of(b"\xff\x10\x04Too many connections"), "1040: Too many connections");
        assert_eq!(of(b"\xff\x10\x04#4"), "1040: #4");
        assert!(Refusal::read(b"\xff\x10").is_err() && Refusal::read(b"\x00\x10\x04").is_err());
    }

    #[test]
    fn both_forms_of_the_end_of_rows_are_accepted_for_a_single_result() {
        assert!(ended(b"\xfe\x00\x00\x02\x00", false).is_ok());
        assert!(ended(b"\xfe\x00\x00\x02\x00\x00\x00", true).is_ok());
        assert!(ended(b"\xfe\x00\x00\x0a\x00", false).is_err(), "another result");
        assert!(ended(b"\xfe\x00\x00\x0a\x00\x00\x00", true).is_err(), "another result");
        assert!(ended(b"\xfe\x00", false).is_err() && ended(b"\xfe\x00\x00\x02", true).is_err());
        assert!(ended(b"\xfe\x00\x00\x02\x00", true).is_err(), "the other form, which was not agreed on");
        assert!(ended(b"\xfe\x00\x00\x02\x00\x00", false).is_err(), "too long");
        assert!(ended(b"\xfe\x00\x00\x42\x00", false).is_err(), "a cursor");
    }

    #[test]
    fn a_damaged_row_is_not_reported_as_a_server_error() {
        let killed = no_row(b"\xff\x25\x05#70100Query execution was interrupted").to_string();
        assert!(killed.contains("interrupted"), "{killed}");
        for row in [&b"\xff\x00\x00secret of a row"[..], b"\xff\x00\x00#sec\x00ret of a row", b"\xff"] {
            let told = no_row(row).to_string();
            assert!(!told.contains("ret of a row") && told.contains("a row is damaged"), "{told}");
        }
    }

    #[test]
    fn a_statement_without_rows_is_confirmed_and_no_file_is_sent() {
        assert!(done(b"\x00\x00\x00\x02\x00\x00\x00").is_ok());
        let said = done(b"\xfb/etc/passwd").unwrap_err().to_string();
        assert!(said.contains("LOAD DATA LOCAL") && !said.contains("passwd"), "{said}");
        for packet in [&b"\x01"[..], b"", b"\x00", b"\x00\x00\x00\x0a\x00", b"\xff\x10\x04x"] {
            assert!(done(packet).is_err(), "{packet:?}");
        }
    }
}
