//! The first packets of a connection: the server's greeting and the client's reply.

use std::io;

use sqlx::Error;

use super::answer::{ERR, Refusal};
use super::fields::{Fields, put_counted};
use crate::source::mysql::foreign::Foreign;

const CONNECT_WITH_DB: u32 = 1 << 3;
const PROTOCOL_41: u32 = 1 << 9;
const SSL: u32 = 1 << 11;
const TRANSACTIONS: u32 = 1 << 13;
const SECURE_CONNECTION: u32 = 1 << 15;
const PLUGIN_AUTH: u32 = 1 << 19;
const COUNTED_AUTH: u32 = 1 << 21;
const DEPRECATE_EOF: u32 = 1 << 24;

/// The capabilities that this client asks for. It does not ask for several statements in one, or for LOAD DATA LOCAL.
const WANTED: u32 = PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | PLUGIN_AUTH | COUNTED_AUTH | DEPRECATE_EOF;

/// utf8mb4_general_ci, which every server has; messages are written in it until the session is set up.
const CHARACTERS: u8 = 45;

/// The same limit that MySQL's own clients announce: rows of any size.
const LARGEST: u32 = 1 << 30;

/// The server's first packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    capabilities: u32,
    /// The bytes that passwords are scrambled with.
    pub nonce: Vec<u8>,
    /// The plugin by which most of the server's accounts log in.
    pub plugin: String,
}

impl Greeting {
    /// # Errors
    /// A refusal in its place, or bytes that are not a greeting of MySQL.
    pub fn read(packet: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::of(packet);
        match fields.u8()? {
            10 => {}
            ERR => return Err(Refusal::read(packet)?.into()),
            _ => return Err(io::Error::from(Foreign::OtherVersion).into()),
        }
        let _version = fields.until_zero();
        let _thread = fields.u32()?;
        let mut nonce = fields.take(8)?.to_vec();
        fields.u8()?;
        let low = fields.u16()?;
        let (_characters, _status) = (fields.u8()?, fields.u16()?);
        let capabilities = u32::from(fields.u16()?) << 16 | u32::from(low);
        let length = usize::from(fields.u8()?);
        fields.take(10)?;
        if capabilities & PROTOCOL_41 == 0 || capabilities & SECURE_CONNECTION == 0 {
            return Err(io::Error::from(Foreign::TooOld).into());
        }
        nonce.extend(fields.take(length.saturating_sub(9).max(12))?);
        if !fields.rest().is_empty() {
            fields.u8()?;
        }
        let plugin = match capabilities & PLUGIN_AUTH {
            0 => "mysql_native_password".to_owned(),
            _ => String::from_utf8_lossy(fields.until_zero()).into_owned(),
        };
        Ok(Self { capabilities, nonce, plugin })
    }

    pub const fn offers_tls(&self) -> bool {
        self.capabilities & SSL != 0
    }

    pub const fn deprecates_eof(&self) -> bool {
        self.capabilities & DEPRECATE_EOF != 0
    }

    /// The beginning of a login, which asks for TLS next.
    pub fn ask_for_tls(&self, database: &str) -> Vec<u8> {
        self.begin(database, true)
    }

    /// The login packet, with the answer of the greeting's plugin.
    pub fn log_in(&self, user: &str, database: &str, over_tls: bool, answer: &[u8]) -> Vec<u8> {
        let mut packet = self.begin(database, over_tls);
        packet.extend(user.as_bytes());
        packet.push(0);
        if self.capabilities & COUNTED_AUTH == 0 {
            // A scramble has 32 bytes at most; a longer answer is cut off, and the server refuses it.
            let short = &answer[..answer.len().min(0xfa)];
            put_counted(&mut packet, short);
        } else {
            put_counted(&mut packet, answer);
        }
        for text in [database, self.plugin.as_str()].into_iter().filter(|text| !text.is_empty()) {
            packet.extend(text.as_bytes());
            packet.push(0);
        }
        packet
    }

    fn begin(&self, database: &str, over_tls: bool) -> Vec<u8> {
        let mut wanted = WANTED;
        if over_tls {
            wanted |= SSL;
        }
        if !database.is_empty() {
            wanted |= CONNECT_WITH_DB;
        }
        let mut packet = (wanted & self.capabilities).to_le_bytes().to_vec();
        packet.extend(LARGEST.to_le_bytes());
        packet.push(CHARACTERS);
        packet.extend([0; 23]);
        packet
    }
}
