//! The look of a screen at operators' usual sizes, in colour and without: what is there, and how it is marked.
//!
//! A snapshot holds a screen's text, its styled stretches in colour, and those that mono keeps.

use std::fmt::Write;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::tui::app::{Drawn, Msg};
use crate::tui::desk::Desk;
use crate::tui::text::width;
use crate::tui::theme::Theme;
use crate::tui::view;

/// A common terminal, a large one, and the smallest supported one.
pub const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (60, 15)];
/// Sizes that leave almost no room somewhere.
const ODD: [(u16, u16); 6] = [(60, 15), (61, 16), (80, 15), (200, 15), (60, 60), (300, 100)];
const COLOUR: Theme = Theme { mono: false, ascii: false, links: false };
const MONO: Theme = Theme { mono: true, ascii: false, links: false };
const ASCII: Theme = Theme { mono: true, ascii: true, links: false };

fn drawn(desk: &Desk, size: (u16, u16), theme: Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal
        .draw(|frame| {
            view::draw(frame, &desk.app, theme);
        })
        .unwrap();
    terminal.backend().buffer().clone()
}

/// The screen's lines, without the cells that a wide character covers.
fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(width(symbol)).unwrap().max(1);
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

impl Desk {
    /// Draws the screen, as the loop does after each change.
    pub fn look(&mut self) -> String {
        let (width, height) = self.app.shared.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut drawn = Drawn::default();
        terminal.draw(|frame| drawn = view::draw(frame, &self.app, COLOUR)).unwrap();
        self.app.drawn(&drawn);
        text(terminal.backend().buffer())
    }
}

/// The text on the screen.
pub fn shown(desk: &Desk, size: (u16, u16)) -> String {
    text(&drawn(desk, size, COLOUR))
}

/// Checks that a terminal without UTF-8 gets only ASCII.
pub fn plain(desk: &Desk) {
    let shown = text(&drawn(desk, (80, 24), ASCII));
    assert!(shown.is_ascii(), "{shown}");
}

/// One snapshot for each usual size; also checks that other sizes can be drawn.
pub fn snapshots(name: &str, desk: &mut Desk) {
    for size in SIZES {
        desk.tell(Msg::Resized(size.0, size.1));
        let (colour, mono) = (drawn(desk, size, COLOUR), drawn(desk, size, MONO));
        assert_eq!(text(&colour), text(&mono), "colour says nothing that words do not");
        assert_eq!(coloured(&mono), 0, "mono names a colour");
        let told = format!("{}\n-- colour\n{}\n-- mono\n{}", text(&colour), styles(&colour), styles(&mono));
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), told);
    }
    for size in ODD {
        desk.tell(Msg::Resized(size.0, size.1));
        drawn(desk, size, COLOUR);
    }
}
