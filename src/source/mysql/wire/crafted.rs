//! Packets as servers send them, for tests.

use super::fields::put_counted;
use super::packets::Incoming;

/// The server's side of a conversation, packet by packet.
pub struct Said {
    pub bytes: Vec<u8>,
    framing: Incoming,
}

impl Said {
    /// The number of the first packet is `number`.
    pub fn from(number: u8) -> Self {
        let mut framing = Incoming::new();
        for _ in 0..number {
            framing.put(&[], &mut Vec::new());
        }
        Self { bytes: Vec::new(), framing }
    }

    pub fn then(mut self, packet: &[u8]) -> Self {
        self.framing.put(packet, &mut self.bytes);
        self
    }

    pub fn and(mut self, other: &Self) -> Self {
        self.bytes.extend(&other.bytes);
        self
    }
}

/// The packet that defines a column of that type.
pub fn definition(kind: u8, flags: u16, length: u32) -> Vec<u8> {
    let mut packet = Vec::new();
    for text in ["def", "shop", "t", "t", "c", "c"] {
        put_counted(&mut packet, text.as_bytes());
    }
    packet.extend([12, 45, 0]);
    packet.extend(length.to_le_bytes());
    packet.push(kind);
    packet.extend(flags.to_le_bytes());
    packet.extend([0, 0, 0]);
    packet
}

/// A row of texts.
pub fn row(cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut packet = vec![0; 1 + (cells.len() + 9) / 8];
    for (index, cell) in cells.iter().enumerate() {
        match cell {
            None => packet[1 + (index + 2) / 8] |= 1 << ((index + 2) % 8),
            Some(bytes) => put_counted(&mut packet, bytes),
        }
    }
    packet
}

/// The end of rows, in either of the two forms.
pub fn end(deprecates_eof: bool) -> &'static [u8] {
    if deprecates_eof { b"\xfe\x00\x00\x02\x00\x00\x00" } else { b"\xfe\x00\x00\x02\x00" }
}

/// The answers to a prepared query of text columns; its rows follow.
pub fn texts(columns: u16, deprecates_eof: bool) -> Said {
    let eof = |said: Said| if deprecates_eof { said } else { said.then(end(false)) };
    let defined = |said: Said| eof((0..columns).fold(said, |said, _| said.then(&definition(0xfd, 0, 80))));
    let [low, high] = columns.to_le_bytes();
    let prepared = defined(Said::from(1).then(&[0, 7, 0, 0, 0, low, high, 0, 0, 0, 0, 0]));
    let mut count = Vec::new();
    put_number(&mut count, columns);
    let executed = defined(Said::from(1).then(&count));
    Said { bytes: [prepared.bytes, executed.bytes].concat(), ..executed }
}

fn put_number(out: &mut Vec<u8>, number: u16) {
    if let Ok(short @ 0..=0xfa) = u8::try_from(number) {
        out.push(short);
    } else {
        out.push(0xfc);
        out.extend(number.to_le_bytes());
    }
}
