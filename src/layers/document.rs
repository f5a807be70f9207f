//! TOML text with the lines of its keys.

use super::key::Key;
use super::problems::{Origin, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
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
        let problem = |error: &toml::de::Error| {
            let what = format!("is not TOML: {}", error.message());
            problem_of(error, text, &name, what)
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

    /// Something that is wrong at a key.
    pub fn problem(
        &self,
        key: &Key,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        let mut around = key.ancestors();
        let stated = around.find(|key| self.lines.contains_key(key));
        Problem {
            origin: self.origin(stated.as_ref().unwrap_or(key)),
            key: key.to_string(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Where a key is stated.
    pub(super) fn origin(&self, key: &Key) -> Origin {
        Origin::File(self.name.clone(), self.lines.get(key).copied())
    }

    /// What it states, to be changed.
    pub fn table_mut(&mut self) -> &mut Table {
        &mut self.table
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

/// Reads the text of a file, whose name is for errors.
///
/// # Errors
/// The first thing that is no TOML or not as the type says.
pub fn read_text<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, Vec<Problem>> {
    toml::from_str(text).map_err(|error| {
        let what = error.message().replace('\n', " ");
        vec![problem_of(&error, text, &name.into(), what)]
    })
}

/// An error at its line. Its own display would show the line, which may hold a password.
fn problem_of(error: &toml::de::Error, text: &str, name: &Arc<str>, what: String) -> Problem {
    let line = error.span().map(|span| line_of(text, span.start));
    Problem {
        origin: Origin::File(Arc::clone(name), line),
        key: String::new(),
        what,
        remedy: "correct the line".into(),
    }
}

fn collect_lines(table: &DeTable<'_>, at: &Key, text: &str, lines: &mut BTreeMap<Key, usize>) {
    for (name, value) in table {
        let key = at.child(name.get_ref());
        lines.insert(key.clone(), line_of(text, name.span().start));
        if let Some(table) = value.get_ref().as_table() {
            collect_lines(table, &key, text, lines);
        }
        // Sections of a list are counted from 1.
        for (place, entry) in value.get_ref().as_array().into_iter().flatten().enumerate() {
            if let Some(table) = entry.get_ref().as_table() {
                collect_lines(table, &key.child(&(place + 1).to_string()), text, lines);
            }
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + memchr::memchr_iter(b'\n', before).count()
}
