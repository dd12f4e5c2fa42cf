//! Rules about the MySQL server as a whole: the login, the connection, and the clock.

use std::fmt;

use chrono::TimeDelta;

use crate::domain::config::Pace;
use crate::domain::fence::{Sight, Writers};
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::SourceTable;
use crate::domain::quote;
use crate::domain::span::duration;
use crate::domain::tail;

/// Clocks kept by NTP differ by milliseconds; a read takes a second at worst.
const LARGEST_SKEW: TimeDelta = TimeDelta::seconds(5);

/// What a session says about its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// `db.example.com:3306`, or the socket's path.
    pub place: String,
    /// `MariaDB 10.11.6`.
    pub product: String,
    pub account: Account,
    /// The connection's database.
    pub database: String,
    pub tls: Option<Tls>,
    pub entry: Entry,
    /// The traffic never leaves the machine from which the server is reached.
    pub is_local: bool,
    pub zone: ServerZone,
    /// How far the server's clock is ahead of ours.
    pub clock_ahead: TimeDelta,
}

/// How the session logged in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The variable that the password comes from.
    pub password: Option<&'static str>,
    /// The host from which `ssh` forwards the connection.
    pub ssh: Option<String>,
    pub shows_certificate: bool,
    /// The server's certificate was checked against an authority.
    pub is_verified: bool,
}

/// An account as the server's grants name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user: String,
    /// From where the account may come: `%`.
    pub host: String,
}

impl Account {
    /// `user@host`, as CURRENT_USER() gives it; a user may hold an `@`, a host may not.
    #[must_use]
    pub fn parse(current_user: &str) -> Self {
        let (user, host) = current_user.rsplit_once('@').unwrap_or((current_user, "%"));
        Self { user: user.to_owned(), host: host.to_owned() }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", quote::mysql_text(&self.user), quote::mysql_text(&self.host))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The TLS version: `TLSv1.3`.
    pub version: String,
    pub cipher: String,
}

/// The zone in which the server stamps DATETIME columns, unless the application's session sets another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerZone {
    /// `SYSTEM (CET)`, `+00:00`.
    pub name: String,
    /// Seconds east of UTC now; `None` if the server lacks the table of its own zone.
    pub east: Option<i32>,
}

#[must_use]
pub fn login(facts: &ServerFacts) -> Finding {
    let ServerFacts { place, product, account, database, entry, .. } = facts;
    let password = entry.password.map_or_else(|| "without a password".to_owned(), |name| format!("by {name}"));
    let sentence = format!("{account} can log in {password} at {place}, database `{database}` ({product})");
    Finding::ok(Topic::MysqlLogin, sentence)
}

#[must_use]
pub fn tls(facts: &ServerFacts) -> Finding {
    let Entry { ssh, shows_certificate, is_verified, .. } = &facts.entry;
    match (&facts.tls, ssh) {
        (Some(Tls { version, cipher }), _) => {
            let server = if *is_verified { "the server's certificate is verified" } else { "certificate not verified" };
            let client = if *shows_certificate { ", MYSQL_SSL_CERT was shown" } else { "" };
            Finding::ok(Topic::MysqlTls, format!("{version}, {cipher}; {server}{client}"))
        }
        (None, None) if facts.is_local => {
            Finding::ok(Topic::MysqlTls, "without encryption, but nothing leaves this machine".to_owned())
        }
        (None, Some(destination)) if facts.is_local => {
            Finding::ok(Topic::MysqlTls, format!("encrypted by ssh up to {destination}, where the server is"))
        }
        (None, ssh) => {
            let from =
                ssh.as_ref().map_or_else(String::new, |ssh| format!(" up to {ssh}, the end of ssh's encryption,"));
            let sentence =
                format!("rows travel from {}{from} without encryption, for anyone on the way to read", facts.place);
            Finding::warn(Topic::MysqlTls, sentence).remedy(
                "enable TLS at the server and set MYSQL_SSL_MODE=verify_identity with MYSQL_SSL_CA, or at least `required`",
            )
        }
    }
}

/// Reports how a run sees open writes, which it waits for, and how it could see them better.
#[must_use]
pub fn fence(facts: &ServerFacts, writers: &Writers) -> Finding {
    let is_mariadb = facts.product.starts_with("MariaDB");
    let near = duration(tail::NEAR);
    if let Some(spot) = writers.blind.first() {
        let sentence = format!(
            "not every open transaction is seen: {}. Each run looks again at the last {near} below the watermark, \
             where rows of transactions that were open for longer are missed",
            spot.words()
        );
        return Finding::warn(Topic::MysqlProcess, sentence)
            .remedy("read from the primary, or set a `lookback` longer than the longest transaction there");
    }
    let locks = if is_mariadb {
        "start the server with performance_schema=ON and performance-schema-instrument='wait/lock/metadata/sql/mdl=ON'; \
         then "
    } else {
        ""
    };
    let better = format!("{locks}GRANT SELECT ON performance_schema.* TO {}", facts.account);
    match writers.sight {
        Sight::Locks => Finding::ok(Topic::MysqlProcess, "open transactions are seen by the tables that they write"),
        Sight::Transactions => {
            let sentence =
                "open transactions are seen, but not which tables they write: a long one holds back every mapping";
            Finding::ok(Topic::MysqlProcess, sentence)
                .remedy(format!("to wait for a table's own writers alone: {better}"))
        }
        Sight::Nothing => {
            let settle = duration(Pace::UNSEEN_SETTLE);
            let sentence = format!(
                "the account may not see open transactions: rows of the last {settle} are held back instead, and each run \
                 looks again at the last {near} below the watermark; rows of a transaction that was open for longer \
                 are missed"
            );
            let grant = format!("GRANT PROCESS ON *.* TO {}", facts.account);
            let also = if is_mariadb { grant } else { format!("{grant}, or {better}") };
            Finding::warn(Topic::MysqlProcess, sentence).remedy(also)
        }
    }
}

#[must_use]
pub fn clock(facts: &ServerFacts) -> Finding {
    let ahead = facts.clock_ahead;
    if ahead.abs() <= LARGEST_SKEW {
        return Finding::ok(Topic::MysqlClock, format!("the same as here; its time zone is {}", facts.zone.name));
    }
    let off = duration(ahead.abs().to_std().unwrap_or_default());
    let side = if ahead > TimeDelta::zero() { "ahead of" } else { "behind" };
    Finding::warn(
        Topic::MysqlClock,
        format!(
            "MySQL's clock is {off} {side} this machine's: rows that applications stamp by another clock than \
             MySQL's may fall below a watermark"
        ),
    )
    .remedy("let NTP keep the time of both machines (`timedatectl`)")
}

/// The statement that lets the account read a table.
#[must_use]
pub fn grant_select(facts: &ServerFacts, table: &SourceTable) -> String {
    let database = table.database.as_ref().unwrap_or(&facts.database);
    let table = SourceTable::whole(Some(database.clone()), table.table.clone());
    format!("GRANT SELECT ON {} TO {}", quote::mysql_table(&table), facts.account)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::fence::Blind;
    use crate::domain::finding::Standing;

    pub fn facts() -> ServerFacts {
        ServerFacts {
            place: "db.example.com:3306".into(),
            product: "MySQL 9.4.0".into(),
            account: Account { user: "o'brien".into(), host: "%".into() },
            database: "shop".into(),
            tls: Some(Tls { version: "TLSv1.3".into(), cipher: "TLS_AES_256_GCM_SHA384".into() }),
            entry: Entry::default(),
            is_local: false,
            zone: ServerZone { name: "SYSTEM (UTC)".into(), east: Some(0) },
            clock_ahead: TimeDelta::milliseconds(-40),
        }
    }

    #[test]
    fn unencrypted_connections_are_warned_about_only_if_they_leave_the_machine() {
        assert_eq!(tls(&facts()).standing, Standing::Ok);
        let plain = ServerFacts { tls: None, ..facts() };
        assert_eq!(tls(&plain).standing, Standing::Warn);
        assert_eq!(tls(&ServerFacts { is_local: true, ..plain }).standing, Standing::Ok);
    }

    #[test]
    fn the_finding_says_how_the_session_logged_in() {
        let entry =
            Entry { password: Some("MYSQL_PASSWORD_FILE"), ssh: Some("ops@bastion".into()), ..Entry::default() };
        let facts = ServerFacts { entry, ..facts() };
        assert!(login(&facts).sentence.contains("can log in by MYSQL_PASSWORD_FILE at"), "{}", login(&facts));
        let plain = ServerFacts { tls: None, ..facts.clone() };
        assert_eq!(tls(&plain).standing, Standing::Warn);
        assert!(tls(&plain).sentence.contains("up to ops@bastion"), "{}", tls(&plain));
        assert_eq!(tls(&ServerFacts { is_local: true, ..plain }).standing, Standing::Ok);
        let entry = Entry { is_verified: true, shows_certificate: true, ..facts.entry.clone() };
        let shown = tls(&ServerFacts { entry, ..facts }).sentence;
        assert!(shown.contains("is verified") && shown.contains("MYSQL_SSL_CERT"), "{shown}");
    }

    #[test]
    fn a_wrong_clock_is_reported_as_ahead_or_behind() {
        assert_eq!(clock(&facts()).standing, Standing::Ok);
        let behind = clock(&ServerFacts { clock_ahead: TimeDelta::seconds(-90), ..facts() });
        assert_eq!(behind.standing, Standing::Warn);
        assert!(behind.sentence.contains("1 min 30 s behind"), "{behind}");
    }

    #[test]
    fn an_account_is_split_at_its_last_at_sign() {
        assert_eq!(Account::parse("etl@ops@10.0.%").to_string(), "'etl@ops'@'10.0.%'");
    }

    #[test]
    fn grants_can_be_pasted() {
        let table = SourceTable::whole(None, "odd`name".into());
        assert_eq!(grant_select(&facts(), &table), "GRANT SELECT ON `shop`.`odd``name` TO 'o''brien'@'%'");
        let elsewhere = SourceTable::whole(Some("old".into()), "t".into());
        assert!(grant_select(&facts(), &elsewhere).contains("`old`.`t`"));
    }

    #[test]
    fn the_fence_is_reported_with_the_way_to_improve_it() {
        let found = |sight, blind: &[Blind], product: &str| {
            let at = chrono::NaiveDateTime::default();
            let writers = Writers { sight, blind: blind.to_vec(), at, open: Vec::new() };
            fence(&ServerFacts { product: product.into(), ..facts() }, &writers)
        };
        assert_eq!(found(Sight::Locks, &[], "MySQL 9.7").standing, Standing::Ok);
        let transactions = found(Sight::Transactions, &[], "MariaDB 10.11");
        assert_eq!(transactions.standing, Standing::Ok);
        assert!(transactions.remedy.unwrap().contains("performance_schema=ON"));
        let nothing = found(Sight::Nothing, &[], "MySQL 9.7");
        assert_eq!(nothing.standing, Standing::Warn);
        assert_eq!(
            nothing.remedy.unwrap(),
            "GRANT PROCESS ON *.* TO 'o''brien'@'%', or GRANT SELECT ON performance_schema.* TO 'o''brien'@'%'"
        );
        let replica = found(Sight::Locks, &[Blind::Replica], "MySQL 9.7");
        assert_eq!(replica.standing, Standing::Warn);
        assert!(replica.sentence.contains("replica") && replica.remedy.unwrap().contains("lookback"));
    }
}
