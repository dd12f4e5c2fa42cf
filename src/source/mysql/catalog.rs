//! What `information_schema` says about a table: its columns, and whether the table exists.

use std::collections::HashMap;

use super::connect;
use super::fault::number as number_of;
use super::found::{Found, among, failed, find, in_database};
use super::indexes::{self, Indexes};
use super::server::Server;
use super::session::{Flavour, Session, Speaks};
use super::sql::{self, Bind, Query};
use super::texts::{Texts, number, text};
use super::{unreadable, views};
use crate::domain::column::{OldRows, SourceColumn, SourceSchema};
use crate::domain::fault::Fault;
use crate::domain::ids::SourceTable;
use crate::domain::source_type::{CatalogType, SourceType};
use crate::source::Estimate;

/// InnoDB, and engines without transactions, whose rows are visible once their statement has ended.
pub const OWN_ENGINES: [&str; 5] = ["innodb", "myisam", "aria", "memory", "archive"];
/// "SELECT command denied" to the table or to one of its columns: servers report either with this number.
const TABLE_DENIED: u16 = 1142;
const COLUMN_DENIED: u16 = 1143;

/// The fields that are selected for a column, in the order that [`column`] reads.
pub const COLUMNS: &str = "column_name, data_type, column_type, is_nullable, CAST(numeric_precision AS CHAR), \
     CAST(numeric_scale AS CHAR), CAST(datetime_precision AS CHAR), CAST(character_maximum_length AS CHAR), table_name, \
     character_set_name, collation_name, column_default, extra, column_comment";

/// Describes a table or view.
pub async fn describe(server: &Server, table: &SourceTable) -> Result<SourceSchema, Fault> {
    let mut session = connect::open(server).await?;
    let found = find(&mut session, table).await?;
    // An account may see columns of a table whose rows it may not read, and a view may refer to a table that is gone.
    let (probed, hides_columns) = probe(&mut session, table).await;
    let found = match (found, probed) {
        (Some(found), Ok(_)) => found,
        (Some(found), Err(error)) => return Err(unreadable::listed(&mut session, &found, table, error).await),
        (None, read) => return Err(unreadable::unlisted(&mut session, table, read.err()).await),
    };
    let mut columns = columns(&mut session, &found).await.map_err(|error| failed(error, table))?;
    if found.is_view() {
        columns = views::retyped(&mut session, table, columns).await.map_err(|error| failed(error, table))?;
    }
    let indexes = indexes::read(&mut session, &found).await.map_err(|error| failed(error, table))?;
    Ok(schema(&found, columns, indexes, hides_columns))
}

pub fn schema(found: &Found, columns: Vec<SourceColumn>, indexes: Indexes, hides_columns: bool) -> SourceSchema {
    SourceSchema {
        columns,
        unique_keys: indexes.unique_keys,
        indexes: indexes.ordering.into_iter().map(|order| order.columns).collect(),
        is_view: found.is_view(),
        is_transactional: found.is_view() || OWN_ENGINES.contains(&found.engine.as_str()),
        hides_columns,
        rows_estimate: found.rows.filter(|_| !found.is_view()),
        // For a view the catalogue's comment is only the word VIEW.
        comment: found.comment.clone().filter(|_| !found.is_view()),
    }
}

/// Selects all columns with a condition that no row meets. If that is refused, selects no column, and reports that some
/// columns are hidden: the catalogue lists only those that the account may see. (Within a subquery, so that the driver
/// need not know the columns' types.)
async fn probe(session: &mut Session, table: &SourceTable) -> (Result<Vec<Texts>, sqlx::Error>, bool) {
    let name = sql::table_name(table);
    match session.texts(Query::plain(no_row(table))).await {
        Err(error) if number_of(&error).is_some_and(|number| matches!(number, TABLE_DENIED | COLUMN_DENIED)) => {
            let none = session.texts(Query::plain(format!("SELECT 1 FROM {name} LIMIT 0"))).await;
            let hides_columns = none.is_ok();
            (none, hides_columns)
        }
        probed => (probed, false),
    }
}

/// Whether the table has columns that the account may not read.
pub async fn hides_columns(session: &mut Session, table: &SourceTable) -> bool {
    let (_, hides_columns) = probe(session, table).await;
    hides_columns
}

/// Selects all columns of no row.
pub fn no_row(table: &SourceTable) -> String {
    format!("SELECT 1 FROM (SELECT * FROM {} LIMIT 0) AS all_columns", sql::table_name(table))
}

/// Keys and orders of a table; `None` where the catalogue does not list it.
pub async fn indexes(session: &mut Session<impl Speaks>, table: &SourceTable) -> Result<Option<Indexes>, Fault> {
    let Some(found) = find(session, table).await? else { return Ok(None) };
    indexes::read(session, &found).await.map(Some).map_err(|error| failed(error, table))
}

/// Rows of the table, and average bytes of a row; nothing for a view.
pub async fn size(session: &mut Session, table: &SourceTable) -> Result<Estimate, Fault> {
    let sql = "SELECT CAST(table_rows AS CHAR), CAST(avg_row_length AS CHAR) FROM information_schema.tables \
               WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?";
    let rows = session.texts(in_database(sql, table, true)).await.map_err(|error| failed(error, table))?;
    let figure = |position| rows.first().and_then(|row| number(row, position));
    Ok(Estimate { rows: figure(0), row_bytes: figure(1) })
}

/// The number that the next row gets, if the column is AUTO_INCREMENT.
pub async fn next_number(session: &mut Session, table: &SourceTable, column: &str) -> Result<Option<u64>, Fault> {
    if session.flavour == Flavour::MySql {
        // Without this the answer may be a day old.
        let fresh = session.command("SET SESSION information_schema_stats_expiry = 0").await;
        fresh.map_err(|error| failed(error, table))?;
    }
    let sql = "SELECT CAST(t.auto_increment AS CHAR) FROM information_schema.tables t \
               JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name \
               WHERE t.table_schema = COALESCE(?, DATABASE()) AND t.table_name = ? AND c.column_name = ? \
               AND c.extra LIKE '%auto_increment%'";
    let mut query = in_database(sql, table, true);
    query.binds.push(Bind::Text(column.to_owned()));
    let rows = session.texts(query).await.map_err(|error| failed(error, table))?;
    Ok(rows.first().and_then(|row| number(row, 0)))
}

async fn columns(session: &mut Session, found: &Found) -> Result<Vec<SourceColumn>, sqlx::Error> {
    let mut columns = columns_of(session, &found.database, &[&found.table]).await?;
    Ok(columns.remove(&found.table).unwrap_or_default())
}

/// The columns of many tables of one database, by the table's name.
pub async fn columns_of(
    session: &mut Session,
    database: &str,
    names: &[&str],
) -> Result<HashMap<String, Vec<SourceColumn>>, sqlx::Error> {
    let (among, binds) = among(database, names);
    let sql = format!("SELECT {COLUMNS} FROM information_schema.columns WHERE {among} ORDER BY ordinal_position");
    let rows = session.texts(Query::new(sql, binds)).await?;
    let json = match session.flavour {
        Flavour::MariaDb => json_columns(session, database, names).await?,
        Flavour::MySql => HashMap::new(),
    };
    // Grouped by the names exactly as written: the catalogue's collation ignores case, but two tables may differ in
    // case only.
    let mut columns: HashMap<String, Vec<SourceColumn>> = HashMap::new();
    for row in &rows {
        let table = text(row, 8);
        let json = json.get(table).map_or(&[][..], Vec::as_slice);
        columns.entry(table.to_owned()).or_default().push(column(row, json, session.flavour));
    }
    Ok(columns)
}

/// A column from a row of [`COLUMNS`]. `json`: the table's columns that a check declares as JSON.
pub fn column(row: &Texts, json: &[String], flavour: Flavour) -> SourceColumn {
    let name = text(row, 0).to_owned();
    let entry = CatalogType {
        data_type: text(row, 1),
        column_type: text(row, 2),
        numeric_precision: number(row, 4),
        numeric_scale: number(row, 5),
        datetime_precision: number(row, 6),
        character_maximum_length: number(row, 7),
    };
    let is_json = entry.data_type.eq_ignore_ascii_case("longtext") && json.contains(&name);
    let source_type = if is_json { SourceType::Json } else { SourceType::from_catalog(&entry) };
    let lower = |index: usize| row.get(index).and_then(Option::as_deref).map(str::to_ascii_lowercase);
    let nullable = !text(row, 3).eq_ignore_ascii_case("no");
    SourceColumn {
        charset: lower(9),
        collation: lower(10),
        is_stamped: text(row, 12).to_ascii_lowercase().contains("on update current_timestamp"),
        old_rows: old_rows(row.get(11).and_then(Option::as_deref), text(row, 12), nullable, flavour),
        comment: row.get(13).cloned().flatten().filter(|comment| !comment.trim().is_empty()),
        ..SourceColumn::new(name, source_type, nullable)
    }
}

/// The value that rows got which existed when the column was added, from its default and the catalogue's other words.
fn old_rows(default: Option<&str>, extra: &str, nullable: bool, flavour: Flavour) -> OldRows {
    let extra = extra.to_ascii_uppercase();
    if ["VIRTUAL", "STORED", "PERSISTENT"].iter().any(|word| extra.contains(word)) {
        return OldRows::Computed;
    }
    // MariaDB writes defaults as SQL; MySQL writes the value, except for defaults that are expressions.
    let is_sql = flavour == Flavour::MariaDb || extra.contains("DEFAULT_GENERATED");
    let is_null = default.is_none_or(|text| is_sql && text.eq_ignore_ascii_case("null"));
    if is_null && nullable { OldRows::Null } else { OldRows::Filled }
}

/// The columns that are JSON in MariaDB, by table: LONGTEXT columns with a check that calls `json_valid`.
async fn json_columns(
    session: &mut Session,
    database: &str,
    names: &[&str],
) -> Result<HashMap<String, Vec<String>>, sqlx::Error> {
    let (among, binds) = among(database, names);
    let among = among.replace("table_schema", "constraint_schema");
    let sql = format!("SELECT check_clause, table_name FROM information_schema.check_constraints WHERE {among}");
    let mut columns: HashMap<String, Vec<String>> = HashMap::new();
    for row in session.texts(Query::new(sql, binds)).await? {
        if let Some(column) = checked_as_json(text(&row, 0)) {
            columns.entry(text(&row, 1).to_owned()).or_default().push(column);
        }
    }
    Ok(columns)
}

/// The column of a clause that consists only of `json_valid(column)`.
pub fn checked_as_json(clause: &str) -> Option<String> {
    let (function, argument) = clause.trim().split_once('(')?;
    let quoted = argument.strip_suffix(')')?.trim().strip_prefix('`')?.strip_suffix('`')?;
    let name = quoted.replace("``", "`");
    (function.eq_ignore_ascii_case("json_valid") && sql::identifier(&name) == format!("`{quoted}`")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_json_check_makes_a_json_column() {
        assert_eq!(checked_as_json("json_valid(`meta`)").as_deref(), Some("meta"));
        assert_eq!(checked_as_json("json_valid(`a``b`)").as_deref(), Some("a`b"));
        assert_eq!(checked_as_json("json_valid(`a`) or `b` = 1"), None);
        assert_eq!(checked_as_json("json_valid(`a`) and json_valid(`b`)"), None);
        assert_eq!(checked_as_json("length(`meta`)"), None);
    }

    #[test]
    fn a_longtext_is_json_only_with_its_check() {
        let row = |name: &str| -> Texts {
            [name, "longtext", "longtext", "YES"].iter().map(|t| Some((*t).to_owned())).collect()
        };
        let json = ["meta".to_owned()];
        let of = |name: &str| column(&row(name), &json, Flavour::MariaDb).source_type;
        assert_eq!(of("meta"), SourceType::Json);
        assert_eq!(of("note"), SourceType::Text { chars: None });
    }

    #[test]
    fn the_default_shows_what_existing_rows_got() {
        use Flavour::{MariaDb, MySql};
        use OldRows::{Computed, Filled, Null};
        for (flavour, default, extra, nullable, expected) in [
            (MySql, None, "", true, Null),
            (MariaDb, Some("NULL"), "", true, Null),
            (MySql, Some("NULL"), "DEFAULT_GENERATED", true, Null),
            // The text `NULL`.
            (MySql, Some("NULL"), "", true, Filled),
            (MariaDb, Some("'NULL'"), "", true, Filled),
            (MySql, Some("open"), "", true, Filled),
            (MySql, Some(""), "", true, Filled),
            (MariaDb, Some("current_timestamp()"), "", true, Filled),
            (MySql, Some("uuid()"), "DEFAULT_GENERATED", true, Filled),
            // 0, '' or the first of an ENUM.
            (MySql, None, "", false, Filled),
            (MariaDb, None, "auto_increment", false, Filled),
            (MySql, None, "VIRTUAL GENERATED", true, Computed),
            (MariaDb, Some("NULL"), "STORED GENERATED", true, Computed),
        ] {
            assert_eq!(old_rows(default, extra, nullable, flavour), expected, "{flavour:?} {default:?} {extra}");
        }
    }

    #[test]
    fn a_text_has_its_character_set_and_collation_in_lower_case() {
        let of = |charset: Option<&str>, collation: Option<&str>| {
            let mut row: Texts = ["c", "char", "char(4)", "NO"].iter().map(|t| Some((*t).to_owned())).collect();
            row.resize(9, None);
            row.extend([charset, collation].map(|t| t.map(str::to_owned)));
            let column = column(&row, &[], Flavour::MySql);
            (column.charset, column.collation)
        };
        assert_eq!(of(Some("SJIS"), Some("sjis_Nopad_bin")), (Some("sjis".into()), Some("sjis_nopad_bin".into())));
        assert_eq!(of(None, None), (None, None));
    }
}
