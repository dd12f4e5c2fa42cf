//! The forms in which MySQL, MariaDB and BigQuery write a value alike.
//!
//! `tests/it/verify.rs` compares this table with the servers. A column without a form is not compared, and the result
//! says so: guessing would raise false alarms every day.

use chrono::{DateTime, NaiveTime};
use chrono_tz::Tz;

use crate::domain::mask::Mask;
use crate::domain::plan::TablePlan;
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::{Cast, Encoding};

/// The form of a column's values; every form writes NULL, and any value that arrives as NULL, as NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A whole number's digits.
    Integer,
    /// The same; a value beyond 2^63-1 arrives as NULL.
    IntegerWithin64,
    /// The number that the bits represent.
    Bits,
    /// 0 or 1; any other number arrives as NULL.
    Boolean,
    /// Digits without trailing zeros.
    Decimal { precision: u8, scale: u8 },
    /// The part before the point, and 32 bits of the part after it: exact in binary, which decimal digits are not.
    Float,
    /// `2026-11-23`; zero and impossible dates arrive as NULL.
    Date,
    /// Microseconds since 1970, of a wall clock that stays one, or of an instant read in UTC.
    Wall,
    /// Microseconds of this zone's wall clock at the target's instant.
    LocalWall(Tz),
    /// Microseconds since midnight; spans outside of a day arrive as NULL.
    TimeOfDay,
    /// The text itself, after its length.
    Text { empty_is_null: bool },
    /// The hash of a text, which may be long.
    TextHash { empty_is_null: bool },
    /// The bytes in hexadecimal.
    Bytes,
    /// The hash of bytes, which may be many.
    BytesHash,
    /// NULL on the side that masks; the other side holds NULL anyway.
    MaskedNull,
    /// The mask itself, which a server can compute.
    MaskedSha256 { empty_is_null: bool },
    /// The same; the result is a text of any characters.
    MaskedLast { most: u8, empty_is_null: bool },
    /// A keyed mask. No statement may hold the key, so the comparison only sees that there is a masked value, and that
    /// it looks like one.
    MaskedHmac { empty_is_null: bool },
}

impl Form {
    /// Tells if the form is also readable for people.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        matches!(
            self,
            Self::Integer | Self::IntegerWithin64 | Self::Bits | Self::Boolean | Self::Decimal { .. } | Self::Date
        )
    }

    /// A value in this form, converted to the form that people write.
    #[must_use]
    pub fn shown(self, written: &str) -> String {
        let shown = match self {
            Self::Wall | Self::LocalWall(_) => moment(written),
            Self::TimeOfDay => time_of_day(written),
            Self::Float => float(written),
            _ => None,
        };
        shown.unwrap_or_else(|| written.to_owned())
    }

    /// Tells if the value itself is compared.
    #[must_use]
    pub const fn tells_values_apart(self) -> bool {
        !matches!(self, Self::MaskedHmac { .. })
    }
}

fn moment(micros: &str) -> Option<String> {
    let moment = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    Some(moment.naive_utc().to_string())
}

fn time_of_day(micros: &str) -> Option<String> {
    let micros: u64 = micros.parse().ok()?;
    let (seconds, nanos) = (u32::try_from(micros / 1_000_000).ok()?, u32::try_from(micros % 1_000_000).ok()? * 1000);
    Some(NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)?.to_string())
}

/// A float from the part before the point and 32 bits of the part after it.
fn float(parts: &str) -> Option<String> {
    let (whole, behind) = parts.split_once('/')?;
    let (whole, behind): (f64, f64) = (whole.parse().ok()?, behind.parse().ok()?);
    Some((whole + behind / 4_294_967_296.0).to_string())
}

/// Texts up to this length are written out; longer ones are hashed, which no server's limits cut off.
const SHORT_TEXT: u64 = 255;

/// The form of a column of the plan; `None` if both sides cannot write it alike.
#[must_use]
pub fn form(plan: &TablePlan, position: usize) -> Option<Form> {
    let column = &plan.columns[position];
    let source = &column.source.source_type;
    // Keys tell rows apart, so they are written out.
    let is_key = plan.keys.contains(&position);
    let empty_is_null = plan.empty_becomes_null(position);
    if let Some(mask) = &column.mask {
        return masked(mask, column.encoding, empty_is_null);
    }
    match column.encoding {
        Encoding::Int { bits: 64, unsigned: true } => Some(Form::IntegerWithin64),
        Encoding::Int { .. } | Encoding::IntAsDecimal { .. } | Encoding::IntAsText { .. } => Some(Form::Integer),
        Encoding::BitAsInt | Encoding::BitAsBool | Encoding::BitAsDecimal => Some(Form::Bits),
        Encoding::IntAsBool { .. } => Some(Form::Boolean),
        Encoding::Decimal { .. } | Encoding::DecimalAsInt => decimal(source),
        Encoding::IntAsFloat { .. } | Encoding::Float | Encoding::Double => Some(Form::Float),
        Encoding::Date => Some(Form::Date),
        Encoding::Wall => Some(Form::Wall),
        Encoding::LocalToUtc if plan.timezone == Tz::UTC => Some(Form::Wall),
        Encoding::LocalToUtc => Some(Form::LocalWall(plan.timezone)),
        Encoding::TimeOfDay { .. } => Some(Form::TimeOfDay),
        Encoding::DateAsText | Encoding::WallAsText { .. } | Encoding::Time { .. } => Some(text(false, false)),
        Encoding::Text => match (source, &column.target_type) {
            (_, TargetType::BigNumeric(_)) if column.cast == Cast::To => decimal(source),
            // BigQuery converts the text by its own rules.
            _ if column.cast != Cast::None => None,
            (SourceType::Text { chars }, _) => {
                let is_long = chars.is_none_or(|chars| chars > SHORT_TEXT) && !is_key;
                Some(text(empty_is_null, is_long))
            }
            (SourceType::Enum | SourceType::Set, _) => Some(text(empty_is_null, false)),
            (SourceType::Json | SourceType::Binary, _) => Some(text(false, !is_key)),
            _ => Some(text(false, false)),
        },
        Encoding::Bytes => match source {
            SourceType::Binary | SourceType::Text { .. } if is_key => Some(Form::Bytes),
            SourceType::Binary | SourceType::Text { .. } => Some(Form::BytesHash),
            _ => None,
        },
        // Digits that only we write so, geometries and vectors: no server writes these as we do.
        Encoding::DecimalAsFloat
        | Encoding::FloatAsText { .. }
        | Encoding::Wkt
        | Encoding::Wkb
        | Encoding::VectorAsText => None,
    }
}

/// The form of a masked column. It exists if both servers write the text under the mask alike; a keyed mask needs no
/// text.
const fn masked(mask: &Mask, encoding: Encoding, empty_is_null: bool) -> Option<Form> {
    let alike = matches!(
        encoding,
        Encoding::Text
            | Encoding::Bytes
            | Encoding::IntAsText { .. }
            | Encoding::DateAsText
            | Encoding::WallAsText { .. }
            | Encoding::Time { .. }
    );
    match mask {
        Mask::Null => Some(Form::MaskedNull),
        Mask::Hmac(_) => Some(Form::MaskedHmac { empty_is_null }),
        Mask::Sha256 if alike => Some(Form::MaskedSha256 { empty_is_null }),
        Mask::Last(most) if alike => Some(Form::MaskedLast { most: *most, empty_is_null }),
        Mask::Sha256 | Mask::Last(_) => None,
    }
}

const fn text(empty_is_null: bool, is_long: bool) -> Form {
    if is_long { Form::TextHash { empty_is_null } } else { Form::Text { empty_is_null } }
}

const fn decimal(source: &SourceType) -> Option<Form> {
    match source {
        SourceType::Decimal { precision, scale } => Some(Form::Decimal { precision: *precision, scale: *scale }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::samples::{column, number, plan};

    /// The form of a column in a plan with the key `id`.
    fn of(source_type: &SourceType, target_type: &TargetType, change: impl Fn(&mut TablePlan)) -> Option<Form> {
        let mut column = column("c", source_type.clone(), target_type.clone());
        column.source.nullable = true;
        let plan = plan(vec![number("id"), column], &[0], 0);
        let mut plan = TablePlan { empty_string_as_null: true, ..plan };
        change(&mut plan);
        form(&plan, 1)
    }

    #[test]
    fn long_values_are_hashed_unless_they_are_keys() {
        let text = |chars| SourceType::Text { chars: Some(chars) };
        let string = TargetType::String(None);
        assert_eq!(of(&text(50), &string, |_| ()), Some(Form::Text { empty_is_null: true }));
        assert_eq!(of(&text(5000), &string, |_| ()), Some(Form::TextHash { empty_is_null: true }));
        let as_key = |plan: &mut TablePlan| plan.keys = vec![1];
        assert_eq!(of(&text(5000), &string, as_key), Some(Form::Text { empty_is_null: false }));
        assert_eq!(of(&SourceType::Binary, &TargetType::Bytes(None), |_| ()), Some(Form::BytesHash));
        assert_eq!(of(&SourceType::Binary, &TargetType::Bytes(None), as_key), Some(Form::Bytes));
    }

    #[test]
    fn compared_forms_are_converted_for_display() {
        let shown = |form: Form, written: &str| form.shown(written);
        assert_eq!(shown(Form::Wall, "1795420800000000"), "2026-11-23 08:00:00");
        assert_eq!(shown(Form::LocalWall(chrono_tz::Europe::Berlin), "-1"), "1969-12-31 23:59:59.999999");
        assert_eq!(shown(Form::TimeOfDay, "28800500000"), "08:00:00.500");
        assert_eq!(shown(Form::Float, "-3/2147483648"), "-2.5");
        assert_eq!(shown(Form::Float, "+"), "+");
        assert_eq!(shown(Form::Text { empty_is_null: false }, "1795420800000000"), "1795420800000000");
    }

    #[test]
    fn a_wall_clock_is_shown_with_its_zone_unless_that_is_utc() {
        let datetime = SourceType::DateTime { fsp: 6 };
        assert_eq!(of(&datetime, &TargetType::Timestamp, |_| ()), Some(Form::Wall));
        let zone = chrono_tz::Europe::Berlin;
        let there = |plan: &mut TablePlan| plan.timezone = zone;
        assert_eq!(of(&datetime, &TargetType::Timestamp, there), Some(Form::LocalWall(zone)));
        assert_eq!(of(&datetime, &TargetType::DateTime, there), Some(Form::Wall));
    }

    #[test]
    fn masks_are_compared_if_a_server_can_compute_them() {
        use crate::domain::plan::masked::carriage;
        use crate::domain::secret::Secret;
        let of = |source: SourceType, mask: Mask| {
            let text = TargetType::String(None);
            let way = carriage(&source, &text, &mask).unwrap();
            of(&source, &text, |plan| {
                let column = &mut plan.columns[1];
                (column.encoding, column.mask) = (way.encoding, Some(mask.clone()));
            })
        };
        let text = || SourceType::Text { chars: None };
        let int = || SourceType::Int { bits: 32, unsigned: true };
        assert_eq!(of(text(), Mask::Sha256), Some(Form::MaskedSha256 { empty_is_null: true }));
        assert_eq!(of(int(), Mask::Last(3)), Some(Form::MaskedLast { most: 3, empty_is_null: false }));
        assert_eq!(of(SourceType::Geometry, Mask::Sha256), None);
        assert_eq!(of(SourceType::Float, Mask::Last(3)), None);
        assert_eq!(of(int(), Mask::Null), Some(Form::MaskedNull));
        let keyed = of(SourceType::Geometry, Mask::Hmac(Secret::new("k"))).unwrap();
        assert!(keyed == Form::MaskedHmac { empty_is_null: false } && !keyed.tells_values_apart());
    }

    #[test]
    fn columns_that_bigquery_converts_by_its_own_rules_are_not_compared() {
        let decimal = SourceType::Decimal { precision: 40, scale: 10 };
        let exact = Some(Form::Decimal { precision: 40, scale: 10 });
        assert_eq!(of(&decimal, &TargetType::BigNumeric(None), |_| ()), exact);
        assert_eq!(of(&SourceType::Text { chars: None }, &TargetType::BigNumeric(None), |_| ()), None);
        assert_eq!(of(&SourceType::Json, &TargetType::Json, |_| ()), None);
        assert_eq!(of(&SourceType::Geometry, &TargetType::String(None), |_| ()), None);
    }
}
