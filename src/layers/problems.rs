//! What is wrong with settings, all problems at once.

use std::fmt;
use std::sync::Arc;

/// Everything that is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// What the settings are, such as "configuration".
    subject: &'static str,
    all: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where the value was stated.
    pub origin: Origin,
    /// The key, such as `window.days`; empty where the whole file is meant.
    pub key: String,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Where a value was stated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file, and the line in it, counted from 1.
    File(Arc<str>, Option<usize>),
    /// An environment variable.
    Environment(String),
    /// An argument of the command line.
    Argument(String),
    /// Nowhere: the built-in default.
    Default,
}

impl Problems {
    /// Puts the problems in the order in which a reader meets them, each once.
    pub(super) fn new(subject: &'static str, mut all: Vec<Problem>) -> Self {
        all.sort();
        all.dedup();
        Self { subject, all }
    }

    /// The problems, by file line and then by environment variable and argument.
    pub fn all(&self) -> &[Problem] {
        &self.all
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.all.len() {
            1 => write!(f, "the {} has a problem", self.subject)?,
            n => write!(f, "the {} has {n} problems", self.subject)?,
        }
        self.all
            .iter()
            .try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}\n    {}", self.what, self.remedy)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name, Some(line)) => write!(f, "{name}:{line}"),
            Self::File(name, None) => write!(f, "{name}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Argument(argument) => write!(f, "{argument}"),
            Self::Default => write!(f, "built-in defaults"),
        }
    }
}

/// The name a mistyped one was probably meant to be.
pub fn nearest<'a>(typed: &str, names: &[&'a str]) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let likeness = |name: &&'a str| (strsim::jaro_winkler(&typed, &name.to_lowercase()), *name);
    let near = names
        .iter()
        .map(likeness)
        .filter(|(likeness, _)| *likeness > 0.8);
    near.max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// "did you mean", or else what there is to choose from.
pub fn suggestion(typed: &str, names: &[&str]) -> String {
    match nearest(typed, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("choose one of {}", list(names)),
    }
}

/// Names in backquotes, separated by commas.
pub fn list(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_find_their_key() {
        let keys = ["time_zone", "days", "clock", "grace_hours"];
        for (typed, meant) in [
            ("timezone", Some("time_zone")),
            ("dyas", Some("days")),
            ("Days", Some("days")),
            ("grace_minutes", Some("grace_hours")),
            ("bootstrap", None),
        ] {
            assert_eq!(nearest(typed, &keys), meant, "{typed}");
        }
    }

    #[test]
    fn problems_are_read_in_order_and_once() {
        let problem = |line| Problem {
            origin: Origin::File("f.toml".into(), Some(line)),
            key: "window.days".into(),
            what: "is odd".into(),
            remedy: "make it even".into(),
        };
        let problems = Problems::new("configuration", vec![problem(9), problem(2), problem(9)]);
        insta::assert_snapshot!(problems, @r"
        the configuration has 2 problems
        f.toml:2: window.days: is odd
            make it even
        f.toml:9: window.days: is odd
            make it even
        ");
    }
}
