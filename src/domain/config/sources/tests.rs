use std::path::Path;

use super::*;
use crate::domain::config::{Config, MysqlSettings, mysql_servers, parse, source_settings, wanted_source};

/// A configuration with these lines above its mappings, and mappings `m1`, `m2`, ... with these keys each.
fn config(top: &str, mappings: &[&str], variables: &[(&str, &str)]) -> Result<Config, String> {
    let mapping = |(number, keys): (usize, &&str)| {
        let number = number + 1;
        format!("  - {{name: m{number}, mysql_table: t{number}, incremental_column: id{keys}}}\n")
    };
    let mappings: String = mappings.iter().enumerate().map(mapping).collect();
    let text = format!("project: demo\ndataset: shop\n{top}mappings:\n{mappings}");
    let env = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    parse(&text, Path::new("config.yaml"), &env)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

const TWO: &str = "sources: {eu: {env: SHOP_}, us-1: {}}\n";

#[test]
fn each_mapping_uses_its_own_server() {
    let config = config(&format!("{TWO}defaults: {{source: eu}}\n"), &["", ", source: us-1"], &[]).unwrap();
    let prefixes: Vec<_> = config.sources.iter().map(|source| source.prefix.as_str()).collect();
    assert_eq!(prefixes, ["SHOP_", "MYSQL_US_1_"]);
    let tables: Vec<_> = config.mappings.iter().map(|mapping| mapping.source.to_string()).collect();
    assert_eq!(tables, ["eu:t1", "us-1:t2"]);
    assert_eq!(config.used_sources(), [Some(SourceName("eu".into())), Some(SourceName("us-1".into()))]);
}

#[test]
fn a_server_may_write_its_wall_clocks_in_a_zone_of_its_own() {
    let zones = "default_timezone: Europe/Berlin\nsources: {eu: {}, us: {timezone: America/Chicago}}\n";
    let config = config(zones, &[", source: eu", ", source: us"], &[]).unwrap();
    let zone = |name: &str| config.timezone_of(Some(&SourceName(name.to_owned())));
    assert_eq!(
        [zone("eu"), zone("us"), config.timezone_of(None)].map(|zone| zone.name().to_owned()),
        ["Europe/Berlin", "America/Chicago", "Europe/Berlin"]
    );
}

#[test]
fn a_mapping_without_a_source_needs_the_plain_variables() {
    let said = config(TWO, &[", source: eu", ""], &[]).unwrap_err();
    for part in ["config.yaml:6", "mapping `m2` names no `source`", "one of `eu`, `us-1`"] {
        assert!(said.contains(part), "{said}");
    }
    let plain = config(TWO, &[", source: eu", ""], &[("MYSQL_USER", "etl")]).unwrap();
    assert_eq!(plain.used_sources(), [Some(SourceName("eu".into())), None]);
    assert_eq!(plain.mappings[1].source.to_string(), "t2");
}

#[test]
fn an_invalid_source_is_reported_with_its_line_and_the_next_step() {
    for (top, mapping, parts) in [
        (TWO, ", source: euu", &["config.yaml:5", "`source` of mapping `m1`", "did you mean `eu`?"][..]),
        ("", ", source: eu", &["config.yaml:4", "there are no `sources`", "sources: {eu: {env: MYSQL_EU_}}"]),
        ("sources: {eu: {env: MYSQL_EU}}\n", ", source: eu", &["config.yaml:3", "`env` of source `eu`", "up to a `_`"]),
        ("sources: {eu: {timezone: america/chicago}}\n", "", &["`timezone` of source `eu`", "America/Chicago"]),
        ("sources: {e u: {}}\n", "", &["config.yaml:3", "cannot be named `e u`"]),
        ("sources: {eu: {evn: X_}}\n", ", source: eu", &["`evn` of source `eu`", "`env`"]),
        ("sources: {eu: {}, us: {env: mysql_eu_}}\n", ", source: eu", &["`eu` and `us` both read"]),
        ("sources: {eu: x}\n", "", &["source `eu` is"]),
        ("sources: []\n", "", &["`sources` is a list"]),
        ("sources: {}\n", "", &["`sources` is empty"]),
    ] {
        let said = config(top, &[mapping], &[]).unwrap_err();
        assert!(parts.iter().all(|part| said.contains(part)), "{parts:?}: {said}");
    }
}

#[test]
fn every_variable_of_a_source_has_its_own_prefix() {
    let source = NamedSource::called("eu");
    let read = |pairs: &[(&str, &str)]| {
        let env = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        source_settings(&source, &env)
    };
    let settings = read(&[
        ("MYSQL_EU_HOST", "db"),
        ("MYSQL_EU_USER", "etl"),
        ("MYSQL_EU_DATABASE", "shop"),
        ("MYSQL_EU_SSH", "ops@bastion"),
        ("MYSQL_PORT", "3307"),
        ("MYSQL_PASSWORD", "another's"),
    ])
    .unwrap();
    assert_eq!((settings.host.as_str(), settings.port, settings.ssh.as_deref()), ("db", 3306, Some("ops@bastion")));
    assert_eq!((settings.password.variable(), settings.source), (None, Some(source.clone())));
    let problems = read(&[("MYSQL_EU_PORT", "x"), ("MYSQL_USER", "etl")]).unwrap_err();
    let said: Vec<_> = problems.iter().map(ToString::to_string).collect();
    for name in ["MYSQL_EU_PORT", "MYSQL_EU_USER", "MYSQL_EU_DATABASE"] {
        let named =
            |said: &&String| said.starts_with(&format!("environment: {name} ")) && said.contains("(source `eu`)");
        assert!(said.iter().any(|said| named(&said)), "{name}: {said:?}");
    }
    assert!(!said.concat().contains(" MYSQL_USER") && said.concat().contains("`MYSQL_EU_USER=...`"), "{said:?}");
}

#[test]
fn only_servers_that_a_mapping_uses_need_their_variables() {
    let config = config(TWO, &[", source: eu"], &[]).unwrap();
    let servers = |variables: &[&str]| {
        let env = |name: &str| variables.contains(&name).then(|| "x".to_owned());
        let names =
            |servers: Vec<MysqlSettings>| servers.into_iter().map(|s| s.source.unwrap().name.0).collect::<Vec<_>>();
        mysql_servers(&config, &env).map(names).map_err(|problems| problems.len())
    };
    assert_eq!(servers(&["SHOP_USER", "SHOP_DATABASE", "MYSQL_USER"]), Ok(vec!["eu".to_owned()]));
    assert_eq!(servers(&["MYSQL_US_1_USER", "MYSQL_US_1_DATABASE", "MYSQL_USER", "MYSQL_DATABASE"]), Err(2));
    let both = ["SHOP_USER", "SHOP_DATABASE", "MYSQL_US_1_USER", "MYSQL_US_1_DATABASE"];
    assert_eq!(servers(&both), Ok(vec!["eu".to_owned(), "us-1".to_owned()]));
}

#[test]
fn a_source_name_is_found_or_the_nearest_one_is_suggested() {
    let config = config(TWO, &[", source: eu"], &[]).unwrap();
    assert_eq!(wanted_source(Some(&config), "eu").unwrap().prefix, "SHOP_");
    assert_eq!(wanted_source(None, "eu").unwrap().prefix, "MYSQL_EU_");
    assert!(wanted_source(Some(&config), "euu").unwrap_err().ends_with("did you mean `eu`?"));
}
