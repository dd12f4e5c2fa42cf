//! Numbers from the wire: little-endian integers, IEEE floats, decimal digits, big-endian bits.

use super::unfit::Unfit;
use crate::domain::report::Flaw;
use crate::domain::type_map::Encoding;

/// The width is the number of bytes: MEDIUMINT is sent in four, YEAR in two.
pub fn signed(raw: &[u8]) -> Option<i64> {
    if let Ok(bytes) = raw.try_into() {
        return Some(i64::from_le_bytes(bytes));
    }
    match *raw {
        [a, b, c, d] => Some(i64::from(i32::from_le_bytes([a, b, c, d]))),
        [a, b] => Some(i64::from(i16::from_le_bytes([a, b]))),
        [a] => Some(i64::from(i8::from_le_bytes([a]))),
        _ => None,
    }
}

pub fn unsigned(raw: &[u8]) -> Option<u64> {
    if let Ok(bytes) = raw.try_into() {
        return Some(u64::from_le_bytes(bytes));
    }
    match *raw {
        [a, b, c, d] => Some(u64::from(u32::from_le_bytes([a, b, c, d]))),
        [a, b] => Some(u64::from(u16::from_le_bytes([a, b]))),
        [a] => Some(u64::from(a)),
        _ => None,
    }
}

/// An integer, signed or not.
pub fn integer(raw: &[u8], is_unsigned: bool) -> Result<i128, Unfit> {
    let value = if is_unsigned { unsigned(raw).map(i128::from) } else { signed(raw).map(i128::from) };
    value.ok_or(Unfit::Wire)
}

pub fn int64(encoding: Encoding, raw: &[u8]) -> Result<i64, Unfit> {
    let beyond = Unfit::Flaw(Flaw::OutOfRange);
    match encoding {
        Encoding::Int { unsigned: false, .. } => signed(raw).ok_or(Unfit::Wire),
        Encoding::Int { unsigned: true, .. } => i64::try_from(unsigned(raw).ok_or(Unfit::Wire)?).map_err(|_| beyond),
        Encoding::DecimalAsInt => i64::try_from(digits(raw, 0)?).map_err(|_| beyond),
        Encoding::BitAsInt => i64::try_from(bits(raw)?).map_err(|_| beyond),
        _ => Err(Unfit::Plan),
    }
}

pub fn float64(encoding: Encoding, raw: &[u8]) -> Result<f64, Unfit> {
    match encoding {
        Encoding::Double => raw.try_into().map(f64::from_le_bytes).map_err(|_| Unfit::Wire),
        Encoding::Float => raw.try_into().map(|bytes| f64::from(f32::from_le_bytes(bytes))).map_err(|_| Unfit::Wire),
        // `carriage` allows only 32 bits here; a column that was widened since would lose digits.
        Encoding::IntAsFloat { unsigned, .. } => {
            let value = integer(raw, unsigned)?;
            let narrow = i32::try_from(value).map(f64::from).or_else(|_| u32::try_from(value).map(f64::from));
            narrow.map_err(|_| Unfit::Flaw(Flaw::OutOfRange))
        }
        Encoding::DecimalAsFloat => std::str::from_utf8(raw).ok().and_then(|text| text.parse().ok()).ok_or(Unfit::Wire),
        _ => Err(Unfit::Plan),
    }
}

pub fn boolean(encoding: Encoding, raw: &[u8]) -> Result<bool, Unfit> {
    let value = match encoding {
        Encoding::IntAsBool { unsigned, .. } => integer(raw, unsigned)?,
        Encoding::BitAsBool => i128::from(bits(raw)?),
        _ => return Err(Unfit::Plan),
    };
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Unfit::Flaw(Flaw::OutOfRange)),
    }
}

pub fn decimal(encoding: Encoding, raw: &[u8]) -> Result<i128, Unfit> {
    match encoding {
        Encoding::Decimal { scale, .. } => digits(raw, scale),
        Encoding::IntAsDecimal { unsigned, .. } => integer(raw, unsigned),
        Encoding::BitAsDecimal => bits(raw).map(i128::from),
        _ => Err(Unfit::Plan),
    }
}

/// The digits as a number: `-12.5` at scale 2 is -1250. More digits than the scale holds mean that the column is not
/// the planned one any more.
fn digits(raw: &[u8], scale: u8) -> Result<i128, Unfit> {
    let (negative, body) = match raw {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, raw),
    };
    let mut value: i128 = 0;
    let mut fraction: Option<u8> = None;
    for &byte in body {
        match byte {
            b'0'..=b'9' => {
                let shifted = value.checked_mul(10).and_then(|v| v.checked_add(i128::from(byte - b'0')));
                value = shifted.ok_or(Unfit::Wire)?;
                fraction = fraction.map(|count| count.saturating_add(1));
            }
            b'.' if fraction.is_none() => fraction = Some(0),
            _ => return Err(Unfit::Wire),
        }
    }
    let missing = scale.checked_sub(fraction.unwrap_or(0)).ok_or(Unfit::Wire)?;
    let scaled = 10_i128.checked_pow(u32::from(missing)).and_then(|unit| value.checked_mul(unit)).ok_or(Unfit::Wire)?;
    if body.is_empty() { Err(Unfit::Wire) } else { Ok(if negative { -scaled } else { scaled }) }
}

/// BIT(n): its bytes, the highest first.
pub fn bits(raw: &[u8]) -> Result<u64, Unfit> {
    if raw.is_empty() || raw.len() > 8 {
        return Err(Unfit::Wire);
    }
    Ok(raw.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIG: Encoding = Encoding::Int { bits: 64, unsigned: true };

    #[test]
    fn integers_of_every_width_keep_their_sign() {
        let signed = |raw: &[u8]| int64(Encoding::Int { bits: 24, unsigned: false }, raw);
        assert_eq!(signed(&[0xff]), Ok(-1));
        assert_eq!(signed(&(-2_i16).to_le_bytes()), Ok(-2));
        assert_eq!(signed(&(-8_388_608_i32).to_le_bytes()), Ok(-8_388_608));
        assert_eq!(signed(&i64::MIN.to_le_bytes()), Ok(i64::MIN));
        assert_eq!(int64(BIG, &[0xff]), Ok(255));
        assert_eq!(signed(&[1, 2, 3]), Err(Unfit::Wire));
    }

    #[test]
    fn a_bigint_beyond_int64_is_a_flaw_in_int64_and_exact_as_a_decimal() {
        let raw = u64::MAX.to_le_bytes();
        assert_eq!(int64(BIG, &raw), Err(Unfit::Flaw(Flaw::OutOfRange)));
        let as_decimal = Encoding::IntAsDecimal { bits: 64, unsigned: true };
        assert_eq!(decimal(as_decimal, &raw), Ok(i128::from(u64::MAX)));
    }

    #[test]
    fn decimals_are_scaled_exactly() {
        let at = |text: &str, scale| decimal(Encoding::Decimal { precision: 38, scale }, text.as_bytes());
        assert_eq!(at("-12.5", 2), Ok(-1250));
        assert_eq!(at("0.00", 2), Ok(0));
        assert_eq!(at("007", 1), Ok(70));
        assert_eq!(at("99999999999999999999999999999.999999999", 9), Ok(10_i128.pow(38) - 1));
        for (text, scale) in [("1.234", 2), ("", 2), ("-", 0), ("1e5", 0), ("1.2.3", 9)] {
            assert_eq!(at(text, scale), Err(Unfit::Wire), "{text}");
        }
    }

    #[test]
    fn floats_are_exact() {
        assert_eq!(float64(Encoding::Float, &16_777_216_f32.to_le_bytes()), Ok(16_777_216.0));
        assert_eq!(float64(Encoding::Float, &0.1_f32.to_le_bytes()), Ok(f64::from(0.1_f32)));
        assert_eq!(float64(Encoding::Double, &f64::MIN_POSITIVE.to_le_bytes()), Ok(f64::MIN_POSITIVE));
        assert_eq!(float64(Encoding::DecimalAsFloat, b"-0.5"), Ok(-0.5));
    }

    #[test]
    fn bits_are_big_endian_and_a_bool_is_only_0_or_1() {
        assert_eq!(int64(Encoding::BitAsInt, &[1, 0]), Ok(256));
        assert_eq!(decimal(Encoding::BitAsDecimal, &[0xff; 8]), Ok(i128::from(u64::MAX)));
        assert_eq!(boolean(Encoding::BitAsBool, &[1]), Ok(true));
        let tiny = Encoding::IntAsBool { bits: 8, unsigned: false };
        assert_eq!(boolean(tiny, &[0]), Ok(false));
        assert_eq!(boolean(tiny, &[2]), Err(Unfit::Flaw(Flaw::OutOfRange)));
    }
}
