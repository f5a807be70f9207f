use super::*;
use proptest::prelude::*;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde_json::json;

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

/// A field of a random message: its type, its number, and how often it comes.
type Field = (usize, u32, usize);

const TYPES: [&str; 18] = [
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32",
    "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes", "Kind", "Sub", "M",
];

fn schema(fields: &[Field]) -> String {
    let mut text = String::new();
    let mut oneof = String::new();
    for (place, (kind, number, count)) in fields.iter().enumerate() {
        let kind = TYPES[*kind];
        let packs = !["string", "bytes", "Sub", "M"].contains(&kind);
        let field = format!("{kind} f{place} = {number}");
        match count {
            0 => text += &format!("{field};\n"),
            1 => text += &format!("optional {field};\n"),
            2 => text += &format!("repeated {field};\n"),
            3 if packs => text += &format!("repeated {field} [packed = false];\n"),
            4 => text += &format!("map<string, {kind}> f{place} = {number};\n"),
            5 => text += &format!("map<sint64, {kind}> f{place} = {number};\n"),
            _ => oneof += &format!("{field};\n"),
        }
    }
    if !oneof.is_empty() {
        oneof = format!("oneof which {{ {oneof} }}");
    }
    format!(
        "syntax = \"proto3\";
        message M {{ {text} {oneof} }}
        message Sub {{ int32 n = 1; repeated sint32 list = 2; M m = 3; }}
        enum Kind {{ NONE = 0; MOC = 1; MTC = 2; }}"
    )
}

/// A source of random numbers that ends in zeros.
struct Seeds<'s>(std::slice::Iter<'s, u64>);

impl Seeds<'_> {
    fn next(&mut self) -> u64 {
        self.0.next().copied().unwrap_or_default()
    }

    fn message(&mut self, of: MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(of.clone());
        for field in of.fields() {
            if self.next() % 3 > 0 && depth < 4 {
                message.set_field(&field, self.field(&field, depth));
            }
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        let count = self.next() % 4;
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else {
                panic!("no entry");
            };
            let value = entry.map_entry_value_field().kind();
            let is_text = entry.map_entry_key_field().kind() == Kind::String;
            let entries = (0..count).map(|_| {
                let key = self.next();
                let key = match is_text {
                    true => MapKey::String(format!("k{}", key % 9)),
                    false => MapKey::I64(key.cast_signed()),
                };
                (key, self.value(&value, depth))
            });
            return Value::Map(entries.collect());
        }
        if field.is_list() {
            return Value::List(
                (0..count)
                    .map(|_| self.value(&field.kind(), depth))
                    .collect(),
            );
        }
        self.value(&field.kind(), depth)
    }

    fn value(&mut self, kind: &Kind, depth: usize) -> Value {
        let seed = self.next();
        match kind {
            Kind::Double => Value::F64(f64::from_bits(seed)),
            Kind::Float => Value::F32(f32::from_bits(seed as u32)),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(seed as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(seed.cast_signed()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(seed as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(seed),
            Kind::Bool => Value::Bool(seed % 2 == 0),
            Kind::String => Value::String(format!("\"{}é", seed % 1000)),
            Kind::Bytes => Value::Bytes(seed.to_le_bytes()[..(seed % 8) as usize].to_vec().into()),
            Kind::Enum(_) => Value::EnumNumber((seed % 4) as i32),
            Kind::Message(message) => Value::Message(self.message(message.clone(), depth + 1)),
        }
    }
}

/// What the library has read, as JSON.
fn expected(message: &DynamicMessage) -> serde_json::Value {
    let fields = message.fields().map(|(field, value)| {
        let kind = match field.kind() {
            Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        (field.name().to_owned(), expected_value(value, &kind))
    });
    serde_json::Value::Object(fields.collect())
}

fn expected_value(value: &Value, kind: &Kind) -> serde_json::Value {
    let number = |text: String| serde_json::from_str(&text).unwrap();
    match value {
        Value::Bool(value) => json!(value),
        Value::I32(value) => json!(value),
        Value::I64(value) => json!(value),
        Value::U32(value) => json!(value),
        Value::U64(value) => json!(value),
        Value::F32(value) => number(serde_json::to_string(value).unwrap()),
        Value::F64(value) => number(serde_json::to_string(value).unwrap()),
        Value::String(value) => json!(value),
        Value::Bytes(value) => {
            let digits = value.iter().map(|byte| format!("{byte:02x}"));
            json!(digits.collect::<String>())
        }
        Value::EnumNumber(value) => match kind {
            Kind::Enum(names) => match names.get_value(*value) {
                Some(name) => json!(name.name()),
                None => json!(value),
            },
            _ => panic!("no enum"),
        },
        Value::Message(message) => expected(message),
        Value::List(values) => values
            .iter()
            .map(|value| expected_value(value, kind))
            .collect(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let key = match key {
                    MapKey::String(key) => key.clone(),
                    MapKey::I64(key) => key.to_string(),
                    other => panic!("{other:?}"),
                };
                (key, expected_value(value, kind))
            });
            serde_json::Value::Object(entries.collect())
        }
    }
}

/// Fields with different numbers, some of them far apart.
fn fields() -> impl Strategy<Value = Vec<Field>> {
    let field = (0..TYPES.len(), 1_u32..40, 0_usize..8);
    prop::collection::vec(field, 0..12).prop_map(|mut fields| {
        fields.sort_by_key(|(_, number, _)| *number);
        fields.dedup_by_key(|(_, number, _)| *number);
        fields
    })
}

fn pool(schema: &str) -> MessageDescriptor {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Files(BTreeMap::from([("m".to_owned(), schema.to_owned())])));
    let mut compiler = Compiler::with_file_resolver(resolver);
    let pool = compiler.open_file("m").unwrap().descriptor_pool();
    pool.get_message_by_name("M").unwrap()
}

proptest! {
    #[test]
    fn any_record_is_read_as_the_library_reads_it(fields in fields(), seeds: [Vec<u64>; 2]) {
        let schema = schema(&fields);
        let descriptor = pool(&schema);
        // Two messages behind each other are one.
        let encode = |seeds: &Vec<u64>| {
            let message = Seeds(seeds.iter()).message(descriptor.clone(), 0);
            message.encode_to_vec()
        };
        let bytes = seeds.iter().map(encode).collect::<Vec<_>>().concat();
        let theirs = DynamicMessage::decode(descriptor.clone(), &bytes[..]).unwrap();
        let ours = read(&schema, &[b"\0", &bytes[..]].concat()).unwrap();
        let ours: serde_json::Value = serde_json::from_str(&ours).unwrap();
        // A value that came and is the default: the library takes it for absent where the field cannot say so.
        prop_assert_eq!(without_defaults(ours, &descriptor), expected(&theirs));
    }

    #[test]
    fn any_bytes_are_json_or_refused(fields in fields(), bytes: Vec<u8>) {
        let schema = schema(&fields);
        let framed = [b"\0", &bytes[..]].concat();
        let ours = read(&schema, &framed);
        // The library knows broken bytes by the same signs, but for what it reads more of: groups and unused fields.
        if DynamicMessage::decode(pool(&schema), &bytes[..]).is_ok() {
            prop_assert!(ours.is_ok(), "{ours:?}");
        }
        if let Ok(text) = ours {
            prop_assert!(text.len() < 2 * text::limit(framed.len()));
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}

/// JSON without the defaults that a message cannot tell from absence, and without empty lists.
fn without_defaults(value: serde_json::Value, of: &MessageDescriptor) -> serde_json::Value {
    let serde_json::Value::Object(mut fields) = value else {
        return value;
    };
    for field in of.fields() {
        let Some(value) = fields.get_mut(field.name()) else {
            continue;
        };
        let taken = value.take();
        let inner = match field.kind() {
            Kind::Message(entry) if field.is_map() => match entry.map_entry_value_field().kind() {
                Kind::Message(message) => Some(message),
                _ => None,
            },
            Kind::Message(message) => Some(message),
            _ => None,
        };
        let clean = |value: serde_json::Value| match &inner {
            Some(message) => without_defaults(value, message),
            None => value,
        };
        *value = match taken {
            serde_json::Value::Array(values) => values.into_iter().map(clean).collect(),
            serde_json::Value::Object(entries) if field.is_map() => {
                let entries = entries.into_iter().map(|(key, value)| (key, clean(value)));
                serde_json::Value::Object(entries.collect())
            }
            value => clean(value),
        };
        let is_default = match &*value {
            serde_json::Value::Array(values) => values.is_empty(),
            serde_json::Value::Object(_) => false,
            value => {
                let zero = value.as_f64() == Some(0.0) && !value.to_string().starts_with('-');
                let none = [json!(false), json!(""), json!("NONE")].contains(value);
                (zero || none) && !field.supports_presence()
            }
        };
        if is_default {
            fields.remove(field.name());
        }
    }
    serde_json::Value::Object(fields)
}
