//! BigQuery's answers to a comparison's questions, and what each would cost.

use super::client::Api;
use super::literal::{column, table};
use super::{digest, own_rows, seen};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::verify::{Comparison, Cut, PartSum, Parts, Question, RowDigest};

impl Api {
    /// Bytes that the question would read, as BigQuery estimates them; nothing is read for it.
    pub async fn question_bytes(&self, comparison: &Comparison, question: &Question) -> Result<u64, Fault> {
        let Some(sql) = statement(comparison, question) else { return Ok(0) };
        self.bytes_of(&sql, &what(comparison)).await
    }

    pub async fn key_span(&self, comparison: &Comparison) -> Result<Option<(i64, i64)>, Fault> {
        let Some(sql) = span(comparison) else { return Ok(None) };
        let rows = self.rows(&sql, &what(comparison)).await?;
        let Some([Some(low), Some(high)]) = rows.first().map(Vec::as_slice) else { return Ok(None) };
        // The emulator prints the zeros of a NUMERIC.
        let whole = |text: &str| text.split('.').next()?.parse().ok();
        Ok(whole(low).zip(whole(high)))
    }

    pub async fn part_sums(&self, comparison: &Comparison, cut: &Cut) -> Result<Vec<PartSum>, Fault> {
        let rows = self.rows(&sums(comparison, cut), &what(comparison)).await?;
        rows.into_iter().map(|row| part_sum(&row).ok_or_else(|| unreadable(comparison))).collect()
    }

    pub async fn row_digests(&self, comparison: &Comparison, parts: &Parts) -> Result<Vec<RowDigest>, Fault> {
        let rows = self.rows(&digests(comparison, parts), &what(comparison)).await?;
        rows.into_iter().map(|row| row_digest(row).ok_or_else(|| unreadable(comparison))).collect()
    }
}

fn what(comparison: &Comparison) -> String {
    format!("Comparing the rows of {} failed", comparison.target)
}

fn statement(comparison: &Comparison, question: &Question) -> Option<String> {
    match question {
        Question::Span => span(comparison),
        Question::Sums(cut) => Some(sums(comparison, cut)),
        Question::Rows(parts) => Some(digests(comparison, parts)),
        Question::Seen(keys) => (!keys.is_empty()).then(|| seen::statement(comparison, keys)),
    }
}

fn span(comparison: &Comparison) -> Option<String> {
    let name = column(&comparison.plan.columns[comparison.number_key()?].target_name);
    let table = table(&comparison.target);
    let filter = own_rows::condition(&comparison.plan, "").map(|filter| format!(" WHERE {filter}"));
    let filter = filter.unwrap_or_default();
    Some(format!("SELECT CAST(MIN({name}) AS STRING), CAST(MAX({name}) AS STRING) FROM {table}{filter}"))
}

fn sums(comparison: &Comparison, cut: &Cut) -> String {
    let part = format!("{} AS __part", digest::part(comparison, cut.grain, ""));
    let hash = format!("{} AS __hash", digest::row_hash(comparison));
    format!(
        "SELECT CAST(__part AS STRING), CAST(COUNT(*) AS STRING), CAST(SUM({}) AS STRING) FROM (\n{}\n) AS __rows GROUP \
         BY __part",
        digest::summed("__hash"),
        digest::select(comparison, &[part, hash], within(comparison, cut.within.as_ref())),
    )
}

fn digests(comparison: &Comparison, parts: &Parts) -> String {
    let mut columns = digest::keys(comparison);
    columns.push(digest::compared(&digest::row_hash(comparison)));
    digest::select(comparison, &columns, within(comparison, Some(parts)))
}

/// All statements that a comparison runs about some parts.
#[cfg(test)]
pub fn statements_of(comparison: &Comparison, parts: &Parts) -> Vec<String> {
    let cut = Cut { grain: parts.grain, within: Some(parts.clone()) };
    let questions = [Question::Span, Question::Sums(cut), Question::Rows(parts.clone())];
    questions.iter().filter_map(|question| statement(comparison, question)).collect()
}

fn within(comparison: &Comparison, parts: Option<&Parts>) -> Option<String> {
    parts.map(|parts| digest::within(comparison, parts, ""))
}

fn part_sum(row: &[Option<String>]) -> Option<PartSum> {
    let [Some(part), Some(rows), Some(hashes)] = row else { return None };
    // The emulator prints the zeros of a NUMERIC.
    let hashes = hashes.split('.').next()?;
    Some(PartSum { part: part.parse().ok()?, rows: rows.parse().ok()?, hashes: hashes.parse().ok()? })
}

fn row_digest(mut row: Vec<Option<String>>) -> Option<RowDigest> {
    let hash = row.pop()??;
    Some(RowDigest { key: row, hash, in_window: true })
}

fn unreadable(comparison: &Comparison) -> Fault {
    Fault::new(FaultKind::Bug, format!("What BigQuery says of the rows of {} cannot be read", comparison.target))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::cursor::{Cursor, Moment};
    use crate::domain::ids::SourceTable;
    use crate::domain::plan::TablePlan;
    use crate::domain::verify::{Grain, form};
    use crate::domain::window::{Low, Window};
    use crate::warehouse::bigquery::fixture::{orders, target};

    fn comparison(newest_only: bool) -> Comparison {
        let plan = orders();
        let at = Moment::parse("2026-11-23 08:00:00").unwrap();
        Comparison {
            source: SourceTable::whole(None, "orders".into()),
            target: target(),
            forms: (0..plan.columns.len()).map(|position| form(&plan, position)).collect(),
            plan: Arc::new(plan),
            window: Some(Window { low: Low::Beginning, high: Cursor::Moment(at) }),
            newest_only,
        }
    }

    #[test]
    fn rows_are_summed_by_ranges_of_the_key_up_to_the_watermark() {
        let grain = Grain::Range { base: -5, bits: 8 };
        let sql = sums(&comparison(false), &Cut { grain, within: Some(Parts::of(grain, [0, 1, 7])) });
        let hash = "TO_HEX(SHA256(CONCAT('', IFNULL(CONCAT(CAST(`id` AS STRING), ';'), '-;'), \
                    IFNULL(CONCAT(CAST(UNIX_MICROS(`updated_at`) AS STRING), ';'), '-;'), \
                    IFNULL(CONCAT(TO_HEX(SHA256(`größe`)), ';'), '-;'), \
                    IFNULL(CONCAT(IF(STRPOS(CAST(`total` AS STRING), '.') > 0, RTRIM(RTRIM(CAST(`total` AS STRING), '0'), '.'), \
                    CAST(`total` AS STRING)), ';'), '-;'))))";
        assert_eq!(
            sql,
            format!(
                "SELECT CAST(__part AS STRING), CAST(COUNT(*) AS STRING), CAST(SUM(CAST(CAST(CONCAT('0x', SUBSTR(__hash, \
                 1, 15)) AS INT64) AS NUMERIC)) AS STRING) FROM (\nSELECT IFNULL((`id` - (-5)) >> 8, 0) AS __part, {hash} AS \
                 __hash FROM `my-project.shop.orders` WHERE ((`updated_at` <= TIMESTAMP '2026-11-23 08:00:00+00:00') OR \
                 `updated_at` IS NULL) AND (`id` BETWEEN -5 AND 506 OR `id` BETWEEN 1787 AND 2042 OR `id` IS NULL)\n) AS __rows GROUP BY \
                 __part"
            )
        );
    }

    #[test]
    fn without_a_window_every_row_is_compared() {
        let whole = Comparison { window: None, ..comparison(false) };
        let sql = digests(&whole, &Parts::of(Grain::Hash { bits: 2 }, [3]));
        assert!(sql.contains("FROM `my-project.shop.orders` WHERE TRUE AND ("), "{sql}");
        let plan = Arc::new(TablePlan { cursor: None, ..orders() });
        let without_cursor = Comparison { plan, ..comparison(false) };
        assert!(digests(&without_cursor, &Parts::of(Grain::Hash { bits: 2 }, [3])).contains("WHERE FALSE AND"));
    }

    #[test]
    fn only_the_newest_version_of_each_row_of_an_append_is_compared() {
        let sql = digests(&comparison(true), &Parts::of(Grain::Hash { bits: 2 }, [3]));
        assert!(sql.ends_with(" QUALIFY RANK() OVER (PARTITION BY `id` ORDER BY `updated_at` DESC) = 1"), "{sql}");
        assert!(sql.contains("'-;')))), 1, 8)) AS INT64) & 3) IN (3))"));
    }
}
