//! Every word that a page asks for is there in both languages, and none is left over.

use churnwatch::engine::triggers::REGISTRY;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Words = BTreeMap<String, BTreeMap<String, String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn words(language: &str) -> Words {
    let path = root().join(format!("src/board/words/{language}.toml"));
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The board's source, without its unit tests.
fn source() -> String {
    let mut folders = vec![root().join("src/board")];
    let mut source = String::new();
    while let Some(folder) = folders.pop() {
        let entries: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).unwrap();
                source += text.split("#[cfg(test)]").next().unwrap();
            }
        }
    }
    source
}

/// What stands in quotes behind each of some beginnings.
fn quoted<'s>(source: &'s str, beginning: &str) -> impl Iterator<Item = &'s str> {
    source
        .split(beginning)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

#[test]
fn pages_ask_for_words_that_there_are() {
    let source = source();
    for language in ["en", "zh-CN"] {
        let words = words(language);
        for beginning in ["say(\"", "fill(\"", "fill(\n            \""] {
            for name in quoted(&source, beginning) {
                assert!(words["page"].contains_key(name), "{language}: page.{name}");
            }
        }
        for name in quoted(&source, "count(\"") {
            for form in [name.to_owned(), format!("{name}_one")] {
                assert!(words["page"].contains_key(&form), "{language}: page.{form}");
            }
        }
        for rest in source.split("word(\"").skip(1) {
            let parts: Vec<&str> = rest.splitn(5, '"').collect();
            assert!(words.contains_key(parts[0]), "{language}: [{}]", parts[0]);
            if parts[1] == ", " {
                assert!(
                    words[parts[0]].contains_key(parts[2]),
                    "{language}: {}.{}",
                    parts[0],
                    parts[2]
                );
            }
        }
    }
}

#[test]
fn no_word_is_left_over() {
    // Kinds of receivers are named by the configuration.
    let kinds = fs::read_to_string(root().join("src/config/alerts.rs")).unwrap();
    let source = source() + &kinds;
    let named: BTreeSet<&str> = source.split('"').collect();
    for (section, words) in words("en") {
        assert!(
            section == "page" || named.contains(&*section),
            "[{section}]"
        );
        // Those that records bring along are held against their schemas; reasons of trouble have a test of their own.
        if RECORDS.iter().any(|(of, ..)| *of == section)
            || section == "trigger"
            || section == "trouble"
        {
            continue;
        }
        for name in words.keys() {
            let stem = name.strip_suffix("_one").unwrap_or(name);
            assert!(
                named.contains(&**name) || named.contains(stem),
                "{section}.{name}"
            );
        }
    }
}

/// The sections of words that records ask for: where a schema lists the names, and what the board has besides.
const RECORDS: [(&str, &str, &str, &[&str]); 10] = [
    ("purpose", "retention-task", "/properties/purpose/enum", &[]),
    (
        "severity",
        "retention-task",
        "/properties/severity/enum",
        &[],
    ),
    ("tier", "retention-task", "/properties/tier/enum", &[]),
    ("stage", "retention-task", "/properties/stage/enum", &[]),
    (
        "close_reason",
        "retention-task",
        "/properties/close_reason/enum",
        &[],
    ),
    (
        "suspension",
        "retention-task",
        "/properties/suspension/properties/reason/enum",
        &[],
    ),
    (
        "group_kind",
        "retention-task",
        "/properties/group/properties/kind/enum",
        &[],
    ),
    (
        "channel_of_contact",
        "retention-task",
        "/properties/recommended_action/properties/channel/enum",
        &["all", "usual"],
    ),
    ("result", "outcome", "/properties/result/enum", &[]),
    (
        "suppressed",
        "churn-signal",
        "/properties/suppressed/enum",
        &[],
    ),
];

#[test]
fn every_name_that_a_record_may_carry_has_a_word() {
    let words = words("en");
    for (section, schema, place, more) in RECORDS {
        let path = root().join(format!("schemas/{schema}.schema.json"));
        let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let names = schema
            .pointer(place)
            .unwrap_or_else(|| panic!("{section}: {place}"));
        let names = names
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap());
        let names: BTreeSet<&str> = names.chain(more.iter().copied()).collect();
        let found: BTreeSet<&str> = words[section].keys().map(String::as_str).collect();
        assert_eq!(found, names, "[{section}]");
    }
    // Of triggers no schema has a list, for newer versions have more of them.
    let triggers: BTreeSet<&str> = REGISTRY.iter().map(|trigger| trigger.name).collect();
    let found: BTreeSet<&str> = words["trigger"].keys().map(String::as_str).collect();
    assert_eq!(found, triggers, "[trigger]");
}
