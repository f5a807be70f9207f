//! Records in Protobuf: a schema is compiled once, and then each record becomes JSON without an allocation.
//!
//! Fields have the names that the schema gives them. All integers are numbers, enums their names, bytes lower-case hexadecimal,
//! and a `google.protobuf.Timestamp` is as RFC 3339 writes it. A field that is not in the record is absent.

mod message;
mod transcode;
mod wire;

use super::text::{self, Fault};
use message::Message;
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use std::collections::BTreeMap;
pub use transcode::Entry;
use transcode::Walk;
use wire::{Cursor, zigzag};

/// The name of the schema itself. References have the names that it imports.
const MAIN: &str = "schema of the record";

/// A compiled schema.
#[derive(Debug, Clone)]
pub struct Protobuf {
    messages: Vec<Message>,
    /// Those that the schema itself defines, in their order.
    tops: Vec<usize>,
}

impl Protobuf {
    /// Compiles a schema; `references` are the files that it imports, by name. Those of `google/protobuf` are known.
    ///
    /// # Errors
    /// What is wrong with it, completing "the schema ...".
    pub fn new<'r>(
        schema: &str,
        references: impl IntoIterator<Item = (&'r str, &'r str)>,
    ) -> Result<Self, String> {
        let references = references.into_iter();
        let files = references.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let mut files = Files(files.collect());
        files.0.insert(MAIN.to_owned(), schema.to_owned());
        let mut resolver = ChainFileResolver::new();
        resolver.add(files);
        resolver.add(GoogleFileResolver::new());
        let mut compiler = Compiler::with_file_resolver(resolver);
        let told = |error: protox::Error| format!("cannot be compiled: {error:?}");
        let pool = compiler.open_file(MAIN).map_err(told)?.descriptor_pool();
        let file = pool.get_file_by_name(MAIN);
        let file = file.ok_or_else(|| "cannot be compiled".to_owned())?;
        let (messages, tops) = message::messages(&file);
        Ok(Self { messages, tops })
    }

    /// Appends a record's JSON text. In front of the message stands which of the schema's messages it is. `room` is kept from
    /// record to record.
    ///
    /// # Errors
    /// What of it does not fit the schema. Then a part of it may have been appended.
    pub fn transcode(
        &self,
        bytes: &[u8],
        room: &mut Vec<Entry>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let (message, start) = self.message(bytes)?;
        let limit = text::limit(bytes.len()).saturating_add(out.len());
        let mut walk = Walk {
            messages: &self.messages,
            bytes,
            entries: room,
            out,
            limit,
        };
        walk.record(message, start)
    }

    /// Which message a record is, and where it begins: how many numbers there are, and then at each level the place of the
    /// message among its siblings; a zero alone stands for the first message.
    fn message(&self, bytes: &[u8]) -> Result<(usize, usize), Fault> {
        let mut cursor = Cursor {
            bytes,
            at: 0,
            end: bytes.len(),
        };
        let unknown = || Fault::new("is of a message that its schema does not have");
        let mut next = || {
            let number = zigzag(cursor.varint()?);
            usize::try_from(number).map_err(|_| unknown())
        };
        let levels = next()?;
        let mut message = *self
            .tops
            .get(if levels == 0 { 0 } else { next()? })
            .ok_or_else(unknown)?;
        for _ in 1..levels {
            let nested = &self.messages[message].nested;
            message = *nested.get(next()?).ok_or_else(unknown)?;
        }
        Ok((message, cursor.at))
    }
}

/// Schemas by the names of their files.
struct Files(BTreeMap<String, String>);

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.get(name) {
            Some(text) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

#[cfg(test)]
mod tests;
