//! What a session says about the server: the account, the connection's protection, the clock.

use chrono::Utc;

use super::fault::from_sqlx;
use super::server::Server;
use super::session::{Flavour, Session};
use super::sql::Query;
use super::texts::{Texts, text};
use super::{clock, connect};
use crate::domain::check::server::{Account, Entry, ServerFacts, ServerZone, Tls};
use crate::domain::config::MysqlSettings;
use crate::domain::excerpt::excerpt;
use crate::domain::fault::Fault;

/// The session's own zone is UTC; `global` is what other sessions get. A named zone whose table was not loaded gives
/// NULL.
const ZONE: &str = "SELECT @@global.time_zone, @@system_time_zone, CAST(TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), \
     CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone)) AS CHAR)";

pub async fn survey(server: &Server) -> Result<ServerFacts, Fault> {
    let mut session = connect::open(server).await?;
    read(&mut session, server)
        .await
        .map_err(|error| from_sqlx(error, "Asking MySQL about itself failed"))?
        .ok_or_else(clock::unreadable)
}

/// `None` if the clock shows no time.
async fn read(session: &mut Session, server: &Server) -> Result<Option<ServerFacts>, sqlx::Error> {
    let who = session.texts(Query::plain("SELECT CURRENT_USER(), VERSION(), DATABASE()")).await?;
    let who = who.into_iter().next().unwrap_or_default();
    let tls = session.texts(Query::plain("SHOW SESSION STATUS LIKE 'Ssl_version'")).await?;
    let cipher = session.texts(Query::plain("SHOW SESSION STATUS LIKE 'Ssl_cipher'")).await?;
    let zone = session.texts(Query::plain(ZONE)).await?.into_iter().next().unwrap_or_default();
    let asked = Utc::now().naive_utc();
    let there = clock::now(session).await?;
    // The answer was true at some moment between question and answer; the middle is taken.
    let here = asked + (Utc::now().naive_utc() - asked) / 2;
    let Some(there) = there else { return Ok(None) };
    let value = |rows: &[Texts]| rows.first().map(|row| text(row, 1).to_owned()).unwrap_or_default();
    let (version, cipher) = (value(&tls), value(&cipher));
    Ok(Some(ServerFacts {
        place: server.place(),
        product: excerpt(&match session.flavour {
            Flavour::MariaDb => format!("MariaDB {}", text(&who, 1).split("-MariaDB").next().unwrap_or_default()),
            Flavour::MySql => format!("MySQL {}", text(&who, 1)),
        }),
        account: Account::parse(text(&who, 0)),
        database: text(&who, 2).to_owned(),
        tls: (!cipher.is_empty()).then_some(Tls { version, cipher }),
        entry: entry(&server.settings),
        is_local: server.settings.socket.is_some() || is_loopback(&server.settings.host),
        zone: ServerZone {
            name: match text(&zone, 0) {
                "SYSTEM" => format!("SYSTEM ({})", text(&zone, 1)),
                name => name.to_owned(),
            },
            east: text(&zone, 2).parse().ok(),
        },
        clock_ahead: there - here,
    }))
}

fn entry(settings: &MysqlSettings) -> Entry {
    Entry {
        password: settings.password.variable(),
        ssh: settings.ssh.clone(),
        shows_certificate: settings.client_certificate.is_some(),
        is_verified: settings.ssl_mode.verifies(),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_local() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["db", "10.0.0.1", "localhost.example.com"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
