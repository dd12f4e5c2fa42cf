use super::*;

/// The tree as `key@line: value@line`, in the file's order.
fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar { text, plain } => format!("{}{text}@{}", if *plain { "=" } else { "" }, node.line),
        Kind::Sequence(nodes) => format!("[{}]", nodes.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Kind::Mapping(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|e| (e.line, e.key.clone()));
            let each = entries.iter().map(|e| format!("{}@{}: {}", e.key, e.line, shown(&e.node)));
            format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

fn tree(text: &str) -> String {
    let mut flaws = Vec::new();
    let node = parse(text, &mut flaws);
    assert!(flaws.is_empty(), "{flaws:#?}");
    shown(&node.expect("a document"))
}

fn flaws(text: &str) -> Vec<(usize, String)> {
    let mut flaws = Vec::new();
    parse(text, &mut flaws);
    flaws.into_iter().map(|f| (f.line, f.message)).collect()
}

#[test]
fn values_come_from_serde_yaml_and_lines_from_the_index() {
    assert_eq!(
        tree("a: on\nb: 007\nc: 17\nd: TRUE\ne: '17'\nf: 2020-01-01T00:00:00Z\ng: >\n  two\n  lines\nh: -1.5"),
        "{a@1: on@1, b@2: 007@2, c@3: =17@3, d@4: =true@4, e@5: 17@5, f@6: 2020-01-01T00:00:00Z@6, \
         g@7: two lines\n@8, h@10: =-1.5@10}"
    );
    assert_eq!(
        tree("a:\nb: ~\nc: null\nd: ''\ne: 'null'"),
        "{a@1: =@1, b@2: =~@2, c@3: =null@3, d@4: @4, e@5: null@5}"
    );
    assert_eq!(tree("True: [\n x,\n [y]]\n~: !!str 1.50"), "{true@1: [x@2, [y@3]], null@4: 1.50@4}");
    assert_eq!(tree("\u{feff}a: b\r\nc: d"), "{a@1: b@1, c@2: d@2}");
}

#[test]
fn a_number_is_never_rewritten_silently() {
    for (text, number) in [("1.50", "1.5"), ("1e3", "1000.0"), ("12345678901234567890.12", "1.2345678901234567e19")] {
        let message = format!("`{text}` is a number to YAML, which makes it `{number}`");
        assert_eq!(flaws(&format!("a: b\nc: {text}")), [(2, message.clone())]);
        assert_eq!(flaws(&format!("a: b\n{text}: c")), [(2, message)]);
        assert_eq!(flaws(&format!("a: b\nc: '{text}'")), []);
    }
    let found = flaws("a: b\nc: 123456789012345678901234567890");
    assert_eq!(found[0].0, 2, "{found:#?}");
}

#[test]
fn merged_keys_keep_the_line_they_were_written_on() {
    assert_eq!(
        tree("a: &a\n  k: 1\n  m: 2\nb:\n  <<: *a\n  k: 3"),
        "{a@1: {k@2: =1@2, m@3: =2@3}, b@4: {m@3: =2@3, k@6: =3@6}}"
    );
    // `apply_merge` alone would lose `y`, and the second group's `z` would win over the first's.
    let chained = "c: &c {y: 1}\nb: &b\n  <<: *c\n  z: 2\na: &a\n  <<: {z: 0}\nd:\n  <<: [*a, *b]";
    assert!(tree(chained).ends_with("d@7: {y@1: =1@1, z@6: =0@6}}"), "{}", tree(chained));
}

#[test]
fn every_duplicate_tag_and_merge_is_named_at_once() {
    let text = "a: 1\nb: {x: 1, x: 2}\na: !env 2\nc: {<<: 5}\nd: {<<: [{}, 1]}\na: 3";
    let expected = [
        (2, "`x` is already given on line 2"),
        (3, "the tag `!env` has no meaning here"),
        (3, "`a` is already given on line 1"),
        (4, "`<<` merges keys, but this is a single value"),
        (5, "`<<` merges keys, but this is a single value"),
        (6, "`a` is already given on line 1"),
    ];
    assert_eq!(flaws(text), expected.map(|(line, message)| (line, message.to_owned())));
    // A tag leaves the rest readable.
    let mut found = Vec::new();
    assert_eq!(parse("a: !env b", &mut found).map(|n| shown(&n)).as_deref(), Some("{a@1: b@1}"));
    assert_eq!(found.len(), 1);
}

#[test]
fn bombs_are_refused_before_they_grow() {
    let deep = (1..60).map(|i| format!("x{i}: &a{i} [*a{}]\n", i - 1)).collect::<Vec<_>>().concat();
    assert_eq!(flaws(&format!("x0: &a0 []\n{deep}")), [(32, "nested more than 32 levels deep".to_owned())]);
    let wide =
        (1..9).map(|i| format!("x{i}: &a{i} [{}]\n", format!("*a{},", i - 1).repeat(10))).collect::<Vec<_>>().concat();
    let found = flaws(&format!("x0: &a0 k\n{wide}"));
    assert_eq!(found, [(5, "more than 100000 values, aliases counted".to_owned())]);
    let many = format!("x: &a [{}]\ny: [{}]", "1,".repeat(2_000), "*a,".repeat(2_000));
    assert_eq!(flaws(&many).len(), 1);
    assert_eq!(flaws("a: &a\n  b: *a").len(), 1);
    assert_eq!(flaws(&"[".repeat(100_000)).len(), 1);
    assert_eq!(
        flaws(&format!("{}{}", "[".repeat(200), "]".repeat(200))),
        [(1, "nested more than 32 levels deep".to_owned())]
    );
}

#[test]
fn a_number_of_more_than_64_bits_is_called_too_long() {
    for number in ["99999999999999999999999999", "-99999999999999999999999999"] {
        assert_eq!(flaws(&format!("a: 1\nb: {number}")), [(2, "a number is too long".to_owned())]);
    }
}

#[test]
fn serde_yaml_judges_the_syntax() {
    let found = flaws("a: 1\nb: [x\nc: d\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].1.starts_with("not YAML: did not find expected ',' or ']' at line 3"), "{found:?}");
    // What is missing at the end is reported at the last line.
    assert_eq!(flaws("&A:{").first().map(|f| f.0), Some(1));
    assert_eq!(flaws("a: 1\nb: \u{1}\nc: 2").first().map(|f| f.0), Some(2));
    assert_eq!(flaws("a: 1\nb: x\u{feff}\nc: 2").first().map(|f| f.0), Some(2));
}
