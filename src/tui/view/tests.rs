//! Every screen at the sizes operators have, in colour and without: what is there, and how it is marked.
//!
//! A snapshot holds a screen's text, the styled stretches of it in colour, and those that mono keeps.

mod scenes;

use std::fmt::Write;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::draw;
use crate::tui::app::Msg;
use crate::tui::desk::Desk;
use crate::tui::theme::Theme;

/// A common terminal, a large one, and the smallest that is drawn for.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (60, 15)];
const COLOUR: Theme = Theme { mono: false, ascii: false };
const MONO: Theme = Theme { mono: true, ascii: false };
const ASCII: Theme = Theme { mono: true, ascii: true };

fn drawn(desk: &Desk, size: (u16, u16), theme: Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| draw(frame, &desk.app, theme)).unwrap();
    terminal.backend().buffer().clone()
}

/// The screen's lines; what a wide character hides is left out.
fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(crate::tui::text::width(symbol)).unwrap().max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Stretches of one style, as `line:column`, the text and the style; plain text is not listed.
fn styles(buffer: &Buffer) -> String {
    let mut told = String::new();
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            let (style, begin) = ((cell.fg, cell.modifier), x);
            let mut stretch = String::new();
            while x < buffer.area.width && (buffer[(x, y)].fg, buffer[(x, y)].modifier) == style {
                assert_eq!(buffer[(x, y)].bg, Color::Reset, "a background would fight the terminal's own");
                stretch.push_str(buffer[(x, y)].symbol());
                x += 1;
            }
            if style != (Color::Reset, Modifier::empty()) {
                let colour = if style.0 == Color::Reset { String::new() } else { format!(" {}", style.0) };
                let names: Vec<String> = style.1.iter_names().map(|(name, _)| name.to_lowercase()).collect();
                let _ = writeln!(told, "{y}:{begin} {:?}{colour} {}", stretch.trim_end(), names.join(" "));
            }
        }
    }
    told
}

fn coloured(buffer: &Buffer) -> usize {
    buffer.content().iter().filter(|cell| cell.fg != Color::Reset).count()
}

/// One snapshot for each size.
fn snapshots(name: &str, desk: &mut Desk) {
    for size in SIZES {
        desk.tell(Msg::Resized(size.0, size.1));
        let (colour, mono) = (drawn(desk, size, COLOUR), drawn(desk, size, MONO));
        assert_eq!(text(&colour), text(&mono), "colour says nothing that words do not");
        assert_eq!(coloured(&mono), 0, "mono names a colour");
        let told = format!("{}\n-- colour\n{}\n-- mono\n{}", text(&colour), styles(&colour), styles(&mono));
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), told);
    }
}

#[test]
fn mappings_at_rest() {
    snapshots("mappings", &mut scenes::everything());
}

#[test]
fn what_failed_in_an_earlier_run_is_told_with_the_next_step() {
    let mut desk = scenes::everything();
    desk.press('j');
    for size in SIZES {
        desk.tell(Msg::Resized(size.0, size.1));
        let shown = text(&drawn(&desk, size, COLOUR));
        assert!(shown.contains("access denied"), "{shown}");
        assert!(size.1 < 20 || shown.contains("GRANT SELECT ON `shop`.`users`"), "{shown}");
    }
}

#[test]
fn mappings_while_they_run() {
    snapshots("running", &mut scenes::running());
}

#[test]
fn mappings_filtered() {
    snapshots("filter", &mut scenes::filtering());
}

#[test]
fn a_configuration_that_cannot_be_read() {
    snapshots("trouble", &mut scenes::trouble());
}

#[test]
fn a_run_under_way() {
    snapshots("run", &mut scenes::run());
}

#[test]
fn a_run_that_failed() {
    snapshots("run_failed", &mut scenes::failed());
}

#[test]
fn a_schema_review() {
    snapshots("schema", &mut scenes::review());
}

#[test]
fn the_ddl_before_it_is_carried_out() {
    snapshots("schema_ddl", &mut scenes::ddl());
}

#[test]
fn a_backfill_that_is_typed() {
    snapshots("backfill_form", &mut scenes::backfill_form());
}

#[test]
fn a_backfill_and_what_it_would_do() {
    snapshots("backfill_preview", &mut scenes::backfill_preview());
}

#[test]
fn the_history_of_all_hosts() {
    snapshots("history", &mut scenes::history());
}

#[test]
fn the_report_of_a_run() {
    snapshots("report", &mut scenes::report());
}

#[test]
fn log_lines_that_hold_a_text() {
    snapshots("logs", &mut scenes::logs());
}

#[test]
fn the_keys_that_work_here() {
    snapshots("help", &mut scenes::help());
}

#[test]
fn the_question_before_leaving() {
    snapshots("quit", &mut scenes::quit());
}

#[test]
fn the_question_before_rows_are_deleted() {
    snapshots("deletes", &mut scenes::deletes());
}

#[test]
fn read_only_says_so_and_offers_nothing_that_writes() {
    snapshots("read_only", &mut Desk::open_with(true, None));
}

#[test]
fn names_of_any_script_line_up() {
    let shown = text(&drawn(&scenes::any_script(), (80, 24), COLOUR));
    insta::assert_snapshot!("any_script_80x24", shown);
}

#[test]
fn a_terminal_without_utf_8_gets_ascii() {
    for desk in [scenes::running(), scenes::run(), scenes::review(), scenes::backfill_preview(), scenes::quit()] {
        let shown = text(&drawn(&desk, (80, 24), ASCII));
        assert!(shown.is_ascii(), "{shown}");
    }
}

#[test]
fn a_terminal_that_is_too_small_is_told_what_is_needed() {
    let desk = scenes::everything();
    for size in [(59, 15), (60, 14), (20, 5), (1, 1)] {
        let shown = text(&drawn(&desk, size, COLOUR));
        assert!(size.0 < 20 || shown.starts_with("bqsync needs"), "{shown}");
    }
}

#[test]
fn no_size_is_too_odd_to_draw() {
    let odd = [(60, 15), (61, 16), (80, 15), (200, 15), (60, 60), (300, 100)];
    for mut desk in scenes::all() {
        for size in odd {
            desk.tell(Msg::Resized(size.0, size.1));
            drawn(&desk, size, COLOUR);
        }
    }
}
