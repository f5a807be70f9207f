//! The usage triggers at other thresholds and hazards: the one place that knows which keys these are.

use super::failure::Failure;
use crate::backtest::calibrate::HazardFit;
use crate::config::{Config, range};
use crate::engine::Rules;
use crate::model::Tier;
use std::sync::Arc;
use toml::{Table, Value};

/// What is varied, as a report calls it.
pub(super) const NAME: &str = "line_state.threshold";

/// Probabilities of a fall to report from, the most easily alarmed first.
pub(super) const THRESHOLDS: [f64; 7] = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// The keys that a threshold changes: all triggers and tiers report from it.
pub(super) fn thresholds(threshold: f64) -> Table {
    let of_tier = |tier: Tier| (tier.name().to_owned(), Value::Float(threshold));
    let by_tier = Value::Table(Tier::ALL.map(of_tier).into_iter().collect());
    let triggers = ["usage_drop", "zero_usage_days"].map(|name| (name.to_owned(), by_tier.clone()));
    in_line_state("threshold", Value::Table(Table::from_iter(triggers)))
}

/// The same keys as the rules have them.
pub(super) fn given(rules: &Table) -> Table {
    let section = rules.get("line_state");
    let own = section.and_then(|section| section.get("threshold"));
    let threshold = |own: &Value| in_line_state("threshold", own.clone());
    own.map_or_else(Table::new, threshold)
}

/// The keys of a fit, with each hazard as it is written: to three digits, and within the range of its key.
pub(super) fn hazards(fit: &mut HazardFit) -> Table {
    let mut changes = Table::new();
    for hazard in &mut fit.hazards {
        let state = hazard.state.name();
        let range = range(&format!("line_state.{}.{state}", hazard.section));
        let (least, most) = range.unwrap_or((0.0, 1.0));
        hazard.after = rounded(hazard.after).clamp(least, most);
        let value = Value::Float(hazard.after);
        let one = Value::Table(Table::from_iter([(state.to_owned(), value)]));
        merge(&mut changes, in_line_state(hazard.section, one));
    }
    changes
}

/// To three digits that count.
fn rounded(hazard: f64) -> f64 {
    let text = format!("{hazard:.2e}");
    text.parse().unwrap_or(hazard)
}

fn in_line_state(key: &str, value: Value) -> Table {
    let section = Table::from_iter([(key.to_owned(), value)]);
    Table::from_iter([("line_state".to_owned(), Value::Table(section))])
}

/// Rules with some keys changed.
pub(super) fn with(rules: &Table, changes: &Table) -> Result<Arc<Rules>, Failure> {
    let mut rules = rules.clone();
    merge(&mut rules, changes.clone());
    let config = Config::from_toml_str(&rules.to_string(), "rules with another threshold")?;
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
