//! Records in Avro and Protobuf, as a consumer reads them with the libraries of these formats.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use serde_json::{Map, Value};

/// The schema's number in a registry, and what stands behind it.
fn unframed(bytes: &[u8]) -> (u32, &[u8]) {
    let (head, rest) = bytes.split_at(5);
    assert_eq!(head[0], 0, "not in the registry's format: {bytes:?}");
    (u32::from_be_bytes(head[1..].try_into().unwrap()), rest)
}

/// A record in any form as JSON; `schema` is what a registry has under an id: the type and the text.
pub fn json(bytes: &[u8], schema: impl Fn(u32) -> (String, String)) -> Value {
    if bytes.first() == Some(&0) {
        let (id, datum) = unframed(bytes);
        let (kind, text) = schema(id);
        return match &*kind {
            "AVRO" => avro(&text, datum),
            "PROTOBUF" => protobuf(&text, datum),
            other => panic!("a schema in {other}"),
        };
    }
    let value: Value = serde_json::from_slice(bytes).unwrap();
    match value.get("specversion") {
        Some(_) => plain(value["data"].clone()),
        None => plain(value),
    }
}

/// A datum as JSON: what is null is absent.
fn avro(schema: &str, mut datum: &[u8]) -> Value {
    let schema = Schema::parse_str(schema).unwrap();
    let reader = GenericDatumReader::builder(&schema).build().unwrap();
    let value = reader.read_value(&mut datum).unwrap();
    assert!(datum.is_empty(), "{} bytes behind the datum", datum.len());
    plain(Value::try_from(value).unwrap())
}

/// A message as JSON; the places of its type come first.
fn protobuf(schema: &str, message: &[u8]) -> Value {
    let (place, message) = message.split_first().unwrap();
    assert_eq!(*place, 0, "the first message of the file");
    let file = descriptors(schema);
    let of = file.get_file_by_name("it.proto").unwrap();
    let of = of.messages().next().unwrap();
    let message = DynamicMessage::decode(of, message).unwrap();
    let unknown = message.unknown_fields().count();
    assert_eq!(unknown, 0, "fields that the schema lacks");
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .skip_default_fields(false)
        .stringify_64_bit_integers(false);
    let value = message.serialize_with_options(serde_json::value::Serializer, &options);
    plain(value.unwrap())
}

/// What the schema of a Protobuf file describes.
pub fn descriptors(schema: &str) -> DescriptorPool {
    struct Only(File);
    impl FileResolver for Only {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            match name {
                "it.proto" => Ok(self.0.clone()),
                other => Err(protox::Error::file_not_found(other)),
            }
        }
    }
    let mut files = ChainFileResolver::new();
    files.add(Only(File::from_source("it.proto", schema).unwrap()));
    files.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(files);
    compiler.include_imports(true);
    compiler.open_file("it.proto").unwrap();
    compiler.descriptor_pool()
}

/// As in our JSON: members that are null are absent, the language has its hyphen, and a number is a number.
pub fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            let named = |(name, value): (String, Value)| match &*name {
                "zh_CN" => ("zh-CN".to_owned(), plain(value)),
                _ => (name, plain(value)),
            };
            Value::Object(members.map(named).collect::<Map<_, _>>())
        }
        Value::Array(values) => values.into_iter().map(plain).collect(),
        Value::Number(number) => number.as_f64().unwrap().into(),
        other => other,
    }
}
