//! Takes the fields of a packet one after the other. A missing field is an error, never a panic.

use sqlx::Error;

/// The rest of a packet.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub const fn of(packet: &'a [u8]) -> Self {
        Self(packet)
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    /// A length-encoded integer.
    pub fn number(&mut self) -> Result<u64, Error> {
        let (number, rest) = number(self.0).ok_or_else(short)?;
        self.0 = rest;
        Ok(number)
    }

    /// Bytes that are preceded by their count.
    pub fn counted(&mut self) -> Result<&'a [u8], Error> {
        let count = self.number()?;
        self.take(usize::try_from(count).map_err(|_| short())?)
    }

    /// Bytes up to a zero, which is removed too; without a zero, all of them.
    pub fn until_zero(&mut self) -> &'a [u8] {
        let mut parts = self.0.splitn(2, |&byte| byte == 0);
        let taken = parts.next().unwrap_or_default();
        self.0 = parts.next().unwrap_or_default();
        taken
    }

    pub const fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// A length-encoded integer and the bytes after it; `None` if the bytes end too early or do not begin with such an
/// integer.
pub fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let width = match first {
        0..=0xfa => return Some((u64::from(first), rest)),
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        0xfb | 0xff => return None,
    };
    let (digits, rest) = rest.split_at_checked(width)?;
    Some((digits.iter().rev().fold(0, |number, &digit| number << 8 | u64::from(digit)), rest))
}

/// Writes a count and the bytes.
pub fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    let count = bytes.len() as u64;
    let digits = count.to_le_bytes();
    match count {
        0..=0xfa => out.push(digits[0]),
        0xfb..=0xffff => out.extend([0xfc, digits[0], digits[1]]),
        0x1_0000..=0xff_ffff => out.extend([0xfd, digits[0], digits[1], digits[2]]),
        _ => {
            out.push(0xfe);
            out.extend(digits);
        }
    }
    out.extend(bytes);
}

/// The error for a packet that breaks the protocol: `fault.rs` treats it as a stream that was cut off.
pub fn malformed(what: &'static str) -> Error {
    Error::Protocol(what.to_owned())
}

fn short() -> Error {
    malformed("a packet ends before its fields do")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_width_are_read_back_and_never_read_beyond_the_packet() {
        for count in [0, 1, 0xfa, 0xfb, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000] {
            let bytes = vec![7; count];
            let mut packet = Vec::new();
            put_counted(&mut packet, &bytes);
            let mut fields = Fields::of(&packet);
            assert!(fields.counted().unwrap() == bytes && fields.rest().is_empty(), "{count}");
            assert!(Fields::of(&packet[..packet.len() - 1]).counted().is_err(), "{count}");
        }
        // The first bytes of NULL and of ERR begin no number, and the largest number exceeds any packet.
        assert!(number(&[0xfb]).is_none() && number(&[0xff, 1, 2]).is_none());
        assert!(Fields::of(&[0xfe, 255, 255, 255, 255, 255, 255, 255, 255, 1]).counted().is_err());
    }

    #[test]
    fn a_text_without_a_final_zero_ends_with_the_packet() {
        let mut fields = Fields::of(b"8.0\0caching");
        assert_eq!((fields.until_zero(), fields.until_zero(), fields.rest()), (&b"8.0"[..], &b"caching"[..], &b""[..]));
        assert_eq!(Fields::of(&[0xe8, 3, 1]).u16().unwrap(), 1000);
        assert!(Fields::of(&[1, 2, 3]).u32().is_err());
    }
}
