//! Hashes the whole content of MySQL's rows on the server, and sums the hashes by part, to compare MySQL's present with
//! its past.
//!
//! No other server writes these texts, so each column is taken as the server stores it, whatever its type. A value that
//! a server's limits could cut off is hashed first.

use super::connect;
use super::digest::{self, part, summed, within};
use super::filter;
use super::server::Server;
use super::sql::{self, Query, identifier};
use super::texts::Texts;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::mask::Mask;
use crate::domain::plan::ColumnPlan;
use crate::domain::source_type::SourceType;
use crate::domain::verify::{Comparison, Cut, Grain, PartSum, SUMMED_DIGITS, concatenated};
use crate::source::ContentSum;

/// Texts up to this length are written out; longer ones are hashed.
const SHORT_TEXT: u64 = 255;

/// Rows and sums by part; with `compared`, also the sums for a comparison, of the same rows at the same moment.
pub async fn sums(
    server: &Server,
    comparison: &Comparison,
    cut: &Cut,
    compared: bool,
) -> Result<Vec<ContentSum>, Fault> {
    let mut session = connect::open(server).await?;
    let failed = |error| filter::failed(error, &comparison.source, format!("Summing up {} failed", comparison.source));
    let rows = session.texts(query(comparison, cut, compared)).await.map_err(failed)?;
    let unreadable =
        || Fault::new(FaultKind::Bug, format!("What MySQL says of the rows of {} cannot be read", comparison.source));
    rows.iter().map(|row| content_sum(row).ok_or_else(unreadable)).collect()
}

fn query(comparison: &Comparison, cut: &Cut, compared: bool) -> Query {
    let within = cut.within.as_ref().map(|parts| within(comparison, parts));
    let sum = |hash: &str| format!("CAST(SUM({}) AS CHAR)", summed(hash));
    let common = if compared { sum(&digest::row_hash(comparison)) } else { "NULL".to_owned() };
    Query::plain(format!(
        "SELECT CAST({} AS CHAR), CAST(COUNT(*) AS CHAR), {}, {common} {} GROUP BY 1",
        part(comparison, cut.grain),
        sum(&hash(comparison)),
        sql::rows(&comparison.source, within.as_deref()),
    ))
}

fn content_sum(row: &Texts) -> Option<ContentSum> {
    let [Some(part), Some(rows), Some(hashes), compared] = row.as_slice() else { return None };
    let sum = PartSum { part: part.parse().ok()?, rows: rows.parse().ok()?, hashes: hashes.parse().ok()? };
    let compared = match compared {
        Some(compared) => Some(PartSum { hashes: compared.parse().ok()?, ..sum }),
        None => None,
    };
    Some(ContentSum { content: sum, compared })
}

/// The field that is read with a row: the number of its part, and the part of its hash that is summed.
pub fn field(comparison: &Comparison, grain: Grain) -> String {
    format!("CONCAT({}, ':', SUBSTR({}, 1, {SUMMED_DIGITS}))", part(comparison, grain), hash(comparison))
}

/// Reads that field from its bytes.
pub fn sum_of(cell: &[u8]) -> Option<PartSum> {
    let (part, hash) = std::str::from_utf8(cell).ok()?.split_once(':')?;
    Some(PartSum { part: part.parse().ok()?, rows: 1, hashes: u128::from_str_radix(hash, 16).ok()? })
}

/// The hash of a whole row, in hexadecimal, without the columns whose values never arrive.
fn hash(comparison: &Comparison) -> String {
    let arrives = |column: &&ColumnPlan| column.mask != Some(Mask::Null);
    format!("SHA2({}, 256)", concatenated(comparison.plan.columns.iter().filter(arrives).map(of).collect()))
}

/// A column's text. Each field contains its end, so that no two rows give the same text.
fn of(column: &ColumnPlan) -> String {
    let name = identifier(&column.source.name);
    let stored = format!("CAST({name} AS BINARY)");
    let ended = match &column.source.source_type {
        // Through a number: FLOAT loses digits as text, and BIT is not text.
        SourceType::Float | SourceType::Double => format!("CONCAT({name} + 0e0, ';')"),
        SourceType::Bit { .. } => format!("CONCAT({name} + 0, ';')"),
        SourceType::Text { chars: Some(..=SHORT_TEXT) } | SourceType::Enum | SourceType::Set => {
            format!("CONCAT(LENGTH({stored}), ':', {stored})")
        }
        SourceType::Json => {
            format!("CONCAT(SHA2(CAST(CAST({name} AS CHAR CHARACTER SET utf8mb4) AS BINARY), 256), ';')")
        }
        SourceType::Text { .. } | SourceType::Binary | SourceType::Vector => {
            format!("CONCAT(SHA2({stored}, 256), ';')")
        }
        SourceType::Geometry => format!("CONCAT(SHA2(HEX({name}), 256), ';')"),
        SourceType::Int { .. }
        | SourceType::Decimal { .. }
        | SourceType::Year
        | SourceType::Date
        | SourceType::DateTime { .. }
        | SourceType::Timestamp { .. }
        | SourceType::Time { .. }
        | SourceType::Uuid
        | SourceType::Inet
        | SourceType::Unknown(_) => format!("CONCAT(CAST({name} AS CHAR), ';')"),
    };
    format!("IFNULL({ended}, '-;')")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ids::TableId;
    use crate::domain::verify::Parts;
    use crate::domain::verify::form;
    use crate::source::mysql::samples::{column, plan};

    fn comparison() -> Comparison {
        let id = SourceType::Int { bits: 64, unsigned: false };
        let plan = plan(vec![column("id", id), column("place", SourceType::Geometry)], &[0], 0);
        Comparison {
            source: crate::domain::ids::SourceTable::whole(None, "t".into()),
            target: TableId { project: "p".into(), dataset: "d".into(), table: "t".into() },
            forms: (0..2).map(|position| form(&plan, position)).collect(),
            plan: Arc::new(plan),
            window: None,
            newest_only: false,
        }
    }

    #[test]
    fn every_column_is_summed_including_those_that_cannot_be_compared() {
        let hash = "SHA2(CONCAT('', IFNULL(CONCAT(CAST(`id` AS CHAR), ';'), '-;'), IFNULL(CONCAT(SHA2(HEX(`place`), 256), \
                    ';'), '-;')), 256)";
        let grain = Grain::Range { base: 0, bits: 8 };
        let cut = Cut { grain, within: Some(Parts::of(grain, [2])) };
        assert_eq!(
            query(&comparison(), &cut, false).sql,
            format!(
                "SELECT CAST(((`id` - (0)) >> 8) AS CHAR), CAST(COUNT(*) AS CHAR), \
                 CAST(SUM(CAST(CONV(SUBSTR({hash}, 1, 15), 16, 10) AS UNSIGNED)) AS CHAR), NULL FROM `t` WHERE (`id` BETWEEN \
                 512 AND 767) GROUP BY 1"
            )
        );
        let both = query(&comparison(), &cut, true).sql;
        assert!(
            both.contains(
                "SUBSTR(SHA2(CONCAT('', IFNULL(CONCAT(CAST(CAST(`id` AS SIGNED) AS CHAR), ';'), '-;')), 256)"
            )
        );
        assert_eq!(field(&comparison(), grain), format!("CONCAT(((`id` - (0)) >> 8), ':', SUBSTR({hash}, 1, 15))"));
    }

    #[test]
    fn a_row_is_read_with_its_part_and_hash() {
        assert_eq!(sum_of(b"17:00000000000000f"), Some(PartSum { part: 17, rows: 1, hashes: 15 }));
        assert_eq!((sum_of(b"17"), sum_of(b":0f"), sum_of(&[0xff])), (None, None, None));
    }
}
