//! Records in Avro: a schema is compiled once, and then each record becomes JSON without an allocation.
//!
//! A name and a value make `"name":value`; what is null is left out. Bytes are lower-case hexadecimal, enums their symbols, and
//! a union is the value alone. Of the logical types, `decimal` is the text of the number, `date` and the local times are as ISO
//! 8601 writes them, a `uuid` in bytes has its hyphens, and all others are the numbers that they are.

mod node;
mod parse;
mod transcode;

use super::text::{self, Fault};
use node::Node;
use parse::Parser;
use transcode::Walk;

/// A compiled schema.
#[derive(Debug, Clone)]
pub struct Avro {
    nodes: Vec<Node>,
    root: usize,
}

impl Avro {
    /// Compiles a schema; `references` are the schemas that define types which it names.
    ///
    /// # Errors
    /// What is wrong with it, completing "the schema ...".
    pub fn new<'r>(
        schema: &str,
        references: impl IntoIterator<Item = &'r str>,
    ) -> Result<Self, String> {
        let mut parser = Parser::default();
        for reference in references {
            parser.add(reference)?;
        }
        let root = parser.add(schema)?;
        Ok(Self {
            nodes: parser.nodes,
            root,
        })
    }

    /// Appends a record's JSON text.
    ///
    /// # Errors
    /// What of it does not fit the schema. Then a part of it may have been appended.
    pub fn transcode(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let limit = text::limit(bytes.len()).saturating_add(out.len());
        let mut walk = Walk {
            nodes: &self.nodes,
            rest: bytes,
            out,
            limit,
        };
        walk.value(self.root, 0)?;
        match walk.rest.is_empty() {
            true => Ok(()),
            false => Err(Fault::new("has more bytes than its schema says")),
        }
    }
}

#[cfg(test)]
mod tests;
