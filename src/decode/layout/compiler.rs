//! What the parts of compiling share: the sources met so far, and what is wrong so far.

use super::plan::{Condition, Test};
use super::spec::{ConditionSpec, OneOrMany, Scalar};
use crate::layers::{Document, Key, Problem};
use jiff::tz::TimeZone;

/// A layout that is being compiled.
pub(super) struct Compiler<'d> {
    pub(super) document: &'d Document,
    pub(super) zone: Option<TimeZone>,
    /// What values are called, by their slots.
    pub(super) sources: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

impl Compiler<'_> {
    pub(super) fn problem(
        &mut self,
        key: &Key,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.push(self.document.problem(key, what, remedy));
    }

    pub(super) fn slot(&mut self, name: &str) -> usize {
        let known = self.sources.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.sources.push(name.to_owned());
            self.sources.len() - 1
        })
    }

    pub(super) fn slots(&mut self, names: Vec<String>) -> Vec<usize> {
        names.iter().map(|name| self.slot(name)).collect()
    }

    pub(super) fn conditions(
        &mut self,
        key: &Key,
        specs: Option<OneOrMany<ConditionSpec>>,
    ) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for spec in specs.map(OneOrMany::into_vec).unwrap_or_default() {
            let texts =
                |scalars: OneOrMany<Scalar>| scalars.into_vec().iter().map(Scalar::text).collect();
            let test = match (spec.is_in, spec.not_in, spec.empty) {
                (Some(known), None, None) => Test::In(texts(known)),
                (None, Some(known), None) => Test::NotIn(texts(known)),
                (None, None, Some(empty)) => Test::Empty(empty),
                _ => {
                    let remedy =
                        "write one of them, such as { from = \"kind\", in = [\"1\", \"2\"] }";
                    self.problem(key, "needs `in`, `not_in` or `empty`", remedy);
                    continue;
                }
            };
            let slot = self.slot(&spec.from);
            conditions.push(Condition { slot, test });
        }
        conditions
    }

    pub(super) fn zone_of(&mut self, key: &Key, name: Option<&str>) -> Option<TimeZone> {
        let Some(name) = name else {
            return self.zone.clone();
        };
        match TimeZone::get(name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                let remedy = "write a name of the IANA database, such as \"Asia/Shanghai\"";
                self.problem(key, format!("`{name}` is no time zone"), remedy);
                None
            }
        }
    }
}
