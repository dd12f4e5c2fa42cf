use super::*;

fn row(fields: &[Option<&str>]) -> Texts {
    fields.iter().map(|field| field.map(str::to_owned)).collect()
}

fn at(seconds: i64) -> NaiveDateTime {
    NaiveDateTime::default() + TimeDelta::seconds(seconds)
}

/// Thread 10 is connection 1, thread 20 is connection 2, thread 30 is the server's own; 40 does not exist any more.
fn of(second: (&str, &str), locks: &[(&str, &str, &str, &str, &str)]) -> Locks {
    let threads = [
        row(&[Some("10"), Some("1"), Some("Sleep"), None, Some("50"), Some("60.25"), Some("77")]),
        row(&[Some("20"), Some("2"), Some(second.0), Some(second.1), Some("3"), None, None]),
        row(&[Some("30"), None, None, None, None, None, None]),
    ];
    let locks: Vec<_> = locks
        .iter()
        .map(|&(owner, kind, name, lock, status)| {
            row(&[Some(owner), Some(kind), Some("Shop"), Some(name), Some(lock), Some(status)])
        })
        .collect();
    writers(&threads, &locks, 99, at(100))
}

fn tables(name: &str) -> Concerns {
    Concerns::Tables([("shop".to_owned(), name.to_owned())].into())
}

#[test]
fn a_writer_holds_its_table_since_its_transaction_began() {
    let found = of(("Sleep", ""), &[("10", "TABLE", "O", "SHARED_WRITE", "GRANTED")]);
    let write = OpenWrite { since: Some(at(38)), thread: Some(1), begun: Some("77".into()) };
    assert_eq!(found.writers, [(write, tables("o"))]);
}

#[test]
fn readers_and_alter_statements_are_not_waited_for() {
    for lock in ["SHARED_READ", "SHARED_UPGRADABLE", "SHARED_NO_WRITE"] {
        let found = of(("Sleep", ""), &[("10", "TABLE", "o", lock, "GRANTED")]);
        assert_eq!((found.writers.len(), found.holders.len()), (0, 1), "{lock}");
    }
    let alter = [
        ("10", "TABLE", "o", "SHARED_UPGRADABLE", "GRANTED"),
        ("10", "TABLE", "o", "EXCLUSIVE", "PENDING"),
        ("20", "GLOBAL", "", "SHARED", "PENDING"),
    ];
    assert!(of(("Query", "Waiting for table metadata lock"), &alter).writers.is_empty());
}

#[test]
fn a_statement_that_waits_for_any_lock_may_write_any_table() {
    let waiting = [
        ("TABLE", "p", "SHARED_WRITE"),
        ("TABLE", "p", "SHARED_READ"),
        ("GLOBAL", "", "INTENTION_EXCLUSIVE"),
        ("BACKUP", "", "BACKUP_TRANS_DML"),
    ];
    for (kind, name, lock) in waiting {
        let found = of(("Query", "Waiting"), &[("20", kind, name, lock, "PENDING")]);
        let write = OpenWrite { since: Some(at(96)), thread: Some(2), begun: None };
        assert_eq!(found.writers, [(write, Concerns::Any)], "{kind} {lock}");
    }
    assert!(of(("Query", "User lock"), &[("20", "USER LEVEL LOCK", "x", "EXCLUSIVE", "PENDING")]).writers.is_empty());
}

#[test]
fn a_statement_that_has_begun_and_asked_for_no_lock_yet_may_write_any_table() {
    for state in ["starting", "Init", "Opening tables", ""] {
        assert_eq!(of(("Query", state), &[]).writers.len(), 1, "{state}");
        assert_eq!(of(("Execute", state), &[]).writers[0].1, Concerns::Any, "{state}");
        let reads = [("20", "TABLE", "o", "SHARED_READ", "GRANTED")];
        assert!(of(("Query", state), &reads).writers.is_empty(), "{state}: it has its locks");
    }
    assert!(of(("Query", "User sleep"), &[]).writers.is_empty());
    assert!(of(("Sleep", ""), &[]).writers.is_empty());
}

#[test]
fn a_prepared_transaction_holds_its_tables_and_the_servers_threads_hold_none() {
    let locks = [("40", "TABLE", "o", "SHARED_WRITE", "GRANTED"), ("30", "TABLE", "o", "SHARED_WRITE", "GRANTED")];
    let found = of(("Sleep", ""), &locks);
    assert_eq!(found.writers, [(OpenWrite { since: None, thread: None, begun: Some("40".into()) }, tables("o"))]);
}

#[test]
fn our_own_locks_are_ignored() {
    let threads = [row(&[Some("10"), Some("1"), Some("Query"), Some("starting"), Some("0"), None, None])];
    let lock = [row(&[Some("10"), Some("TABLE"), Some("d"), Some("t"), Some("SHARED_READ"), Some("PENDING")])];
    assert_eq!(writers(&threads, &lock, 1, at(0)), Locks::default());
    assert_eq!(writers(&threads, &[], 1, at(0)), Locks::default());
}
