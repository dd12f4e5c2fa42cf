use super::*;

/// A text, python-dotenv 1.2.4's result, and the number of lines that it cannot read.
type Case = (&'static str, &'static [(&'static str, &'static str)], usize);

/// The process has `HOME_X` and `B`. The results come from python-dotenv itself; 80,000 generated texts were compared
/// as well when this was written.
#[rustfmt::skip]
const CASES: [Case; 46] = [
    ("A=Pa$word-1", &[("A", "Pa$word-1")], 0),
    ("A=\"Pa$word-1\"", &[("A", "Pa$word-1")], 0),
    ("A='Pa$word-1'", &[("A", "Pa$word-1")], 0),
    ("A=a b\"c\\wd", &[("A", "a b\"c\\wd")], 0),
    ("A=x#y # comment", &[("A", "x#y")], 0),
    ("A=x # y # z", &[("A", "x")], 0),
    ("A=#novalue", &[("A", "#novalue")], 0),
    ("A= # comment", &[("A", "")], 0),
    ("A=", &[("A", "")], 0),
    ("A", &[], 0),
    ("A =  b  ", &[("A", "b")], 0),
    ("export A=plain", &[("A", "plain")], 0),
    ("export=x", &[("export", "x")], 0),
    ("export A", &[], 0),
    ("'A B'=c", &[("A B", "c")], 0),
    ("A=\"two\nlines\"", &[("A", "two\nlines")], 0),
    ("A=\"tab\\there \\\"q\\\" \\\\ \\x41\"", &[("A", "tab\there \"q\" \\ \\x41")], 0),
    ("A='it\\'s \\n'", &[("A", "it's \\n")], 0),
    ("A='a\\\\'", &[("A", "a\\")], 0),
    ("A='x' # c", &[("A", "x")], 0),
    ("A=\"x\"#c", &[("A", "x")], 0),
    ("A='x' y\nC=2", &[("C", "2")], 1),
    ("A='open\nC=2", &[("C", "2")], 1),
    ("my-app.mode=prod\nC=2", &[("C", "2"), ("my-app.mode", "prod")], 0),
    ("FEATURE_X\nC=2", &[("C", "2")], 0),
    ("not a line\nC=2", &[("C", "2")], 1),
    ("=x\nC=2", &[("C", "2")], 1),
    ("A: b\nC=2", &[("C", "2")], 1),
    ("# c\n\n  A=1", &[("A", "1")], 0),
    ("A=1\nA=2", &[("A", "2")], 0),
    ("A=1\nC=${A}2", &[("A", "1"), ("C", "12")], 0),
    ("B=mine\nC=${B}", &[("B", "mine"), ("C", "process b")], 0),
    ("A=${HOME_X}", &[("A", "from process")], 0),
    ("A=${NO}", &[("A", "")], 0),
    ("A=${NO:-x y}", &[("A", "x y")], 0),
    ("A=${HOME_X:-d}", &[("A", "from process")], 0),
    ("A='${HOME_X}'", &[("A", "from process")], 0),
    ("A=$HOME_X", &[("A", "$HOME_X")], 0),
    ("A=${HOME_X", &[("A", "${HOME_X")], 0),
    ("A=${HOME_X:x}", &[("A", "${HOME_X:x}")], 0),
    ("A=$${HOME_X}", &[("A", "$from process")], 0),
    ("A\nC=${A:-d}", &[("C", "")], 0),
    ("E=\nC=${E:-d}", &[("C", ""), ("E", "")], 0),
    ("A=é ü", &[("A", "é ü")], 0),
    ("A=1\r\nC=2\rD=3", &[("A", "1"), ("C", "2"), ("D", "3")], 0),
    ("A=a\u{a0} # c", &[("A", "a")], 0),
];

fn process(name: &str) -> Option<String> {
    match name {
        "HOME_X" => Some("from process".to_owned()),
        "B" => Some("process b".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> (Vec<(String, String)>, usize) {
    let parsed = parse(text);
    let mut values: Vec<_> = resolve(&parsed.entries, &process).into_iter().collect();
    values.sort();
    (values, parsed.unread.len())
}

#[test]
fn every_text_is_read_as_python_dotenv_reads_it() {
    for (text, expected, unread) in CASES {
        let expected = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(read(text), (expected, unread), "{text:?}");
    }
}

#[test]
fn a_byte_order_mark_and_a_final_backslash_are_read_as_python_dotenv_does() {
    let one = |value: &str| (vec![("A".to_owned(), value.to_owned())], 0);
    assert_eq!(read("\u{feff}A=1\n"), one("1"));
    assert_eq!(read("A='C:\\keys\\'\n# its\n"), (vec![("A".to_owned(), "C:\\keys\\".to_owned())], 0));
}

#[test]
fn an_unreadable_line_is_reported_with_its_number_and_first_word() {
    let text = "A='two\nlines'\n\nexport MYSQL_PASSWORD='open\nq k x\nMYSQL_USER: etl\nC=3";
    let parsed = parse(text);
    let lines: Vec<_> = parsed.entries.iter().map(|entry| (entry.name.as_str(), entry.line)).collect();
    assert_eq!(lines, [("A", 1), ("C", 7)]);
    let unread: Vec<_> = parsed.unread.iter().map(|unread| (unread.line, unread.word.as_str())).collect();
    assert_eq!(unread, [(4, "MYSQL_PASSWORD"), (5, "q"), (6, "MYSQL_USER")]);
    assert!(!format!("{:?}", parsed.entries).contains("lines'"), "a value is shown");
}
