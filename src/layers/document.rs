//! TOML text with the lines of its keys.

use super::key::Key;
use super::problems::{Origin, Problem};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::de::{DeTable, Deserializer};
use toml::{Table, Value};

/// TOML text that was read, and where in it each key stands.
pub struct Document {
    name: Arc<str>,
    pub(super) table: Table,
    lines: BTreeMap<Key, usize>,
}

impl Document {
    /// Reads a text; `name` is the file's.
    ///
    /// # Errors
    /// Everything that is no TOML.
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<Problem>> {
        let name: Arc<str> = name.into();
        // Not the error's own display: it would show the line, which may hold a password.
        let problem = |error: &toml::de::Error| Problem {
            origin: Origin::File(name.clone(), error.span().map(|s| line_of(text, s.start))),
            key: String::new(),
            what: format!("is not TOML: {}", error.message()),
            remedy: "correct the line".into(),
        };
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(errors.iter().map(problem).collect());
        }
        let mut lines = BTreeMap::new();
        collect_lines(root.get_ref(), &Key::root(), text, &mut lines);
        let table = Table::deserialize(Deserializer::from(root));
        let table = table.map_err(|error| vec![problem(&error)])?;
        Ok(Self { name, table, lines })
    }

    /// Where a key is stated.
    pub(super) fn origin(&self, key: &Key) -> Origin {
        Origin::File(self.name.clone(), self.lines.get(key).copied())
    }

    /// Takes a section out, if there is one of this name.
    pub fn take(&mut self, section: &str) -> Option<Table> {
        match self.table.remove(section)? {
            Value::Table(table) => Some(table),
            value => {
                self.table.insert(section.to_owned(), value);
                None
            }
        }
    }
}

fn collect_lines(table: &DeTable<'_>, at: &Key, text: &str, lines: &mut BTreeMap<Key, usize>) {
    for (name, value) in table {
        let key = at.child(name.get_ref());
        lines.insert(key.clone(), line_of(text, name.span().start));
        if let Some(table) = value.get_ref().as_table() {
            collect_lines(table, &key, text, lines);
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + memchr::memchr_iter(b'\n', before).count()
}
