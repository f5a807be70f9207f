//! Who may name whom.

use super::breaks;
use crate::tidy::rooms::{ROOMS, unused};

#[test]
fn a_room_names_only_the_rooms_it_may() {
    breaks(
        "src/engine/shard.rs",
        "use crate::model::Event;\nuse crate::engine::state::Ring;\n",
        &[],
    );
    breaks(
        "src/engine/shard.rs",
        "\nuse crate::decode::Reject;",
        &["2: `engine/shard` may not name `decode`"],
    );
    breaks(
        "src/decode/mod.rs",
        "fn f() -> crate::engine::Shard {}",
        &["1: `decode` may not name `engine`"],
    );
    breaks(
        "src/model.rs",
        "use crate::config;",
        &["1: `model` may not name `config`"],
    );
    let grouped = "use crate::{\n    model::{Money, Signal},\n    config::Config,\n    kafka::{self},\n};\nuse crate::runtime;";
    let expected = [
        "3: `encode` may not name `config`",
        "4: `encode` may not name `kafka`",
        "4: `encode` may not name `kafka`",
        "6: `encode` may not name `runtime`",
    ];
    breaks("src/encode/tasks.rs", grouped, &expected);
    breaks("src/main.rs", "use crate::cli;", &[]);
    breaks(
        "src/lib.rs",
        "pub mod engine;\npub use crate::kafka::Worker;",
        &[],
    );
    breaks("src/misc/mod.rs", "", &["1: `misc` is no room"]);
    breaks(
        "src/engine/a/b.rs",
        "use super::super::c;",
        &["1: rooms are named from the crate's root"],
    );
}

#[test]
fn the_table_of_rooms_goes_one_way() {
    for (room, allowed) in ROOMS {
        for other in allowed.split_whitespace() {
            let (_, back) = ROOMS
                .iter()
                .find(|(name, _)| *name == other)
                .unwrap_or_else(|| panic!("no room {other}"));
            assert!(
                !back.split(' ').any(|back| back == *room),
                "{room} and {other} name each other"
            );
        }
    }
}

#[test]
fn a_part_of_a_room_names_only_the_parts_it_may() {
    breaks(
        "src/engine/state/store.rs",
        "use crate::engine::{codec::Reader, settings};\nuse super::window::Ring;",
        &[],
    );
    breaks(
        "src/engine/state/store.rs",
        "use crate::{\n    engine::{\n        policy,\n        codec::Reader,\n    },\n    model,\n};",
        &["3: `engine/state` may not name `engine/policy`"],
    );
    breaks(
        "src/engine/state/mod.rs",
        "fn f(_: super::shard::Shard) {}",
        &["1: `engine/state` may not name `engine/shard`"],
    );
    breaks(
        "src/engine/state/window.rs",
        "fn f(_: crate::engine::Shard) {}\npub(in crate::engine) struct S;\npub(super) use self::g;",
        &["1: `engine/state` may not name `engine`"],
    );
    breaks(
        "src/engine/rules.rs",
        "mod tests {\n    use super::*;\n    use crate::engine::Shard;\n}",
        &[],
    );
    breaks(
        "src/engine/mod.rs",
        "use shard::Shard;\nuse crate::engine::state::S;",
        &[],
    );
    breaks("src/cli/run.rs", "use crate::engine::shard::Shard;", &[]);
    breaks(
        "src/decode/mod.rs",
        "use crate::engine::shard::Shard;",
        &["1: `decode` may not name `engine/shard`"],
    );
}

#[test]
fn the_table_of_rooms_holds_nothing_in_vain() {
    let table = [
        ("model", ""),
        ("engine", "model"),
        ("engine/state", "model"),
        ("engine/shard", "engine/state"),
        ("cli", "engine"),
    ];
    let mut files = [
        ("src/model.rs", ""),
        ("src/engine/state.rs", "use crate::model::Day;"),
        ("src/engine/shard/mod.rs", "use super::state::Store;"),
        ("src/cli/mod.rs", "use crate::engine::shard::Shard;"),
    ]
    .map(|(path, source)| (path.to_owned(), source.to_owned()));
    assert_eq!(unused(&table, &files), [""; 0]);
    files[1].1.clear();
    let permission = |room: &str| {
        format!("`{room}` may name `model` and does not: take it off its row in ROOMS")
    };
    let expected = [permission("engine"), permission("engine/state")];
    assert_eq!(unused(&table, &files), expected);
    let found = unused(&table, &files[1..]);
    assert_eq!(
        found[0],
        "`model` is a room without files: take it off ROOMS"
    );
    assert_eq!(found[1..], expected);
}
