//! Adds entries at the end of a file's `mappings`, and leaves every other character of the file unchanged.

use super::document::entries;
use super::proposal::{Choice, Proposal};
use crate::domain::config::Config;

/// Where the list ends, and how its entries are indented.
struct Place {
    /// A byte offset in the text: the end of the last line that belongs to the list.
    at: usize,
    indent: usize,
}

/// The text with mappings for these tables at the end of its `mappings`. Tables that a proposal leaves out are added
/// too, because the operator has asked for them.
///
/// # Errors
/// Why the file has to be edited by hand.
pub fn append(text: &str, proposals: &[Proposal]) -> Result<String, String> {
    let Place { at, indent } = place(text)?;
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (before, after) = text.split_at(at);
    let gap = if before.ends_with('\n') { "" } else { line_end };
    let entries = lines_to_add(proposals, indent).replace('\n', line_end);
    Ok(format!("{before}{gap}{line_end}{entries}{after}"))
}

/// The lines that [`append`] adds to a list whose entries have this indentation.
#[must_use]
pub fn lines_to_add(proposals: &[Proposal], indent: usize) -> String {
    let asked: Vec<_> = proposals.iter().cloned().map(asked_for).collect();
    entries(&asked, indent)
}

/// The mappings with the names of these proposals that the file has got since the proposals were made.
#[must_use]
pub fn named_meanwhile(now: &Config, proposals: &[Proposal]) -> Option<String> {
    let is_there = |proposal: &&Proposal| now.mappings.iter().any(|mapping| mapping.name.0 == proposal.name);
    let there: Vec<_> = proposals.iter().filter(is_there).map(|proposal| format!("`{}`", proposal.name)).collect();
    match there.as_slice() {
        [] => None,
        [one] => Some(format!("a mapping {one}")),
        several => Some(format!("mappings {}", several.join(", "))),
    }
}

/// Whether the new file says everything that the old one said, and only adds this many mappings. Line numbers are
/// ignored, because the lines below the list move down.
#[must_use]
pub fn only_adds(before: &Config, after: &Config, mappings: usize) -> bool {
    let known = before.mappings.len();
    let mut rest = after.clone();
    let added = rest.mappings.split_off(known.min(rest.mappings.len()));
    added.len() == mappings && without_lines(&rest) == without_lines(before)
}

/// The content of a configuration without its line numbers.
fn without_lines(config: &Config) -> String {
    let said = format!("{config:?}");
    let plain =
        said.split("line: ").map(|piece| piece.trim_start_matches("Some(").trim_start_matches(char::is_numeric));
    plain.collect()
}

fn asked_for(proposal: Proposal) -> Proposal {
    let choice = match proposal.choice {
        Choice::LeftOut(entry, _) => Choice::Moved(entry),
        choice @ (Choice::Moved(_) | Choice::Impossible(_)) => choice,
    };
    Proposal { choice, ..proposal }
}

const HINT: &str =
    "add them by hand, or give `mappings:` a line of its own and each mapping a line that begins with `- `";

/// Finds the list. It begins after a line `mappings:` at the left margin and ends where another key or document begins
/// there.
fn place(text: &str) -> Result<Place, String> {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at, line.trim_end_matches(['\r', '\n']))
    });
    let is_head = |line: &str| {
        let rest = line.trim_start_matches('\u{feff}').strip_prefix("mappings:").map(str::trim);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
    };
    if !lines.by_ref().any(|(_, line)| is_head(line)) {
        return Err(format!("the file has no line `mappings:` with a list below it; {HINT}"));
    }
    let mut found: Option<Place> = None;
    for (end, line) in lines {
        let content = line.trim_start_matches(' ');
        let margin = line.len() - content.len();
        if content.is_empty() {
            continue;
        }
        // A comment at the margin may belong to the next key; a comment of the list is indented like its entries.
        let is_comment = content.starts_with('#');
        match &mut found {
            Some(place) if is_comment => {
                if margin > 0 && margin >= place.indent {
                    place.at = end;
                }
            }
            _ if is_comment => {}
            Some(place) => {
                let is_item = margin == place.indent && (content.starts_with("- ") || content == "-");
                if margin <= place.indent && !is_item {
                    break;
                }
                place.at = end;
            }
            None if content.starts_with("- ") || content == "-" => found = Some(Place { at: end, indent: margin }),
            None => return Err(format!("`mappings` is not a list with a line for each entry; {HINT}")),
        }
    }
    found.ok_or_else(|| format!("`mappings` has no entries yet; {HINT}"))
}
