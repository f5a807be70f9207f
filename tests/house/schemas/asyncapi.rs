//! `asyncapi.json` describes the same records: its references lead somewhere, its examples are valid.

use super::{assert_valid, directory, document, schemas, validator, visit_objects};
use churnwatch::config::Config;
use churnwatch::encode::Kind;
use churnwatch::model::Feed;
use serde_json::{Value, json};

/// The name of the schema file a payload refers to.
fn payload_schema(message: &Value) -> Option<String> {
    let reference = message["payload"]["schema"]["$ref"].as_str()?;
    Some(reference.trim_start_matches("./").to_owned())
}

fn resolve<'d>(document: &'d Value, node: &'d Value) -> &'d Value {
    match node.get("$ref").and_then(Value::as_str) {
        Some(reference) => document
            .pointer(&reference[1..])
            .unwrap_or_else(|| panic!("{reference}")),
        None => node,
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let mut documents = schemas();
    documents.push(("asyncapi.json".to_owned(), document("asyncapi.json")));
    let mut references = 0;
    for (name, content) in &documents {
        visit_objects(content, "", &mut |pointer, node| {
            let Some(reference) = node.get("$ref").and_then(Value::as_str) else {
                return;
            };
            references += 1;
            let (file, target) = reference.split_once('#').unwrap_or((reference, ""));
            let file = file.trim_start_matches("./");
            let file = if file.is_empty() { name } else { file };
            assert!(
                directory().join(file).is_file(),
                "{name}#{pointer}: {reference}"
            );
            assert!(
                document(file).pointer(target).is_some(),
                "{name}#{pointer}: {reference}"
            );
        });
    }
    assert!(references > 100, "{references}");
}

#[test]
fn channels_cover_all_feeds_and_outputs() {
    let document = document("asyncapi.json");
    assert_eq!(document["asyncapi"], "3.0.0");
    let channels = document["channels"].as_object().unwrap();
    let operations = document["operations"].as_object().unwrap();
    let addresses: Vec<_> = channels
        .values()
        .map(|channel| channel["address"].as_str().unwrap())
        .collect();
    let topics = Config::embedded().unwrap().topics;
    let outputs = topics.outputs().map(|(_, topic)| topic);
    let inputs = Feed::ALL.map(|feed| topics.of(feed));
    assert_eq!(addresses.len(), inputs.len() + outputs.len());
    for (addresses, action) in [(&inputs[..], "receive"), (&outputs[..], "send")] {
        for address in addresses {
            let (name, channel) = channels
                .iter()
                .find(|(_, channel)| channel["address"] == *address)
                .unwrap();
            assert_eq!(channel["bindings"]["kafka"]["topic"], *address);
            let reference = json!(format!("#/channels/{name}"));
            let operation = operations
                .values()
                .find(|operation| operation["channel"]["$ref"] == reference);
            assert_eq!(operation.unwrap()["action"], action, "{address}");
        }
    }
    for feed in Feed::TIMED.map(Feed::name) {
        let messages: Vec<_> = channels[feed]["messages"]
            .as_object()
            .unwrap()
            .values()
            .collect();
        let payloads: Vec<_> = messages
            .iter()
            .filter_map(|message| payload_schema(resolve(&document, message)))
            .collect();
        assert_eq!(payloads.len(), 2, "{feed}");
        assert!(payloads.contains(&format!("{feed}.schema.json")), "{feed}");
        assert!(
            payloads.contains(&"feed-progress.schema.json".to_owned()),
            "{feed}"
        );
    }
}

#[test]
fn examples_of_messages_are_valid() {
    let document = document("asyncapi.json");
    for (name, message) in document["components"]["messages"].as_object().unwrap() {
        let examples = message["examples"]
            .as_array()
            .unwrap_or_else(|| panic!("{name} has no example"));
        for example in examples {
            if let Some(payload) = example.get("payload") {
                assert_valid(&validator(&payload_schema(message).unwrap()), payload);
            }
            if let Some(headers) = example.get("headers") {
                let pointer = message["headers"]["$ref"].as_str().unwrap();
                assert_valid(&validator(&format!("asyncapi.json{pointer}")), headers);
            }
        }
    }
    let types = document.pointer("/components/schemas/cloudEventHeaders/properties/ce_type/enum");
    assert_eq!(types, Some(&json!(Kind::ALL.map(Kind::event_type))));
}
