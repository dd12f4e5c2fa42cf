//! `notify`: who is told of a run that nobody watches.

use super::content::{Notify, NotifyOn};
use super::read::{Reading, Section};
use crate::domain::secret::Secret;

const KEYS: [&str; 2] = ["url", "on"];

const ON: [(&str, NotifyOn); 3] =
    [("failure", NotifyOn::Failure), ("waiting", NotifyOn::Waiting), ("always", NotifyOn::Always)];

pub(super) fn read(r: &mut Reading<'_>, top: &Section<'_>) -> Option<Notify> {
    let entry = top.entry("notify").filter(|entry| !entry.node.is_null())?;
    let section = Section::open(r, &entry.node, &KEYS, "notify.", String::new())?;
    let on = section.choice(r, "on", &ON).unwrap_or(NotifyOn::Failure);
    let url = section.required(r, "url", "write where to send it: `url: ${BQSYNC_NOTIFY_URL}`")?;
    if !is_url(&url.text) {
        // Not shown: whoever knows it may write to the channel behind it.
        let hint = "write `https://host/path`, best in `.env` and as `${NAME}` here";
        r.problem(url.line, format!("{} is not an address of the web", section.name("url")), hint);
        return None;
    }
    Some(Notify { url: Secret::new(url.text), on })
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.is_some_and(|host| !host.is_empty()) && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests;
