//! A file over the default: the default's keys are the only ones, its values give the types, its comments the ranges.

use std::collections::BTreeMap;
use toml::de::DeTable;
use toml::{Table, Value};

/// The effective values so far, and what is wrong with them.
pub(super) struct Layers {
    table: Table,
    ranges: BTreeMap<String, (f64, f64)>,
    /// What is wrong, with its line in the file; 0 where there is none.
    problems: Vec<(usize, String)>,
}

/// Where a text states its keys.
struct Source<'a> {
    name: &'a str,
    /// Line of each key, counted from 1; none for a setting of the command line.
    lines: BTreeMap<String, usize>,
}

impl Layers {
    /// The default alone.
    pub fn new(reference: &str) -> Self {
        let mut layers = Self {
            table: Table::new(),
            ranges: documented_ranges(reference),
            problems: Vec::new(),
        };
        match reference.parse() {
            Ok(table) => layers.table = table,
            Err(error) => layers.problem(0, format!("the built-in scenario: {}", error.message())),
        }
        layers
    }

    /// Lays TOML text over what is there; `name` is the file's.
    pub fn text(&mut self, text: &str, name: &str) {
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(0, |span| line_of(text, span.start));
            let what = error.message();
            self.problem(line, format!("{name}:{line}: is not TOML: {what}"));
        }
        let mut lines = BTreeMap::new();
        collect_lines(root.get_ref(), "", text, &mut lines);
        if let (true, Ok(table)) = (errors.is_empty(), text.parse()) {
            self.merge(table, &Source { name, lines });
        }
    }

    /// Lays one setting such as `churn.scale=2` over what is there.
    pub fn setting(&mut self, setting: &str) {
        let name = format!("--set {setting}");
        let value = setting
            .split_once('=')
            .and_then(|(key, value)| format!("{} = {}", key.trim(), value.trim()).parse().ok());
        let Some(table) = value else {
            return self.problem(0, format!("{name}: write it like churn.scale=2"));
        };
        let lines = BTreeMap::new();
        self.merge(table, &Source { name: &name, lines });
    }

    /// Notes something that is wrong, at a line of a file or at 0.
    pub fn problem(&mut self, line: usize, what: String) {
        self.problems.push((line, what));
    }

    /// The effective values and what is wrong with them, in the order of the file.
    pub fn finish(mut self) -> (Table, Vec<String>) {
        self.problems.sort_by_key(|(line, _)| *line);
        let problems = self.problems.into_iter().map(|(_, what)| what);
        (self.table, problems.collect())
    }

    fn merge(&mut self, over: Table, source: &Source) {
        let mut base = std::mem::take(&mut self.table);
        self.merge_at("", &mut base, over, source);
        self.table = base;
    }

    fn merge_at(&mut self, at: &str, base: &mut Table, over: Table, source: &Source) {
        for (name, value) in over {
            let key = child(at, &name);
            match (base.get_mut(&name), value) {
                (Some(Value::Table(base)), Value::Table(over)) => {
                    self.merge_at(&key, base, over, source);
                }
                (Some(slot), value) => match self.checked(&key, slot, value) {
                    Ok(value) => *slot = value,
                    Err(what) => self.problem_of(&key, source, &what),
                },
                (None, _) => {
                    let names: Vec<&str> = base.keys().map(String::as_str).collect();
                    let hint = hint(&name, &names);
                    let what = format!("there is no such key; {hint}");
                    self.problem_of(&key, source, &what);
                }
            }
        }
    }

    fn problem_of(&mut self, key: &str, source: &Source, what: &str) {
        let line = source.lines.get(key).copied().unwrap_or_default();
        let name = source.name;
        let place = match line {
            0 => name.to_owned(),
            line => format!("{name}:{line}"),
        };
        self.problem(line, format!("{place}: {key}: {what}"));
    }

    /// The value in the default's type and in range.
    fn checked(&self, key: &str, slot: &Value, value: Value) -> Result<Value, String> {
        let value = coerce(slot, value)?;
        let Some(&(least, most)) = self.ranges.get(key) else {
            return Ok(value);
        };
        let numbers = numbers(&value);
        // Not `n < least || n > most`: that lets NaN pass.
        if let Some(wrong) = numbers.iter().find(|n| !(least..=most).contains(n)) {
            return Err(format!(
                "{wrong} is out of range; allowed is {least}..{most}"
            ));
        }
        let bounds = slot.as_array().is_some_and(|slot| slot.len() == 2);
        if bounds && numbers.len() == 2 && numbers[0] > numbers[1] {
            return Err("the lower bound comes first".to_owned());
        }
        Ok(value)
    }

    /// Every key with its value and the ends of its range; they are no numbers if its comment states none.
    #[cfg(test)]
    pub fn keys(&self) -> Vec<(String, Value, f64, f64)> {
        fn walk(at: &str, table: &Table, visit: &mut dyn FnMut(String, &Value)) {
            for (name, value) in table {
                match value {
                    Value::Table(inner) => walk(&child(at, name), inner, visit),
                    value => visit(child(at, name), value),
                }
            }
        }
        let mut keys = Vec::new();
        walk("", &self.table, &mut |key, value| {
            let range = self.ranges.get(&key).copied();
            let (least, most) = range.unwrap_or((f64::NAN, f64::NAN));
            keys.push((key, value.clone(), least, most));
        });
        keys
    }
}

fn child(at: &str, name: &str) -> String {
    match at {
        "" => name.to_owned(),
        at => format!("{at}.{name}"),
    }
}

fn hint(typed: &str, names: &[&str]) -> String {
    let likeness = |name: &&str| strsim::jaro_winkler(typed, name);
    let nearest = names
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|name| likeness(name) > 0.8) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there are {}", names.join(", ")),
    }
}

/// The value if it has the type of the one it replaces; whole numbers do for others, and lists may be empty.
fn coerce(slot: &Value, value: Value) -> Result<Value, String> {
    match (slot, value) {
        (Value::Float(_), Value::Integer(whole)) => Ok(Value::Float(whole as f64)),
        (Value::Array(slots), Value::Array(values)) => {
            let open = slots.first().is_some_and(Value::is_integer) && slots.len() == 1;
            if !open && slots.len() != values.len() {
                return Err(format!("is a list of {} numbers", slots.len()));
            }
            let Some(slot) = slots.first() else {
                return Ok(Value::Array(values));
            };
            let values = values.into_iter().map(|value| coerce(slot, value));
            values.collect::<Result<_, _>>().map(Value::Array)
        }
        (slot, value) if slot.same_type(&value) => Ok(value),
        (Value::Table(_), _) => Err("is a section, not a value".to_owned()),
        (slot, value) => Err(format!(
            "is written like the default, {slot}, not like {value}"
        )),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Integer(whole) => vec![*whole as f64],
        Value::Float(measure) => vec![*measure],
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        _ => Vec::new(),
    }
}

/// The ranges that the comments above the keys end with, such as `0..1`.
fn documented_ranges(reference: &str) -> BTreeMap<String, (f64, f64)> {
    let mut ranges = BTreeMap::new();
    let (mut section, mut range) = (String::new(), None);
    for line in reference.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            range = comment.split_whitespace().next_back().and_then(parse_range);
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_matches(['[', ']']).to_owned();
        } else if let (Some((name, _)), Some(range)) = (line.split_once(" = "), range.take()) {
            ranges.insert(child(&section, name), range);
        }
    }
    ranges
}

fn parse_range(word: &str) -> Option<(f64, f64)> {
    let (least, most) = word.split_once("..")?;
    Some((least.parse().ok()?, most.parse().ok()?))
}

fn collect_lines(table: &DeTable<'_>, at: &str, text: &str, lines: &mut BTreeMap<String, usize>) {
    for (name, value) in table {
        let key = child(at, name.get_ref());
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
