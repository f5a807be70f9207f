//! Paths of keys through tables.

use std::fmt;
use toml::{Table, Value};

/// Tables in which the operator may name things the defaults do not know.
pub(super) const OPEN: &[&str] = &[
    PROPERTIES,
    "operator.numbers",
    "policy.credit.brand_points",
    "policy.score.triggers",
    "policy.playbook",
    "policy.talk",
];

/// librdkafka's properties: flat names with dots in them.
pub(super) const PROPERTIES: &str = "kafka.properties";

/// The path of a key from the top, such as `window.days`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Vec<String>);

impl Key {
    /// The whole configuration.
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// Reads a path separated by dots.
    pub fn of(path: &str) -> Self {
        Self(path.split('.').map(str::to_owned).collect())
    }

    /// A key of the table at this path. Below [`PROPERTIES`] dots are part of a name.
    pub fn child(&self, name: &str) -> Self {
        let mut parts = self.0.clone();
        match parts.as_mut_slice() {
            [kafka, properties, property] if PROPERTIES == format!("{kafka}.{properties}") => {
                property.push('.');
                property.push_str(name);
            }
            _ => parts.push(name.to_owned()),
        }
        Self(parts)
    }

    /// The last part of the path.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Whether this is one of some paths.
    pub fn is_any(&self, paths: &[&str]) -> bool {
        let this = self.to_string();
        paths.contains(&this.as_str())
    }

    /// This path and those of the tables it is in, innermost first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        (0..=self.0.len())
            .rev()
            .map(|end| Self(self.0[..end].to_vec()))
    }

    /// The value at this path.
    pub fn get<'t>(&self, table: &'t Table) -> Option<&'t Value> {
        let (last, tables) = self.0.split_last()?;
        let inner = |table: &'t Table, part: &String| table.get(part)?.as_table();
        tables.iter().try_fold(table, inner)?.get(last)
    }

    /// The value at this path, to be changed.
    pub fn get_mut<'t>(&self, table: &'t mut Table) -> Option<&'t mut Value> {
        let (last, tables) = self.0.split_last()?;
        let inner = |table: &'t mut Table, part: &String| table.get_mut(part)?.as_table_mut();
        tables.iter().try_fold(table, inner)?.get_mut(last)
    }

    /// Sets the value at this path, making the tables it is in.
    pub fn insert(&self, table: &mut Table, value: Value) {
        let Some((last, tables)) = self.0.split_last() else {
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
    pub fn remove(&self, table: &mut Table) {
        let Some((last, tables)) = self.0.split_last() else {
            return;
        };
        match tables {
            [] => table.remove(last),
            _ => match Self(tables.to_vec()).get_mut(table) {
                Some(Value::Table(inner)) => inner.remove(last),
                _ => None,
            },
        };
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
        f.write_str(&self.0.join("."))
    }
}

/// Properties as librdkafka takes them, dotted names and text: TOML reads an unquoted `sasl.mechanism = ""` as a table in
/// a table.
pub(super) fn flatten(nested: Table) -> Table {
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

#[cfg(test)]
mod tests {
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
        key.remove(&mut table);
        assert_eq!(key.get(&table), None);
        assert!(Key::of("a.b").get(&table).is_some());
    }

    #[test]
    fn properties_keep_their_dots() {
        let text = "sasl.mechanism = 'PLAIN'\n'ssl.ca.location' = '/ca'\nlinger = 1";
        let flat = flatten(text.parse().unwrap());
        let names: Vec<_> = flat.keys().map(String::as_str).collect();
        assert_eq!(names, ["linger", "sasl.mechanism", "ssl.ca.location"]);
        let key = Key::of(PROPERTIES).child("sasl").child("mechanism");
        assert_eq!(key.get(&Table::new()), None);
        assert_eq!(key, Key::of(PROPERTIES).child("sasl.mechanism"));
    }
}
