//! That the checks see what they should, and nothing else.

mod rings;
mod rooms;

use super::source::split;
use super::{LINES_MAX, UNFINISHED, breaches, unregistered_triggers};

/// Asserts that a sample breaks exactly these rules, each given as the beginning of `line: rule`.
#[track_caller]
fn breaks(path: &str, source: &str, expected: &[&str]) {
    let found = breaches(path, source);
    let all = found.len() == expected.len()
        && (found.iter().zip(expected))
            .all(|(found, expected)| found.starts_with(&format!("{path}:{expected}")));
    assert!(all, "expected {expected:?}, found {found:#?}");
}

#[test]
fn only_the_kafka_room_speaks_kafka() {
    let source = "use rdkafka::consumer::BaseConsumer;\nfn f(_: rdkafka_sys::rd_kafka_t) {}";
    breaks(
        "src/runtime/worker.rs",
        source,
        &["1: one room speaks Kafka", "2: one room speaks Kafka"],
    );
    breaks("src/kafka/consume.rs", source, &[]);
    breaks("tests/broker.rs", source, &[]);
    breaks("benches/end_to_end.rs", source, &[]);
    breaks(
        "src/runtime/worker.rs",
        "// rdkafka::x\nconst NAME: &str = \"rdkafka\";",
        &[],
    );
}

#[test]
fn only_the_runtime_reads_clocks() {
    let source = "let a = std::time::Instant::now();\nlet b = SystemTime::now();\nlet c = jiff::Zoned::now();";
    let rule = |line: u8| format!("{line}: one room reads clocks");
    breaks("src/demo/mod.rs", source, &[&rule(1), &rule(2), &rule(3)]);
    breaks("src/runtime/clock.rs", source, &[]);
    breaks(
        "src/demo/mod.rs",
        "fn f(start: std::time::Instant) { now() }",
        &[],
    );
}

#[test]
fn pure_rooms_do_no_io() {
    let rule = "1: pure rooms do no input or output";
    breaks("src/model/day.rs", "use std::time::Duration;", &[rule]);
    breaks("src/decode/json.rs", "use std::{fmt, fs::File};", &[rule]);
    breaks("src/encode/task.rs", "tokio::spawn(f());", &[rule]);
    breaks("src/engine/shard.rs", "println!(\"{}\", 1);", &[rule]);
    breaks("src/engine.rs", "use std::thread;", &[rule]);
    breaks("src/cli/mod.rs", "use std::{fmt, fs::File};", &[]);
    breaks("src/encode/task.rs", "use std::io::Write;", &[]);
}

#[test]
fn the_engine_is_deterministic() {
    let rule = "1: the engine is deterministic and silent";
    breaks(
        "src/engine/store.rs",
        "use std::collections::{BTreeMap, HashMap};",
        &[rule],
    );
    breaks(
        "src/engine/store.rs",
        "use std::collections::{BTreeMap, hash_map::Entry};",
        &[rule],
    );
    breaks(
        "src/engine/store.rs",
        "tracing::debug!(\"applied\");",
        &[rule],
    );
    breaks("src/engine/store.rs", "use hashbrown::HashMap;", &[]);
}

#[test]
fn two_files_are_unsafe() {
    let source = "fn f() {\n    unsafe { g() }\n}";
    breaks("src/kafka/consume.rs", source, &["2: two files are unsafe"]);
    breaks("src/kafka/batch.rs", source, &[]);
    breaks(
        "src/kafka/consume.rs",
        "#![deny(unsafe_code)]\n// unsafe\n/* unsafe /* */ unsafe */\n",
        &[],
    );
}

#[test]
fn files_stay_short() {
    breaks("src/model/x.rs", &"\n".repeat(LINES_MAX), &[]);
    breaks(
        "src/model/x.rs",
        &"\n".repeat(LINES_MAX + 1),
        &["601: 601 lines, of at most 600"],
    );
}

#[test]
fn comments_hold_no_loose_ends() {
    let mark = UNFINISHED[0];
    breaks(
        "src/model/x.rs",
        &format!("\n/// {mark}: later"),
        &["2: TODO without an issue"],
    );
    breaks(
        "src/model/x.rs",
        &format!("// {mark}(#12): later\nlet x = \"{mark}\";"),
        &[],
    );
    for code in [
        "let x = 1;",
        "use std::io::Read;",
        "call(x);",
        "for x in y {",
        "}",
        "#[test]",
        "x.map(|y| {",
        "};",
    ] {
        breaks(
            "src/model/x.rs",
            &format!("fn f() {{\n    // {code}\n}}"),
            &["2: code in a comment"],
        );
        breaks(
            "src/model/x.rs",
            &format!("/// ```\n/// {code}\n/// ```\nfn f() {{}}"),
            &[],
        );
    }
    breaks(
        "src/model/x.rs",
        "// The first of them;\n// let us see (or not).\n",
        &[],
    );
}

#[test]
fn triggers_are_registered() {
    let files = |registry: &str| {
        let file = |name: &str, source: &str| {
            (format!("src/engine/triggers/{name}.rs"), source.to_owned())
        };
        [
            file("mod", registry),
            file("arrears", "impl Trigger for Arrears {}"),
            file("usage_drop", "impl Trigger for UsageDrop {}"),
            file("reminder", "pub struct Reminder;"),
        ]
    };
    let registry = "mod arrears;\npub mod usage_drop;\nconst ALL: &[Trigger] = &[arrears::TRIGGER, usage_drop::TRIGGER];";
    assert_eq!(unregistered_triggers(&files(registry)), [""; 0]);
    assert_eq!(
        unregistered_triggers(&files("triggers! { arrears, usage_drop }")),
        [""; 0]
    );
    let registry =
        "mod arrears;\nmod usage_drop;\nconst ALL: &[Trigger] = &[arrears::TRIGGER]; // usage_drop";
    let found = unregistered_triggers(&files(registry));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("src/engine/triggers/usage_drop.rs:1: a trigger that never runs"));
}

#[test]
fn literals_and_comments_are_not_code() {
    let source =
        "a \"b // \\\" c\" r#\"d \" e\"# '\"' 'f' '\\'' &'g h // i\nb\"j\" car\"\" /* k\n */ l";
    let (code, comments) = split(source);
    assert_eq!(
        code.split_whitespace().collect::<Vec<_>>(),
        ["a", "&'g", "h", "b", "car", "l"]
    );
    assert_eq!(
        comments.split_whitespace().collect::<Vec<_>>(),
        ["//", "i", "/*", "k", "*/"]
    );
    assert_eq!(code.lines().count(), 3);
}
