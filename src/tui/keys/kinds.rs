//! The meanings of keys, and where they apply.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::tui::screen::Screen;

/// What the operator wants, independent of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Open,
    Back,
    NextPane,
    PreviousPane,
    Toggle,
    Mark,
    MarkRange,
    MarkShown,
    OnlyWrong,
    AcceptSafe,
    NextOpen,
    PreviousOpen,
    RunSelected,
    RunAll,
    /// Opens a screen.
    Show(Screen),
    Deletes,
    Repair,
    Cancel,
    Pause,
    Filter,
    /// Opens the command line.
    Command,
    /// Opens the list of all actions here.
    Palette,
    Sort,
    Copy,
    Reload,
    /// Opens another configuration.
    Context,
    Help,
    Quit,
    Interrupt,
    Suspend,
    Redraw,
}

/// The place where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    Screen(Screen),
    Help,
    Dialog,
    /// A text field; letters are plain text.
    Typing,
    /// A field of the backfill form.
    Form,
    /// The command line.
    Command,
    /// The list of all actions here.
    Palette,
}

impl Scope {
    /// First the screens, then the help, which scrolls like them, then questions.
    pub const ALL: [Self; Screen::ALL.len() + 6] = {
        let mut all = [Self::Help; Screen::ALL.len() + 6];
        let mut place = 0;
        while place < Screen::ALL.len() {
            all[place] = Self::Screen(Screen::ALL[place]);
            place += 1;
        }
        all[place + 1] = Self::Dialog;
        all[place + 2] = Self::Typing;
        all[place + 3] = Self::Form;
        all[place + 4] = Self::Command;
        all[place + 5] = Self::Palette;
        all
    };

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Screen(screen) => screen.title(),
            Self::Help => "Help",
            Self::Dialog => "Questions",
            Self::Typing => "Filter",
            Self::Form => "Backfill, in a field",
            Self::Command => "Command line",
            Self::Palette => "List of actions",
        }
    }
}

/// A key, with or without Ctrl. Shift is part of the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

pub(super) const fn plain(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

pub(super) const fn letter(c: char) -> Key {
    plain(KeyCode::Char(c))
}

pub(super) const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: true }
}

impl Key {
    /// The key of a press; `None` for releases and for anything with Alt.
    #[must_use]
    pub fn pressed(event: &KeyEvent) -> Option<Self> {
        let pressed = matches!(event.kind, KeyEventKind::Press | KeyEventKind::Repeat);
        if !pressed || event.modifiers.contains(KeyModifiers::ALT) {
            return None;
        }
        Some(Self { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) })
    }

    /// The letter, if it is one.
    #[must_use]
    pub const fn letter(self) -> Option<char> {
        match self {
            Self { code: KeyCode::Char(c), ctrl: false } => Some(c),
            _ => None,
        }
    }

    /// The name in help and footer.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.ctrl => return format!("Ctrl-{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Esc => "Esc".to_owned(),
            KeyCode::Enter => "Enter".to_owned(),
            KeyCode::Tab => "Tab".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::Up => "Up".to_owned(),
            KeyCode::Down => "Down".to_owned(),
            KeyCode::Left => "Left".to_owned(),
            KeyCode::Right => "Right".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::Home => "Home".to_owned(),
            KeyCode::End => "End".to_owned(),
            other => other.to_string(),
        };
        if self.ctrl { format!("Ctrl-{name}") } else { name }
    }
}

/// A line of the table.
#[derive(Debug)]
pub struct Binding {
    pub action: Action,
    pub keys: &'static [Key],
    pub scopes: &'static [Scope],
    /// The action is not available with `--read-only`.
    pub writes: bool,
    /// A word or two for the footer; empty if the footer does not offer it.
    pub label: &'static str,
    pub help: &'static str,
}
