//! All keys: where they work and what they do.

use ratatui::crossterm::event::KeyCode;

use super::kinds::Scope::{Command, Dialog, Form, Help, Palette, Typing};
use super::kinds::{Action, Binding, Key, Scope, ctrl, letter, plain};
use crate::tui::screen::Screen;

const MAPPINGS: Scope = Scope::Screen(Screen::Mappings);
const RUN: Scope = Scope::Screen(Screen::Run);
const SCHEMA: Scope = Scope::Screen(Screen::Schema);
const BACKFILL: Scope = Scope::Screen(Screen::Backfill);
const HISTORY: Scope = Scope::Screen(Screen::History);
const REPORT: Scope = Scope::Screen(Screen::Report);
const LOGS: Scope = Scope::Screen(Screen::Logs);
const CHECK: Scope = Scope::Screen(Screen::Check);
const VERIFY: Scope = Scope::Screen(Screen::Verify);
const SENT: Scope = Scope::Screen(Screen::Sent);
const TABLES: Scope = Scope::Screen(Screen::Tables);
const DATA: Scope = Scope::Screen(Screen::Data);

const ALL: &[Scope] = &Scope::ALL;
pub(super) const SCREENS: &[Scope] = ALL.split_at(Screen::ALL.len()).0;
/// The screens and the help.
const LISTS: &[Scope] = ALL.split_at(Screen::ALL.len() + 1).0;
/// The screens, and a field of the backfill form.
const AND_FORM: &[Scope] = {
    const LENGTH: usize = Screen::ALL.len() + 1;
    &{
        let mut all = [Form; LENGTH];
        let mut place = 0;
        while place < Screen::ALL.len() {
            all[place] = ALL[place];
            place += 1;
        }
        all
    }
};
/// The screens, the help, and questions, whose lines may not fit.
const TEXTS: &[Scope] = ALL.split_at(Screen::ALL.len() + 2).0;

const fn row(
    action: Action,
    keys: &'static [Key],
    scopes: &'static [Scope],
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { action, keys, scopes, writes: false, label, help }
}

const fn write(
    action: Action,
    keys: &'static [Key],
    scopes: &'static [Scope],
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { action, keys, scopes, writes: true, label, help }
}

const UP: &[Key] = &[letter('k'), plain(KeyCode::Up)];
const DOWN: &[Key] = &[letter('j'), plain(KeyCode::Down)];
const ENTER: &[Key] = &[plain(KeyCode::Enter)];
const ESC: &[Key] = &[plain(KeyCode::Esc)];
const TAB: &[Key] = &[plain(KeyCode::Tab)];

/// All keys. The footer offers those with a label in this order, so the most important come first.
pub(super) const KEYS: &[Binding] = &[
    row(Action::Open, ENTER, &[MAPPINGS], "run", "show the mapping's run: the present one or the last"),
    row(Action::Show(Screen::Data), ENTER, &[RUN], "rows", "show its newest rows on both sides; says the cost first"),
    row(Action::Open, ENTER, &[DATA], "in full", "show the row alone, with every value in full"),
    row(Action::Open, ENTER, &[HISTORY], "report", "show the report of the run"),
    row(Action::Open, ENTER, &[Dialog], "choose", "choose the marked answer"),
    row(Action::Open, ENTER, &[Typing], "keep", "leave the field, keep the filter"),
    row(Action::Open, ENTER, &[BACKFILL, Form], "preview", "preview the backfill; then ask to start it"),
    row(Action::Open, ENTER, &[VERIFY], "compare", "compare the rows of MySQL and BigQuery"),
    write(Action::Open, ENTER, &[SCHEMA], "apply", "show the DDL of the accepted columns; asks to run it"),
    write(Action::Open, ENTER, &[TABLES], "add", "show the lines for config.yaml; asks to write them"),
    row(
        Action::Back,
        ESC,
        &[RUN, SCHEMA, BACKFILL, Form, VERIFY, DATA, REPORT, CHECK, Help, Dialog],
        "back",
        "go back",
    ),
    row(Action::Back, ESC, &[HISTORY, LOGS, SENT], "back", "clear the filter; without one, go back"),
    row(Action::Back, ESC, &[TABLES], "back", "clear the marks, then the filter, then go back"),
    row(Action::Back, ESC, &[MAPPINGS], "", "clear the marks, then the filter"),
    row(Action::Back, ESC, &[Typing], "", "clear the filter"),
    row(Action::Open, ENTER, &[Command], "do it", "carry the command out"),
    row(Action::Open, ENTER, &[Palette], "do it", "carry out the marked action"),
    row(Action::Back, ESC, &[Command, Palette], "close", "close the line or the list"),
    row(Action::Left, &[plain(KeyCode::Left)], &[BACKFILL, Dialog], "previous", "the previous mapping or answer"),
    row(Action::Right, &[plain(KeyCode::Right)], &[BACKFILL, Dialog], "next mapping", "the next mapping or answer"),
    write(Action::Toggle, &[letter(' ')], &[SCHEMA], "accept/decline", "accept or decline the column"),
    write(Action::AcceptSafe, &[letter('a')], &[SCHEMA], "accept safe", "accept every column that is safe"),
    write(Action::Repair, &[letter('m')], &[VERIFY], "repair", "repair the rows that differ; asks first"),
    row(Action::NextOpen, &[letter('n')], &[SCHEMA], "next", "to the next column that needs a decision"),
    row(Action::PreviousOpen, &[letter('N')], &[SCHEMA], "", "to the previous column that needs one"),
    write(Action::RunSelected, &[letter('r')], &[MAPPINGS, RUN, SCHEMA], "sync", "run the mapping now"),
    write(Action::RunAll, &[letter('R')], &[MAPPINGS], "sync all", "run every mapping now"),
    row(Action::OnlyWrong, &[letter('!')], &[MAPPINGS], "wrong", "list only mappings with problems, and late ones"),
    write(
        Action::Cancel,
        &[letter('c')],
        &[MAPPINGS, RUN, BACKFILL, VERIFY],
        "cancel",
        "cancel runs at their next safe point; asks first",
    ),
    write(
        Action::Pause,
        &[letter('p')],
        &[MAPPINGS, RUN, BACKFILL, VERIFY],
        "pause",
        "pause a run between two batches, or resume it",
    ),
    row(
        Action::Show(Screen::Schema),
        &[letter('s')],
        &[MAPPINGS, RUN],
        "schema",
        "compare MySQL's columns with BigQuery's",
    ),
    write(Action::Show(Screen::Backfill), &[letter('b')], &[MAPPINGS, RUN], "backfill", "move a range of rows again"),
    row(Action::Copy, &[letter('y')], &[RUN], "copy", "copy the marked job id"),
    row(
        Action::Copy,
        &[letter('y')],
        &[MAPPINGS, SCHEMA, HISTORY, REPORT, CHECK],
        "copy",
        "copy the error, the DDL, the run id or the findings",
    ),
    row(Action::Copy, &[letter('y')], &[VERIFY], "copy", "copy the keys that differ"),
    row(Action::Copy, &[letter('y')], &[SENT], "copy", "copy the SQL, with the id of the job and its link"),
    row(
        Action::Filter,
        &[letter('/')],
        &[MAPPINGS],
        "filter",
        "list only mappings that match: `status:failed lag:>1h -events`",
    ),
    row(Action::Filter, &[letter('/')], &[TABLES], "filter", "list only tables that match: `click mode:mirror -log`"),
    row(Action::Filter, &[letter('/')], &[LOGS], "filter", "show only lines that contain the text"),
    row(Action::Mark, &[letter(' ')], &[MAPPINGS], "mark", "mark the mapping; keys then apply to all marked mappings"),
    row(Action::MarkRange, &[letter('V')], &[MAPPINGS], "", "mark from here to the cursor, wherever it goes"),
    row(Action::MarkShown, &[letter('*')], &[MAPPINGS], "", "mark all listed mappings, or unmark them"),
    row(Action::Mark, &[letter(' ')], &[TABLES], "mark", "mark the table; Enter then adds all marked tables"),
    row(
        Action::MarkShown,
        &[letter('*')],
        &[TABLES],
        "mark all",
        "mark all listed tables with a proposed mode, or unmark them",
    ),
    row(Action::Copy, &[letter('y')], &[TABLES], "copy", "copy the lines for the configuration"),
    row(Action::Sort, &[letter('o')], &[MAPPINGS], "order", "order the list by file, name, lag, last run or status"),
    write(
        Action::Deletes,
        &[letter('x')],
        &[MAPPINGS, RUN],
        "deletes",
        "count the rows that MySQL no longer has; asks to delete them",
    ),
    row(
        Action::Show(Screen::History),
        &[letter('h')],
        &[MAPPINGS, RUN, SCHEMA, BACKFILL, VERIFY, LOGS],
        "history",
        "list the past runs of all hosts",
    ),
    row(
        Action::Show(Screen::Logs),
        &[letter('l')],
        &[MAPPINGS, RUN, SCHEMA, BACKFILL, VERIFY, HISTORY, REPORT, CHECK],
        "logs",
        "show log lines, with a level for each target",
    ),
    row(
        Action::Reload,
        &[letter('u')],
        &[MAPPINGS, SCHEMA, DATA, HISTORY, CHECK, TABLES],
        "reload",
        "read the files again, and ask MySQL and BigQuery again",
    ),
    row(
        Action::Context,
        &[letter('C')],
        &[MAPPINGS],
        "context",
        "switch to another configuration; `:context -` goes back",
    ),
    row(
        Action::Show(Screen::Verify),
        &[letter('v')],
        &[MAPPINGS, RUN],
        "verify",
        "compare the rows of MySQL and BigQuery; can repair them",
    ),
    row(
        Action::Show(Screen::Data),
        &[letter('d')],
        &[MAPPINGS, RUN, VERIFY],
        "rows",
        "show its newest rows on both sides; says the cost first",
    ),
    row(
        Action::Show(Screen::Check),
        &[letter('i')],
        &[MAPPINGS, RUN],
        "check",
        "check what a run needs: permissions, keys, indexes, clocks",
    ),
    row(
        Action::Show(Screen::Sent),
        &[letter('w')],
        &[MAPPINGS, RUN, SCHEMA, BACKFILL, VERIFY, HISTORY, REPORT, LOGS],
        "sent",
        "show the SQL and the jobs that were sent to BigQuery",
    ),
    row(
        Action::Show(Screen::Tables),
        &[letter('t')],
        &[MAPPINGS],
        "",
        "list MySQL's tables without a mapping, and propose a mode",
    ),
    row(Action::NextPane, TAB, &[RUN, BACKFILL, Form, LOGS, SENT], "pane", "to the next pane or field"),
    row(Action::NextPane, TAB, &[Dialog], "", "to the next answer"),
    row(
        Action::PreviousPane,
        &[plain(KeyCode::BackTab)],
        &[RUN, BACKFILL, Form, SENT, Dialog],
        "",
        "to the previous pane, field or answer",
    ),
    row(Action::Up, UP, LISTS, "", "up"),
    row(Action::Down, DOWN, SCREENS, "", "down"),
    row(Action::Down, DOWN, &[Help], "scroll", "down"),
    row(Action::Up, UP, &[Dialog], "", "up"),
    row(Action::Down, DOWN, &[Dialog], "", "down"),
    row(Action::Up, &[plain(KeyCode::Up)], &[Form], "mapping", "to the field above"),
    row(Action::Down, &[plain(KeyCode::Down)], &[Form], "", "to the field below"),
    row(Action::Left, &[plain(KeyCode::Left)], &[DATA], "columns", "to the columns before"),
    row(Action::Right, &[plain(KeyCode::Right)], &[DATA], "", "to the columns after"),
    row(Action::Left, &[plain(KeyCode::Left)], &[LOGS], "", "show fewer levels of the target"),
    row(Action::Right, &[plain(KeyCode::Right)], &[LOGS], "", "show more levels of the target"),
    row(Action::PageUp, &[plain(KeyCode::PageUp)], TEXTS, "", "a page up"),
    row(Action::PageDown, &[plain(KeyCode::PageDown)], TEXTS, "", "a page down"),
    row(Action::Top, &[letter('g'), plain(KeyCode::Home)], LISTS, "", "to the first"),
    row(Action::Bottom, &[letter('G'), plain(KeyCode::End)], LISTS, "", "to the last; in the logs: follow"),
    row(Action::Toggle, &[letter(' ')], &[LOGS], "targets", "show or hide the targets"),
    row(Action::NextPane, TAB, &[Command], "complete", "complete the word, or take the next word that fits"),
    row(Action::PreviousPane, &[plain(KeyCode::BackTab)], &[Command], "", "take the previous word that fits"),
    row(Action::Up, &[plain(KeyCode::Up)], &[Command], "earlier", "the previous command"),
    row(Action::Down, &[plain(KeyCode::Down)], &[Command], "", "the next command"),
    row(Action::Up, &[plain(KeyCode::Up)], &[Palette], "", "up"),
    row(Action::Down, &[plain(KeyCode::Down)], &[Palette], "", "down"),
    row(Action::PageUp, &[plain(KeyCode::PageUp)], &[Palette], "", "a page up"),
    row(Action::PageDown, &[plain(KeyCode::PageDown)], &[Palette], "", "a page down"),
    row(Action::Command, &[letter(':')], SCREENS, "command", "type a command; Tab completes it, Up shows earlier ones"),
    row(Action::Palette, &[ctrl('p')], AND_FORM, "", "list all actions here; letters narrow the list"),
    row(Action::Help, &[letter('?')], SCREENS, "help", "show this list"),
    row(Action::Help, &[letter('?')], &[Help], "", "close help"),
    row(Action::Quit, &[letter('q')], SCREENS, "quit", "leave; asks while something runs"),
    row(Action::Quit, &[letter('q')], &[Help], "close", "close help"),
    row(Action::Interrupt, &[ctrl('c')], ALL, "", "leave; asks while something runs, pressed again cancels it"),
    row(Action::Suspend, &[ctrl('z')], ALL, "", "suspend the console and its runs; `fg` continues them"),
    row(Action::Redraw, &[ctrl('l')], ALL, "", "draw the screen again"),
];
