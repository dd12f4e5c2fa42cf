//! Invented files, with circles and without.

use super::*;

fn circles(sources: &[(&str, &str)]) -> Vec<Vec<String>> {
    let circles = Files::read(sources.iter().copied()).circles();
    circles.into_iter().map(|circle| circle.files).collect()
}

#[test]
fn files_that_import_each_other_are_named_with_what_they_take() {
    let files = Files::read([
        ("lib.rs", "pub mod a;\npub mod b;\npub mod c;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        ("b.rs", "pub struct B;\nfn late() -> crate::c::C { todo!() }"),
        ("c.rs", "use super::a;\npub struct C;\nfn f(x: a::A) {}"),
        ("d.rs", "use super::a::A;"),
    ]);
    let circles = files.circles();
    assert_eq!(circles.len(), 1);
    let told = circles[0].to_string();
    assert!(told.starts_with("these 3 files import each other: a.rs, b.rs, c.rs\n"), "{told}");
    for arrow in ["a.rs -> b.rs: B", "b.rs -> c.rs: C", "c.rs -> a.rs: A"] {
        assert!(told.contains(arrow), "{arrow} is missing:\n{told}");
    }
}

#[test]
fn a_parent_that_uses_its_child_must_not_be_used_by_it() {
    let child = ("a/b.rs", "use super::Shared;\npub struct B;");
    let uses = "mod b;\nuse self::b::B;\npub struct Shared;\nfn f(b: B) {}";
    assert_eq!(circles(&[("a/mod.rs", uses), child]), [["a/mod.rs", "a/b.rs"]]);
    let without_use = "mod b;\npub struct Shared;\nfn f() { b::f(); }";
    assert_eq!(circles(&[("a.rs", without_use), child]), [["a.rs", "a/b.rs"]]);
}

#[test]
fn a_parent_that_only_reexports_is_not_part_of_a_circle_and_hides_none() {
    let parent = "mod b;\nmod c;\npub use self::b::B;\npub use self::c::*;\npub struct Shared;";
    let b = ("a/b.rs", "use super::Shared;\npub struct B;");
    assert_eq!(circles(&[("a/mod.rs", parent), b, ("a/c.rs", "use super::B;\npub struct C;")]), [[""; 0]; 0]);
    let through_parent = ("a/b.rs", "use super::{C, Shared};\npub struct B;");
    let c = ("a/c.rs", "use super::B;\npub struct C;");
    assert_eq!(circles(&[("a/mod.rs", parent), through_parent, c]), [["a/b.rs", "a/c.rs"]]);
    let uses_it_too = format!("{parent}\nfn f() -> B {{ B }}");
    assert_eq!(circles(&[("a/mod.rs", &uses_it_too), b]), [["a/mod.rs", "a/b.rs"]]);
}

#[test]
fn naming_a_module_alone_imports_no_file() {
    let b = ("b/mod.rs", "pub mod c;\nuse crate::a::A;\npub struct B(A);");
    let c = ("b/c.rs", "pub fn f() {}");
    assert_eq!(circles(&[("a.rs", "use super::b;\npub struct A;\nfn g() { b::c::f() }"), b, c]), [[""; 0]; 0]);
    let names_b = "use super::b as other;\npub struct A;\nfn g() -> Vec<other::B> { Vec::new() }";
    assert_eq!(circles(&[("a.rs", names_b), b, c]), [["a.rs", "b/mod.rs"]]);
}

#[test]
fn tests_comments_and_literals_import_nothing() {
    let b = ("b.rs", "use crate::a::A;\npub struct B;");
    let nothing = [
        "pub struct A;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n    const S: &str = \"}\";\n}\npub fn f() {}",
        "pub struct A;\n#[cfg(test)]\n#[derive(Debug)]\npub(crate) fn sample() -> [crate::b::B; 1] { todo!() }\n",
        "pub struct A;\n// use crate::b::B;\n/* crate::b::B */\n/// [`crate::b::B`]\nfn f() {}",
        "pub struct A;\nconst S: &str = \"\\\" crate::b::B\";\nconst R: &str = r#\"\" crate::b::B\"#;",
        "pub struct A;\nconst C: [char; 3] = ['\"', '\\'', '\\u{22}'];\nfn f<'a>(x: &'a str) {}",
    ];
    for a in nothing {
        assert_eq!(circles(&[("a.rs", a), b]), [[""; 0]; 0], "{a}");
    }
    let after = format!("{}\nfn g() -> crate::b::B {{ todo!() }}", nothing[4]);
    assert_eq!(circles(&[("a.rs", &after), b]), [["a.rs", "b.rs"]]);
    let module = ("a.rs", "pub struct A;\n#[cfg(test)]\nmod tests;");
    assert_eq!(circles(&[module, ("a/tests.rs", "use crate::b::B;\nuse super::*;"), b]), [[""; 0]; 0]);
}

#[test]
fn imports_of_tests_are_left_out() {
    let a = ("aid/a.rs", "use super::b::B;\npub struct A;");
    let b = ("aid/b.rs", "use super::a::A;\npub struct B;");
    assert_eq!(circles(&[("lib.rs", "mod aid;"), a, b]).len(), 1);
    assert_eq!(circles(&[("lib.rs", "#[cfg(test)]\nmod aid;"), a, b]), [[""; 0]; 0]);
}
