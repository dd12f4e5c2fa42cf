//! Which keys tell rows apart, and in which orders the server can hand rows out without sorting them.

use std::collections::{BTreeMap, HashMap};

use super::found::{Found, among};
use super::session::{Flavour, Session, Speaks};
use super::sql::{Bind, Query};
use super::texts::{Texts, text};

/// The keys and orders of a table; column lists are in index order, the primary key comes first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Indexes {
    pub unique_keys: Vec<Vec<String>>,
    pub ordering: Vec<Ordering>,
}

/// An index that hands rows out in the order of these columns.
#[derive(Debug, PartialEq, Eq)]
pub struct Ordering {
    pub index: String,
    pub columns: Vec<String>,
}

/// Reads the indexes of a table; a view has none.
pub async fn read(session: &mut Session<impl Speaks>, found: &Found) -> Result<Indexes, sqlx::Error> {
    if found.is_view() {
        return Ok(Indexes::default());
    }
    let mut parts = rows_of(session, &found.database, &[&found.table]).await?;
    let (_, hidden) = flag_words(session.flavour);
    Ok(of_rows(parts.remove(&found.table).unwrap_or_default().iter(), hidden, found.engine == "innodb"))
}

/// The indexes of many tables of one database, none of them a view; in the order of `found`.
pub async fn read_all(session: &mut Session, database: &str, found: &[Found]) -> Result<Vec<Indexes>, sqlx::Error> {
    let names: Vec<_> = found.iter().map(|found| found.table.as_str()).collect();
    let rows = rows_of(session, database, &names).await?;
    let (_, hidden) = flag_words(session.flavour);
    let indexes =
        |found: &Found| of_rows(rows.get(&found.table).into_iter().flatten(), hidden, found.engine == "innodb");
    Ok(found.iter().map(indexes).collect())
}

/// Their rows of [`list`], by the table's name exactly as written.
async fn rows_of(
    session: &mut Session<impl Speaks>,
    database: &str,
    names: &[&str],
) -> Result<HashMap<String, Vec<Texts>>, sqlx::Error> {
    let flag = flag(session).await?;
    let (among, binds) = among(database, names);
    let sql = format!(
        "SELECT {} FROM information_schema.statistics WHERE {among} ORDER BY index_name, seq_in_index",
        list(flag)
    );
    let mut rows: HashMap<String, Vec<Texts>> = HashMap::new();
    for row in session.texts(Query::new(sql, binds)).await? {
        rows.entry(text(&row, 8).to_owned()).or_default().push(row);
    }
    Ok(rows)
}

/// The catalogue column that marks indexes which the optimizer ignores, and the value that means so: such an index
/// orders no rows.
pub const fn flag_words(flavour: Flavour) -> (&'static str, &'static str) {
    match flavour {
        Flavour::MySql => ("IS_VISIBLE", "NO"),
        Flavour::MariaDb => ("IGNORED", "YES"),
    }
}

/// That column, or `NULL` at older servers, which do not have it.
pub async fn flag(session: &mut Session<impl Speaks>) -> Result<&'static str, sqlx::Error> {
    let (flag, _) = flag_words(session.flavour);
    let sql = "SELECT 1 FROM information_schema.columns WHERE table_schema = 'information_schema' \
               AND table_name = 'STATISTICS' AND column_name = ?";
    let known = !session.texts(Query::new(sql, [Bind::Text(flag.to_owned())])).await?.is_empty();
    Ok(if known { flag } else { "NULL" })
}

/// The fields that are selected for a column of an index.
pub fn list(flag: &str) -> String {
    format!(
        "index_name, column_name, CAST(sub_part AS CHAR), nullable, index_type, CAST(non_unique AS CHAR), collation, {flag}, \
         table_name"
    )
}

/// The keys and orders of a table, from its rows of [`list`] in the order of indexes and their columns.
pub fn of_rows<'a>(rows: impl Iterator<Item = &'a Texts>, hidden: &str, innodb: bool) -> Indexes {
    assemble(rows.map(|row| Part::of(row, hidden)).collect(), innodb)
}

/// One column of one index.
#[derive(Debug, Clone)]
struct Part {
    index: String,
    /// `None` for an expression or the beginning of a column.
    column: Option<String>,
    /// Unique and never NULL; NULLs are not equal to each other, so a nullable key does not tell rows apart.
    tells_apart: bool,
    /// Ascending, of a kind that orders rows, and not hidden from the optimizer.
    orders: bool,
}

impl Part {
    fn of(row: &Texts, hidden: &str) -> Self {
        let is = |index: usize, word: &str| text(row, index).eq_ignore_ascii_case(word);
        Self {
            index: text(row, 0).to_owned(),
            column: row.get(1).cloned().flatten().filter(|_| text(row, 2).is_empty()),
            tells_apart: is(5, "0") && !is(3, "yes"),
            orders: is(4, "btree") && !is(6, "d") && !is(7, hidden),
        }
    }
}

fn assemble(parts: Vec<Part>, innodb: bool) -> Indexes {
    let mut by_index: BTreeMap<(bool, String), Vec<Part>> = BTreeMap::new();
    for part in parts {
        by_index.entry((part.index != "PRIMARY", part.index.clone())).or_default().push(part);
    }
    let names = |parts: &[Part]| parts.iter().filter_map(|p| p.column.clone()).collect::<Vec<_>>();
    // An index with a column prefix or a descending column does not help: the primary key at its end is not in our
    // order.
    let plain = |parts: &&Vec<Part>| parts.iter().all(|p| p.column.is_some() && p.orders);
    let primary = by_index.get(&(false, "PRIMARY".to_owned())).filter(plain).map(|parts| names(parts));
    let primary = primary.unwrap_or_default();
    let mut indexes = Indexes::default();
    for parts in by_index.values() {
        if parts.iter().all(|p| p.tells_apart && p.column.is_some()) {
            indexes.unique_keys.push(names(parts));
        }
        // A prefix, an expression or a descending column ends the part of the index's order that is usable.
        let end = parts.iter().position(|p| p.column.is_none() || !p.orders).unwrap_or(parts.len());
        if end == 0 {
            continue;
        }
        let mut columns = names(&parts[..end]);
        if innodb && end == parts.len() {
            // InnoDB's secondary indexes end in the primary key.
            columns.extend(primary.iter().filter(|key| !names(parts).contains(key)).cloned());
        }
        indexes.ordering.push(Ordering { index: parts[0].index.clone(), columns });
    }
    indexes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: &str, column: &str) -> Part {
        Part { index: index.into(), column: Some(column.into()), tells_apart: false, orders: true }
    }

    fn unique(index: &str, column: &str) -> Part {
        Part { tells_apart: true, ..part(index, column) }
    }

    fn row(fields: [&str; 8]) -> Texts {
        fields.iter().map(|field| (*field != "-").then(|| (*field).to_owned())).collect()
    }

    fn orders(indexes: Indexes) -> Vec<Vec<String>> {
        indexes.ordering.into_iter().map(|order| order.columns).collect()
    }

    #[test]
    fn the_primary_key_comes_first_and_ends_every_index_of_innodb() {
        let parts = || vec![part("at", "at"), unique("PRIMARY", "id"), unique("A", "code")];
        let indexes = assemble(parts(), true);
        assert_eq!(indexes.unique_keys, [["id"], ["code"]]);
        assert_eq!(orders(indexes), [vec!["id"], vec!["code", "id"], vec!["at", "id"]]);
        assert_eq!(orders(assemble(parts(), false)), [["id"], ["code"], ["at"]]);
    }

    #[test]
    fn a_nullable_or_partial_key_does_not_tell_rows_apart() {
        let nullable = Part::of(&row(["n", "a", "-", "YES", "BTREE", "0", "A", "-"]), "NO");
        let prefix = Part::of(&row(["p", "b", "10", "", "BTREE", "0", "A", "-"]), "NO");
        let hash = Part::of(&row(["h", "c", "-", "", "HASH", "0", "-", "-"]), "NO");
        let indexes = assemble(vec![nullable, prefix, hash], true);
        assert_eq!(indexes.unique_keys, [["c"]]);
        assert_eq!(orders(indexes), [["a"]]);
    }

    #[test]
    fn a_partial_or_descending_primary_key_does_not_extend_other_indexes() {
        for (sub_part, collation, ordered) in [("10", "A", 1), ("-", "D", 1), ("-", "A", 3)] {
            let rows = [
                ["PRIMARY", "a", sub_part, "", "BTREE", "0", collation, "-"],
                ["PRIMARY", "b", "-", "", "BTREE", "0", "A", "-"],
                ["at", "at", "-", "", "BTREE", "1", "A", "-"],
            ];
            let indexes = assemble(rows.map(|fields| Part::of(&row(fields), "NO")).to_vec(), true);
            let at = indexes.ordering.iter().find(|order| order.index == "at").unwrap();
            assert_eq!((at.columns.len(), at.columns[0].as_str()), (ordered, "at"), "{sub_part} {collation}");
        }
    }

    #[test]
    fn only_ascending_visible_indexes_count_as_orders() {
        let rows = [
            ["half", "a", "-", "", "BTREE", "1", "A", "YES"],
            ["half", "b", "-", "", "BTREE", "1", "D", "YES"],
            ["hidden", "c", "-", "", "BTREE", "1", "A", "NO"],
            ["words", "d", "-", "", "FULLTEXT", "1", "-", "YES"],
            ["expression", "-", "-", "", "BTREE", "1", "A", "YES"],
        ];
        let parts = rows.map(|fields| Part::of(&row(fields), "NO")).to_vec();
        assert_eq!(orders(assemble(parts, true)), [["a"]]);
    }
}
