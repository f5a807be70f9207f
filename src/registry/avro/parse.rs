//! From the JSON text of a schema to its nodes.

use super::node::{Field, Node, Unit};
use crate::registry::text::label;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A decimal number with more digits behind the point is left in bytes.
const SCALE_MAX: u64 = 38;

/// Collects the nodes of schemas.
#[derive(Default)]
pub struct Parser {
    pub nodes: Vec<Node>,
    /// Where named types are.
    names: BTreeMap<String, usize>,
}

impl Parser {
    /// Adds a schema, which may name the types of those before it. Returns its node.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(&mut self, text: &str) -> Result<usize, String> {
        let schema = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
        self.schema(&schema, "")
    }

    /// `space`: the namespace around it.
    fn schema(&mut self, schema: &Value, space: &str) -> Result<usize, String> {
        match schema {
            Value::String(name) => self.named(name, space),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.schema(branch, space));
                let branches = branches.collect::<Result<Vec<_>, _>>()?;
                Ok(self.push(Node::Union(branches)))
            }
            Value::Object(schema) => match schema.get("type") {
                Some(Value::String(kind)) => self.typed(kind, schema, space),
                Some(inner) => self.schema(inner, space),
                None => Err("has a type without `type`".to_owned()),
            },
            _ => Err("has a type that is no name, list or object".to_owned()),
        }
    }

    fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// A primitive type, or one that was defined before.
    fn named(&mut self, name: &str, space: &str) -> Result<usize, String> {
        if let Some(node) = primitive(name) {
            return Ok(self.push(node));
        }
        let known = self.names.get(&full_name(name, space));
        // Some writers leave the namespace out where it is another one.
        let known = known.or_else(|| self.names.get(name));
        known
            .copied()
            .ok_or_else(|| format!("names a type `{name}` that it does not define"))
    }

    fn typed(
        &mut self,
        kind: &str,
        schema: &Map<String, Value>,
        space: &str,
    ) -> Result<usize, String> {
        match kind {
            "array" => {
                let items = self.schema(part(schema, "items", kind)?, space)?;
                Ok(self.push(Node::Array(items)))
            }
            "map" => {
                let values = self.schema(part(schema, "values", kind)?, space)?;
                Ok(self.push(Node::Map(values)))
            }
            "record" | "error" | "enum" | "fixed" => self.definition(kind, schema, space),
            name => {
                let node = self.named(name, space)?;
                if let Some(logical) = logical(&self.nodes[node], schema) {
                    return Ok(self.push(logical));
                }
                Ok(node)
            }
        }
    }

    /// A type with a name.
    fn definition(
        &mut self,
        kind: &str,
        schema: &Map<String, Value>,
        space: &str,
    ) -> Result<usize, String> {
        let name = part(schema, "name", kind)?.as_str();
        let name = name.ok_or_else(|| format!("has a {kind} whose name is no text"))?;
        let own = schema.get("namespace").and_then(Value::as_str);
        let name = full_name(name, own.unwrap_or(space));
        let space = name.rsplit_once('.').map_or("", |(space, _)| space);
        // Its fields may name it.
        let place = self.push(Node::Null);
        if self.names.insert(name.clone(), place).is_some() {
            return Err(format!("defines `{name}` twice"));
        }
        let list = |of: &str| {
            let list = part(schema, of, kind)?.as_array();
            list.ok_or_else(|| format!("has a {kind} `{name}` whose {of} are no list"))
        };
        self.nodes[place] = match kind {
            "enum" => {
                let symbols = list("symbols")?.iter();
                let texts =
                    symbols.map(|symbol| symbol.as_str().map(|_| symbol.to_string().into()));
                let symbols = texts.collect::<Option<_>>();
                Node::Enum(
                    symbols.ok_or_else(|| format!("has a symbol of `{name}` that is no text"))?,
                )
            }
            "fixed" => {
                let size = schema.get("size").and_then(Value::as_u64);
                let size = size.and_then(|size| usize::try_from(size).ok());
                let fixed = Node::Fixed(size.ok_or_else(|| format!("has no size of `{name}`"))?);
                logical(&fixed, schema).unwrap_or(fixed)
            }
            _ => {
                let fields = list("fields")?.iter();
                let fields = fields.map(|field| self.field(field, &name, space));
                Node::Record(fields.collect::<Result<_, _>>()?)
            }
        };
        Ok(place)
    }

    fn field(&mut self, field: &Value, record: &str, space: &str) -> Result<Field, String> {
        let name = field.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| format!("has a field of `{record}` without a name"))?;
        let of = field.get("type");
        let of = of.ok_or_else(|| format!("has a field `{record}.{name}` without a type"))?;
        Ok(Field {
            name: name.into(),
            label: label(name),
            node: self.schema(of, space)?,
        })
    }
}

fn part<'s>(schema: &'s Map<String, Value>, name: &str, kind: &str) -> Result<&'s Value, String> {
    let part = schema.get(name);
    part.ok_or_else(|| format!("has a type `{kind}` without `{name}`"))
}

fn full_name(name: &str, space: &str) -> String {
    match name.contains('.') || space.is_empty() {
        true => name.to_owned(),
        false => format!("{space}.{name}"),
    }
}

fn primitive(name: &str) -> Option<Node> {
    Some(match name {
        "null" => Node::Null,
        "boolean" => Node::Boolean,
        "int" => Node::Int,
        "long" => Node::Long,
        "float" => Node::Float,
        "double" => Node::Double,
        "bytes" => Node::Bytes,
        "string" => Node::String,
        _ => return None,
    })
}

/// What a value means beyond its type. A meaning that does not go with the type is none, as the specification has it.
fn logical(node: &Node, schema: &Map<String, Value>) -> Option<Node> {
    let number = |name: &str| schema.get(name).and_then(Value::as_u64);
    let scale = number("scale").unwrap_or(0);
    let scale = || u32::try_from(scale).ok().filter(|_| scale <= SCALE_MAX);
    Some(match (schema.get("logicalType")?.as_str()?, node) {
        ("date", Node::Int) => Node::Date,
        ("local-timestamp-millis", Node::Long) => Node::Local(Unit::Millis),
        ("local-timestamp-micros", Node::Long) => Node::Local(Unit::Micros),
        ("local-timestamp-nanos", Node::Long) => Node::Local(Unit::Nanos),
        ("decimal", Node::Bytes) => Node::Decimal(scale()?),
        ("decimal", Node::Fixed(size)) => Node::FixedDecimal(*size, scale()?),
        ("uuid", Node::Fixed(16)) => Node::Uuid,
        _ => return None,
    })
}
