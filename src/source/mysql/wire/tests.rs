//! A connection to servers that are scripted byte by byte.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::cells::Cells;
use super::connection::Connection;
use super::crafted::{Said, end, row, texts};
use super::packets::Incoming;
use crate::source::mysql::sql::{Bind, Query};

/// A connection to a server that has sent this, in pieces of that size.
fn connected(said: Said, piece: usize, deprecates_eof: bool) -> Connection {
    let (client, mut server) = duplex(piece);
    tokio::spawn(async move {
        let (mut reading, mut writing) = tokio::io::split(&mut server);
        let listening = async {
            let mut heard = Vec::new();
            reading.read_to_end(&mut heard).await.ok();
        };
        let speaking = async {
            writing.write_all(&said.bytes).await.ok();
            writing.shutdown().await.ok();
        };
        tokio::join!(speaking, listening);
    });
    Connection::new(Box::new(client), Incoming::new(), deprecates_eof)
}

/// Every row of one query, or the error.
async fn read(mut connection: Connection) -> Result<Vec<Vec<Option<Vec<u8>>>>, String> {
    connection.all(&Query::plain("SELECT")).await.map_err(|error| error.to_string())
}

fn told(cells: &[Option<&[u8]>]) -> Vec<Option<Vec<u8>>> {
    cells.iter().map(|cell| cell.map(<[u8]>::to_vec)).collect()
}

#[tokio::test]
async fn rows_are_read_alike_in_pieces_of_any_size() {
    let rows: [&[Option<&[u8]>]; 4] =
        [&[Some(b"a"), None], &[None, None], &[Some(&[7; 300]), Some(b"")], &[Some(b"\xfe"), Some(b"\xff")]];
    for deprecates_eof in [true, false] {
        for piece in [1, 3, 64, 4096] {
            let said = rows.iter().fold(texts(2, deprecates_eof), |said, cells| said.then(&row(cells)));
            let connection = connected(said.then(end(deprecates_eof)), piece, deprecates_eof);
            let expected: Vec<_> = rows.iter().map(|cells| told(cells)).collect();
            assert_eq!(read(connection).await.unwrap(), expected, "in pieces of {piece}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_columns_is_not_an_empty_table() {
    let prepared = Said::from(1).then(&[0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let said = prepared.and(&Said::from(1).then(b"\x00\x00\x00\x02\x00\x00\x00"));
    let told = read(connected(said, 64, true)).await.unwrap_err();
    assert!(told.contains("as if it had no rows"), "{told}");
}

#[tokio::test]
async fn null_bits_are_found_for_any_number_of_columns() {
    for columns in [1_u16, 5, 6, 7, 13, 14, 15, 251, 4096] {
        let cells: Vec<Option<&[u8]>> =
            (0..columns).map(|column| (column % 3 != 0 && column != columns - 1).then_some(&b"x"[..])).collect();
        let said = texts(columns, true).then(&row(&cells)).then(end(true));
        assert_eq!(read(connected(said, 4096, true)).await.unwrap(), [told(&cells)], "{columns} columns");
    }
}

#[tokio::test]
async fn a_row_of_16_mib_or_more_is_joined_and_the_next_one_is_found() {
    const PART: usize = 0xff_ffff;
    // The bytes around the text are 9; with them: one part less one byte, exactly one part, two parts and a bit.
    for size in [PART - 7 - 1, PART - 7, 2 * PART - 7, 2 * PART + 11] {
        let pattern: Vec<u8> = (0..251).collect();
        let mut text = pattern.repeat(size / pattern.len() + 1);
        text.truncate(size);
        let said = texts(1, true).then(&row(&[Some(&text)])).then(&row(&[Some(b"next")])).then(end(true));
        let rows = read(connected(said, 1 << 20, true)).await.unwrap();
        assert!(rows[0][0].as_deref() == Some(&text[..]), "{size}");
        assert_eq!(rows[1..], [told(&[Some(b"next")])], "{size}");
    }
}

#[tokio::test]
async fn an_error_after_some_rows_is_reported_in_the_servers_words() {
    let said = texts(1, true).then(&row(&[Some(b"a")])).then(b"\xff\x3d\x05#70100Query execution was interrupted");
    let mut connection = connected(said, 4096, true);
    connection.ask(&Query::plain("SELECT")).await.unwrap();
    let mut rows = 0;
    let error = loop {
        match connection.advance() {
            Ok(Some(true)) => rows += 1,
            Ok(Some(false)) => panic!("the end"),
            Ok(None) => connection.more().await.unwrap(),
            Err(error) => break error,
        }
    };
    assert_eq!((rows, crate::source::mysql::fault::number(&error)), (1, Some(1341)));
}

#[tokio::test]
async fn bytes_that_no_server_sends_are_an_error_and_never_a_row() {
    let whole = || texts(2, true).then(&row(&[Some(b"a"), Some(b"b")]));
    let mut longer = row(&[Some(b"a"), Some(b"b")]);
    longer.push(0);
    for (what, said) in [
        ("one cell too few", whole().then(&row(&[Some(b"a")]))),
        ("one cell too many", whole().then(&row(&[Some(b"a"), Some(b"b"), Some(b"c")]))),
        ("a byte too many", whole().then(&longer)),
        ("a cell that is longer than the row", whole().then(&[0, 0, 1, b'a', 9, b'b'])),
        ("a cell longer than memory", whole().then(&[0, 0, 1, b'a', 0xfe, 255, 255, 255, 255, 255, 255, 255, 255])),
        ("no bits of nulls", whole().then(&[0])),
        ("nothing", whole().then(&[])),
        ("a row of text", whole().then(&[1, b'a', 1, b'b'])),
        ("another result", whole().then(b"\xfe\x00\x00\x0a\x00\x00\x00")),
        ("an end that is none", whole().then(b"\xfe")),
        (
            "a file that it wants",
            Said::from(1).then(&[0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).and(&Said::from(1).then(b"\xfb/etc/passwd")),
        ),
        ("a packet out of order", whole().and(&Said::from(9).then(&row(&[None, None])))),
        ("the connection's end", whole()),
        (
            "columns that do not come",
            Said::from(1)
                .then(&[0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
                .and(&Said::from(1).then(&[0xfe, 255, 255, 255, 255, 255, 255, 255, 127])),
        ),
        ("placeholders that were not asked for", Said::from(1).then(&[0, 7, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0])),
    ] {
        let outcome = read(connected(said, 4096, true)).await;
        assert!(outcome.is_err(), "{what}: {outcome:?}");
        let said = outcome.unwrap_err();
        assert!(!said.contains("passwd"), "{said}");
    }
}

#[tokio::test]
async fn the_last_row_can_be_read_after_the_rows_have_ended() {
    let said = texts(1, true).then(&row(&[Some(b"first")])).then(&row(&[Some(b"last")])).then(end(true));
    let mut connection = connected(said, 5, true);
    connection.ask(&Query::plain("SELECT")).await.unwrap();
    while connection.advance().unwrap() != Some(false) {
        connection.more().await.unwrap();
    }
    assert_eq!(connection.row().cell(0), Some(&b"last"[..]));
    assert_eq!(connection.row().cell(1), None);
    assert_eq!(connection.advance().unwrap(), Some(false));
}

async fn heard(server: &mut DuplexStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    server.read_exact(&mut bytes).await.unwrap();
    bytes
}

async fn no_rows(connection: &mut Connection, query: &Query) {
    assert!(connection.all(query).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_repeated_statement_is_not_prepared_again() {
    let (client, mut server) = duplex(4096);
    let mut connection = Connection::new(Box::new(client), Incoming::new(), true);
    let query = Query::new("X ?", [Bind::UInt(258)]);
    let prepared =
        Said::from(1).then(&[0, 7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]).then(&super::crafted::definition(0xfd, 0, 0));
    let nothing = Said::from(1).then(&[1]).then(&super::crafted::definition(0xfd, 0, 0)).then(end(true));
    let execution = [0x17, 7, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0x08, 0x80, 2, 1, 0, 0, 0, 0, 0, 0];
    let both = [&[4, 0, 0, 0, 0x16][..], b"X ?", &[22, 0, 0, 0], &execution].concat();
    server.write_all(&prepared.and(&nothing).bytes).await.unwrap();
    no_rows(&mut connection, &query).await;
    assert_eq!(heard(&mut server, both.len()).await, both);
    server.write_all(&nothing.bytes).await.unwrap();
    no_rows(&mut connection, &query).await;
    assert_eq!(heard(&mut server, 26).await, [&[22, 0, 0, 0][..], &execution].concat());
    // Another statement takes its place, and the server is told to close the old one.
    server.write_all(&texts(1, true).then(end(true)).bytes).await.unwrap();
    no_rows(&mut connection, &Query::plain("Y")).await;
    assert_eq!(
        heard(&mut server, 9 + 6).await,
        [&[5, 0, 0, 0, 0x19, 7, 0, 0, 0][..], &[2, 0, 0, 0, 0x16, b'Y']].concat()
    );
}

#[test]
fn a_header_that_claims_16_mib_gets_memory_only_for_the_bytes_that_arrived() {
    let mut incoming = Incoming::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes = [vec![0xff, 0xff, 0xff, 0], vec![7; 100_000]].concat();
    let mut from = &bytes[..];
    runtime.block_on(async { while incoming.more(&mut from).await.is_ok() {} });
    assert!(incoming.take().unwrap().is_none());
    assert!(incoming.room() <= 4 * bytes.len(), "{}", incoming.room());
}
