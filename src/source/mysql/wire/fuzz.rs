//! Feeds many byte sequences that no server sends: nothing may panic or wait, and lengths that are only claimed may not
//! take memory.
//!
//! FUZZ_SECONDS sets the duration (in a test run, a moment); FUZZ_SEED starts from a reported failure.

use std::io::Cursor;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::io::{join, sink};

use super::answer::Refusal;
use super::cells::Cells;
use super::column::Column;
use super::connection::Connection;
use super::crafted::{Said, definition, end};
use super::handshake::Greeting;
use super::packets::Incoming;
use crate::source::mysql::sql::Query;

/// Types of every width; the last but one is unknown, the last is always NULL.
const KINDS: [u8; 13] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x0a, 0x0b, 0x0c, 0xf6, 0xfc, 0xf2, 0x06];

/// Memory for what has arrived, twice, and for one more read.
const SPARE: usize = 1 << 20;

/// xorshift64*: the same numbers on every machine.
struct Chance(u64);

impl Chance {
    fn number(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below.max(1)
    }

    fn byte(&mut self) -> u8 {
        // Bytes with a special meaning occur often.
        let telling = [0x00, 0x01, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];
        if self.number(3) == 0 { telling[self.number(telling.len())] } else { u8::try_from(self.number(256)).unwrap() }
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.number(most + 1)).map(|_| self.byte()).collect()
    }
}

/// Prints the seed when something panics.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("FUZZ_SEED={}", self.0);
        }
    }
}

/// An answer to a query, as a server may send it.
fn conversation(chance: &mut Chance, deprecates_eof: bool) -> Vec<u8> {
    let kinds: Vec<u8> = (0..=chance.number(9)).map(|_| KINDS[chance.number(KINDS.len())]).collect();
    let eof = |said: Said| if deprecates_eof { said } else { said.then(end(false)) };
    let defined = |said: Said| eof(kinds.iter().fold(said, |said, &kind| said.then(&definition(kind, 0, 9))));
    let count = u8::try_from(kinds.len()).unwrap();
    let prepared = defined(Said::from(1).then(&[0, 7, 0, 0, 0, count, 0, 0, 0, 0, 0, 0]));
    let mut executed = defined(Said::from(1).then(&[count]));
    for _ in 0..chance.number(20) {
        let size = chance.number(3) * 40;
        executed = executed.then(&[&[0][..], &chance.bytes(size)].concat());
    }
    prepared.and(&executed.then(end(deprecates_eof))).bytes
}

fn spoiled(chance: &mut Chance, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..chance.number(6) {
        let at = chance.number(bytes.len());
        match chance.number(4) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..at, chance.bytes(9))),
            2 => drop(bytes.splice(at..(at + chance.number(9)).min(bytes.len()), [])),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = chance.byte();
                }
            }
        }
    }
    bytes
}

/// Reads a whole answer; returns the number of rows.
fn read(bytes: Vec<u8>, deprecates_eof: bool) -> Option<usize> {
    let arrived = bytes.len();
    let stream = join(Cursor::new(bytes), sink());
    let mut connection = Connection::new(Box::new(stream), Incoming::new(), deprecates_eof);
    let outcome = connection.all(&Query::plain("SELECT")).now_or_never();
    assert!(connection.room() <= 4 * arrived + SPARE, "{} bytes for {arrived}", connection.room());
    let outcome = outcome.unwrap_or_else(|| panic!("it waits for what never comes"));
    outcome.ok().map(|rows| rows.len())
}

#[test]
fn no_bytes_of_a_server_panic_or_take_more_memory_than_their_length() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let time = variable("FUZZ_SECONDS").map_or(Duration::from_millis(500), Duration::from_secs);
    let mut seed: u64 = variable("FUZZ_SEED").unwrap_or(1);
    let began = Instant::now();
    let (mut tries, mut whole) = (0_u64, 0_u64);
    while began.elapsed() < time {
        let _told = Seed(seed);
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let deprecates_eof = chance.number(2) == 0;
        let bytes = conversation(&mut chance, deprecates_eof);
        let bytes = spoiled(&mut chance, bytes);
        whole += u64::from(read(bytes, deprecates_eof).is_some());
        let packet = chance.bytes(200);
        let _ = (Greeting::read(&packet).is_ok(), Refusal::read(&packet).is_ok(), Column::read(&packet).is_ok());
        let greeting =
            [&b"\x0a8.4.0\0\x19\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0"[..], &packet]
                .concat();
        let _ =
            Greeting::read(&spoiled(&mut chance, greeting)).map(|greeting| greeting.log_in("u", "d", true, &packet));
        (seed, tries) = (seed + 1, tries + 1);
    }
    assert!(whole > 0 && whole < tries, "{whole} of {tries} were answers");
}

#[test]
fn a_row_of_nulls_has_no_cells_whatever_its_types() {
    let count = u8::try_from(KINDS.len()).unwrap();
    let known = KINDS.iter().filter(|&&kind| kind != 0xf2).copied();
    let said = known.clone().fold(Said::from(1).then(&[0, 7, 0, 0, 0, count - 1, 0, 0, 0, 0, 0, 0]), |said, kind| {
        said.then(&definition(kind, 0, 9))
    });
    let executed = known.fold(Said::from(1).then(&[count - 1]), |said, kind| said.then(&definition(kind, 0, 9)));
    let executed = executed.then(&[0, 0xfc, 0x3f]).then(end(true));
    let stream = join(Cursor::new(said.and(&executed).bytes), sink());
    let mut connection = Connection::new(Box::new(stream), Incoming::new(), true);
    let rows = connection.all(&Query::plain("SELECT")).now_or_never().unwrap().unwrap();
    assert_eq!(rows, [vec![None; KINDS.len() - 1]]);
    assert_eq!(connection.row().cell(0), None);
}
