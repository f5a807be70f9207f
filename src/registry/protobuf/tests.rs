mod random;

use super::*;

fn read(schema: &str, bytes: &[u8]) -> Result<String, String> {
    let mut out = Vec::new();
    let protobuf = Protobuf::new(schema, [])?;
    let read = protobuf.transcode(bytes, &mut Vec::new(), &mut out);
    read.map_err(|fault| fault.to_string())?;
    String::from_utf8(out).map_err(|error| error.to_string())
}

/// Reads a message of these fields, which come first in their schema.
fn of_fields(fields: &str, bytes: &[u8]) -> Result<String, String> {
    let schema = format!(
        "syntax = \"proto3\";
        import \"google/protobuf/timestamp.proto\";
        message M {{ {fields} }}
        message Sub {{ int32 n = 1; string s = 2; Sub sub = 3; }}
        enum Kind {{ NONE = 0; MOC = 1; MTC = 2; OLD = -1; }}"
    );
    read(&schema, &[b"\0", bytes].concat())
}

#[test]
fn every_type_becomes_its_json() {
    for (field, bytes, expected) in [
        (
            "double f = 1;",
            b"\x09\0\0\0\0\0\0\x04\xc0".as_slice(),
            "-2.5",
        ),
        ("float f = 1;", b"\x0d\xcd\xcc\xcc\x3d", "0.1"),
        ("float f = 1;", b"\x0d\0\0\xc0\x7f", "null"),
        (
            "int32 f = 1;",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "-1",
        ),
        (
            "int64 f = 1;",
            b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
            "-9223372036854775808",
        ),
        ("uint32 f = 1;", b"\x08\xff\xff\xff\xff\x0f", "4294967295"),
        (
            "uint64 f = 1;",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "18446744073709551615",
        ),
        ("sint32 f = 1;", b"\x08\xff\xff\xff\xff\x0f", "-2147483648"),
        ("sint64 f = 1;", b"\x08\x03", "-2"),
        ("fixed32 f = 1;", b"\x0d\xff\xff\xff\xff", "4294967295"),
        (
            "fixed64 f = 1;",
            b"\x09\x01\0\0\0\0\0\0\x80",
            "9223372036854775809",
        ),
        ("sfixed32 f = 1;", b"\x0d\xff\xff\xff\xff", "-1"),
        (
            "sfixed64 f = 1;",
            b"\x09\xff\xff\xff\xff\xff\xff\xff\xff",
            "-1",
        ),
        ("bool f = 1;", b"\x08\x01", "true"),
        ("bool f = 1;", b"\x08\0", "false"),
        ("string f = 1;", b"\x0a\x04a\"\xc3\xa9", r#""a\"é""#),
        ("bytes f = 1;", b"\x0a\x02\0\xfe", r#""00fe""#),
        ("Kind f = 1;", b"\x08\x02", r#""MTC""#),
        ("Kind f = 1;", b"\x08\x09", "9"),
        (
            "Kind f = 1;",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            r#""OLD""#,
        ),
        ("Sub f = 1;", b"\x0a\x02\x08\x05", r#"{"n":5}"#),
        ("Sub f = 1;", b"\x0a\0", "{}"),
        (
            "repeated int32 f = 1;",
            b"\x0a\x02\x01\x02\x08\x03",
            "[1,2,3]",
        ),
        (
            "repeated int32 f = 1 [packed = false];",
            b"\x08\x01\x0a\x02\x02\x03\x0a\0",
            "[1,2,3]",
        ),
        (
            "repeated fixed32 f = 1;",
            b"\x0a\x08\x01\0\0\0\x02\0\0\0",
            "[1,2]",
        ),
        ("repeated string f = 1;", b"\x0a\x01a\x0a\0", r#"["a",""]"#),
        (
            "repeated Sub f = 1;",
            b"\x0a\x02\x08\x01\x0a\0",
            r#"[{"n":1},{}]"#,
        ),
        (
            "map<string, int32> f = 1;",
            b"\x0a\x05\x0a\x01a\x10\x07\x0a\0",
            r#"{"a":7,"":0}"#,
        ),
        (
            "map<int32, Sub> f = 1;",
            b"\x0a\x06\x12\x02\x08\x05\x08\x03\x0a\0",
            r#"{"3":{"n":5},"0":{}}"#,
        ),
        (
            "map<bool, Kind> f = 1;",
            b"\x0a\x04\x08\x01\x10\x01\x0a\0",
            r#"{"true":"MOC","false":"NONE"}"#,
        ),
        (
            "google.protobuf.Timestamp f = 1;",
            b"\x0a\x04\x08\x01\x10\x05",
            r#""1970-01-01T00:00:01.000000005Z""#,
        ),
        (
            "google.protobuf.Timestamp f = 1;",
            b"\x0a\0",
            r#""1970-01-01T00:00:00Z""#,
        ),
    ] {
        let expected = format!("{{\"f\":{expected}}}");
        assert_eq!(of_fields(field, bytes), Ok(expected), "{field}");
    }
}

#[test]
fn what_comes_again_replaces_or_completes_what_came_before() {
    let both = "int32 a = 1; Sub sub = 2; oneof which { int32 x = 3; Sub y = 4; string z = 5; } optional int32 o = 6;";
    for (bytes, expected) in [
        (b"".as_slice(), "{}"),
        (b"\x08\x01\x08\x02", r#"{"a":2}"#),
        // The pieces of a message are one.
        (
            b"\x12\x02\x08\x01\x08\x07\x12\x03\x12\x01s\x12\x02\x08\x02",
            r#"{"a":7,"sub":{"n":2,"s":"s"}}"#,
        ),
        (b"\x18\x01\x2a\x01z", r#"{"z":"z"}"#),
        (b"\x2a\x01z\x18\x01", r#"{"x":1}"#),
        (
            b"\x22\x02\x08\x01\x18\x01\x22\x03\x12\x01s\x22\x02\x08\x02",
            r#"{"y":{"n":2,"s":"s"}}"#,
        ),
        (b"\x30\0", r#"{"o":0}"#),
    ] {
        assert_eq!(of_fields(both, bytes).as_deref(), Ok(expected));
    }
}

#[test]
fn what_the_schema_does_not_know_is_passed_over() {
    let bytes = b"\x13\x08\x01\x13\x14\x14\x08\x05\x1a\x01x\x21abcdefgh\x2dabcd\xf8\xff\xff\xff\x0f\x01\x0a\x02\x08\x09";
    assert_eq!(
        of_fields("int32 a = 1;", bytes).as_deref(),
        Ok(r#"{"a":5}"#)
    );
    let group = "syntax = \"proto2\"; message M { optional int32 a = 1; repeated group G = 2 { optional int32 b = 3; } }";
    assert_eq!(
        read(group, b"\0\x13\x18\x01\x14\x08\x05").as_deref(),
        Ok(r#"{"a":5}"#)
    );
}

#[test]
fn what_is_broken_is_said() {
    for (bytes, said) in [
        (b"\x08".as_slice(), "it is cut short"),
        (b"\x12\x05\x0a", "it is cut short"),
        (b"\x12\x03\x1a\x01\x08", "field `sub.sub` is cut short"),
        (b"\x12\x03\x12\x01\xff", "field `sub.s` is not valid UTF-8"),
        (
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            "it has a number of more than 64 bits",
        ),
        (b"\0\x01", "it has a field without a number"),
        (b"\x0f", "it has a value of no known kind"),
        (b"\x14", "it ends a group that did not begin"),
        (b"\x13", "it is cut short"),
        (
            b"\x1a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            "field `at` is no time",
        ),
        (b"\x22\x03\x08\x01\x12", "field `map` is cut short"),
        (b"\x2a\x03\x01\x02\x03", "field `fixed` is cut short"),
    ] {
        let fields = "int32 a = 1; Sub sub = 2; google.protobuf.Timestamp at = 3; map<int32, int32> map = 4; repeated fixed32 fixed = 5;";
        assert_eq!(of_fields(fields, bytes), Err(said.to_owned()), "{bytes:x?}");
    }
    let groups = b"\x13".repeat(100);
    let said = of_fields("int32 a = 1;", &groups).unwrap_err();
    assert_eq!(said, "it is nested more than 64 levels deep");
    let mut deep = Vec::new();
    for _ in 0..100 {
        let mut length = Vec::new();
        prost_reflect::prost::encoding::encode_varint(deep.len() as u64, &mut length);
        deep = [b"\x1a", &length[..], &deep].concat();
    }
    let said = read(
        "syntax = \"proto3\"; message Sub { Sub sub = 3; }",
        &[b"\0", &deep[..]].concat(),
    );
    assert!(
        said.unwrap_err()
            .ends_with("nested more than 64 levels deep")
    );
}

#[test]
fn a_record_says_which_message_it_is() {
    let schema = "syntax = \"proto3\";
        message A { map<string, int32> m = 1; message B { int32 b = 1; message C { int32 c = 1; } } }
        message D { int32 d = 1; }";
    for (bytes, expected) in [
        (b"\0".as_slice(), Ok("{}")),
        (b"\x02\0", Ok("{}")),
        (b"\x02\x02\x08\x01", Ok(r#"{"d":1}"#)),
        // The entry of the map stands before it, and is no message of the schema.
        (b"\x04\0\0\x08\x01", Ok(r#"{"b":1}"#)),
        (b"\x06\0\0\0\x08\x01", Ok(r#"{"c":1}"#)),
        (
            b"\x02\x04",
            Err("it is of a message that its schema does not have"),
        ),
        (
            b"\x04\x02\0",
            Err("it is of a message that its schema does not have"),
        ),
        (
            b"\x01",
            Err("it is of a message that its schema does not have"),
        ),
        (
            b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\0",
            Err("it is cut short"),
        ),
        (b"", Err("it is cut short")),
    ] {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(read(schema, bytes), expected, "{bytes:x?}");
    }
    assert_eq!(
        read("syntax = \"proto3\";", b"\0").unwrap_err(),
        "it is of a message that its schema does not have"
    );
}

#[test]
fn what_is_wrong_with_a_schema_is_said() {
    for schema in [
        "message",
        "syntax = \"proto3\"; message M { Unknown u = 1; }",
        "syntax = \"proto3\"; import \"nowhere.proto\"; message M {}",
        "syntax = \"proto3\"; import \"schema of the record\"; message M {}",
    ] {
        let problem = Protobuf::new(schema, []).unwrap_err();
        assert!(problem.starts_with("cannot be compiled: "), "{problem}");
    }
    let nested = "message M {".repeat(10_000);
    assert!(Protobuf::new(&nested, []).is_err());
}
