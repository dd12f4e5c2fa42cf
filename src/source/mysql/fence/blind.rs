//! Whether rows reach the server in other ways than through its own connections.

use crate::domain::fence::Blind;
use crate::source::mysql::fault::number;
use crate::source::mysql::session::{Flavour, Session};
use crate::source::mysql::sql::Query;
use crate::source::mysql::texts::text;

const APPLIERS: &str =
    "SELECT 1 FROM information_schema.processlist WHERE user = 'system user' AND command LIKE 'Slave%' LIMIT 1";

/// Any one sign is enough: if an account may not see one, another may show it.
pub async fn spots(session: &mut Session) -> Result<Vec<Blind>, sqlx::Error> {
    let (mut found, flavour) = (Vec::new(), session.flavour);
    if is_replica(session, flavour).await? {
        found.push(Blind::Replica);
    }
    if shows(session, "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'", |value| value.eq_ignore_ascii_case("on")).await? {
        found.push(Blind::Galera);
    }
    let group = "SHOW GLOBAL VARIABLES LIKE 'group_replication_group_name'";
    if shows(session, group, |value| !value.is_empty()).await? {
        found.push(Blind::Group);
    }
    Ok(found)
}

async fn is_replica(session: &mut Session, flavour: Flavour) -> Result<bool, sqlx::Error> {
    if shows(session, "SHOW GLOBAL VARIABLES LIKE 'read_only'", |value| !is_off(value)).await? {
        return Ok(true);
    }
    if flavour == Flavour::MariaDb
        && shows(session, "SHOW GLOBAL STATUS LIKE 'Slaves_running'", |value| value != "0").await?
    {
        return Ok(true);
    }
    let channels = match flavour {
        Flavour::MariaDb => ["SHOW ALL SLAVES STATUS", APPLIERS],
        Flavour::MySql => {
            ["SHOW REPLICA STATUS", "SELECT 1 FROM performance_schema.replication_connection_configuration LIMIT 1"]
        }
    };
    for channel in channels {
        if has_rows(session, channel).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tells if the value is `OFF`, `0`, or MariaDB 12's third word for it.
fn is_off(value: &str) -> bool {
    ["off", "0", "false"].iter().any(|off| value.eq_ignore_ascii_case(off))
}

/// Tells if `says` accepts one of the values. `statement` gives rows of name and value.
async fn shows(session: &mut Session, statement: &str, says: impl Fn(&str) -> bool) -> Result<bool, sqlx::Error> {
    let rows = session.texts(Query::plain(statement)).await?;
    Ok(rows.first().is_some_and(|row| says(text(row, 1))))
}

/// Tells if the statement gives rows; a missing right, or a table of another version, counts as no rows.
async fn has_rows(session: &mut Session, statement: &str) -> Result<bool, sqlx::Error> {
    match session.texts(Query::plain(statement)).await {
        Ok(rows) => Ok(!rows.is_empty()),
        Err(error) if number(&error).is_some() => Ok(false),
        Err(error) => Err(error),
    }
}
