//! Masks that hide less than they seem to, and columns that should be masked but cannot be.

use crate::domain::column::{SourceColumn, SourceSchema};
use crate::domain::config::Mapping;
use crate::domain::counted::counted;
use crate::domain::finding::{Finding, Topic};
use crate::domain::mask::Mask;
use crate::domain::new_columns::{Treatment, treatment};
use crate::domain::quote;
use crate::domain::source_type::SourceType;

/// Texts this short can be tried one by one.
const SHORT: u64 = 20;

/// Words in column names that stand for numbers with a well-known scheme.
const NUMBERED: [&str; 13] =
    ["phone", "mobile", "tel", "fax", "iban", "card", "ssn", "passport", "birth", "dob", "zip", "postcode", "plate"];

/// The findings about a mapping's masks.
#[must_use]
pub fn findings(mapping: &Mapping, source: &SourceSchema) -> Vec<Finding> {
    let masked = source.columns.iter().filter(|column| !mapping.excludes(&column.name));
    let masked: Vec<(&SourceColumn, &Mask)> =
        masked.filter_map(|column| Some((column, mapping.mask_of(&column.name)?))).collect();
    let mut found: Vec<Finding> = masked.iter().filter_map(|(column, mask)| weak(column, mask)).collect();
    found.extend(source.columns.iter().filter_map(|column| needed(mapping, column)));
    if found.is_empty() && !masked.is_empty() {
        let each: Vec<_> = masked.iter().map(|(column, mask)| format!("`{}` ({mask})", column.name)).collect();
        found.push(Finding::ok(Topic::Mask, format!("masked: {}", each.join(", "))));
    }
    found
}

/// Warns of a mask that hides less of a column than it seems to.
#[must_use]
pub fn weak(column: &SourceColumn, mask: &Mask) -> Option<Finding> {
    let name = &column.name;
    let remedy = format!("mask: {{{}: {{hmac: \"${{MASK_KEY}}\"}}}}", quote::yaml_word(name));
    match mask {
        Mask::Sha256 => {
            let why = few_values(column)?;
            let sentence = format!(
                "`{name}` is masked with sha256, but {why}: somebody who hashes all of them can tell what each was"
            );
            Some(Finding::warn(Topic::Mask, sentence).remedy(format!("{remedy} needs the key for that")))
        }
        Mask::Last(_) => {
            let is_listed = matches!(
                column.source_type,
                SourceType::Enum | SourceType::Set | SourceType::Year | SourceType::Date | SourceType::Time { .. }
            );
            is_listed.then(|| {
                let sentence = format!("`{name}` is {}, whose values can be told by their ends", column.source_type);
                Finding::warn(Topic::Mask, sentence).remedy(remedy)
            })
        }
        Mask::Hmac(_) | Mask::Null => None,
    }
}

/// Why somebody can try all values of the column; `None` if there are too many.
fn few_values(column: &SourceColumn) -> Option<String> {
    let source_type = &column.source_type;
    let few = format!("a {source_type} has few values");
    match source_type {
        SourceType::Int { .. }
        | SourceType::Year
        | SourceType::Date
        | SourceType::DateTime { .. }
        | SourceType::Timestamp { .. }
        | SourceType::Time { .. }
        | SourceType::Enum
        | SourceType::Set
        | SourceType::Inet
        | SourceType::Float
        | SourceType::Bit { .. } => Some(few),
        SourceType::Decimal { precision, .. } => (*precision <= 18).then_some(few),
        SourceType::Text { chars } => {
            let lower = column.name.to_lowercase();
            let word = NUMBERED
                .iter()
                .find(|word| lower.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(**word)));
            match (word, chars) {
                (Some(word), _) => Some(format!("its name says {word}, and there are few enough of them")),
                (None, Some(chars)) if *chars <= SHORT => {
                    Some(format!("its texts have at most {}", counted(*chars, "character")))
                }
                (None, _) => None,
            }
        }
        SourceType::Double
        | SourceType::Binary
        | SourceType::Json
        | SourceType::Geometry
        | SourceType::Vector
        | SourceType::Uuid
        | SourceType::Unknown(_) => None,
    }
}

/// Warns of a column that `new_columns` would treat if the mapping did not need it.
fn needed(mapping: &Mapping, column: &SourceColumn) -> Option<Finding> {
    let meant = treatment(&mapping.new_columns, &column.name).filter(|it| **it != Treatment::Keep)?;
    let what = match meant {
        Treatment::Exclude => "leave it in MySQL".to_owned(),
        Treatment::Mask(mask) => format!("mask it ({mask})"),
        Treatment::Keep => return None,
    };
    mapping.places_rows_by(&column.name).then(|| {
        let sentence = format!(
            "`{}` arrives as it is: `new_columns` would {what}, but rows are told apart, ordered or partitioned by it",
            column.name
        );
        Finding::warn(Topic::Mask, sentence).remedy(format!(
            "take another column for that, or say so: `new_columns: {{{}: keep}}`",
            quote::yaml_word(&column.name)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Standing;
    use crate::domain::secret::Secret;

    fn told(name: &str, source_type: SourceType, mask: &Mask) -> Option<String> {
        weak(&SourceColumn::new(name, source_type, true), mask).map(|finding| finding.sentence)
    }

    #[test]
    fn a_plain_hash_of_guessable_values_is_reported() {
        let text = |chars| SourceType::Text { chars: Some(chars) };
        let int = SourceType::Int { bits: 64, unsigned: false };
        for (name, source_type) in [
            ("n", int),
            ("c", text(12)),
            ("home_phone", text(255)),
            ("birthday", SourceType::Date),
            ("k", SourceType::Enum),
        ] {
            let sentence = told(name, source_type.clone(), &Mask::Sha256);
            assert!(sentence.is_some_and(|it| it.contains("masked with sha256, but")), "{name}");
            assert_eq!(told(name, source_type.clone(), &Mask::Hmac(Secret::new("k"))), None, "{name}");
            assert_eq!(told(name, source_type, &Mask::Null), None, "{name}");
        }
        for (name, source_type) in [("email", text(255)), ("hotel", text(80)), ("id", SourceType::Uuid)] {
            assert_eq!(told(name, source_type, &Mask::Sha256), None, "{name}");
        }
        assert!(told("born", SourceType::Date, &Mask::Last(4)).is_some());
        assert_eq!(told("card", text(19), &Mask::Last(4)), None);
        let finding = weak(&SourceColumn::new("pin", text(4), true), &Mask::Sha256).unwrap();
        assert_eq!((finding.topic, finding.standing), (Topic::Mask, Standing::Warn));
        assert!(finding.remedy.unwrap().contains("{hmac: \"${MASK_KEY}\"}"));
    }
}
