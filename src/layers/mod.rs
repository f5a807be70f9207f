//! Documented defaults, a file over them, environment or command line over both: strict, and all problems at once.
//!
//! The defaults are the schema. Their keys are the only ones, their values give the types, and their comments the
//! ranges, as [`limit`] reads them.

mod document;
mod key;
mod limit;
mod problems;

pub use document::{Document, read_text};
pub use key::Key;
pub use problems::{Origin, Problem, Problems, list, suggestion};

use limit::{Breach, Limit, Limits, number};
use problems::nearest;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use toml::{Table, Value};

/// What is known of settings beside their documented defaults.
#[derive(Debug)]
pub struct Schema {
    /// What they are, such as "configuration".
    pub subject: &'static str,
    /// The command that prints the defaults.
    pub printed_by: &'static str,
    /// Tables in which a file may name things that the defaults do not know; `table.*` stands for each table in one.
    pub open: &'static [&'static str],
    /// Those of them that hold text under names with dots. TOML reads an unquoted `sasl.mechanism = ""` as a table in a
    /// table.
    pub dotted: &'static [&'static str],
}

/// The effective values, where each was stated, and what is wrong with them so far.
pub struct Layers {
    schema: &'static Schema,
    limits: Arc<Limits>,
    /// The defaults alone.
    defaults: Table,
    /// The effective values.
    table: Table,
    /// Where the keys that are not defaults were stated.
    origins: BTreeMap<Key, Origin>,
    problems: Vec<Problem>,
}

impl Layers {
    /// The defaults alone.
    pub fn new(schema: &'static Schema, defaults: &str) -> Self {
        let mut layers = Self {
            schema,
            limits: Arc::new(Limits::of(defaults)),
            defaults: Table::new(),
            table: Table::new(),
            origins: BTreeMap::new(),
            problems: Vec::new(),
        };
        match defaults.parse::<Table>() {
            Ok(table) => layers.defaults = table,
            Err(error) => layers.problem(
                &Key::root(),
                error.message(),
                "this is a fault of the program",
            ),
        }
        layers.table = layers.defaults.clone();
        layers
    }

    /// The effective values as the defaults of further ones, such as those of a file that states what differs. What is
    /// wrong with these is said of `name`.
    pub fn under(&self, name: &str) -> Self {
        Self {
            schema: self.schema,
            limits: Arc::clone(&self.limits),
            defaults: self.table.clone(),
            table: self.table.clone(),
            origins: BTreeMap::from([(Key::root(), Origin::File(name.into(), None))]),
            problems: Vec::new(),
        }
    }

    /// Takes over the problems of others.
    pub fn absorb(&mut self, other: Self) {
        self.problems.extend(other.problems);
    }

    /// The keys that were stated, one over the defaults.
    pub fn stated(&self) -> Vec<Key> {
        self.origins.keys().cloned().collect()
    }

    /// Lays a file over what is there.
    pub fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => self.text(&text, &name),
            Err(error) => self.problems.push(Problem {
                origin: Origin::File(name.into(), None),
                key: String::new(),
                what: format!("cannot be read: {error}"),
                remedy: format!(
                    "name a readable TOML file; `{}` prints one with every key",
                    self.schema.printed_by
                ),
            }),
        }
    }

    /// Lays TOML text over what is there; `name` is the file's.
    pub fn text(&mut self, text: &str, name: &str) {
        match Document::parse(text, name) {
            Ok(document) => self.document(document),
            Err(problems) => self.extend(problems),
        }
    }

    /// Lays a text that was read over what is there.
    pub fn document(&mut self, mut document: Document) {
        let table = std::mem::take(&mut document.table);
        self.merge(table, &|key| document.origin(key));
    }

    /// Lays a table over what is there.
    pub fn lay(&mut self, over: Table, origin: &Origin) {
        self.merge(over, &|_| origin.clone());
    }

    /// Lays one value over what is there.
    pub fn value(&mut self, key: &Key, value: Value, origin: &Origin) {
        let mut table = Table::new();
        key.insert(&mut table, value);
        self.lay(table, origin);
    }

    fn merge(&mut self, mut over: Table, origin: &dyn Fn(&Key) -> Origin) {
        for dotted in self.schema.dotted {
            if let Some(Value::Table(nested)) = Key::of(dotted).get_mut(&mut over) {
                *nested = flatten(std::mem::take(nested));
            }
        }
        let mut base = std::mem::take(&mut self.table);
        self.merge_at(&Key::root(), &mut base, over, origin);
        self.table = base;
    }

    fn merge_at(
        &mut self,
        at: &Key,
        base: &mut Table,
        over: Table,
        origin: &dyn Fn(&Key) -> Origin,
    ) {
        for (name, value) in over {
            let key = at.child(&name);
            let stated = origin(&key);
            match (base.get_mut(&name), value) {
                (Some(Value::Table(base)), Value::Table(over)) => {
                    self.merge_at(&key, base, over, origin);
                }
                (Some(slot), value) => {
                    self.origins.insert(key.clone(), stated);
                    let is_open = self.limits.get(&key).is_some_and(Limit::is_open);
                    match coerce(slot, value, is_open) {
                        Ok(value) => *slot = value,
                        Err(what) => {
                            let remedy = match slot {
                                Value::Table(_) => format!("write its keys below a line [{key}]"),
                                slot => format!("write it like the default, {slot}"),
                            };
                            self.problem(&key, what, remedy);
                        }
                    }
                }
                (None, value) if at.is_any(self.schema.open) => {
                    base.insert(name, value);
                    self.origins.insert(key, stated);
                }
                (None, _) => {
                    let remedy = self.remedy_for_unknown(at, &name, base);
                    self.origins.insert(key.clone(), stated);
                    self.problem(&key, "there is no such key", remedy);
                }
            }
        }
    }

    fn remedy_for_unknown(&self, at: &Key, name: &str, siblings: &Table) -> String {
        let names: Vec<_> = siblings.keys().map(String::as_str).collect();
        if let Some(near) = nearest(name, &names) {
            return format!("did you mean `{}`?", at.child(near));
        }
        let mut elsewhere = Vec::new();
        Key::root().walk(&self.defaults, &mut |key, _| {
            if key.last() == Some(name) {
                elsewhere.push(key.to_string());
            }
        });
        match elsewhere.first() {
            Some(key) => format!("did you mean `{key}`?"),
            None => format!("remove it; there are {}", list(&names)),
        }
    }

    /// Another default of a key; what was stated goes over it.
    pub fn default(&mut self, key: &Key, value: Value) {
        key.insert(&mut self.defaults, value.clone());
        if !self.origins.contains_key(key) {
            key.insert(&mut self.table, value);
        }
    }

    /// Checks every number against its documented range. What is out of range is noted and put back to its default, so
    /// that the sections can be read.
    pub fn check_ranges(&mut self) {
        // Ends that are other keys come last, when those are in range themselves.
        for with_sibling in [false, true] {
            for (key, breach) in self.breaches(with_sibling) {
                let mut remedy = breach.remedy;
                if let Some(default) = key.get(&self.defaults) {
                    remedy += &format!(", or leave the key out for the default, {default}");
                }
                self.problem(&key, breach.what, remedy);
                self.reset(&key);
            }
        }
    }

    fn breaches(&self, with_sibling: bool) -> Vec<(Key, Breach)> {
        let mut breaches = Vec::new();
        Key::root().walk(&self.table, &mut |key, value| {
            let limit = self.limits.get(key).filter(|_| !value.is_table());
            let sibling = |name: &str| number(key.sibling(name).get(&self.table)?);
            let limit = limit.filter(|limit| limit.has_sibling() == with_sibling);
            let breach = limit.and_then(|limit| limit.breach(value, &sibling));
            breaches.extend(breach.map(|breach| (key.clone(), breach)));
        });
        breaches
    }

    /// Notes what is wrong with a key.
    pub fn problem(&mut self, key: &Key, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem {
            origin: self.origin(key),
            key: key.to_string(),
            what: what.into(),
            remedy: remedy.into(),
        });
    }

    /// Notes that some keys do not go together, at the first of them that was stated.
    pub fn conflict(&mut self, keys: &[&str], what: impl Into<String>, remedy: &str) {
        let keys: Vec<_> = keys.iter().map(|key| Key::of(key)).collect();
        let stated = |key: &&Key| self.origin(key) != Origin::Default;
        if let Some(key) = keys.iter().find(stated).or(keys.first()) {
            self.problem(key, what, remedy);
        }
    }

    /// Notes a name that is not one of those known; `what` says what it should name.
    pub fn expect_name(&mut self, key: &Key, what: &str, name: &str, known: &[&str]) {
        if !known.contains(&name) {
            let what = format!("`{name}` is not {what}");
            self.problem(key, what, suggestion(name, known));
        }
    }

    /// Notes that a value breaks a rule, such as "must be from 1 to 9".
    pub fn refuse(&mut self, key: &Key, rule: &str) {
        let value = key.get(&self.table).map(Value::to_string);
        let what = format!("{} is not allowed", value.unwrap_or_default());
        let remedy = format!("it {rule}; leave the key out for the default");
        self.problem(key, what, remedy);
    }

    /// Notes problems with something else than a key.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.problems.extend(problems);
    }

    /// Where a key was stated, or what it is part of, or else a part of it.
    fn origin(&self, key: &Key) -> Origin {
        let around = key.ancestors().find_map(|key| self.origins.get(&key));
        let inside = || self.origins.iter().find(|(inner, _)| key.holds(inner));
        let stated = around.or_else(|| inside().map(|(_, origin)| origin));
        stated.cloned().unwrap_or(Origin::Default)
    }

    /// The defaults alone.
    pub fn defaults(&self) -> &Table {
        &self.defaults
    }

    /// The effective values.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Puts a key back to its default, so that later checks need not stumble over it again.
    pub fn reset(&mut self, key: &Key) {
        match key.get(&self.defaults) {
            Some(default) => key.insert(&mut self.table, default.clone()),
            None => drop(key.remove(&mut self.table)),
        }
    }

    /// Removes what is at a key, default or not.
    pub fn remove(&mut self, key: &Key) {
        key.remove(&mut self.table);
    }

    /// Reads the values at a key; a problem is noted.
    pub fn read<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let key = Key::of(key);
        let value = key.get(&self.table).cloned();
        self.read_value(&key, value.unwrap_or_else(|| Value::Table(Table::new())))
    }

    /// Reads all values; a problem is noted.
    pub fn read_all<T: DeserializeOwned>(&mut self) -> Option<T> {
        self.read_value(&Key::root(), Value::Table(self.table.clone()))
    }

    fn read_value<T: DeserializeOwned>(&mut self, key: &Key, value: Value) -> Option<T> {
        match value.try_into() {
            Ok(read) => Some(read),
            Err(error) => {
                let remedy = format!("`{}` shows how it is written", self.schema.printed_by);
                self.problem(key, plain(&error), remedy);
                None
            }
        }
    }

    /// The problems noted.
    pub fn into_problems(self) -> Problems {
        Problems::new(self.schema.subject, self.problems)
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// The ends of a key's range, where both are numbers.
    pub fn range(&self, key: &Key) -> Option<(f64, f64)> {
        self.limits.get(key)?.ends()
    }

    /// Every key that is no section, with its value and its range.
    #[cfg(test)]
    pub fn keys(&self) -> Vec<(Key, Value, Option<Limit>)> {
        let mut keys = Vec::new();
        Key::root().walk(&self.table, &mut |key, value| {
            if !value.is_table() {
                keys.push((key.clone(), value.clone(), self.limits.get(key).cloned()));
            }
        });
        keys
    }
}

/// An error of reading a value, on one line.
pub fn plain(error: &toml::de::Error) -> String {
    error.to_string().trim().replace('\n', " ")
}

/// Text by dotted names, of tables in tables.
fn flatten(nested: Table) -> Table {
    let mut flat = Table::new();
    for (name, value) in nested {
        match value {
            Value::Table(inner) => {
                let inner = flatten(inner).into_iter();
                flat.extend(inner.map(|(rest, value)| (format!("{name}.{rest}"), value)));
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {
                flat.insert(name, Value::String(value.to_string()));
            }
            value => {
                flat.insert(name, value);
            }
        }
    }
    flat
}

/// Default of a number that the program finds by itself.
pub const AUTO: &str = "auto";

/// The value if it has the type of the one it replaces; whole numbers do for measures and for what is found by itself. A list of
/// numbers has as many as the default unless it is open.
fn coerce(slot: &Value, value: Value, is_open: bool) -> Result<Value, String> {
    match (slot, value) {
        (Value::Float(_), Value::Integer(whole)) => Ok(Value::Float(whole as f64)),
        (Value::String(slot), number @ Value::Integer(_)) if slot == AUTO => Ok(number),
        (Value::Array(slots), Value::Array(values)) => {
            let Some(slot) = slots.first() else {
                return Ok(Value::Array(values));
            };
            if !is_open && number(slot).is_some() && slots.len() != values.len() {
                return Err(format!("has {} entries, not {}", values.len(), slots.len()));
            }
            let entries = values.into_iter().map(|value| coerce(slot, value, is_open));
            let entries: Result<_, String> = entries.collect();
            entries
                .map(Value::Array)
                .map_err(|what| format!("has an entry that {what}"))
        }
        (slot, value) if slot.same_type(&value) => Ok(value),
        (slot, value) => Err(format!("is {}, not {}", kind(&value), kind(slot))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date or time",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn properties_keep_their_dots() {
        let text = "sasl.mechanism = 'PLAIN'\n'ssl.ca.location' = '/ca'\nlinger = 1";
        let flat = flatten(text.parse().unwrap());
        let names: Vec<_> = flat.keys().map(String::as_str).collect();
        assert_eq!(names, ["linger", "sasl.mechanism", "ssl.ca.location"]);
    }
}
