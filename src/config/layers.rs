//! Defaults, file and environment, one over the other; the defaults are the schema.

use super::key::{Key, OPEN, PROPERTIES, flatten};
use super::problems::{Origin, Problem, Problems, list, nearest, suggestion};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use toml::de::DeTable;
use toml::{Table, Value};

/// The effective values, where each came from, and what is wrong with them so far.
pub(super) struct Layers {
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
    pub fn new(defaults: &str) -> Self {
        let mut layers = Self {
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

    /// Lays a table over what is there.
    pub fn lay(&mut self, over: Table) {
        let origin = self.origin(&Key::root());
        self.merge(over, &|_| origin.clone());
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
                remedy: "name a readable TOML file; `churnwatch config` prints one with every key"
                    .into(),
            }),
        }
    }

    /// Lays TOML text over what is there; `name` is the file's.
    pub fn text(&mut self, text: &str, name: &str) {
        let name: Arc<str> = name.into();
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            // Not the error's own display: it would show the line, which may hold a password.
            self.problems.push(Problem {
                origin: Origin::File(name.clone(), error.span().map(|s| line_of(text, s.start))),
                key: String::new(),
                what: format!("is not TOML: {}", error.message()),
                remedy: "correct the line; `churnwatch config` prints a valid file".into(),
            });
        }
        if !errors.is_empty() {
            return;
        }
        let mut lines = BTreeMap::new();
        collect_lines(root.get_ref(), &Key::root(), text, &mut lines);
        let origin = |key: &Key| Origin::File(name.clone(), lines.get(key).copied());
        match text.parse() {
            Ok(table) => self.merge(table, &origin),
            Err(error) => self.problem(&Key::root(), error.message(), "correct the TOML"),
        }
    }

    /// Lays one value over what is there.
    pub fn value(&mut self, key: &Key, value: Value, origin: Origin) {
        let mut table = Table::new();
        key.insert(&mut table, value);
        self.merge(table, &|_| origin.clone());
    }

    fn merge(&mut self, mut over: Table, origin: &dyn Fn(&Key) -> Origin) {
        let properties = Key::of(PROPERTIES);
        if let Some(Value::Table(nested)) = properties.get_mut(&mut over) {
            *nested = flatten(std::mem::take(nested));
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
                (Some(slot), value) => match coerce(slot, value) {
                    Ok(value) => {
                        *slot = value;
                        self.origins.insert(key, stated);
                    }
                    Err(what) => {
                        let remedy = match slot {
                            Value::Table(_) => format!("write its keys below a line [{key}]"),
                            slot => format!("write it like the default, {slot}"),
                        };
                        self.origins.insert(key.clone(), stated);
                        self.problem(&key, what, remedy);
                    }
                },
                (None, value) if at.is_any(OPEN) => {
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

    /// Notes what is wrong with a key.
    pub fn problem(&mut self, key: &Key, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem {
            origin: self.origin(key),
            key: key.to_string(),
            what: what.into(),
            remedy: remedy.into(),
        });
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

    /// Notes a problem with something else than a key.
    pub fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Where a key, or what it is part of, was stated.
    fn origin(&self, key: &Key) -> Origin {
        let mut stated = key.ancestors().filter_map(|key| self.origins.get(&key));
        stated.next().cloned().unwrap_or(Origin::Default)
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
            None => key.remove(&mut self.table),
        }
    }

    /// Reads the values at a key; a problem is noted.
    pub fn read<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let key = Key::of(key);
        let value = key.get(&self.table).cloned();
        let value = value.unwrap_or_else(|| Value::Table(Table::new()));
        match value.try_into() {
            Ok(read) => Some(read),
            Err(error) => {
                self.problem(
                    &key,
                    plain(&error),
                    "`churnwatch config` shows how it is written",
                );
                None
            }
        }
    }

    /// The problems noted.
    pub fn into_problems(self) -> Problems {
        Problems::new(self.problems)
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// An error of reading a value, on one line.
pub(super) fn plain(error: &toml::de::Error) -> String {
    error.to_string().trim().replace('\n', " ")
}

/// The value if it has the type of the one it replaces; whole numbers do for measures.
fn coerce(slot: &Value, value: Value) -> Result<Value, String> {
    match (slot, value) {
        (Value::Float(_), Value::Integer(whole)) => Ok(Value::Float(whole as f64)),
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
