//! Sums over the stretch below a watermark, from which a later look tells whether rows have come or changed there.

use super::connect;
use super::fault::from_sqlx;
use super::server::Server;
use super::sql::{self, Bind, Query};
use super::texts::{Texts, number, text};
use crate::domain::fault::Fault;
use crate::source::{TailAsk, TailStretch, TailSum};

/// Zones differ by multiples of a quarter of an hour, and a statement's stamp differs from the clock by a second or
/// two.
const QUARTER: u32 = 900;
const AROUND: u32 = 2;

/// The greatest distance of two zones (UTC+14 and UTC-12): an older stamp is not the present time in any zone.
const APART: u32 = 26 * 3600 + AROUND;

pub async fn sums(server: &Server, ask: &TailAsk) -> Result<Vec<Vec<TailSum>>, Fault> {
    let mut session = connect::open(server).await?;
    let mut sums = Vec::new();
    for stretch in &ask.stretches {
        let rows = session.texts(query(ask, stretch)).await.map_err(|error| {
            from_sqlx(error, format!("Looking below the watermark in {}.{} failed", ask.table, ask.column))
        })?;
        let sum = |row: &Texts| TailSum {
            hour: text(row, 0).to_owned(),
            rows: number(row, 1).unwrap_or_default(),
            sum: text(row, 2).to_owned(),
        };
        sums.push(rows.iter().map(sum).collect());
    }
    Ok(sums)
}

/// It hashes hashes, so that key columns need no common character set.
fn query(ask: &TailAsk, stretch: &TailStretch) -> Query {
    let column = sql::identifier(&ask.column);
    let keys = ask.keys.iter().map(|key| sql::identifier(key)).filter(|key| *key != column);
    let hashes: Vec<String> = keys.chain([column.clone()]).map(|of| format!("CRC32({of})")).collect();
    let mut binds = vec![Bind::from(&stretch.above), Bind::from(&stretch.high)];
    let unless_now = stretch.unless_now.as_ref().map_or_else(String::new, |now| {
        binds.extend([Bind::from(now), Bind::from(now)]);
        let age = format!("TIMESTAMPDIFF(SECOND, {column}, ?)");
        let nearly = QUARTER - AROUND;
        format!(" AND NOT ({age} BETWEEN {nearly} AND {APART} AND MOD({age} + {AROUND}, {QUARTER}) <= {})", 2 * AROUND)
    });
    let hour = if stretch.by_hour { format!("DATE_FORMAT({column}, '%Y-%m-%d %H')") } else { "''".to_owned() };
    let group = if stretch.by_hour { " GROUP BY 1 ORDER BY 1" } else { "" };
    let rows = sql::rows(&ask.table, Some(&format!("{column} > ? AND {column} <= ?{unless_now}")));
    let sql = format!(
        "SELECT {hour}, CAST(COUNT(*) AS CHAR), CAST(COALESCE(SUM(CRC32(CONCAT_WS(',', {}))), 0) AS CHAR) {rows}{group}",
        hashes.join(", ")
    );
    Query::new(sql, binds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cursor::{Cursor, Moment};
    use crate::domain::ids::SourceTable;

    #[test]
    fn a_stretch_is_summed_whole_or_by_the_hour() {
        let at = |text| Cursor::Moment(Moment::parse(text).unwrap());
        let stretch = TailStretch {
            above: at("2026-11-23 07:00:00"),
            high: at("2026-11-23 08:00:00"),
            by_hour: false,
            unless_now: None,
        };
        let ask = TailAsk {
            table: SourceTable::whole(None, "o".into()),
            column: "t".into(),
            keys: vec!["a".into(), "t".into()],
            stretches: Vec::new(),
        };
        let whole = query(&ask, &stretch);
        assert_eq!(
            whole.sql,
            "SELECT '', CAST(COUNT(*) AS CHAR), CAST(COALESCE(SUM(CRC32(CONCAT_WS(',', CRC32(`a`), CRC32(`t`)))), 0) AS \
             CHAR) FROM `o` WHERE `t` > ? AND `t` <= ?"
        );
        assert_eq!(whole.binds.len(), 2);
        let by_hour = TailStretch { by_hour: true, unless_now: Some(at("2026-11-23 12:00:00")), ..stretch };
        let hours = query(&ask, &by_hour);
        assert!(hours.sql.starts_with("SELECT DATE_FORMAT(`t`, '%Y-%m-%d %H'), "), "{}", hours.sql);
        assert!(
            hours.sql.ends_with(
                " AND NOT (TIMESTAMPDIFF(SECOND, `t`, ?) BETWEEN 898 AND 93602 \
                 AND MOD(TIMESTAMPDIFF(SECOND, `t`, ?) + 2, 900) <= 4) GROUP BY 1 ORDER BY 1"
            ),
            "{}",
            hours.sql
        );
        assert_eq!(hours.binds.len(), 4);
    }
}
