//! Proposals beside a file with settings for all mappings.

use super::*;

/// Proposals for these tables beside a file with these `defaults`, and that file with the proposals added.
fn beside(defaults: &str, own: &str, tables: &[TableFacts]) -> (Vec<Proposal>, Config) {
    let file = format!(
        "project: p\ndataset: d\ndefaults: {defaults}\nmappings:\n  - name: first\n    mysql_table: first\n    mode: replace\n    \
         primary_keys: []\n    mask: {{}}\n    exclude: []\n    partition_by: []\n    columns: {{}}\n"
    );
    let env = |name: &str| name.ends_with("_KEY").then(|| "k".repeat(40));
    let parsed = |text: &str| parse(text, Path::new("config.yaml"), &env).unwrap_or_else(|p| panic!("{p:#?}\n{text}"));
    let now = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap().and_hms_opt(8, 0, 0).unwrap();
    let server = of_shop();
    let ground = Ground { server: &server, timezone: Tz::UTC, now, has_mask_key: false, source: None };
    let proposals = propose(tables, own, &mut Names::default(), ground, &parsed(&file).for_all);
    let possible: Vec<_> = proposals.iter().filter(|proposal| proposal.entry().is_some()).cloned().collect();
    let config = parsed(&append(&file, &possible).unwrap());
    (proposals, config)
}

fn lines_of(proposal: &Proposal) -> Vec<&str> {
    let entry = proposal.entry().unwrap_or_else(|| panic!("{proposal:?}"));
    entry.lines.iter().map(|line| line.text.as_str()).collect()
}

fn people() -> TableFacts {
    table("people", &[("email", text(200)), ("note", text(200)), ("phone", text(20)), ("password", text(60))])
}

#[test]
fn columns_that_defaults_masks_or_excludes_stay_masked_or_excluded() {
    let defaults = "{mask: {note: {hmac: \"${NOTE_KEY}\"}, gone: sha256}, exclude: [gone_too, PHONE], new_columns: {\"*pass*\": keep}}";
    let (proposals, config) = beside(defaults, "shop", &[people()]);
    let lines = lines_of(&proposals[0]);
    assert!(lines.contains(&"mask: {note: {hmac: \"${NOTE_KEY}\"}, email: sha256}"), "{lines:?}");
    assert!(lines.contains(&"exclude: [PHONE]"), "{lines:?}");
    // The columns may be added later: none of their values may arrive unmasked.
    assert!(lines.contains(&"new_columns: {gone: sha256, gone_too: exclude, \"*pass*\": keep}"), "{lines:?}");
    let mapping = &config.mappings[1];
    assert!(mapping.mask_of("gone").is_some() && mapping.excludes("gone_too"));
    assert!(mapping.mask_of("note").is_some() && mapping.mask_of("email").is_some() && mapping.excludes("phone"));
    assert!(!mapping.excludes("password"), "somebody has said `keep`");
    let (proposals, config) = beside("{mask: {email: null, phone: null, password: null}}", "shop", &[people()]);
    assert!(!lines_of(&proposals[0]).iter().any(|line| line.starts_with("mask") || line.starts_with("exclude")));
    assert_eq!(config.mappings[1].mask.len(), 3);
}

#[test]
fn a_later_column_whose_mask_key_cannot_be_repeated_stays_in_mysql() {
    let key = "0123456789abcdef0123456789abcdef";
    let defaults = format!("{{mask: {{gone: {{hmac: {key}}}}}, new_columns: {{\"*mail\": {{hmac: {key}}}}}}}");
    let (proposals, config) = beside(&defaults, "shop", &[table("tags", &[])]);
    let lines = lines_of(&proposals[0]);
    assert!(lines.contains(&"new_columns: {gone: exclude, \"*mail\": exclude}"), "{lines:?}");
    assert!(config.mappings[1].excludes("gone") && config.mappings[1].excludes("email"));
}

#[test]
fn the_key_of_a_mask_is_never_repeated() {
    let key = "0123456789abcdef0123456789abcdef";
    let (proposals, config) = beside(&format!("{{mask: {{note: {{hmac: {key}}}}}}}"), "shop", &[people()]);
    let lines = lines_of(&proposals[0]);
    assert!(lines.contains(&"exclude: [password, email, phone]"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains(key) || line.starts_with("mask")), "{lines:?}");
    assert!(config.mappings[1].mask_of("note").is_some());
}

#[test]
fn defaults_that_do_not_fit_the_table_are_narrowed() {
    let defaults = "{partition_by: created_at, partition_expiration: 90d, columns: {a: STRING, note: STRING}, rename: {a: b}, \
                    cluster_by: [a], primary_keys: [uid], mode: upsert, incremental_column: a}";
    let tables = [keyless(table("rates", &[("note", text(9))]), 5), table("born", &[("created_at", text(9))])];
    let (proposals, config) = beside(defaults, "shop", &tables);
    let lines = lines_of(&proposals[0]);
    for line in [
        "primary_keys: []",
        "mode: replace",
        "partition_by: []",
        "columns: {note: STRING}",
        "rename: {}",
        "cluster_by: []",
    ] {
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
    assert!(lines_of(&proposals[1]).contains(&"partition_by: []"), "of a type that no table is partitioned by");
    assert!(config.mappings.iter().all(|mapping| mapping.partition_by.is_none()));
    let mut large = table("orders", &[("created_at", MOMENT), ("at", MOMENT)]);
    large.schema.rows_estimate = Some(50_000_000);
    let (proposals, config) = beside("{partition_by: at}", "shop", &[large.clone()]);
    assert!(!lines_of(&proposals[0]).iter().any(|line| line.starts_with("partition_by")));
    assert_eq!(config.mappings[1].partition_column(), Some("at"));
    let (proposals, _) = beside("{partition_expiration: 90d}", "shop", &[large]);
    assert!(!lines_of(&proposals[0]).iter().any(|line| line.starts_with("partition_by")), "its rows would be gone");
}

#[test]
fn a_max_delete_fraction_in_defaults_is_respected() {
    let mut facts = table("tags", &[]);
    facts.schema.rows_estimate = Some(3);
    let has = |defaults| {
        lines_of(&beside(defaults, "shop", &[facts.clone()]).0[0]).iter().any(|line| line.starts_with("max_delete"))
    };
    assert!(has("{exclude: []}") && !has("{max_delete_fraction: 0.2}"));
}

#[test]
fn a_table_that_does_not_fit_defaults_is_left_out_with_the_reason() {
    for (defaults, why) in [("{loaded_at: note}", "`note`"), ("{where: tenant_id <> 7}", "`where` of `defaults`")] {
        let (proposals, _) = beside(defaults, "shop", &[people()]);
        let Choice::Impossible(said) = &proposals[0].choice else { panic!("{defaults}: {proposals:?}") };
        assert!(said.contains(why), "{said}");
    }
    // A key cannot be masked, so no key is proposed rather than an unmasked one.
    let mut keyed = people();
    keyed.schema.unique_keys = vec![vec!["note".to_owned()]];
    let (proposals, config) = beside("{mask: {note: sha256}}", "shop", &[keyed]);
    assert!(lines_of(&proposals[0]).contains(&"mode: replace"), "{proposals:?}");
    assert!(proposals[0].entry().unwrap().why().contains("`primary_keys` needs the column"), "{proposals:?}");
    assert!(config.mappings[1].mask_of("note").is_some());
}

#[test]
fn a_proposed_mapping_reads_the_database_that_was_examined() {
    let tables = [table("a", &[]), TableFacts { database: "other".to_owned(), ..table("b", &[]) }];
    let (proposals, config) = beside("{mysql_database: other}", "other", &tables);
    assert!(lines_of(&proposals[0]).contains(&"mysql_database: shop"));
    assert!(!lines_of(&proposals[1]).iter().any(|line| line.starts_with("mysql_database")));
    let known = Known::of(&config, None, "shop");
    assert!(known.without_mapping(tables.to_vec()).is_empty(), "each has its mapping now");
}

#[test]
fn the_unnamed_server_is_not_confused_with_the_source_of_defaults() {
    let text = "project: p\ndataset: d\nsources: {eu: {}}\ndefaults: {source: eu}\nmappings: [{name: a, mysql_table: a, mode: \
                replace}]\n";
    let now = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap().and_hms_opt(8, 0, 0).unwrap();
    let server = of_shop();
    let eu = crate::domain::ids::SourceName("eu".to_owned());
    let of = |source| {
        let ground = Ground { server: &server, timezone: Tz::UTC, now, has_mask_key: false, source };
        propose(&[table("t", &[])], "shop", &mut Names::default(), ground, &read(text).for_all).remove(0).choice
    };
    assert!(matches!(of(Some(&eu)), Choice::Moved(_)));
    assert!(matches!(of(None), Choice::Impossible(why) if why.contains("another server")));
}
