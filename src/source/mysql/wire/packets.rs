//! Packets out of the stream's bytes, in one buffer that is used again and again.
//!
//! A packet has a header of four bytes: three of length, one of sequence. One of 16 MiB less one goes on in the next. The
//! buffer grows with what has arrived, never with what a header claims.

use std::io::{self, ErrorKind};
use std::ops::Range;

use sqlx::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::fields::malformed;

const HEADER: usize = 4;

/// The length of a packet that goes on in the next.
const GOES_ON: usize = 0xff_ffff;

/// Servers take and send no more than this in one (`max_allowed_packet`); the headers of its parts included.
const MOST: usize = 1 << 30;

/// Room for what one read brings: some hundred rows, and what a processor's cache holds.
const ROOM: usize = 128 * 1024;

/// A buffer that a large row has made larger than this is given back.
const LARGE: usize = 4 * 1024 * 1024;

/// What has arrived and is not yet done with.
#[derive(Debug)]
pub struct Incoming {
    bytes: Vec<u8>,
    /// Where the next packet's header begins.
    next: usize,
    /// The packet that was taken last.
    taken: Range<usize>,
    /// A packet that is needed longer.
    kept: Range<usize>,
    /// The next packet's number, in whichever direction it goes.
    sequence: u8,
}

impl Incoming {
    pub fn new() -> Self {
        Self { bytes: Vec::with_capacity(ROOM), next: 0, taken: 0..0, kept: 0..0, sequence: 0 }
    }

    /// Takes the next packet, if it has arrived as a whole.
    ///
    /// # Errors
    /// A packet out of order, and one that is larger than any server sends.
    pub fn take(&mut self) -> Result<Option<&[u8]>, Error> {
        let Some((end, sequence)) = self.end()? else { return Ok(None) };
        self.sequence = sequence;
        let first = self.next + HEADER;
        // Most packets are one.
        let joined = if end - first < GOES_ON { end } else { self.join(end) };
        self.taken = first..joined;
        self.next = end;
        Ok(Some(&self.bytes[first..joined]))
    }

    /// Has the next packet arrived as a whole?
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn has_packet(&self) -> Result<bool, Error> {
        Ok(self.end()?.is_some())
    }

    /// Where the next packet ends, all its parts included, and the number of the one after it.
    fn end(&self) -> Result<Option<(usize, u8)>, Error> {
        let (mut at, mut sequence) = (self.next, self.sequence);
        loop {
            if at - self.next > MOST {
                return Err(malformed("a packet is larger than 1 GiB"));
            }
            let Some(&[a, b, c, number]) = self.bytes.get(at..).and_then(<[u8]>::first_chunk::<HEADER>) else {
                return Ok(None);
            };
            // A server that ends the connection says so at any time, by a number that nobody waits for.
            if number != sequence && self.bytes.get(at + HEADER).is_some_and(|&byte| byte != 0xff) {
                return Err(malformed("packets are out of order"));
            }
            let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
            at += HEADER + length;
            if self.bytes.len() < at {
                return Ok(None);
            }
            sequence = sequence.wrapping_add(1);
            if length < GOES_ON {
                return Ok(Some((at, sequence)));
            }
        }
    }

    /// Takes the headers out of a packet of several parts; gives its end.
    fn join(&mut self, end: usize) -> usize {
        let mut joined = self.next + HEADER + GOES_ON;
        let mut header = joined;
        while header < end {
            let part = header + HEADER;
            let to = end.min(part + GOES_ON);
            self.bytes.copy_within(part..to, joined);
            joined += to - part;
            header = to;
        }
        joined
    }

    /// The packet that was taken last stays, until another is kept or none.
    pub fn keep(&mut self) {
        self.kept = self.taken.clone();
    }

    pub fn keep_none(&mut self) {
        self.kept = 0..0;
    }

    pub fn kept(&self) -> &[u8] {
        self.bytes.get(self.kept.clone()).unwrap_or_default()
    }

    /// Has something come that nobody has taken?
    pub const fn is_empty(&self) -> bool {
        self.next == self.bytes.len()
    }

    /// Waits for more bytes.
    ///
    /// # Errors
    /// `UnexpectedEof` where the other side has hung up.
    pub async fn more(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        self.make_room();
        match from.read_buf(&mut self.bytes).await? {
            0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server has closed the connection")),
            _ => Ok(()),
        }
    }

    /// The memory that is held.
    #[cfg(test)]
    pub const fn room(&self) -> usize {
        self.bytes.capacity()
    }

    fn make_room(&mut self) {
        let done = if self.kept.is_empty() { self.next } else { self.kept.start };
        if done > 0 {
            self.bytes.copy_within(done.., 0);
            self.bytes.truncate(self.bytes.len() - done);
            self.next -= done;
            self.taken = 0..0;
            self.kept = if self.kept.is_empty() { 0..0 } else { 0..self.kept.end - done };
        }
        if self.bytes.capacity() > LARGE && self.bytes.len() < ROOM {
            self.bytes.shrink_to(ROOM);
        }
        // Twice what is there: a large packet is not moved for each piece of it that comes.
        if self.bytes.capacity() - self.bytes.len() < ROOM / 2 {
            self.bytes.reserve(ROOM.max(self.bytes.len()));
        }
    }

    /// A command begins: its packet has number 0.
    pub const fn begin(&mut self) {
        self.sequence = 0;
    }

    /// Puts a packet behind others that go out, in parts where it is large.
    pub fn put(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let mut rest = payload;
        loop {
            let (part, more) = rest.split_at(rest.len().min(GOES_ON));
            let length = part.len().to_le_bytes();
            out.extend([length[0], length[1], length[2], self.sequence]);
            out.extend(part);
            self.sequence = self.sequence.wrapping_add(1);
            if part.len() < GOES_ON {
                return;
            }
            rest = more;
        }
    }
}
