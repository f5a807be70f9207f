//! Paths of keys through tables.

use std::cmp::Ordering;
use std::fmt;
use toml::{Table, Value};

/// The path of a key from the top, such as `window.days`. Paths that read the same are equal, wherever a name in them has
/// a dot of its own.
#[derive(Debug, Clone)]
pub struct Key {
    parts: Vec<String>,
    text: String,
}

impl Key {
    fn new(parts: Vec<String>) -> Self {
        let text = parts.join(".");
        Self { parts, text }
    }

    /// All keys together.
    pub fn root() -> Self {
        Self::new(Vec::new())
    }

    /// Reads a path separated by dots.
    pub fn of(path: &str) -> Self {
        Self::new(path.split('.').map(str::to_owned).collect())
    }

    /// A key of the table at this path.
    pub fn child(&self, name: &str) -> Self {
        let mut parts = self.parts.clone();
        parts.push(name.to_owned());
        Self::new(parts)
    }

    /// A key beside this one.
    pub(super) fn sibling(&self, name: &str) -> Self {
        let table = self.parts.split_last().map_or(&[][..], |(_, table)| table);
        Self::new(table.to_vec()).child(name)
    }

    /// This path with `*` in place of its last part but one.
    pub(super) fn in_any_table(&self) -> Self {
        let mut parts = self.parts.clone();
        if let [.., table, _] = parts.as_mut_slice() {
            "*".clone_into(table);
        }
        Self::new(parts)
    }

    /// The path in full, separated by dots.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The last part of the path.
    pub fn last(&self) -> Option<&str> {
        self.parts.last().map(String::as_str)
    }

    /// Whether this is one of some paths; one that ends with `.*` stands for every key of a table.
    pub fn is_any(&self, paths: &[&str]) -> bool {
        let is = |path: &&str| match path.strip_suffix(".*") {
            Some(table) => self.ancestors().nth(1) == Some(Self::of(table)),
            None => *path == self.as_str(),
        };
        paths.iter().any(is)
    }

    /// Whether a path leads through this one.
    pub fn holds(&self, inner: &Self) -> bool {
        self.parts.len() < inner.parts.len() && inner.parts.starts_with(&self.parts)
    }

    /// This path and those of the tables it is in, innermost first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        (0..=self.parts.len())
            .rev()
            .map(|end| Self::new(self.parts[..end].to_vec()))
    }

    /// The value at this path.
    pub fn get<'t>(&self, table: &'t Table) -> Option<&'t Value> {
        let (last, tables) = self.parts.split_last()?;
        let inner = |table: &'t Table, part: &String| table.get(part)?.as_table();
        tables.iter().try_fold(table, inner)?.get(last)
    }

    /// The value at this path, to be changed.
    pub fn get_mut<'t>(&self, table: &'t mut Table) -> Option<&'t mut Value> {
        let (last, tables) = self.parts.split_last()?;
        let inner = |table: &'t mut Table, part: &String| table.get_mut(part)?.as_table_mut();
        tables.iter().try_fold(table, inner)?.get_mut(last)
    }

    /// Sets the value at this path, making the tables it is in.
    pub fn insert(&self, table: &mut Table, value: Value) {
        let Some((last, tables)) = self.parts.split_last() else {
            return;
        };
        let mut table = table;
        for part in tables {
            let inner = table
                .entry(part)
                .or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = inner else {
                return;
            };
            table = inner;
        }
        table.insert(last.clone(), value);
    }

    /// Removes the value at this path.
    pub fn remove(&self, table: &mut Table) -> Option<Value> {
        let (last, tables) = self.parts.split_last()?;
        let inner = |table, part: &String| -> Option<&mut Table> {
            let table: &mut Table = table;
            table.get_mut(part)?.as_table_mut()
        };
        tables.iter().try_fold(table, inner)?.remove(last)
    }

    /// Visits every value below this path, `table` being what is there.
    pub fn walk(&self, table: &Table, visit: &mut dyn FnMut(&Self, &Value)) {
        for (name, value) in table {
            let key = self.child(name);
            visit(&key, value);
            if let Value::Table(inner) = value {
                key.walk(inner, visit);
            }
        }
    }

    /// The paths in a table that a pattern matches; a part `*` stands for every key.
    pub fn matching(pattern: &str, table: &Table) -> Vec<Self> {
        let mut found = vec![(Self::root(), table)];
        let mut parts = pattern.split('.').peekable();
        while let Some(part) = parts.next() {
            let mut next = Vec::new();
            for (key, table) in found {
                let names = table
                    .iter()
                    .filter(|(name, _)| part == "*" || part == name.as_str());
                if parts.peek().is_none() {
                    next.extend(names.map(|(name, _)| (key.child(name), table)));
                } else {
                    next.extend(
                        names
                            .filter_map(|(name, value)| Some((key.child(name), value.as_table()?))),
                    );
                }
            }
            found = next;
        }
        found.into_iter().map(|(key, _)| key).collect()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn patterns_match_every_key() {
        let table: Table = "a = { x = { w = 1 }, y = { w = 2 }, z = 3 }\nb = 4"
            .parse()
            .unwrap();
        let found = |pattern| -> Vec<String> {
            let keys = Key::matching(pattern, &table);
            keys.iter().map(Key::to_string).collect()
        };
        assert_eq!(found("a.*.w"), ["a.x.w", "a.y.w"]);
        assert_eq!(found("b"), ["b"]);
        assert_eq!(found("a.*"), ["a.x", "a.y", "a.z"]);
        assert!(found("c.*").is_empty());
    }

    #[test]
    fn values_are_set_and_removed() {
        let mut table = Table::new();
        let key = Key::of("a.b.c");
        key.insert(&mut table, Value::Integer(1));
        assert_eq!(key.get(&table), Some(&Value::Integer(1)));
        assert_eq!(key.remove(&mut table), Some(Value::Integer(1)));
        assert_eq!(key.get(&table), None);
        assert!(Key::of("a.b").get(&table).is_some());
    }

    #[test]
    fn names_with_dots_read_the_same() {
        let nested = Key::of("kafka.properties").child("sasl").child("mechanism");
        assert_eq!(nested.get(&Table::new()), None);
        assert_eq!(nested, Key::of("kafka.properties").child("sasl.mechanism"));
    }
}
