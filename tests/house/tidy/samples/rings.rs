//! Which files name each other, through whatever face.

use crate::tidy::rings::{arrows, rings};

fn tree(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let file = |(name, source): &(&str, &str)| (format!("src/{name}.rs"), (*source).to_owned());
    files.iter().map(file).collect()
}

/// Asserts which files of `src/` the first of some files names.
#[track_caller]
fn names(files: &[(&str, &str)], expected: &[&str]) {
    let files = tree(files);
    let expected: Vec<String> = expected
        .iter()
        .map(|name| format!("src/{name}.rs"))
        .collect();
    let found: Vec<&str> = arrows(&files)[files[0].0.as_str()]
        .iter()
        .copied()
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn an_arrow_goes_to_the_file_that_defines_what_is_named() {
    let store = ("engine/store", "pub struct Store;");
    let face = (
        "engine/mod",
        "mod store;\npub use store::Store;\npub const VERSION: u32 = 1;",
    );
    let user = |source: &'static str| [("cli", source), face, store];
    names(&user("use crate::engine::Store;"), &["engine/store"]);
    names(
        &user("use crate::engine::{Store as S, VERSION};"),
        &["engine/mod", "engine/store"],
    );
    names(
        &user("use crate::engine;\nfn f(_: engine::Store) {}"),
        &["engine/store"],
    );
    names(
        &user("use crate::engine::store;\nfn f(_: store::Store) {}"),
        &["engine/store"],
    );
    names(
        &user("fn f(_: crate::engine::store::Store) {}"),
        &["engine/store"],
    );
    names(
        &user("use std::{fs, io::Read};\nfn f() { fs::read() }"),
        &[],
    );
    names(&user("mod tests {\n    use crate::engine::Store;\n}"), &[]);
    names(
        &user("// crate::engine::Store\npub(in crate::engine) struct S;"),
        &[],
    );
    names(
        &[
            ("engine/page", "use super::{Store, store::Slot};"),
            face,
            store,
        ],
        &["engine/store"],
    );
}

#[test]
fn a_face_that_only_passes_on_names_nothing() {
    let store = ("engine/store", "");
    names(
        &[("engine/mod", "mod store;\npub use store::Store;"), store],
        &[],
    );
    names(
        &[
            (
                "engine/mod",
                "mod store;\npub use store::Store;\nfn f(_: Store) {}",
            ),
            store,
        ],
        &["engine/store"],
    );
    names(
        &[("engine/mod", "mod store;\nfn f() { store::g() }"), store],
        &["engine/store"],
    );
}

#[test]
fn a_ring_of_more_than_two_files_is_found() {
    let ring = |face: &'static str| {
        tree(&[
            ("a/mod", face),
            ("a/one", "use super::Two;"),
            ("a/two", "use crate::a::three::Three;"),
            ("a/three", "use crate::a::One;\npub struct Three;"),
            ("b", "use crate::a::One;"),
        ])
    };
    let face = "mod one;\nmod two;\nmod three;\npub use one::One;\npub use two::Two;";
    let found = rings(&ring(face));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("3 files name each other in a ring"),
        "{found:?}"
    );
    assert!(
        found[0].ends_with(": src/a/one.rs, src/a/three.rs, src/a/two.rs"),
        "{found:?}"
    );
    let broken = "mod one;\nmod two;\nmod three;\npub use one::One;\npub struct Two;";
    assert_eq!(rings(&ring(broken)), [""; 0]);
    let pair = tree(&[
        ("a/mod", "mod one;\nuse one::One;\npub struct A;"),
        ("a/one", "use super::A;"),
    ]);
    assert_eq!(rings(&pair), [""; 0]);
}
