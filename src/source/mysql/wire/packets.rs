//! Cuts packets out of the stream's bytes, in one buffer that is reused.
//!
//! A packet has a header of four bytes: three for the length, one for the sequence number. A packet of 16 MiB minus one
//! byte continues in the next one. The buffer grows with the bytes that have arrived, never by a length that a header
//! claims.

use std::io::{self, ErrorKind};
use std::ops::Range;

use sqlx::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::fields::malformed;

const HEADER: usize = 4;

/// The length of a packet that continues in the next one.
const GOES_ON: usize = 0xff_ffff;

/// Servers accept and send no more than this in one packet (`max_allowed_packet`), including the headers of its parts.
const MOST: usize = 1 << 30;

/// Room for one read: some hundred rows, and small enough for a processor's cache.
const ROOM: usize = 128 * 1024;

/// A buffer that a large row has grown beyond this size is freed.
const LARGE: usize = 4 * 1024 * 1024;

/// Bytes that have arrived and are still needed.
#[derive(Debug)]
pub struct Incoming {
    bytes: Vec<u8>,
    /// Where the next packet's header begins.
    next: usize,
    /// The packet that was taken last.
    taken: Range<usize>,
    /// A packet that is needed until another one is kept.
    kept: Range<usize>,
    /// The next packet's sequence number, in either direction.
    sequence: u8,
}

impl Incoming {
    pub fn new() -> Self {
        Self { bytes: Vec::with_capacity(ROOM), next: 0, taken: 0..0, kept: 0..0, sequence: 0 }
    }

    /// Takes the next packet, if it has arrived completely.
    ///
    /// # Errors
    /// A packet out of sequence, or larger than any server sends.
    pub fn take(&mut self) -> Result<Option<&[u8]>, Error> {
        let Some((end, sequence)) = self.end()? else { return Ok(None) };
        self.sequence = sequence;
        let first = self.next + HEADER;
        // Most packets have one part.
        let joined = if end - first < GOES_ON { end } else { self.join(end) };
        self.taken = first..joined;
        self.next = end;
        Ok(Some(&self.bytes[first..joined]))
    }

    /// Whether the next packet has arrived completely.
    ///
    /// # Errors
    /// The errors of [`Self::take`].
    pub fn has_packet(&self) -> Result<bool, Error> {
        Ok(self.end()?.is_some())
    }

    /// The end of the next packet, including all its parts, and the sequence number of the packet after it.
    fn end(&self) -> Result<Option<(usize, u8)>, Error> {
        let (mut at, mut sequence) = (self.next, self.sequence);
        loop {
            if at - self.next > MOST {
                return Err(malformed("a packet is larger than 1 GiB"));
            }
            let Some(&[a, b, c, number]) = self.bytes.get(at..).and_then(<[u8]>::first_chunk::<HEADER>) else {
                return Ok(None);
            };
            // A server that ends the connection sends an error at any time, with a sequence number that does not fit.
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

    /// Removes the headers inside a packet of several parts; returns its end.
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

    /// Keeps the packet that was taken last, until this is called again.
    pub fn keep(&mut self) {
        self.kept = self.taken.clone();
    }

    pub fn keep_none(&mut self) {
        self.kept = 0..0;
    }

    pub fn kept(&self) -> &[u8] {
        self.bytes.get(self.kept.clone()).unwrap_or_default()
    }

    /// Whether no bytes are left that nobody has taken.
    pub const fn is_empty(&self) -> bool {
        self.next == self.bytes.len()
    }

    /// Waits for more bytes.
    ///
    /// # Errors
    /// `UnexpectedEof` if the other side has closed the connection.
    pub async fn more(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        self.make_room();
        match from.read_buf(&mut self.bytes).await? {
            0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server has closed the connection")),
            _ => Ok(()),
        }
    }

    /// The size of the buffer.
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
        // Twice the present bytes: a large packet is not moved for each piece of it that arrives.
        if self.bytes.capacity() - self.bytes.len() < ROOM / 2 {
            self.bytes.reserve(ROOM.max(self.bytes.len()));
        }
    }

    /// Starts a command: its first packet has the number 0.
    pub const fn begin(&mut self) {
        self.sequence = 0;
    }

    /// Appends a packet to `out`, in several parts if it is large.
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
