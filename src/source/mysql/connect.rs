//! Opens connections: each for one piece of work, with known session settings, never pooled.
//!
//! A connection whose future was dropped, or that met an error, is never used again (sqlx issue #563): it is dropped
//! together with its socket.

use futures_util::future::BoxFuture;

use super::fault::{from_login, is_full};
use super::foreign::is_foreign;
use super::login::{self, Dials, Login};
use super::peers;
use super::server::Server;
use super::session::{Flavour, Session, Speaks};
use super::silence::{Line, SET_UP, Seen, Watches};
use super::sql::{Bind, Query};
use super::texts::{first, number, text};
use super::wire::Connection;
use crate::domain::fault::{Absent, Fault, FaultKind};

/// Opens a connection, without retries: the caller repeats the whole work that the connection is for.
///
/// # Errors
/// `Auth` for a refused login, `Config` for TLS settings and databases that do not work, `Transient` while the server is
/// away, starting up or full.
pub async fn open(server: &Server) -> Result<Session, Fault> {
    open_by(server).await
}

/// Opens a connection for the rows of a table.
///
/// # Errors
/// The errors of [`open`].
pub async fn open_for_rows(server: &Server) -> Result<Session<Connection>, Fault> {
    open_by(server).await
}

async fn open_by<C: Dials + Speaks>(server: &Server) -> Result<Session<C>, Fault> {
    match open_once(server).await {
        Err(fault) if fault.kind() == FaultKind::Transient && !is_full(&fault) => {
            server.away.missed();
            let absent = Absent { server: server.place(), is_given_up: server.away.is_known() };
            Err(fault.with_absent(Some(absent)))
        }
        opened => {
            server.away.reached();
            opened.map(|(session, _)| session)
        }
    }
}

/// Also returns the server's name.
async fn open_once<C: Dials + Speaks>(server: &Server) -> Result<(Session<C>, String), Fault> {
    let sentence = login::sentence(server);
    let mut login = Login::prepare(server).await?;
    let opening = async {
        let connection = login.connect().await?;
        // Behind some proxies the login at the server happens only now.
        pinned(connection).await.map_err(|error| unset(error, &sentence))
    };
    match tokio::time::timeout(SET_UP, opening).await {
        Ok(Ok((session, Pinned { settings, name, number }))) if settings == PINNED => {
            peers::note(server.place(), &name);
            let watcher = Box::new(Other { server: server.clone(), name: name.clone(), number });
            let line = Line { number, patience: server.silence, watcher };
            Ok((Session { line: Some(line), ..session }, name))
        }
        Ok(Ok((_, Pinned { settings: pinned, .. }))) => {
            let sentence = format!("{sentence}: time zone and character set stayed `{pinned}` instead of `{PINNED}`");
            Err(Fault::new(FaultKind::Config, sentence).with_hint(format!(
                "connect without the proxy that keeps SET from the server; if there is none, look at the server's init_connect: \
                 {SEE_INIT_CONNECT}"
            )))
        }
        Ok(Err(fault)) => Err(fault),
        Err(_) => Err(Fault::new(FaultKind::Transient, format!("{sentence}: no answer within 10 s")).with_hint(
            "check MYSQL_HOST and MYSQL_PORT, that MySQL listens there, and that a firewall lets this machine through",
        )),
    }
}

/// Whether connections to this address have recently reached more than one server.
pub fn reached_several(server: &Server) -> bool {
    peers::several(&server.place())
}

/// The states in which MariaDB and MySQL show a connection that has data to send and waits for the client to take it.
const SENDING: [&str; 2] = ["Writing to net", "Sending to client"];

/// The command that a server shows for a connection that waits for its next statement.
const IDLE: &str = "Sleep";

/// Watches a connection through other connections.
struct Other {
    server: Server,
    /// Tells the server from others behind the same address.
    name: String,
    /// The watched connection's number at that server.
    number: u64,
}

impl Watches for Other {
    fn look(&self) -> BoxFuture<'_, Seen> {
        Box::pin(self.seen())
    }
}

impl Other {
    async fn seen(&self) -> Seen {
        let mut session: Session = match open_once(&self.server).await {
            Ok((session, name)) if name == self.name => session,
            Err(fault) if fault.kind() == FaultKind::Transient && !is_full(&fault) => return Seen::Nobody,
            _ => return Seen::Nothing,
        };
        // Nothing watches this connection: its answer comes soon, or is not needed.
        session.line = None;
        let sql = "SELECT command, COALESCE(state, '') FROM information_schema.processlist WHERE id = ?";
        let Ok(told) = session.texts(Query::new(sql, [Bind::UInt(self.number)])).await else { return Seen::Nothing };
        match told.first().map(|row| (text(row, 0), text(row, 1))) {
            None => Seen::Gone,
            Some((command, state)) if command == IDLE || SENDING.contains(&state) => Seen::Done,
            Some(_) => Seen::AtWork,
        }
    }
}

/// Settings that hold on both servers, whatever their defaults are:
/// - instants in UTC, text in utf8mb4, zero and impossible dates comparable;
/// - no row limit (`sql_select_limit` would lose rows in silence), `IS NULL` in its plain meaning;
/// - sort keys longer than the longest index key, or pages would overlap;
/// - an hour for a reader that waits for the warehouse, but five minutes for one that waits for a lock;
/// - each statement in its own transaction, of committed rows only, and no writing.
const SETTINGS: &str = "SET time_zone = '+00:00', NAMES utf8mb4, \
     sql_mode = 'ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION', sql_auto_is_null = 0, \
     sql_select_limit = 18446744073709551615, sql_big_selects = 1, max_sort_length = 16384, \
     net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 28800, lock_wait_timeout = 300, autocommit = 1";

const READ_ONLY: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY";

/// What `pinned` reads back when the settings have taken effect.
const PINNED: &str = "+00:00 utf8mb4";

/// What a session holds once it has been set up.
struct Pinned {
    /// Compared with [`PINNED`].
    settings: String,
    /// `name` and `number` as in [`Other`].
    name: String,
    number: u64,
}

/// Sets a session up, then reads the settings back: a proxy may drop the SET, and then every TIMESTAMP would be off by
/// hours.
async fn pinned<C: Speaks>(connection: C) -> Result<(Session<C>, Pinned), sqlx::Error> {
    let mut session = Session::of(connection);
    let pinned = pin(&mut session).await?;
    Ok((session, pinned))
}

async fn pin(session: &mut Session<impl Speaks>) -> Result<Pinned, sqlx::Error> {
    // Before anything is read: the server may have been told to answer in UTF-32.
    session.command(SETTINGS).await?;
    let query = Query::plain(format!(
        "SELECT CONCAT_WS(' ', @@session.time_zone, @@session.character_set_results), {}, CAST(CONNECTION_ID() AS CHAR), \
         VERSION()",
        peers::IDENTITY
    ));
    let rows = session.texts(query).await?;
    session.flavour = Flavour::of(rows.first().map_or("", |row| text(row, 3)));
    // A first load may stream for hours; a server's time limit is meant for its interactive users.
    let no_limit = match session.flavour {
        Flavour::MariaDb => "SET max_statement_time = 0",
        Flavour::MySql => "SET max_execution_time = 0",
    };
    for statement in [no_limit, READ_ONLY] {
        session.command(statement).await?;
    }
    Ok(Pinned {
        settings: first(&rows).unwrap_or_default().to_owned(),
        name: rows.first().map_or("", |row| text(row, 1)).to_owned(),
        number: rows.first().and_then(|row| number(row, 2)).unwrap_or_default(),
    })
}

/// How an administrator sees what the server runs at each login.
const SEE_INIT_CONNECT: &str = "`SELECT @@global.init_connect`, with this account or an administrator's";

/// The fault of a session's first statements. The server runs its `init_connect` just before them, and where that fails
/// it ends the connection; the reason stands in its error log alone.
fn unset(error: sqlx::Error, sentence: &str) -> Fault {
    let is_ended = matches!(&error, sqlx::Error::Io(io) if !is_foreign(io));
    let fault = from_login(error, sentence);
    if fault.own_hint().is_some() && !is_ended {
        return fault;
    }
    let up = if is_ended { "see that the server is up; " } else { "" };
    fault.with_hint(format!(
        "{up}the login succeeded and the first statement after it did not, which the server's init_connect may cause: \
         {SEE_INIT_CONNECT}; the server's error log has the reason"
    ))
}
