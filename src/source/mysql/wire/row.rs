//! A row of the binary protocol, cut into cells without being copied.

use sqlx::Error;

use super::cells::Cells;
use super::column::Width;
use super::fields::{malformed, number};

/// The place of a cell in its packet.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    from: u32,
    /// [`NULL`] if the cell has no bytes.
    to: u32,
}

const NULL: u32 = u32::MAX;

/// A row that still lies in the buffer.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    packet: &'a [u8],
    places: &'a [Place],
}

impl<'a> Row<'a> {
    pub const fn new(packet: &'a [u8], places: &'a [Place]) -> Self {
        Self { packet, places }
    }
}

impl Cells for Row<'_> {
    fn cell(&self, index: usize) -> Option<&[u8]> {
        let Place { from, to } = *self.places.get(index)?;
        // `NULL` lies beyond the end of every packet.
        self.packet.get(from as usize..to as usize)
    }
}

/// Finds the cells of a row. `places` is reused from row to row.
///
/// # Errors
/// A row that has fewer or more bytes than its columns need.
pub fn cut(packet: &[u8], widths: &[Width], places: &mut Vec<Place>) -> Result<(), Error> {
    places.clear();
    cells(packet, widths, places).ok_or_else(|| malformed("a row does not have the bytes of its columns"))
}

fn cells(packet: &[u8], widths: &[Width], places: &mut Vec<Place>) -> Option<()> {
    // The two lowest bits of the first byte are unused.
    let nulls = packet.get(1..1 + (widths.len() + 9) / 8)?;
    let mut at = 1 + nulls.len();
    for (index, width) in widths.iter().enumerate() {
        let bit = index + 2;
        if nulls[bit / 8] >> (bit % 8) & 1 == 1 {
            places.push(Place { from: 0, to: NULL });
            continue;
        }
        let (from, length) = match width {
            Width::Fixed(length) => (at, usize::from(*length)),
            Width::Short => (at, 1 + usize::from(*packet.get(at)?)),
            Width::Counted => {
                let rest = packet.get(at..)?;
                let (length, rest) = match rest.split_first()? {
                    (&length @ 0..=0xfa, rest) => (usize::from(length), rest),
                    _ => number(rest).and_then(|(length, rest)| Some((usize::try_from(length).ok()?, rest)))?,
                };
                (packet.len() - rest.len(), length)
            }
            Width::Null => return None,
        };
        at = from.checked_add(length).filter(|&end| end <= packet.len())?;
        places.push(Place { from: u32::try_from(from).ok()?, to: u32::try_from(at).ok()? });
    }
    (at == packet.len()).then_some(())
}
