//! A connection for table rows: it sends statements, and keeps rows in its buffer until the next one is asked for.
//!
//! sqlx makes a boxed row, a list of ranges and a stream item for each row, which was a quarter of this program's work.
//! All other queries use sqlx.

use sqlx::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::answer::{END, LOCAL_FILE, OK, done, ended, heard, no_row, wants_a_file};
use super::cells::Cells as _;
use super::column::{Column, Width};
use super::fields::{Fields, malformed, put_counted};
use super::packets::Incoming;
use super::row::{Place, Row, cut};
use crate::source::mysql::sql::{Bind, Query};

const QUIT: u8 = 0x01;
const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;
const CLOSE: u8 = 0x19;

/// A stream that can be read and written.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Duplex for T {}

/// A prepared statement at the server.
struct Statement {
    sql: String,
    number: u32,
    slots: u16,
}

/// A connection that is logged in. If one of its futures was dropped half-way, it is never used again.
pub struct Connection {
    stream: Box<dyn Duplex>,
    incoming: Incoming,
    deprecates_eof: bool,
    statement: Option<Statement>,
    columns: Vec<Column>,
    widths: Vec<Width>,
    /// The cells of the row that was taken last.
    places: Vec<Place>,
    rows_follow: bool,
}

impl Connection {
    pub fn new(stream: Box<dyn Duplex>, incoming: Incoming, deprecates_eof: bool) -> Self {
        Self {
            stream,
            incoming,
            deprecates_eof,
            statement: None,
            columns: Vec::new(),
            widths: Vec::new(),
            places: Vec::new(),
            rows_follow: false,
        }
    }

    /// Runs a statement that has no rows.
    ///
    /// # Errors
    /// The server's error, or that of the connection.
    pub async fn run(&mut self, sql: &str) -> Result<(), Error> {
        self.send(&[&[QUERY], sql.as_bytes()].concat()).await?;
        done(self.packet().await?)
    }

    /// Sends a query; its rows follow.
    ///
    /// # Errors
    /// The errors of [`Self::run`].
    pub async fn ask(&mut self, query: &Query) -> Result<(), Error> {
        if self.rows_follow {
            return Err(malformed("rows of the statement before have not been read"));
        }
        self.incoming.keep_none();
        self.prepare(&query.sql).await?;
        let Some(Statement { number, slots, .. }) = &self.statement else {
            return Err(malformed("a statement was not prepared"));
        };
        if usize::from(*slots) != query.binds.len() {
            return Err(malformed("a statement has another number of placeholders than values"));
        }
        let packet = execution(*number, &query.binds);
        self.send(&packet).await?;
        let first = self.packet().await?;
        let count = match first.first() {
            Some(&OK) => return Err(malformed("a query is answered as if it had no rows")),
            Some(&LOCAL_FILE) => return Err(wants_a_file()),
            _ => Fields::of(first).number()?,
        };
        self.columns.clear();
        for _ in 0..count {
            let column = Column::read(self.packet().await?)?;
            self.columns.push(column);
        }
        self.widths.clear();
        self.widths.extend(self.columns.iter().map(|column| column.width));
        if !self.deprecates_eof {
            let packet = self.packet().await?;
            ended(packet, false)?;
        }
        self.rows_follow = true;
        Ok(())
    }

    /// The columns of the rows that follow.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Takes the next row: whether there is one, or `None` if it has not arrived completely. [`Self::row`] is then that
    /// row, or still the last one.
    ///
    /// # Errors
    /// The errors of [`Self::run`].
    pub fn advance(&mut self) -> Result<Option<bool>, Error> {
        if !self.rows_follow {
            return Ok(Some(false));
        }
        let Some(packet) = self.incoming.take()? else { return Ok(None) };
        match packet.first() {
            Some(&OK) => {
                cut(packet, &self.widths, &mut self.places)?;
                self.incoming.keep();
                Ok(Some(true))
            }
            Some(&END) => {
                ended(packet, self.deprecates_eof)?;
                self.rows_follow = false;
                Ok(Some(false))
            }
            _ => Err(no_row(packet)),
        }
    }

    /// The row that was taken last.
    pub fn row(&self) -> Row<'_> {
        Row::new(self.incoming.kept(), &self.places)
    }

    /// Waits for more of the rows. May be dropped and called again.
    ///
    /// # Errors
    /// The errors of [`Self::run`].
    pub async fn more(&mut self) -> Result<(), Error> {
        Ok(self.incoming.more(&mut self.stream).await?)
    }

    /// The size of the buffer.
    #[cfg(test)]
    pub const fn room(&self) -> usize {
        self.incoming.room()
    }

    /// All rows of a short query.
    ///
    /// # Errors
    /// The errors of [`Self::run`].
    pub async fn all(&mut self, query: &Query) -> Result<Vec<Vec<Option<Vec<u8>>>>, Error> {
        self.ask(query).await?;
        let mut rows = Vec::new();
        loop {
            match self.advance()? {
                None => self.more().await?,
                Some(false) => return Ok(rows),
                Some(true) => {
                    let row = self.row();
                    rows.push((0..self.columns.len()).map(|index| row.cell(index).map(<[u8]>::to_vec)).collect());
                }
            }
        }
    }

    /// Says goodbye.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn close(mut self) -> Result<(), Error> {
        self.send(&[QUIT]).await?;
        Ok(self.stream.shutdown().await?)
    }

    /// Prepares a statement, unless it is the one prepared last, as from page to page.
    async fn prepare(&mut self, sql: &str) -> Result<(), Error> {
        if self.statement.as_ref().is_some_and(|statement| statement.sql == sql) {
            return Ok(());
        }
        if let Some(before) = self.statement.take() {
            // The server sends no answer to this.
            self.send(&[&[CLOSE][..], &before.number.to_le_bytes()].concat()).await?;
        }
        self.send(&[&[PREPARE], sql.as_bytes()].concat()).await?;
        let mut fields = Fields::of(self.packet().await?);
        if fields.u8()? != OK {
            return Err(malformed("a statement was neither prepared nor refused"));
        }
        let (number, columns, slots) = (fields.u32()?, fields.u16()?, fields.u16()?);
        // The definitions come again with the rows.
        for count in [slots, columns].into_iter().filter(|&count| count > 0) {
            for _ in 0..u32::from(count) + u32::from(!self.deprecates_eof) {
                self.packet().await?;
            }
        }
        self.statement = Some(Statement { sql: sql.to_owned(), number, slots });
        Ok(())
    }

    async fn send(&mut self, payload: &[u8]) -> Result<(), Error> {
        let mut out = Vec::with_capacity(payload.len() + 4);
        self.incoming.begin();
        self.incoming.put(payload, &mut out);
        self.stream.write_all(&out).await?;
        Ok(self.stream.flush().await?)
    }

    async fn packet(&mut self) -> Result<&[u8], Error> {
        next(&mut self.stream, &mut self.incoming).await
    }
}

/// Waits for the next packet.
///
/// # Errors
/// The error in the packet, if it reports one.
pub async fn next<'a>(stream: &mut Box<dyn Duplex>, incoming: &'a mut Incoming) -> Result<&'a [u8], Error> {
    while !incoming.has_packet()? {
        incoming.more(stream).await?;
    }
    heard(incoming.take()?.unwrap_or_default())
}

/// The packet that executes a statement with these values.
fn execution(number: u32, binds: &[Bind]) -> Vec<u8> {
    let mut packet = vec![EXECUTE];
    packet.extend(number.to_le_bytes());
    // Flags (no cursor) and the iteration count, which is 1.
    packet.extend([0, 1, 0, 0, 0]);
    if binds.is_empty() {
        return packet;
    }
    // No value is NULL; their types follow.
    packet.extend(std::iter::repeat_n(0, binds.len().div_ceil(8)));
    packet.push(1);
    for bind in binds {
        packet.extend(match bind {
            Bind::Int(_) => [0x08, 0],
            Bind::UInt(_) => [0x08, 0x80],
            Bind::Text(_) => [0xfd, 0],
            Bind::Bytes(_) => [0xfc, 0],
        });
    }
    for bind in binds {
        match bind {
            Bind::Int(value) => packet.extend(value.to_le_bytes()),
            Bind::UInt(value) => packet.extend(value.to_le_bytes()),
            Bind::Text(value) => put_counted(&mut packet, value.as_bytes()),
            Bind::Bytes(value) => put_counted(&mut packet, value),
        }
    }
    packet
}
