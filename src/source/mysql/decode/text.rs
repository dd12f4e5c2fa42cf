//! Values that become text or bytes, written directly into the Arrow builder.

use std::fmt::{self, Write};

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use geozero::ToWkt;

use super::number;
use super::temporal::{self, Span};
use super::unfit::Unfit;
use crate::domain::report::Flaw;
use crate::domain::type_map::Encoding;

/// Appends one value and gives its bytes. After an `Err` with a flaw the builder is unchanged.
pub fn append(encoding: Encoding, raw: &[u8], out: &mut StringBuilder) -> Result<usize, Unfit> {
    if encoding == Encoding::Text {
        out.append_value(simdutf8::basic::from_utf8(raw).map_err(|_| Unfit::Utf8)?);
        return Ok(raw.len());
    }
    let mut counted = Counted { out, bytes: 0 };
    write(encoding, raw, &mut counted)?;
    let bytes = counted.bytes;
    out.append_value("");
    Ok(bytes)
}

/// The same into a string: the text that a mask works on.
pub fn append_to(encoding: Encoding, raw: &[u8], out: &mut String) -> Result<(), Unfit> {
    if encoding == Encoding::Text {
        out.push_str(simdutf8::basic::from_utf8(raw).map_err(|_| Unfit::Utf8)?);
        return Ok(());
    }
    write(encoding, raw, out)
}

/// Appends bytes unchanged, or a geometry's WKB without its SRID.
pub fn append_bytes(encoding: Encoding, raw: &[u8], out: &mut BinaryBuilder) -> Result<usize, Unfit> {
    let value = match encoding {
        Encoding::Bytes => raw,
        Encoding::Wkb => wkb(raw)?,
        _ => return Err(Unfit::Plan),
    };
    out.append_value(value);
    Ok(value.len())
}

struct Counted<'a> {
    out: &'a mut StringBuilder,
    bytes: usize,
}

impl Write for Counted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes += text.len();
        self.out.write_str(text)
    }
}

fn write(encoding: Encoding, raw: &[u8], out: &mut impl Write) -> Result<(), Unfit> {
    let moment = || temporal::moment(raw).ok_or(Unfit::Wire);
    let written = match encoding {
        Encoding::IntAsText { unsigned, .. } => write!(out, "{}", number::integer(raw, unsigned)?),
        Encoding::FloatAsText { double: true } => write_float(out, number::float64(Encoding::Double, raw)?),
        Encoding::FloatAsText { double: false } => {
            write_single(out, f32::from_le_bytes(raw.try_into().map_err(|_| Unfit::Wire)?))
        }
        Encoding::DateAsText => temporal::write_date(out, moment()?),
        Encoding::WallAsText { fsp } => temporal::write_wall(out, moment()?, fsp),
        Encoding::Time { fsp } => Span::read(raw).ok_or(Unfit::Wire)?.write(out, fsp),
        Encoding::TimeOfDay { fsp } => match Span::read(raw) {
            Some(span) if span.within_a_day() => span.write(out, fsp),
            Some(_) => return Err(Unfit::Flaw(Flaw::OutOfRange)),
            None => return Err(Unfit::Wire),
        },
        Encoding::Wkt => out.write_str(&geozero::wkb::Wkb(wkb(raw)?).to_wkt().map_err(|_| Unfit::Wire)?),
        Encoding::VectorAsText => write_vector(out, raw)?,
        _ => return Err(Unfit::Plan),
    };
    written.map_err(|_| Unfit::Wire)
}

/// A geometry's WKB. MySQL stores a geometry as its SRID (4 bytes) and WKB with x first, whatever the SRID says about
/// axes.
fn wkb(raw: &[u8]) -> Result<&[u8], Unfit> {
    raw.split_at_checked(4).map(|(_srid, wkb)| wkb).ok_or(Unfit::Wire)
}

/// Writes the shortest digits that read back as the same value, with an exponent if they would be mostly zeros.
fn write_float(out: &mut impl Write, value: f64) -> fmt::Result {
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) { write!(out, "{value}") } else { write!(out, "{value:e}") }
}

fn write_single(out: &mut impl Write, value: f32) -> fmt::Result {
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) { write!(out, "{value}") } else { write!(out, "{value:e}") }
}

fn write_vector(out: &mut impl Write, raw: &[u8]) -> Result<fmt::Result, Unfit> {
    let (elements, rest) = raw.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Unfit::Wire);
    }
    let mut separator = '[';
    for element in elements {
        if out.write_char(separator).and_then(|()| write_single(out, f32::from_le_bytes(*element))).is_err() {
            return Ok(Err(fmt::Error));
        }
        separator = ',';
    }
    Ok(if elements.is_empty() { out.write_str("[]") } else { out.write_char(']') })
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;

    fn text(encoding: Encoding, raw: &[u8]) -> Result<String, Unfit> {
        let mut out = StringBuilder::new();
        let bytes = append(encoding, raw, &mut out)?;
        let array = out.finish();
        assert_eq!((array.len(), array.value(0).len()), (1, bytes));
        Ok(array.value(0).to_owned())
    }

    #[test]
    fn text_is_kept_unchanged_or_refused() {
        assert_eq!(text(Encoding::Text, "Zoë 🎂".as_bytes()).unwrap(), "Zoë 🎂");
        assert_eq!(text(Encoding::Text, b"caf\xe9"), Err(Unfit::Utf8));
    }

    #[test]
    fn floats_are_written_with_their_shortest_exact_digits() {
        let single = |v: f32| text(Encoding::FloatAsText { double: false }, &v.to_le_bytes()).unwrap();
        let double = |v: f64| text(Encoding::FloatAsText { double: true }, &v.to_le_bytes()).unwrap();
        assert_eq!(single(16_777_216.0), "16777216");
        assert_eq!(single(0.1), "0.1");
        assert_eq!(double(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(double(1e300), "1e300");
        assert_eq!(double(-2.5e-9), "-2.5e-9");
    }

    #[test]
    fn a_geometry_is_read_with_x_first_and_without_its_srid() {
        // SRID 4326, POINT(10 50): longitude 10 is x.
        let mut raw = 4326_u32.to_le_bytes().to_vec();
        raw.extend([1, 1, 0, 0, 0]);
        raw.extend(10_f64.to_le_bytes());
        raw.extend(50_f64.to_le_bytes());
        assert_eq!(text(Encoding::Wkt, &raw).unwrap(), "POINT(10 50)");
        assert_eq!(text(Encoding::Wkt, &raw[..12]), Err(Unfit::Wire));
        let mut out = BinaryBuilder::new();
        append_bytes(Encoding::Wkb, &raw, &mut out).unwrap();
        assert_eq!(out.finish().value(0), &raw[4..]);
    }

    #[test]
    fn vectors_spans_and_integers_become_text() {
        assert_eq!(text(Encoding::VectorAsText, &[0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3e]).unwrap(), "[1,0.25]");
        assert_eq!(text(Encoding::VectorAsText, &[]).unwrap(), "[]");
        assert_eq!(text(Encoding::VectorAsText, &[1]), Err(Unfit::Wire));
        assert_eq!(text(Encoding::IntAsText { bits: 64, unsigned: true }, &[0xff; 8]).unwrap(), u64::MAX.to_string());
        assert_eq!(text(Encoding::DateAsText, &[0]).unwrap(), "0000-00-00");
        assert_eq!(text(Encoding::TimeOfDay { fsp: 0 }, &[8, 0, 0, 0, 0, 0, 23, 59, 59]).unwrap(), "23:59:59");
    }

    #[test]
    fn a_span_beyond_a_day_is_refused_as_a_time_of_day_and_writes_nothing() {
        let mut out = StringBuilder::new();
        let raw = [8, 0, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(append(Encoding::TimeOfDay { fsp: 0 }, &raw, &mut out), Err(Unfit::Flaw(Flaw::OutOfRange)));
        out.append_value("next");
        assert_eq!(out.finish().value(0), "next");
    }
}
