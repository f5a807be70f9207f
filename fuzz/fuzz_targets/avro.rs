//! A record in Avro, by a schema with every type; and a schema of its own.
#![no_main]

use churnwatch::registry::Avro;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static AVRO: LazyLock<Avro> = LazyLock::new(|| {
    let schema = r#"{"type":"record","name":"R","fields":[
        {"name":"plain","type":["null","boolean","int","long","float","double","bytes","string"]},
        {"name":"fixed","type":{"type":"fixed","name":"F","size":3}},
        {"name":"uuid","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}},
        {"name":"decimal","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
        {"name":"date","type":{"type":"int","logicalType":"date"}},
        {"name":"local","type":{"type":"long","logicalType":"local-timestamp-micros"}},
        {"name":"enum","type":{"type":"enum","name":"E","symbols":["A","B"]}},
        {"name":"nulls","type":{"type":"array","items":"null"}},
        {"name":"map","type":{"type":"map","values":["null","R"]}},
        {"name":"next","type":["null","R"]}]}"#;
    Avro::new(schema, []).unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    let mut out = Vec::new();
    if AVRO.transcode(bytes, &mut out).is_ok() {
        serde_json::from_slice::<serde_json::Value>(&out).unwrap();
    }
    if let Ok(schema) = str::from_utf8(bytes)
        && let Ok(avro) = Avro::new(schema, [])
    {
        let _ = avro.transcode(bytes, &mut out);
    }
});
