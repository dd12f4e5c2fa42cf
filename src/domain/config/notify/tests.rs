//! The address that notifications of a run go to, and that it stays a secret.

use std::path::Path;

use super::*;
use crate::domain::config::tests::{only, with};
use crate::domain::config::{Config, Problem, parse};

const SECRET: &str = "https://hooks.example.com/T000/s3cret";

fn notify(lines: &str) -> Result<Config, Vec<Problem>> {
    let text = format!(
        "project: p\ndataset: d\nnotify: {lines}\nmappings: [{{name: t, mysql_table: t, incremental_column: id}}]"
    );
    parse(&text, Path::new("config.yaml"), &|name| (name == "HOOK").then(|| SECRET.to_owned()))
}

#[test]
fn the_address_may_come_from_a_variable_and_is_never_shown() {
    let config = notify("{url: '${HOOK}'}").expect("no problem");
    let read = config.notify.as_ref().expect("somebody to tell");
    assert_eq!((read.url.expose(), read.on), (SECRET, NotifyOn::Failure));
    assert!(!format!("{config:?}").contains("s3cret"));
    for (word, on) in [("waiting", NotifyOn::Waiting), ("Always", NotifyOn::Always)] {
        assert_eq!(
            notify(&format!("{{url: 'http://h', on: {word}}}")).expect("no problem").notify.map(|n| n.on),
            Some(on)
        );
    }
    for url in ["https://x:65535/a?b#c", "HTTP://[::1]:8080", "https://user:pw@b\u{fc}cher.example/"] {
        assert!(notify(&format!("{{url: '{url}'}}")).is_ok(), "{url}");
    }
    assert_eq!(notify("").expect("no problem").notify, None);
}

#[test]
fn an_invalid_address_is_refused_and_its_value_is_not_shown() {
    for url in [
        "hooks.example.com/s3cret",
        "ftp://x/s3cret",
        "https:///s3cret",
        "https:/x/s3cret",
        "https://x/s3cret y",
        "https://x/s3cret\\ty",
        "https://x:65536/s3cret",
        "https://[::1/s3cret",
        "slack s3cret",
    ] {
        let problems = notify(&format!("{{url: \"{url}\"}}")).expect_err("a problem");
        let text = problems.iter().map(ToString::to_string).collect::<String>();
        assert!(text.contains("config.yaml:3: `notify.url` is not an address") && !text.contains("s3cret"), "{text}");
    }
    assert_eq!(only(with("notify: {url: '${NOT_SET}'}", ""), "`notify.url` is `${NOT_SET}`, but"), Some(3));
    assert_eq!(only(with("notify: {on: always}", ""), "`notify.url` is missing"), Some(3));
    assert_eq!(only(with("notify: {url: 'http://h', on: error}", ""), "`notify.on` cannot be `error`"), Some(3));
}
