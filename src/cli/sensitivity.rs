//! The usage triggers at other sensitivities: the one place that knows which keys make them more or less easily alarmed.

use super::failure::Failure;
use crate::config::Config;
use crate::engine::Rules;
use std::sync::Arc;
use toml::{Table, Value};

/// What the sensitivities are called in a report.
pub(super) const NAME: &str = "sensitivity";
/// The one that leaves the keys as they are.
const GIVEN: f64 = 1.0;

/// Sensitivities to try, those that alarm more easily first. The threshold of `usage_drop` is multiplied by a sensitivity;
/// the probability of `zero_usage_days` is raised to its power.
pub(super) const SENSITIVITIES: [f64; 6] = [0.6, 0.8, GIVEN, 1.25, 1.6, 2.0];

/// Whether a sensitivity changes nothing.
pub(super) fn is_given(rules: &Table, sensitivity: f64) -> bool {
    let own = rules.get("triggers");
    let changed = thresholds(rules, sensitivity);
    let triggers = changed.get("triggers").and_then(Value::as_table);
    triggers.into_iter().flatten().all(|(trigger, keys)| {
        let own = own.and_then(|own| own.get(trigger));
        let keys = keys.as_table().into_iter().flatten();
        keys.into_iter()
            .all(|(key, value)| own.and_then(|own| own.get(key)) == Some(value))
    })
}

/// The keys that a sensitivity changes.
pub(super) fn thresholds(rules: &Table, sensitivity: f64) -> Table {
    let figure = |trigger: &str, key: &str| {
        let section = rules.get("triggers").and_then(|all| all.get(trigger));
        let value = section.and_then(|section| section.get(key));
        value.and_then(Value::as_float).unwrap_or(f64::NAN)
    };
    let threshold = figure("usage_drop", "threshold");
    let probability = figure("zero_usage_days", "probability");
    let (threshold, probability) = if sensitivity == GIVEN {
        (threshold, probability)
    } else {
        let probability = libm::pow(probability, sensitivity);
        // A full sign is never weaker than a weak one.
        let probability = probability.min(figure("zero_usage_days", "weak_probability"));
        // Two significant digits are precise enough and easy to read.
        let short = |value: f64| format!("{value:.1e}").parse().unwrap_or(value);
        (short(threshold * sensitivity), short(probability))
    };
    let section = |key: &str, value: f64| {
        Value::Table(Table::from_iter([(key.to_owned(), Value::Float(value))]))
    };
    let triggers = Table::from_iter([
        ("usage_drop".to_owned(), section("threshold", threshold)),
        (
            "zero_usage_days".to_owned(),
            section("probability", probability),
        ),
    ]);
    Table::from_iter([("triggers".to_owned(), Value::Table(triggers))])
}

/// The keys of [`thresholds`] with their values, as text.
pub(super) fn described(thresholds: &Table) -> String {
    let mut parts = Vec::new();
    let triggers = thresholds.get("triggers").and_then(Value::as_table);
    for (trigger, keys) in triggers.into_iter().flatten() {
        for (key, value) in keys.as_table().into_iter().flatten() {
            parts.push(format!("{trigger}.{key} {value}"));
        }
    }
    parts.join(", ")
}

/// Rules with some keys changed.
pub(super) fn with(rules: &Table, changes: &Table) -> Result<Arc<Rules>, Failure> {
    let mut rules = rules.clone();
    merge(&mut rules, changes.clone());
    let config = Config::from_toml_str(&rules.to_string(), "rules at another sensitivity")?;
    Ok(config.rules)
}

/// Lays keys over others.
pub(super) fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}
