//! The newest rows of both sides, beside each other on the screen and nowhere else.

use std::path::{Path, PathBuf};

use crate::support::Sandbox;
use crate::support::terminal::says;

const MAPPING: &str = "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: at, mode: upsert, \
                       mask: {email: sha256}, exclude: [secret]}\n";

#[tokio::test]
async fn rows_are_shown_beside_each_other_once_the_price_was_seen_and_no_masked_value_is() {
    let sandbox = Sandbox::new("console_rows").await;
    sandbox.configure("", MAPPING);
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, note VARCHAR(40), email VARCHAR(40), secret VARCHAR(40), at DATETIME, KEY (at)); \
             INSERT INTO t VALUES (1, 'alike', 'canary-one@x', 'canary-two', '2026-01-01'), \
             (2, 'of mysql', 'canary-one@x', 'canary-two', '2026-01-02')",
        )
        .await;
    sandbox.sync().await;
    sandbox.bq("UPDATE `{d}.t` SET note = 'of bigquery' WHERE id = 2").await;
    sandbox.sql("INSERT INTO t VALUES (3, 'too new', 'canary-one@x', 'canary-two', '2026-01-03')").await;

    let console = sandbox.terminal_with("bqsync").await;
    console.shows("1 mapping").await;
    console.press(&["d"]);
    console.shows("Show the newest rows of t?").await;
    console.press(&["y"]);
    let shown = console.shows("1 alike, 1 differ").await;
    for words in ["*of mysql", "*of bigquery", "too new", "newer than the watermark", "masked"] {
        assert!(says(&shown, words), "{words}: {shown}");
    }
    assert!(!shown.contains("canary"), "{shown}");
    console.press(&["Escape"]);
    console.shows("1 mapping").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
    // Neither what was hidden nor what was shown is kept.
    let files = files(sandbox.dir());
    assert!(files.iter().any(|file| file.ends_with("state.json")), "{files:?}");
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        for value in ["canary", "of mysql", "of bigquery"] {
            assert!(!text.contains(value), "{value} is in {}", file.display());
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let all = paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    all.filter(|path| path.is_file()).collect()
}
