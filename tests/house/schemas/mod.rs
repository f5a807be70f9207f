//! What the program accepts and emits is what `schemas/` says.
mod asyncapi;
mod dead_letters;
mod drift;
mod forms;
mod inputs;
mod kinds;
mod layouts;
mod outputs;
mod truth;
mod uplift;

use jsonschema::{Retrieve, Uri, Validator};
use serde_json::{Value, json};
use std::error::Error;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

/// A document of `schemas/`.
fn document(name: &str) -> Value {
    let text = std::fs::read_to_string(directory().join(name)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every schema by file name.
fn schemas() -> Vec<(String, Value)> {
    let names = std::fs::read_dir(directory()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| name.ends_with(".schema.json"))
        .collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    names
        .into_iter()
        .map(|name| (name.clone(), document(&name)))
        .collect()
}

/// Finds the files that schemas refer to.
struct Files;

impl Retrieve for Files {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let name = uri.path().as_str().trim_start_matches('/');
        let text = std::fs::read_to_string(directory().join(name))?;
        Ok(serde_json::from_str(&text)?)
    }
}

/// The validator of a schema, or of a part of one: `file` or `file#/pointer`. Formats are checked too.
fn validator(reference: &str) -> Validator {
    jsonschema::options()
        .with_retriever(Files)
        .should_validate_formats(true)
        .build(&json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("json-schema:///{reference}"),
        }))
        .unwrap_or_else(|error| panic!("{reference}: {error}"))
}

#[track_caller]
fn assert_valid(validator: &Validator, value: &Value) {
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{value:#}\n{}", errors.join("\n"));
}

/// Calls `visit` with every object of a document and its pointer; examples are data, not schema, and are left out.
fn visit_objects(node: &Value, pointer: &str, visit: &mut dyn FnMut(&str, &Value)) {
    match node {
        Value::Object(members) => {
            visit(pointer, node);
            for (key, member) in members.iter().filter(|(key, _)| *key != "examples") {
                let key = key.replace('~', "~0").replace('/', "~1");
                visit_objects(member, &format!("{pointer}/{key}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit_objects(item, &format!("{pointer}/{index}"), visit);
            }
        }
        _ => {}
    }
}

#[test]
fn every_schema_is_one_and_knows_its_name() {
    for (name, schema) in schemas() {
        let meta = jsonschema::draft202012::meta::validate(&schema);
        assert!(meta.is_ok(), "{name}: {meta:?}");
        assert_eq!(schema["$id"], name);
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert!(schema["title"].is_string(), "{name}");
    }
}

#[test]
fn every_example_is_valid() {
    let mut examples = 0;
    for (name, schema) in schemas() {
        visit_objects(&schema, "", &mut |pointer, node| {
            let Some(Value::Array(given)) = node.get("examples") else {
                return;
            };
            let validator = validator(&format!("{name}#{pointer}"));
            for example in given {
                assert_valid(&validator, example);
                examples += 1;
            }
        });
    }
    assert!(examples > 40, "{examples}");
}
