//! Limits of the terminal are respected: no colours, only ASCII, little room.

use super::mapping;
use crate::steps::{UPSERT, hundred};
use crate::support::Sandbox;
use crate::support::terminal::says;

/// The colours that a captured screen sets, by number; 39 and 49 are the terminal's own.
fn colours(painted: &str) -> Vec<u16> {
    let sequences = painted.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m'));
    let numbers = sequences.flat_map(|(numbers, _)| numbers.split([';', ':']).map(str::to_owned).collect::<Vec<_>>());
    numbers.filter_map(|number| number.parse().ok()).filter(|n| matches!(n, 30..=38 | 40..=48 | 90..=107)).collect()
}

#[tokio::test]
async fn no_colour_sets_no_colour() {
    let sandbox = hundred("console_colours", "", &format!("{UPSERT}\n{}", mapping("missing"))).await;
    let console = sandbox.terminal().await;
    for (command_line, coloured) in [("bqsync", true), ("NO_COLOR=1 bqsync", false), ("TERM=dumb bqsync", false)] {
        console.start(command_line).await;
        console.shows("ERROR").await;
        assert_eq!(!colours(&console.painted()).is_empty(), coloured, "{command_line}: {:?}", console.painted());
        console.press(&["l"]);
        console.shows("back").await;
        assert_eq!(!colours(&console.painted()).is_empty(), coloured, "{command_line}: {:?}", console.painted());
        console.press(&["q"]);
        assert_eq!(console.left().await, 0);
    }
}

#[tokio::test]
async fn an_ascii_locale_gets_only_ascii_characters() {
    let sandbox = hundred("console_ascii", "", UPSERT).await;
    sandbox.sync().await;
    let console = sandbox.terminal_with("bqsync").await;
    let full = console.shows("1 ok").await;
    assert!(!full.is_ascii(), "{full}");
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);

    console.start("clear; LANG=C bqsync").await;
    console.shows("1 ok").await;
    let screens = [
        ("s", "nothing to decide"),
        ("b", "Backfill: move a range again"),
        ("Enter", "BigQuery jobs"),
        ("h", "manual t 100"),
        ("Enter", "watermark - -> 2026-01-01 00:00:33"),
        ("l", "Logs"),
        ("?", "Help"),
    ];
    for (key, text) in screens {
        console.press(&[key]);
        let screen = console.shows(text).await;
        assert!(screen.is_ascii(), "{key}:\n{screen}");
        // Back to the list, with one Escape at a time: with a key after it, it would be an Alt key.
        if key == "s" || key == "b" {
            console.press(&["Escape"]);
            let list = console.shows("1 ok").await;
            assert!(list.is_ascii(), "{list}");
        }
    }
    console.press(&["q"]);
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}

#[tokio::test]
async fn the_console_fits_from_60_by_15_and_reports_a_smaller_terminal() {
    let sandbox = hundred("console_sizes", "", UPSERT).await;
    let held = sandbox.hold("t").await;
    let console = sandbox.terminal().await;
    console.resize(60, 15);
    console.start("bqsync").await;
    let small = console.shows("NEW never run").await;
    for text in ["1 mapping", "NAME", "STATUS", "r sync", "? help", "q quit"] {
        assert!(says(&small, text), "{text}:\n{small}");
    }
    console.press(&["r"]);
    console.shows("1 running").await;
    console.resize(59, 14);
    console.shows("bqsync needs 60 columns and 15 lines; this terminal has 59 and 14.").await;
    console.resize(120, 40);
    let large = console.shows("1 running").await;
    assert!(says(&large, "SOURCE -> TABLE"), "{large}");
    assert_eq!(large.lines().count(), 40, "{large}");
    console.resize(60, 15);
    console.until("the small screen", |screen| says(screen, "RUNNING") && !says(screen, "SOURCE")).await;
    drop(held);
    console.shows("1 ok").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}

#[tokio::test]
async fn read_only_offers_no_command_that_writes() {
    let sandbox = Sandbox::new("console_read_only").await;
    sandbox.configure("", &mapping("a"));
    sandbox.sql("CREATE TABLE a (id INT PRIMARY KEY); INSERT INTO a VALUES (1)").await;
    let console = sandbox.terminal_with("bqsync --read-only").await;
    let opened = console.shows("in BigQuery up to - · newest in MySQL 1").await;
    assert!(says(&opened, "READ-ONLY") && says(&opened, "q quit"), "{opened}");
    for word in ["sync all", "r sync", "backfill", "cancel", "pause"] {
        assert!(!opened.contains(word), "{word}:\n{opened}");
    }
    console.press(&["r", "R", "b", "c", "p"]);
    console.press(&["?"]);
    let mut help = console.shows("show the mapping's run: the present one or the last").await;
    console.press(&["G"]);
    help += &console.shows("? means unknown").await;
    for sentence in ["run the mapping now", "run every mapping now", "move a range", "cancel runs", "pause a run"] {
        assert!(!says(&help, sentence), "{sentence}:\n{help}");
    }
    console.press(&["q"]);
    console.until("the screen from before", |screen| screen == opened).await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
    assert!(!sandbox.path("etl").exists());
}
