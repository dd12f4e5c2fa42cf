//! Cuts the encoder's output into the chunks of an upload.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

/// A multiple of 256 KiB, as the protocol asks; 8 MiB keeps a fast line busy.
pub const CHUNK: usize = 8 * 1024 * 1024;

/// A stretch of the file; only the last may have any length.
#[derive(Debug)]
pub struct Chunk {
    pub bytes: Bytes,
    pub is_last: bool,
}

/// Collects bytes and hands them over in chunks; blocks while the upload is behind.
#[derive(Debug)]
pub struct ChunkWriter {
    buffer: BytesMut,
    chunks: mpsc::Sender<Chunk>,
}

impl ChunkWriter {
    pub fn new(chunks: mpsc::Sender<Chunk>) -> Self {
        Self { buffer: BytesMut::new(), chunks }
    }

    /// Sends the remaining bytes as the last chunk, which makes the file complete.
    pub fn finish(self) -> io::Result<()> {
        send(&self.chunks, self.buffer.freeze(), true)
    }
}

fn send(chunks: &mpsc::Sender<Chunk>, bytes: Bytes, is_last: bool) -> io::Result<()> {
    chunks.blocking_send(Chunk { bytes, is_last }).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
}

impl io::Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk goes out only when more bytes come, so that the last chunk is never empty. Each chunk gets its
        // own memory: a buffer that grows with the encoder's bursts would be held whole by every chunk on its way.
        if self.buffer.len() == CHUNK {
            let full = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(CHUNK));
            send(&self.chunks, full.freeze(), false)?;
        }
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn cut(length: usize) -> Vec<(usize, bool)> {
        let (sender, mut receiver) = mpsc::channel(8);
        let mut writer = ChunkWriter::new(sender);
        writer.write_all(&vec![7; length]).unwrap();
        writer.finish().unwrap();
        std::iter::from_fn(|| receiver.blocking_recv()).map(|c| (c.bytes.len(), c.is_last)).collect()
    }

    #[test]
    fn every_chunk_but_the_last_is_full_and_the_last_is_never_empty() {
        assert_eq!(cut(10), [(10, true)]);
        assert_eq!(cut(CHUNK), [(CHUNK, true)]);
        assert_eq!(cut(2 * CHUNK + 1), [(CHUNK, false), (CHUNK, false), (1, true)]);
    }
}
