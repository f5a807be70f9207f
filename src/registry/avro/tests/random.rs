//! Any record of any schema, beside what the library reads.

use super::{encoded, read};
use crate::registry::avro::Avro;
use crate::registry::text;
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use proptest::prelude::*;
use serde_json::json;

/// A type, and a value of it.
#[derive(Debug, Clone)]
enum Shape {
    Plain(&'static str, Value),
    Logical(&'static str, &'static str, Value),
    Fixed(Vec<u8>),
    Enum(usize, usize),
    Array(Box<Shape>, usize),
    Map(Box<Shape>, Vec<String>),
    Union(bool, Box<Shape>),
    Record(Vec<Shape>),
}

impl Shape {
    /// The schema, with names that no other type of it has.
    fn schema(&self, names: &mut u32) -> serde_json::Value {
        *names += 1;
        let name = format!("N{names}");
        match self {
            Self::Plain(kind, _) => json!(kind),
            Self::Logical(kind, logical, _) => json!({"type": kind, "logicalType": logical}),
            Self::Fixed(bytes) => json!({"type": "fixed", "name": name, "size": bytes.len()}),
            Self::Enum(of, _) => {
                let symbols: Vec<_> = (0..*of).map(|n| format!("S{n}")).collect();
                json!({"type": "enum", "name": name, "symbols": symbols})
            }
            Self::Array(items, _) => json!({"type": "array", "items": items.schema(names)}),
            Self::Map(values, _) => json!({"type": "map", "values": values.schema(names)}),
            Self::Union(_, some) => json!(["null", some.schema(names)]),
            Self::Record(fields) => {
                let fields = fields.iter().enumerate();
                let fields: Vec<_> = fields
                    .map(|(n, field)| json!({"name": format!("f{n}"), "type": field.schema(names)}))
                    .collect();
                json!({"type": "record", "name": name, "fields": fields})
            }
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Plain(_, value) | Self::Logical(_, _, value) => value.clone(),
            Self::Fixed(bytes) => Value::Fixed(bytes.len(), bytes.clone()),
            Self::Enum(_, place) => Value::Enum(*place as u32, format!("S{place}")),
            Self::Array(items, count) => Value::Array(vec![items.value(); *count]),
            Self::Map(values, keys) => {
                let entries = keys.iter().map(|key| (key.clone(), values.value()));
                Value::Map(entries.collect())
            }
            Self::Union(false, _) => Value::Union(0, Box::new(Value::Null)),
            Self::Union(true, some) => Value::Union(1, Box::new(some.value())),
            Self::Record(fields) => {
                let fields = fields.iter().enumerate();
                let fields = fields.map(|(n, field)| (format!("f{n}"), field.value()));
                Value::Record(fields.collect())
            }
        }
    }
}

/// What the library has read, as JSON.
fn expected(value: Value) -> serde_json::Value {
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    match value {
        Value::Null => json!(null),
        Value::Boolean(value) => json!(value),
        Value::Int(value) | Value::TimeMillis(value) => json!(value),
        Value::Long(value) | Value::TimestampMillis(value) | Value::TimestampMicros(value) => {
            json!(value)
        }
        // As texts have them, and not widened.
        Value::Float(value) => {
            serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap()
        }
        Value::Double(value) => {
            serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap()
        }
        Value::String(text) | Value::Enum(_, text) => json!(text),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => json!(hex(&bytes)),
        Value::Union(_, value) => expected(*value),
        Value::Array(items) => items.into_iter().map(expected).collect(),
        Value::Map(entries) => {
            let entries = entries
                .into_iter()
                .map(|(key, value)| (key, expected(value)));
            serde_json::Value::Object(entries.collect())
        }
        Value::Record(fields) => {
            let fields = fields
                .into_iter()
                .map(|(key, value)| (key, expected(value)));
            serde_json::Value::Object(fields.filter(|(_, value)| !value.is_null()).collect())
        }
        other => panic!("{other:?}"),
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Plain("null", Value::Null)),
        any::<bool>().prop_map(|value| Shape::Plain("boolean", Value::Boolean(value))),
        any::<i32>().prop_map(|value| Shape::Plain("int", Value::Int(value))),
        any::<i64>().prop_map(|value| Shape::Plain("long", Value::Long(value))),
        any::<f32>().prop_map(|value| Shape::Plain("float", Value::Float(value))),
        any::<f64>().prop_map(|value| Shape::Plain("double", Value::Double(value))),
        any::<String>().prop_map(|value| Shape::Plain("string", Value::String(value))),
        any::<Vec<u8>>().prop_map(|value| Shape::Plain("bytes", Value::Bytes(value))),
        any::<i32>().prop_map(|value| Shape::Logical(
            "int",
            "time-millis",
            Value::TimeMillis(value)
        )),
        any::<i64>().prop_map(|value| {
            Shape::Logical("long", "timestamp-millis", Value::TimestampMillis(value))
        }),
        prop::collection::vec(any::<u8>(), 1..9).prop_map(Shape::Fixed),
        (1_usize..5, 0_usize..5).prop_map(|(of, place)| Shape::Enum(of, place % of)),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let not_null = inner
            .clone()
            .prop_filter("a union has `null` once and no union", |shape| {
                !matches!(shape, Shape::Union(..) | Shape::Plain("null", _))
            });
        prop_oneof![
            (inner.clone(), 0_usize..4).prop_map(|(of, n)| Shape::Array(Box::new(of), n)),
            (
                inner.clone(),
                prop::collection::vec("[a-z]{1,3}|[\"\\\\]", 0..4)
            )
                .prop_map(|(of, keys)| Shape::Map(Box::new(of), keys)),
            (any::<bool>(), not_null).prop_map(|(some, of)| Shape::Union(some, Box::new(of))),
            prop::collection::vec(inner, 0..6).prop_map(Shape::Record),
        ]
    })
}

proptest! {
    #[test]
    fn any_record_is_read_as_the_library_reads_it(shape in shapes()) {
        let schema = shape.schema(&mut 0).to_string();
        let parsed = Schema::parse_str(&schema).unwrap();
        let bytes = encoded(&parsed, shape.value());
        let reader = GenericDatumReader::builder(&parsed).build().unwrap();
        let theirs = expected(reader.read_value(&mut &bytes[..]).unwrap());
        let ours = read(&schema, &bytes);
        let ours: serde_json::Value = serde_json::from_str(&ours.unwrap()).unwrap();
        prop_assert_eq!(&ours, &theirs);
        // What is cut off is missed.
        for end in 0..bytes.len() {
            prop_assert!(read(&schema, &bytes[..end]).is_err());
        }
    }

    #[test]
    fn any_bytes_are_json_or_refused(shape in shapes(), bytes: Vec<u8>) {
        let avro = Avro::new(&shape.schema(&mut 0).to_string(), []).unwrap();
        let mut out = Vec::new();
        let read = avro.transcode(&bytes, &mut out);
        prop_assert!(out.len() < 2 * text::limit(bytes.len()));
        if read.is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
        }
    }
}
