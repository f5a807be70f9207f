mod random;

use super::*;
use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use serde_json::json;

fn read(schema: &str, bytes: &[u8]) -> Result<String, String> {
    let mut out = Vec::new();
    let read = Avro::new(schema, [])?.transcode(bytes, &mut out);
    read.map_err(|fault| fault.to_string())?;
    String::from_utf8(out).map_err(|error| error.to_string())
}

fn encoded(schema: &Schema, value: Value) -> Vec<u8> {
    let writer = GenericDatumWriter::builder(schema).build().unwrap();
    writer.write_value_to_vec(value).unwrap()
}

/// What the library's writer makes of a value, read by us.
fn written(schema: &serde_json::Value, value: Value) -> String {
    let schema = schema.to_string();
    let parsed = Schema::parse_str(&schema).unwrap();
    let bytes = encoded(&parsed, value);
    read(&schema, &bytes).unwrap()
}

#[test]
fn every_type_becomes_its_json() {
    let fixed = json!({"type": "fixed", "name": "F", "size": 3});
    let number = json!({"type": "enum", "name": "E", "symbols": ["MOC", "MTC"]});
    let map = [("a".to_owned(), Value::Int(1))].into_iter().collect();
    for (schema, value, expected) in [
        (json!("null"), Value::Null, "null"),
        (json!("boolean"), Value::Boolean(true), "true"),
        (json!("boolean"), Value::Boolean(false), "false"),
        (json!("int"), Value::Int(i32::MIN), "-2147483648"),
        (json!("long"), Value::Long(i64::MIN), "-9223372036854775808"),
        (json!("long"), Value::Long(i64::MAX), "9223372036854775807"),
        (json!("float"), Value::Float(0.1), "0.1"),
        (json!("double"), Value::Double(-2.5), "-2.5"),
        (json!("double"), Value::Double(f64::NAN), "null"),
        (
            json!("string"),
            Value::String("\"中\n".into()),
            "\"\\\"中\\n\"",
        ),
        (json!("bytes"), Value::Bytes(vec![0, 0xff]), "\"00ff\""),
        (fixed, Value::Fixed(3, vec![1, 2, 0xab]), "\"0102ab\""),
        (number, Value::Enum(1, "MTC".into()), "\"MTC\""),
        (
            json!({"type": "array", "items": "int"}),
            Value::Array(vec![Value::Int(1), Value::Int(-2)]),
            "[1,-2]",
        ),
        (
            json!({"type": "map", "values": "int"}),
            Value::Map(map),
            "{\"a\":1}",
        ),
        (
            json!(["null", "string"]),
            Value::Union(1, Box::new(Value::String("x".into()))),
            "\"x\"",
        ),
    ] {
        assert_eq!(written(&schema, value), expected, "{schema}");
    }
}

#[test]
fn logical_types_keep_their_numbers_but_for_decimals_and_local_times() {
    for (kind, logical, bytes, expected) in [
        ("long", "timestamp-millis", b"\x02".as_slice(), "1"),
        ("long", "timestamp-micros", b"\x01", "-1"),
        ("int", "time-millis", b"\x02", "1"),
        ("int", "date", b"\x02", "\"1970-01-02\""),
        ("int", "date", b"\x01", "\"1969-12-31\""),
        ("long", "date", b"\x02", "1"),
        (
            "long",
            "local-timestamp-millis",
            b"\xe8\x07",
            "\"1970-01-01T00:00:00.5\"",
        ),
        (
            "long",
            "local-timestamp-micros",
            b"\x02",
            "\"1970-01-01T00:00:00.000001\"",
        ),
        ("string", "uuid", b"\x02a", "\"a\""),
        ("bytes", "decimal", b"\x02\x05", "\"0.05\""),
        ("bytes", "decimal", b"\x02\xff", "\"-0.01\""),
        ("bytes", "decimal", b"\x04\x04\xd2", "\"12.34\""),
        ("bytes", "decimal", b"\x00", "\"0.00\""),
        ("bytes", "decimal", b"\x08\xff\xff\xff\x85", "\"-1.23\""),
        ("bytes", "unheard-of", b"\x02\x05", "\"05\""),
    ] {
        let schema = json!({"type": kind, "logicalType": logical, "precision": 9, "scale": 2});
        assert_eq!(
            read(&schema.to_string(), bytes).as_deref(),
            Ok(expected),
            "{logical}"
        );
    }
    let decimal = |fields: &str, bytes: &[u8]| {
        read(
            &format!(r#"{{"type":"bytes","logicalType":"decimal"{fields}}}"#),
            bytes,
        )
    };
    assert_eq!(decimal("", b"\x04\x04\xd2").as_deref(), Ok("\"1234\""));
    assert_eq!(
        decimal(r#","scale":39"#, b"\x02\x05").as_deref(),
        Ok("\"05\"")
    );
    let most = [b"\x20\x7f".as_slice(), &[0xff; 15]].concat();
    let text = "\"170141183460469231731687303715884105727\"";
    assert_eq!(decimal("", &most).as_deref(), Ok(text));
    let more = [b"\x22\x00\xff".as_slice(), &[0xff; 15]].concat();
    let said = "it has a decimal number of more than 127 bits";
    assert_eq!(decimal("", &more), Err(said.to_owned()));
    let fixed = r#"{"type":"fixed","name":"D","size":2,"logicalType":"decimal","scale":1}"#;
    assert_eq!(read(fixed, b"\xff\xf6").as_deref(), Ok("\"-1.0\""));
    let uuid = r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#;
    let expected = "\"00112233-4455-6677-8899-aabbccddeeff\"";
    let bytes: Vec<u8> = (0..16).map(|n| n * 0x11).collect();
    assert_eq!(read(uuid, &bytes).as_deref(), Ok(expected));
}

#[test]
fn types_are_named_across_namespaces_and_may_contain_themselves() {
    let schema = r#"{"type":"record","name":"net.Leg","fields":[
        {"name":"cell","type":{"type":"record","name":"Cell","fields":[{"name":"id","type":"int"}]}},
        {"name":"last","type":["null","Cell"]},
        {"name":"next","type":["null","net.Leg"]}]}"#;
    let read = |bytes| read(schema, bytes);
    assert_eq!(
        read(b"\x02\x00\x02\x04\x02\x06\x00").as_deref(),
        Ok(r#"{"cell":{"id":1},"next":{"cell":{"id":2},"last":{"id":3}}}"#)
    );
    assert_eq!(
        read(b"\x02\x00\x02\x04\x02").unwrap_err(),
        "field `next.last.id` is cut short"
    );
    let deep = b"\x02\x00\x02".repeat(100);
    assert!(
        read(&deep)
            .unwrap_err()
            .ends_with("nested more than 64 levels deep")
    );
}

#[test]
fn blocks_may_state_their_size_and_follow_each_other() {
    let schema = r#"{"type":"array","items":"int"}"#;
    assert_eq!(
        read(schema, b"\x03\x04\x02\x04\x02\x06\x00").as_deref(),
        Ok("[1,2,3]")
    );
    assert_eq!(read(schema, b"\x00").as_deref(), Ok("[]"));
}

#[test]
fn what_does_not_fit_the_schema_is_said() {
    let list = r#"{"type":"array","items":"null"}"#;
    let symbols = r#"{"type":"enum","name":"E","symbols":["A"]}"#;
    let huge = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    for (schema, bytes, said) in [
        (
            "\"boolean\"",
            b"\x02".as_slice(),
            "it is neither true nor false",
        ),
        ("\"boolean\"", b"", "it is cut short"),
        (
            "\"int\"",
            b"\x80\x80\x80\x80\x10",
            "it has a number of more than 32 bits",
        ),
        (
            "\"long\"",
            &[0xff; 11],
            "it has a number of more than 64 bits",
        ),
        (
            "\"long\"",
            b"\x02\x02",
            "it has more bytes than its schema says",
        ),
        ("\"string\"", b"\x08abc", "it is cut short"),
        ("\"string\"", b"\x01", "it has a negative length"),
        ("\"string\"", b"\x02\xff", "it is not valid UTF-8"),
        (
            "[\"null\"]",
            b"\x02",
            "it is of a type that is none of its own",
        ),
        (
            "[\"null\"]",
            b"\x01",
            "it is of a type that is none of its own",
        ),
        (symbols, b"\x02", "it has a symbol that is none of its own"),
        (list, huge, "it becomes more than 68096 bytes of JSON"),
    ] {
        assert_eq!(read(schema, bytes), Err(said.to_owned()), "{schema}");
    }
}

#[test]
fn a_schema_that_says_much_in_no_bytes_is_stopped() {
    let mut schema = r#"{"type":"record","name":"R0","fields":[{"name":"a","type":{"type":"enum","name":"E","symbols":["A"]}}]}"#.to_owned();
    for level in 1..30 {
        schema = format!(
            r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":{schema}}},{{"name":"b","type":"R{}"}}]}}"#,
            level - 1
        );
    }
    let bytes = vec![0; 1 << 10];
    let said = read(&schema, &bytes).unwrap_err();
    assert!(
        said.ends_with("is cut short") || said.ends_with("bytes of JSON"),
        "{said}"
    );
    let empty = schema.replace(
        r#"{"type":"enum","name":"E","symbols":["A"]}"#,
        r#"{"type":"fixed","name":"E","size":0}"#,
    );
    let said = read(&empty, b"").unwrap_err();
    assert!(
        said.ends_with("becomes more than 65536 bytes of JSON"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_a_schema_is_said() {
    for (schema, said) in [
        ("{", "is no JSON"),
        ("{}", "without `type`"),
        ("7", "no name, list or object"),
        ("\"Cell\"", "names a type `Cell` that it does not define"),
        (r#"{"type":"array"}"#, "a type `array` without `items`"),
        (r#"{"type":"map"}"#, "a type `map` without `values`"),
        (
            r#"{"type":"record","fields":[]}"#,
            "a type `record` without `name`",
        ),
        (
            r#"{"type":"record","name":"R"}"#,
            "a type `record` without `fields`",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a"}]}"#,
            "`R.a` without a type",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{}]}"#,
            "a field of `R` without a name",
        ),
        (
            r#"{"type":"enum","name":"E","symbols":[7]}"#,
            "a symbol of `E` that is no text",
        ),
        (r#"{"type":"fixed","name":"F","size":-1}"#, "no size of `F`"),
        (
            r#"[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":2}]"#,
            "defines `F` twice",
        ),
    ] {
        let problem = Avro::new(schema, []).unwrap_err();
        assert!(problem.contains(said), "{schema}: {problem}");
    }
    let nested = "[".repeat(1000);
    assert!(Avro::new(&nested, []).unwrap_err().contains("recursion"));
}
