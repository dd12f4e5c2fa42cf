//! `notify`: who is notified of a run that nobody watches.

use url::Url;

use super::content::{Notify, NotifyOn};
use super::key::{self, At, Gaps, Key, Missing, Row, put};
use crate::domain::secret::Secret;

const ON: [(&str, NotifyOn); 3] =
    [("failure", NotifyOn::Failure), ("waiting", NotifyOn::Waiting), ("always", NotifyOn::Always)];

const KEYS: &[Key<Draft>] = &[
    Key::new(
        "url",
        Missing::Required { said: "required in `notify`", hint: "write where to send it: `url: ${BQSYNC_NOTIFY_URL}`" },
        "`http://` or `https://` address that gets a POST with JSON. A secret: write it as `${NAME}`; it is never \
         shown or logged",
        |notify, at| put(&mut notify.url, url(at).map(Some)),
    ),
    Key::new(
        "on",
        Missing::Is("failure"),
        "`failure`: for runs in which a mapping failed; `waiting`: also if one waits for a schema decision; `always`: \
         for every run",
        |notify, at| put(&mut notify.on, at.choice(&ON)),
    ),
];

const PREFIX: &str = "notify.";

/// The lines for the documentation of these keys.
pub(super) fn rows() -> Vec<Row> {
    key::rows(KEYS, PREFIX)
}

struct Draft {
    url: Option<Secret>,
    on: NotifyOn,
}

pub(super) fn read(at: &mut At<'_, '_>) -> Option<Notify> {
    let section = key::open(at.r, at.node()?, KEYS, PREFIX, String::new())?;
    let mut draft = Draft { url: None, on: NotifyOn::Failure };
    key::read(at.r, &section, KEYS, Gaps::Default, &mut draft);
    Some(Notify { url: draft.url?, on: draft.on })
}

fn url(at: &mut At<'_, '_>) -> Option<Secret> {
    let url = at.value()?;
    if !is_url(&url.text) {
        // The value is not shown: anyone who knows it may write to the channel behind it.
        let hint = "write `https://host/path`, best in `.env` and as `${NAME}` here";
        at.r.problem(url.line, format!("{} is not an address of the web", url.place.name), hint);
        return None;
    }
    Some(Secret::new(url.text))
}

/// Tells if the text is an address as written: the parser itself would leave out tabs, and look for a missing host in
/// the path.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control()) && !rest.starts_with(['/', '\\']);
    let is_web = matches!(&*scheme.to_ascii_lowercase(), "http" | "https");
    is_plain && is_web && Url::parse(text).is_ok_and(|url| url.has_host())
}

#[cfg(test)]
mod tests;
