//! Records and their schemas: what does not fit, and how names of the one are written in the other.

use super::kind::Kind;
use std::fmt;

/// A record that its schema has no room for: a fault of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    schema: &'static str,
    /// The names on the way to the field, the innermost first.
    path: Vec<String>,
    what: &'static str,
}

/// The name that a field of the schemas has in JSON, where hyphens are allowed.
pub(super) fn json_name(field: &str) -> &str {
    match field {
        "zh_CN" => "zh-CN",
        other => other,
    }
}

impl Misfit {
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            schema: "",
            path: Vec::new(),
            what,
        }
    }

    /// The field lies in another one.
    pub(super) fn within(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }

    pub(super) fn of(mut self, kind: Kind) -> Self {
        self.schema = kind.name();
        self
    }
}

impl fmt::Display for Misfit {
    /// Never the value: it may hold a subscriber's number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        match path.is_empty() {
            true => write!(f, "schema {}: the record {}", self.schema, self.what),
            false => write!(
                f,
                "schema {}: field `{}` {}",
                self.schema,
                path.join("."),
                self.what
            ),
        }
    }
}
