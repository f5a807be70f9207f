//! What the types of the defaults do not say: ranges, and the form of lists and of tables the operator extends.

use super::key::Key;
use super::layers::{Layers, plain};
use super::settings::LogFormat;
use crate::engine::settings::{ClockKind, TriggerWeight};
use crate::model::{PlaybookStep, Talk};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use toml::Value;

/// Key or pattern, least, most; both inclusive.
const RANGES: &[(&str, f64, f64)] = &[
    ("run.workers", 1.0, 256.0),
    ("run.batch_records_max", 1.0, 1e6),
    ("run.batch_wait_ms", 0.0, 1000.0),
    ("run.transaction_timeout_seconds", 1.0, 240.0),
    ("run.queued_kilobytes_max", 1024.0, 2_097_151.0),
    ("run.shutdown_seconds", 1.0, 600.0),
    ("state.snapshot_interval_seconds", 1.0, 86_400.0),
    ("state.snapshot_debt_records", 1.0, 1e9),
    ("state.snapshots_kept", 1.0, 100.0),
    ("http.connections_max", 1.0, 1024.0),
    ("http.header_bytes_max", 8192.0, 65536.0),
    ("http.header_seconds", 1.0, 60.0),
    ("http.connection_seconds", 1.0, 3600.0),
    ("http.stalled_seconds", 5.0, 3600.0),
    ("window.days", 28.0, 63.0),
    ("window.grace_hours", 0.0, 24.0),
    ("window.idle_feed_hours", 1.0, 48.0),
    ("window.future_minutes", 0.0, 1440.0),
    ("window.immediate_hours", 1.0, 168.0),
    ("window.day_entry_subscribers", 1.0, 8.0),
    ("population.outage_share", 0.0, 1.0),
    ("population.outage_subscribers", 1.0, 1e6),
    ("population.factor_prior_events", 0.0, 1e9),
    ("population.weekday_prior_events", 0.0, 1e9),
    ("baseline.memory_days", 7.0, 365.0),
    ("baseline.lag_days", 0.0, 14.0),
    ("baseline.dispersion", 0.05, 50.0),
    ("baseline.dispersion_prior_days", 0.0, 3650.0),
    ("robots.sent_a_day", 20.0, 255.0),
    ("robots.busy_days", 2.0, 28.0),
    ("robots.of_days", 2.0, 28.0),
    ("robots.calm_days", 1.0, 100.0),
    ("policy.task_days", 1.0, 365.0),
    ("policy.churned_after_suspended_days", 1.0, 3650.0),
    ("policy.due.*", 1.0, 720.0),
    ("policy.quiet.*", 0.0, 23.0),
    ("policy.value_unknown", 0.0, 1e6),
    ("policy.stage.*", 0.0, 3650.0),
    ("policy.contact.gap_days", 0.0, 90.0),
    ("policy.contact.cap.*", 1.0, 16.0),
    ("policy.contact.cap_window_days", 1.0, 90.0),
    ("policy.contact.wait_days", 0.0, 30.0),
    ("policy.contact.retry_hours", 1.0, 168.0),
    ("policy.contact.correction_days", 0.0, 30.0),
    ("policy.escalation.rung_hours.*", 0.0, 720.0),
    ("policy.escalation.high_value", 0.0, 1e6),
    ("policy.budget.collect_minutes", 0.0, 720.0),
    ("policy.budget.wait_days", 0.0, 30.0),
    ("policy.budget.churn.*", 0.0, 1e9),
    ("policy.budget.care.*", 0.0, 1e9),
    ("policy.budget.grow.*", 0.0, 1e9),
    ("policy.hold_out.share", 0.0, 1.0),
    ("policy.credit.brand_points.*", -10_000.0, 10_000.0),
    ("policy.credit.spend_points_above", -10_000.0, 10_000.0),
    ("policy.credit.suspension_points", -10_000.0, 0.0),
    ("policy.score.base", -20.0, 20.0),
    ("policy.score.at_risk", 0.0, 1.0),
    ("policy.score.critical", 0.0, 1.0),
    ("policy.score.complaint_and_cancel_days", 1.0, 365.0),
    ("policy.score.task_at.*", 0.0, 1.0),
    ("policy.score.triggers.*.weight", -20.0, 20.0),
    ("policy.score.triggers.*.half_life_days", 0.1, 3650.0),
    ("decode.record_bytes_max", 256.0, 16_777_216.0),
    ("decode.national_digits", 4.0, 15.0),
    ("decode.short_code_digits", 3.0, 8.0),
];

/// Key or pattern, how to read it, how it is written.
type Form = (
    &'static str,
    fn(Value) -> Result<(), toml::de::Error>,
    &'static str,
);

const FORMS: &[Form] = &[
    (
        "kafka.properties.*",
        form::<String>,
        "write text, a number, true or false",
    ),
    (
        "http.listen",
        form::<SocketAddr>,
        "write an IP address and port, such as 127.0.0.1:9464 or [::1]:9464",
    ),
    (
        "log.format",
        form::<LogFormat>,
        "write \"auto\", \"pretty\" or \"json\"",
    ),
    (
        "window.clock",
        form::<ClockKind>,
        "write \"wall\" or \"event\"",
    ),
    (
        "operator.numbers.*",
        form::<OperatorNumbers>,
        "write { hotlines = [\"10086\"], marketing = [\"10085\"] }",
    ),
    (
        "policy.credit.brand_points.*",
        form::<i32>,
        "write a whole number of points",
    ),
    (
        "policy.credit.tenure_points",
        form::<Vec<(u32, i32)>>,
        "write [[years, points], ...]",
    ),
    (
        "policy.credit.spend_points",
        form::<Vec<(u32, i32)>>,
        "write [[spend, points], ...] in whole numbers",
    ),
    (
        "policy.credit.star_points",
        form::<[i32; 5]>,
        "write five whole numbers, for 1 to 5 stars",
    ),
    (
        "policy.score.triggers.*",
        form::<TriggerWeight>,
        "write { weight = 2.5, half_life_days = 21.0 }",
    ),
    (
        "policy.playbook.*",
        form::<Vec<PlaybookStep>>,
        "write [[policy.playbook.STAGE]] with `action`, `zh` and `en` below it",
    ),
    (
        "policy.talk.*",
        form::<Talk>,
        "write rapport, listen, advise and follow_up below [policy.talk.STAGE], each { zh = \"...\", en = \"...\" }",
    ),
    (
        "decode.ip_prefixes",
        form::<Vec<String>>,
        "write a list of digits in quotes, such as [\"17951\"]",
    ),
    (
        "decode.area_code_digits",
        form::<[usize; 2]>,
        "write two whole numbers, such as [2, 3]",
    ),
    (
        "decode.short_code_prefixes",
        form::<Vec<String>>,
        "write a list of digits in quotes, such as [\"10\"]",
    ),
];

/// `[operator.numbers]`, one operator.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorNumbers {
    #[serde(default)]
    pub hotlines: Vec<String>,
    #[serde(default)]
    pub marketing: Vec<String>,
}

fn form<T: DeserializeOwned>(value: Value) -> Result<(), toml::de::Error> {
    value.try_into::<T>().map(drop)
}

/// Checks every form and range. What fails is noted and put back to its default, so that the sections can be read.
pub(super) fn enforce(layers: &mut Layers) {
    for (pattern, read, written) in FORMS {
        for key in Key::matching(pattern, layers.table()) {
            let Some(Err(error)) = key.get(layers.table()).cloned().map(read) else {
                continue;
            };
            layers.problem(&key, plain(&error), *written);
            layers.reset(&key);
        }
    }
    for (pattern, least, most) in RANGES {
        for key in Key::matching(pattern, layers.table()) {
            let value = key.get(layers.table()).and_then(number);
            // Not `value < least || value > most`: that lets NaN pass.
            if value.is_none_or(|value| (*least..=*most).contains(&value)) {
                continue;
            }
            let stated = key
                .get(layers.table())
                .map(Value::to_string)
                .unwrap_or_default();
            let mut remedy = format!("set a number from {least} to {most}");
            if let Some(default) = key.get(layers.defaults()) {
                remedy += &format!(", or leave the key out for the default, {default}");
            }
            layers.problem(&key, format!("{stated} is out of range"), remedy);
            layers.reset(&key);
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(whole) => Some(*whole as f64),
        Value::Float(measure) => Some(*measure),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFAULTS;
    use toml::Table;

    #[test]
    fn every_number_of_the_defaults_has_a_range() {
        let defaults: Table = DEFAULTS.parse().unwrap();
        let ranged = |key: &Key| {
            let mut patterns = RANGES
                .iter()
                .flat_map(|(p, ..)| Key::matching(p, &defaults));
            patterns.any(|matched| matched == *key)
        };
        let mut numbers = 0;
        Key::root().walk(&defaults, &mut |key, value| {
            if number(value).is_some() {
                numbers += 1;
                assert!(ranged(key), "{key} has no range");
            }
        });
        assert!(numbers > 30, "the walk found {numbers} numbers");
    }

    #[test]
    fn every_range_and_form_is_of_a_key() {
        let defaults: Table = DEFAULTS.parse().unwrap();
        let patterns = RANGES
            .iter()
            .map(|(p, ..)| *p)
            .chain(FORMS.iter().map(|(p, ..)| *p));
        for pattern in patterns.filter(|pattern| *pattern != "kafka.properties.*") {
            assert!(!Key::matching(pattern, &defaults).is_empty(), "{pattern}");
        }
    }

    /// The ranges in the comments of `defaults.toml`, such as "1..256", are those that are enforced.
    #[test]
    fn the_documented_ranges_are_the_enforced_ones() {
        let (mut section, mut comment, mut compared) = (String::new(), String::new(), 0);
        for line in DEFAULTS.lines() {
            if let Some(text) = line.strip_prefix('#') {
                comment += text;
            } else if let Some(name) = line.strip_prefix('[') {
                section = name.trim_matches(['[', ']']).to_owned();
            } else if let Some((name, _)) = number_line(line) {
                let key = format!("{section}.{name}");
                if let Some(documented) = documented_range(&comment) {
                    let range = RANGES.iter().find(|(path, ..)| *path == key);
                    let (_, least, most) = range.unwrap_or_else(|| panic!("{key} has no range"));
                    assert_eq!(documented, (*least, *most), "{key}");
                    compared += 1;
                }
            }
            if !line.starts_with('#') {
                comment.clear();
            }
        }
        assert!(compared > 20, "found {compared} documented ranges");
    }

    /// Name and value, if the value is a number; lists are checked by those who read them.
    fn number_line(line: &str) -> Option<(&str, &str)> {
        let (name, value) = line.split_once(" = ")?;
        value.parse::<f64>().is_ok().then_some((name, value))
    }

    fn documented_range(comment: &str) -> Option<(f64, f64)> {
        let (before, after) = comment.split_once("..")?;
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let least = &before[before.rfind(|c| !is_digit(c)).map_or(0, |at| at + 1)..];
        let most = &after[..after.find(|c: char| !is_digit(c)).unwrap_or(after.len())];
        Some((
            least.parse().ok()?,
            most.trim_end_matches('.').parse().ok()?,
        ))
    }
}
