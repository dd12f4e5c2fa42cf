//! The fence: what is known about open writes that may still bring rows with values from before now.

use chrono::NaiveDateTime;

/// How the server shows open writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// Not at all: rows of the last seconds are held back instead.
    Nothing,
    /// By InnoDB's transactions and all running statements that may write, whatever their table.
    Transactions,
    /// By metadata locks: exactly, and for each table separately.
    Locks,
}

/// Why a server does not know every open write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blind {
    /// Its primary has open transactions.
    Replica,
    /// The cluster's other nodes have open transactions.
    Galera,
    /// The group's other members have open transactions.
    Group,
    /// Connections reach different servers.
    Balancer,
    /// Writes happen outside this server, or in an engine whose transactions it does not list.
    Engine,
}

impl Blind {
    /// The words that complete "the server cannot see every open transaction: ", such as `it is a replica`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Replica => "it is a replica (or read-only): transactions are open at its primary",
            Self::Galera => "it is a node of a Galera cluster: transactions are open at other nodes",
            Self::Group => "it is a member of a replication group: transactions are open at other members",
            Self::Balancer => "connections reach different servers (a balancer or proxy)",
            Self::Engine => "the table's engine keeps its transactions to itself",
        }
    }
}

/// A look at those who may still write to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writers {
    pub sight: Sight,
    pub blind: Vec<Blind>,
    /// The server's clock (UTC) before the look.
    pub at: NaiveDateTime,
    /// The open writes, one for each connection.
    pub open: Vec<OpenWrite>,
}

/// A transaction, or a statement that waits to begin one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenWrite {
    /// When it began, or an earlier time (UTC): it stamps no row by the server's clock with an older value. `None`:
    /// unknown.
    pub since: Option<NaiveDateTime>,
    /// The connection's number at the server, as KILL takes it. `None`: a prepared transaction (XA) without a
    /// connection.
    pub thread: Option<u64>,
    /// Tells the transaction from a later one of the same connection. `None`: a statement that has not begun a
    /// transaction yet, or the server does not say.
    pub begun: Option<String>,
}

/// Keeps those of `open`, seen when the server's clock showed `at`, that a later look still shows.
///
/// A connection that runs a statement in the first look and has a transaction open in the second is the same writer. It
/// is another one only if both looks say so, or if it began after the first.
pub fn keep_open(open: &mut Vec<OpenWrite>, at: NaiveDateTime, later: &[OpenWrite]) {
    open.retain_mut(|was| {
        let same = |now: &&OpenWrite| {
            now.thread == was.thread
                && was.begun.as_ref().zip(now.begun.as_ref()).is_none_or(|(was, now)| was == now)
                && now.since.is_none_or(|since| since <= at)
        };
        let Some(now) = later.iter().find(same) else { return false };
        was.begun = was.begun.take().or_else(|| now.begun.clone());
        true
    });
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn write(thread: u64, begun: Option<&str>, since: i64) -> OpenWrite {
        let since = Some(NaiveDateTime::default() + TimeDelta::seconds(since));
        OpenWrite { since, thread: Some(thread), begun: begun.map(Into::into) }
    }

    /// Tells if connection 7, seen at second 100 as `was`, is still open after each of the `later` looks in turn.
    fn stays(was: OpenWrite, later: &[OpenWrite]) -> bool {
        let mut open = vec![was];
        for look in later {
            keep_open(&mut open, NaiveDateTime::default() + TimeDelta::seconds(100), std::slice::from_ref(look));
        }
        !open.is_empty()
    }

    #[test]
    fn a_statement_that_became_a_transaction_is_waited_for_until_it_ends() {
        assert!(stays(write(7, None, 90), &[write(7, Some("a"), 91)]));
        assert!(!stays(write(7, None, 90), &[write(7, Some("a"), 91), write(7, Some("b"), 91)]));
    }

    #[test]
    fn a_connections_next_transaction_is_not_waited_for() {
        assert!(stays(write(7, Some("a"), 90), &[write(7, Some("a"), 90)]));
        assert!(!stays(write(7, Some("a"), 90), &[write(7, Some("b"), 90)]));
        assert!(!stays(write(7, None, 90), &[write(7, None, 101)]), "a statement that began later");
        assert!(!stays(write(7, Some("a"), 90), &[write(8, Some("a"), 90)]));
    }

    #[test]
    fn writers_that_cannot_be_distinguished_are_waited_for() {
        assert!(stays(write(7, None, 90), &[write(7, None, 99)]));
        let unknown = OpenWrite { since: None, ..write(7, None, 0) };
        assert!(stays(unknown.clone(), &[unknown]));
    }
}
