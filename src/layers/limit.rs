//! What the comments of documented defaults say of the numbers below them.
//!
//! The last words of a comment are the range of the keys that follow it, up to the next comment or blank line:
//!
//! | written | allowed |
//! |---|---|
//! | `1..256` | a number of the range, both ends included; in a list of fixed length, every number |
//! | `>0..<1` | without the ends |
//! | `>0..` | without an upper end |
//! | `1..span_days` | up to the value of the key `span_days` in the same table |
//! | `each 0..30` | a list of any length, with numbers of the range |
//! | `rising 0..1` | a list of one number or more, each above the one before; `falling` likewise |
//!
//! The range of a table holds for all numbers in it that have none of their own. A comment that begins with `` `name`: ``
//! states the range of this name in every table of its section.

use super::key::Key;
use std::collections::BTreeMap;
use toml::Value;

/// The longest that an ordered list may be.
const ENTRIES_MAX: usize = 255;

/// What the numbers of a key must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    shape: Shape,
    least: End,
    most: End,
}

/// How many numbers there may be, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// As many as the default has. Two are the ends of a range.
    AsDefault,
    Each,
    Rising,
    Falling,
}

/// An end of a range.
#[derive(Debug, Clone, PartialEq)]
struct End {
    bound: Bound,
    included: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Bound {
    Number(f64),
    /// The value of another key of the same table.
    Sibling(String),
}

/// A value that is not as it must be.
pub(super) struct Breach {
    pub what: String,
    pub remedy: String,
}

impl Limit {
    /// Reads the last words of a comment; nothing if they are no range.
    fn of_comment(comment: &str) -> Option<Self> {
        let mut words = comment.split_whitespace().rev();
        let (least, most) = words.next()?.split_once("..")?;
        let shape = words.next().unwrap_or_default().trim_end_matches(',');
        Some(Self {
            shape: match shape.to_lowercase().as_str() {
                "each" => Shape::Each,
                "rising" => Shape::Rising,
                "falling" => Shape::Falling,
                _ => Shape::AsDefault,
            },
            least: End::read(least, '>')?,
            most: match most {
                "" => End {
                    bound: Bound::Number(f64::INFINITY),
                    included: false,
                },
                most => End::read(most, '<')?,
            },
        })
    }

    /// Whether a list may be of another length than its default.
    pub(super) fn is_open(&self) -> bool {
        self.shape != Shape::AsDefault
    }

    /// Whether an end is the value of another key.
    pub(super) fn has_sibling(&self) -> bool {
        let sibling = |end: &End| matches!(end.bound, Bound::Sibling(_));
        sibling(&self.least) || sibling(&self.most)
    }

    /// The ends, where both are numbers.
    pub fn ends(&self) -> Option<(f64, f64)> {
        match (&self.least.bound, &self.most.bound) {
            (Bound::Number(least), Bound::Number(most)) => Some((*least, *most)),
            _ => None,
        }
    }

    /// What is wrong with a value; `sibling` gives the values of keys beside it.
    pub(super) fn breach(
        &self,
        value: &Value,
        sibling: &dyn Fn(&str) -> Option<f64>,
    ) -> Option<Breach> {
        let is_list = value.is_array();
        let numbers = numbers(value);
        let (least, most) = (self.least.value(sibling), self.most.value(sibling));
        // Not `number < least || number > most`: that lets NaN pass.
        let allowed = |number: f64| {
            (number > least || (self.least.included && number >= least))
                && (number < most || (self.most.included && number <= most))
        };
        let is_ordered = match self.shape {
            Shape::Rising => numbers.is_sorted_by(|a, b| a < b),
            Shape::Falling => numbers.is_sorted_by(|a, b| a > b),
            Shape::Each => true,
            Shape::AsDefault => numbers.len() != 2 || numbers.is_sorted(),
        };
        let must_hold = matches!(self.shape, Shape::Rising | Shape::Falling);
        let what = match self.shape {
            _ if must_hold && numbers.is_empty() => "is empty",
            _ if must_hold && numbers.len() > ENTRIES_MAX => "has more than 255 entries",
            _ if !numbers.iter().copied().all(allowed) => "is out of range",
            Shape::Rising if !is_ordered => "does not rise",
            Shape::Falling if !is_ordered => "does not fall",
            _ if !is_ordered => "does not begin with the smaller number",
            _ => return None,
        };
        let wanted = match (self.shape, is_list) {
            (Shape::Rising, _) => "a rising list of numbers",
            (Shape::Falling, _) => "a falling list of numbers",
            (_, true) => "numbers",
            (_, false) => "a number",
        };
        Some(Breach {
            what: format!("{value} {what}"),
            remedy: format!("set {wanted} {}", self.range(sibling)),
        })
    }

    /// The range in words.
    fn range(&self, sibling: &dyn Fn(&str) -> Option<f64>) -> String {
        let (least, most) = (&self.least, &self.most);
        let (low, high) = (least.shown(sibling), most.shown(sibling));
        match (least.included, most.included) {
            (true, true) => format!("from {low} to {high}"),
            (true, false) => format!("from {low} and below {high}"),
            (false, true) => format!("above {low}, up to {high}"),
            (false, false) if most.bound == Bound::Number(f64::INFINITY) => format!("above {low}"),
            (false, false) => format!("above {low} and below {high}"),
        }
    }
}

impl End {
    /// Reads an end, which `mark` excludes from the range.
    fn read(text: &str, mark: char) -> Option<Self> {
        let bare = text.strip_prefix(mark);
        let name = bare.unwrap_or(text);
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let bound = match name.parse() {
            Ok(number) => Bound::Number(number),
            Err(_) if is_name => Bound::Sibling(name.to_owned()),
            Err(_) => return None,
        };
        Some(Self {
            bound,
            included: bare.is_none(),
        })
    }

    /// The number; none can be compared with a sibling that is missing or no number.
    fn value(&self, sibling: &dyn Fn(&str) -> Option<f64>) -> f64 {
        match &self.bound {
            Bound::Number(number) => *number,
            Bound::Sibling(name) => sibling(name).unwrap_or(f64::NAN),
        }
    }

    fn shown(&self, sibling: &dyn Fn(&str) -> Option<f64>) -> String {
        match &self.bound {
            Bound::Number(number) => number.to_string(),
            Bound::Sibling(name) => format!("{name} ({})", self.value(sibling)),
        }
    }
}

/// A value as a number.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(whole) => Some(*whole as f64),
        Value::Float(measure) => Some(*measure),
        _ => None,
    }
}

/// A number, or the numbers of a list.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().filter_map(number).collect(),
        value => number(value).into_iter().collect(),
    }
}

/// The limits that the comments of documented defaults state.
#[derive(Debug, Default)]
pub(super) struct Limits(BTreeMap<Key, Limit>);

impl Limits {
    pub fn of(defaults: &str) -> Self {
        let mut limits = BTreeMap::new();
        let (mut section, mut current) = (Key::root(), None);
        for line in defaults.lines() {
            if let Some(comment) = line.strip_prefix('#') {
                current = Limit::of_comment(comment);
                let name = comment
                    .strip_prefix(" `")
                    .and_then(|rest| rest.split_once("`: "));
                if let (Some((name, _)), Some(limit)) = (name, &current) {
                    limits.insert(section.child("*").child(name), limit.clone());
                    current = None;
                }
            } else if let Some(header) = line.strip_prefix('[') {
                section = Key::of(header.trim_matches(['[', ']']));
                limits.extend(current.take().map(|limit| (section.clone(), limit)));
            } else if let Some((name, _)) = line.split_once(" = ") {
                limits.extend(current.clone().map(|limit| (section.child(name), limit)));
            } else {
                current = None;
            }
        }
        Self(limits)
    }

    /// The limit of a key.
    pub fn get(&self, key: &Key) -> Option<&Limit> {
        let named = self.0.get(key).or_else(|| self.0.get(&key.in_any_table()));
        named.or_else(|| key.ancestors().find_map(|around| self.0.get(&around)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn breach(comment: &str, value: &str) -> Option<String> {
        let limit = Limit::of_comment(comment).unwrap();
        let table: toml::Table = format!("v = {value}").parse().unwrap();
        let of_days = |name: &str| (name == "of_days").then_some(7.0);
        let breach = limit.breach(&table["v"], &of_days);
        breach.map(|breach| format!("{}: {}", breach.what, breach.remedy))
    }

    #[test]
    fn ranges_are_the_last_words_of_a_comment() {
        for (comment, value, wrong) in [
            ("Threads. 1..256", "256", None),
            (
                "1..256",
                "0",
                Some("0 is out of range: set a number from 1 to 256"),
            ),
            (
                "1..256",
                "nan",
                Some("nan is out of range: set a number from 1 to 256"),
            ),
            (
                ">0..1",
                "0.0",
                Some("0.0 is out of range: set a number above 0, up to 1"),
            ),
            (
                ">0..<1",
                "1.0",
                Some("1.0 is out of range: set a number above 0 and below 1"),
            ),
            (
                "-50..<0",
                "0",
                Some("0 is out of range: set a number from -50 and below 0"),
            ),
            (
                ">0..",
                "0.0",
                Some("0.0 is out of range: set a number above 0"),
            ),
            ("1..of_days", "7", None),
            (
                "1..of_days",
                "8",
                Some("8 is out of range: set a number from 1 to of_days (7)"),
            ),
            (
                "1..other_days",
                "1",
                Some("1 is out of range: set a number from 1 to other_days (NaN)"),
            ),
            (
                "0..1",
                "[0.1, 2.0]",
                Some("[0.1, 2.0] is out of range: set numbers from 0 to 1"),
            ),
            ("0..1", "[0.2, 0.2]", None),
            (
                "0..1",
                "[0.2, 0.1]",
                Some("[0.2, 0.1] does not begin with the smaller number: set numbers from 0 to 1"),
            ),
            ("Days off. Each 0..9", "[]", None),
            ("Strengths. Rising, 0..1", "[0.1, 0.2]", None),
            (
                "rising 0..1",
                "[0.1, 0.1]",
                Some("[0.1, 0.1] does not rise: set a rising list of numbers from 0 to 1"),
            ),
            (
                "falling 1..9",
                "[]",
                Some("[] is empty: set a falling list of numbers from 1 to 9"),
            ),
        ] {
            assert_eq!(
                breach(comment, value).as_deref(),
                wrong,
                "{comment}: {value}"
            );
        }
        for comment in ["and so on ...", "from 1 to 9", "1..2 or so", ""] {
            assert_eq!(Limit::of_comment(comment), None, "{comment}");
        }
    }

    #[test]
    fn a_range_holds_up_to_the_next_comment_or_blank_line() {
        let limits = Limits::of(
            "# 0..1\n[a]\none = 1\n# 0..2\ntwo = 1\nthree = 1\n# No range.\nfour = 1\n# 0..3\n\nfive = 1\n\
             [b]\n# `six`: small. 0..6\nx = { six = 1 }\n# 0..7\n[b.c]\nseven = { y = 1 }\n",
        );
        let most = |key: &str| {
            limits
                .get(&Key::of(key))
                .map(|limit| limit.ends().unwrap().1)
        };
        for (key, expected) in [
            ("a.one", Some(1.0)),
            ("a.two", Some(2.0)),
            ("a.three", Some(2.0)),
            ("a.four", Some(1.0)),
            ("a.five", Some(1.0)),
            ("b.x.six", Some(6.0)),
            ("b.new.six", Some(6.0)),
            ("b.x.other", None),
            ("b.c.seven.y", Some(7.0)),
        ] {
            assert_eq!(most(key), expected, "{key}");
        }
    }
}
