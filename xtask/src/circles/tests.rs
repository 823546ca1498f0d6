//! Small made-up crates, and their circles.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{circles_of, ties_of, told};

/// The circles of a crate with these files, each in words.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let texts: BTreeMap<PathBuf, &str> =
        files.iter().map(|(name, text)| (PathBuf::from(name), *text)).collect();
    let read = |path: &Path| texts.get(path).map(|&text| text.to_owned());
    let ties = ties_of(Path::new(files[0].0), &read).expect("a crate that can be read");
    circles_of(&ties).iter().map(|circle| told(circle, &ties, Path::new(""))).collect()
}

#[test]
fn a_parent_and_its_child_are_a_circle() {
    let found = circles(&[
        ("lib.rs", "mod child; pub struct Error; pub fn open() -> child::Reader { child::Reader }"),
        ("child.rs", "use super::Error; pub struct Reader; fn read() -> Result<(), Error> { Err(Error) }"),
    ]);
    assert_eq!(
        found,
        ["circle of 2 files:\n  lib.rs takes Reader from child.rs\n  child.rs takes Error from lib.rs\n"]
    );
}

#[test]
fn siblings_in_folders_are_a_circle_of_three() {
    let found = circles(&[
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "pub mod deep; use crate::b::B; pub struct A(B);"),
        ("src/a/deep.rs", "pub struct Deep(crate::a::A);"),
        ("src/b.rs", "pub struct B; fn f(_: &crate::a::deep::Deep) {}"),
    ]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("circle of 3 files:"), "{}", found[0]);
}

#[test]
fn a_re_export_counts_as_what_it_leads_to() {
    let found = circles(&[
        ("lib.rs", "mod error; mod open; pub use error::Error; pub use open::open;"),
        ("error.rs", "pub struct Error;"),
        ("open.rs", "use crate::Error; pub fn open() -> Result<(), Error> { Ok(()) }"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn re_exporting_a_child_that_uses_its_parent_is_no_circle() {
    let found = circles(&[
        (
            "lib.rs",
            "mod child; pub use child::Reader; pub(crate) use child::read as reading; pub struct Error;",
        ),
        ("child.rs", "use super::Error; pub struct Reader(Error); pub fn read() {}"),
    ]);
    assert!(found.is_empty(), "{found:?}");
    let found = circles(&[
        (
            "lib.rs",
            "mod child; pub use child::Reader; pub struct Error; fn new() -> Reader { Reader(Error) }",
        ),
        ("child.rs", "use super::Error; pub struct Reader(pub Error);"),
    ]);
    assert_eq!(found.len(), 1, "the parent uses what it re-exports: {found:?}");
}

#[test]
fn tests_are_left_out() {
    let found = circles(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::B; } #[cfg(test)] mod more;"),
        ("b.rs", "use crate::a::A; pub struct B(A);"),
    ]);
    assert!(found.is_empty(), "{found:?}");
    let found = circles(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "pub struct A; #[cfg(all(test, unix))] use crate::b::B; #[cfg(any(test, unix))] use crate::b::C;",
        ),
        ("b.rs", "use crate::a::A; pub struct B(A); pub struct C;"),
    ]);
    assert_eq!(found.len(), 1);
    assert!(!found[0].contains("takes B from"), "{}", found[0]);
}

#[test]
fn macros_and_what_is_named_inside_them_count() {
    let found = circles(&[
        ("lib.rs", "#[macro_use] mod a; mod b;"),
        ("a.rs", "macro_rules! shout { () => { $crate::b::cry() } }"),
        ("b.rs", "pub fn cry() {} fn f() { shout!() }"),
    ]);
    assert_eq!(found, ["circle of 2 files:\n  a.rs takes cry from b.rs\n  b.rs takes shout! from a.rs\n"]);
    let found = circles(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "macro_rules! shout { () => { $crate::b::cry() } } pub(crate) use shout;"),
        ("b.rs", "pub fn cry() {} fn f() { crate::a::shout!() }"),
    ]);
    assert_eq!(found.len(), 1, "a macro by its path: {found:?}");
    let found = circles(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "fn f() { println!(\"{} {}\", 1, crate::b::name(2)) } pub fn g() {}"),
        ("b.rs", "use crate::a; pub fn name(_: i32) -> i32 { a::g(); 1 }"),
    ]);
    assert_eq!(found.len(), 1, "a path among the arguments of a macro: {found:?}");
}

#[test]
fn names_through_a_star_count_where_they_are_used() {
    let found = circles(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::*; pub struct A(B);"),
        ("b.rs", "pub struct B; fn f() -> Vec<crate::a::A> { use crate::a::*; Vec::new() }"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    let found = circles(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::*; pub struct A;"),
        ("b.rs", "pub struct B(crate::a::A);"),
    ]);
    assert!(found.is_empty(), "nothing is used of the star: {found:?}");
}

#[test]
fn implementing_a_trait_of_another_file_uses_it() {
    let found = circles(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub trait Step { fn step(&self); } pub fn all() { crate::b::B.step() }"),
        ("b.rs", "pub struct B; impl crate::a::Step for B { fn step(&self) {} }"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn modules_inside_a_file_belong_to_it() {
    let found = circles(&[
        ("lib.rs", "mod a { pub struct A; pub mod inner; } mod b { use super::a::A; pub struct B(A); }"),
        ("a/inner.rs", "use super::A; pub struct Inner(A);"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn imports_that_lead_to_each_other_end() {
    let found = circles(&[
        ("lib.rs", "mod a; mod b; pub use a::*;"),
        ("a.rs", "pub use crate::b::*; pub use crate::*; pub struct A;"),
        ("b.rs", "pub use crate::a::*; fn f(_: Nowhere, _: A) {}"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}
