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
    // A password or a tunnel that fails says nothing about the server.
    let login = Login::prepare(server).await?;
    match open_once(server, login).await {
        Err(fault) if fault.absent().is_some() => {
            server.away.missed();
            let absent = Absent { server: server.place(), is_given_up: server.away.is_known() };
            Err(fault.with_absent(Some(absent)))
        }
        // Whatever it answered.
        opened => {
            server.away.reached();
            opened.map(|(session, _)| session)
        }
    }
}

/// Also returns the server's name. The fault says if the server is absent.
async fn open_once<C: Dials + Speaks>(server: &Server, mut login: Login<'_>) -> Result<(Session<C>, String), Fault> {
    let sentence = login::sentence(server);
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
        Err(_) => Err(Fault::new(FaultKind::Transient, format!("{sentence}: no answer within 10 s"))
            .with_absent(Some(Absent::now(server.place())))
            .with_hint(
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
        let opening = async { open_once(&self.server, Login::prepare(&self.server).await?).await };
        let mut session: Session = match opening.await {
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
    // A proxy may log in at the server only with the first statement.
    let is_refused = fault.kind() == FaultKind::Auth;
    if is_refused || (fault.own_hint().is_some() && !is_ended) {
        return fault;
    }
    let up = if is_ended { "see that the server is up; " } else { "" };
    fault.with_hint(format!(
        "{up}the login succeeded and the first statement after it did not, which the server's init_connect may cause: \
         {SEE_INIT_CONNECT}; the server's error log has the reason"
    ))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::config::{MysqlSettings, PasswordSource, SslMode};
    use crate::domain::secret::Secret;
    use crate::source::mysql::wire::Refusal;

    fn server(port: u16, password: PasswordSource) -> Server {
        Server::new(MysqlSettings {
            source: None,
            host: "127.0.0.1".into(),
            port,
            socket: None,
            user: "etl".into(),
            password,
            database: "shop".into(),
            ssl_mode: SslMode::Preferred,
            ssl_ca: None,
            client_certificate: None,
            clear_password: false,
            ssh: None,
        })
    }

    /// The faults of both kinds of connections at a server that says this and leaves.
    async fn at_one_that_says(said: &'static [u8]) -> [Fault; 2] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = server(listener.local_addr().unwrap().port(), PasswordSource::Nowhere);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                client.write_all(said).await.ok();
            }
        });
        [open(&server).await.err().unwrap(), open_for_rows(&server).await.err().unwrap()]
    }

    #[tokio::test]
    async fn a_server_is_absent_only_if_nobody_answered() {
        for fault in at_one_that_says(b"").await {
            assert!(fault.absent().is_some() && fault.to_string().contains("before its greeting"), "{fault:?}");
        }
        for fault in at_one_that_says(b"\x1e\0\0\0\xff\x1d\x04Server shutdown in progress").await {
            assert_eq!((fault.kind(), fault.absent()), (FaultKind::Transient, None), "{fault}");
        }
        let nobody = open(&server(1, PasswordSource::Nowhere)).await.err().unwrap();
        assert!(nobody.absent().is_some_and(|absent| absent.server == "127.0.0.1:1"), "{nobody:?}");
    }

    #[tokio::test]
    async fn a_password_command_that_was_killed_is_no_absent_server() {
        let server = server(1, PasswordSource::Command(Secret::new("kill -9 $$")));
        let fault = open(&server).await.err().unwrap();
        assert!(fault.absent().is_none() && fault.to_string().contains("MYSQL_PASSWORD_COMMAND"), "{fault:?}");
    }

    #[test]
    fn a_login_that_a_proxy_makes_late_is_refused_like_any_other() {
        let refused = |number| unset(Refusal { number, state: "28000".into(), message: "no".into() }.into(), "x");
        for number in [1045, 1698] {
            let fault = refused(number);
            assert!(fault.kind() == FaultKind::Auth && !fault.hint().contains("init_connect"), "{}", fault.hint());
        }
        let ended = unset(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into(), "x");
        assert!(ended.hint().contains("init_connect"), "{}", ended.hint());
    }
}
