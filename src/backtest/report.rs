use super::cohort::Scope;
use super::labels::Origin;
use super::measures::ANY;
use super::reliability::Reliability;
use super::signs::Signs;
use super::statistics::Statistic;
use super::win_back::WinBack;
use crate::model::Counts;
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything that a backtest has found. It counts subscribers and never names them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `churnwatch-backtest/1`.
    pub format: &'static str,
    /// What was replayed.
    pub data: DataSummary,
    /// The labels.
    pub labels: LabelSummary,
    /// How it was measured.
    pub settings: SettingsSummary,
    /// The sets of rules, in the order given.
    pub rules: Vec<RulesSummary>,
    /// Every figure.
    pub rows: Vec<Row>,
    /// The rules with alarms of a low churn score left out.
    pub curves: Vec<Curve>,
    /// The usage triggers and the simple rules at several thresholds.
    pub frontier: Vec<Curve>,
    /// Lead times to leaving.
    pub leads: Vec<Leads>,
    /// Whether the probabilities come true.
    pub reliability: Vec<Reliability>,
    /// What each sign of the churn score says of who leaves.
    pub signs: Vec<Signs>,
    /// Who of those who left was asked back.
    pub win_back: Vec<WinBack>,
    /// How irregular the people are.
    pub statistics: Vec<Statistic>,
}

/// What was replayed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataSummary {
    /// What became of the records, under the first rules.
    pub records: Counts,
    /// Everybody who has a record.
    pub subscribers: usize,
    /// `iot` and `robot` lines by their profiles.
    pub machines: usize,
    /// Subscribers with an event a day on average, for 30 days and more.
    pub regular: usize,
    /// First day of the data.
    pub first_day: String,
    /// Last day of the data.
    pub last_day: String,
    /// Regular ones with a data session a week or more on average.
    pub with_data: usize,
    /// Days of regular subscribers before any onset, on which an alarm is false.
    pub sound_days: u64,
}

/// The labels of a backtest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelSummary {
    /// Where the labels came from.
    pub origin: Origin,
    /// Churn episodes by kind.
    pub churn: BTreeMap<String, u64>,
    /// Harmless episodes by kind.
    pub harmless: BTreeMap<String, u64>,
    /// City-wide events: kind, first and last day.
    pub city: Vec<(String, String, String)>,
    /// Number of labels whose subscribers have no record.
    pub unknown: usize,
    /// Number of labels that are equal to another.
    pub repeated: usize,
}

/// How it was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SettingsSummary {
    /// Seed of all random draws.
    pub seed: u64,
    /// Draws for the intervals.
    pub replicates: u32,
    /// Days of warm-up.
    pub warmup_days: u16,
    /// Days of the joint cool-down.
    pub cooldown_days: i32,
}

/// One set of rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RulesSummary {
    /// The name of its file.
    pub name: String,
    /// Fingerprint of its values.
    pub version: String,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Name of the set of rules, or `simple_rules`.
    pub rules: String,
    /// Trigger, stream or simple rule.
    pub trigger: String,
    /// Whose alarms and onsets.
    pub population: &'static str,
    /// Kind of churn, harmless or city-wide event; `any` for all churn together.
    pub path: String,
    /// Tier, or `all`.
    pub tier: &'static str,
    /// Name of the measure.
    pub measure: String,
    /// Nothing where there was nothing to measure.
    pub value: Option<f64>,
    /// Lower bound of the 95 % interval.
    pub low: Option<f64>,
    /// Upper bound of the 95 % interval.
    pub high: Option<f64>,
    /// The denominator, or the number of values.
    pub count: u64,
}

/// One rule at several thresholds, from strict to lax.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// Set of rules, or `simple_rules`.
    pub rules: String,
    /// Trigger, stream or simple rule.
    pub trigger: String,
    /// What the threshold is.
    pub threshold: String,
    /// Points, burden rising.
    pub points: Vec<Point>,
}

/// One setting of a rule; regular subscribers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The threshold.
    pub cut: f64,
    /// Alarms per 1,000 subscribers and 30 days.
    pub alarms_per_1000_30d: f64,
    /// False ones among them.
    pub false_alarms_per_1000_30d: f64,
    /// Found / all.
    pub precision: f64,
    /// What is found, by kind of churn; `any` for all together.
    pub kinds: BTreeMap<String, Found>,
}

impl Point {
    /// What is found of all kinds together.
    pub fn any(&self) -> Option<&Found> {
        self.kinds.get(ANY)
    }
}

/// What a rule finds of one kind of churn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Found {
    /// Onsets at least 14 days before the end of the data.
    pub onsets_14d: u64,
    /// Share of them found within 14 days.
    pub recall_14d: Option<f64>,
    /// Onsets at least 30 days before the end of the data.
    pub onsets_30d: u64,
    /// Share of them found within 30 days.
    pub recall_30d: Option<f64>,
}

/// First alarms by their lead time to the leaving; regular subscribers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leads {
    /// Set of rules.
    pub rules: String,
    /// Stream.
    pub trigger: String,
    /// Lower bounds of the bins, in days; the first bin has none, and each ends where the next begins.
    pub bins_days: Vec<i32>,
    /// First alarms in each bin.
    pub alarms: Vec<u64>,
}

/// The threshold of a rule that has none, or is taken as it is.
pub const AS_GIVEN: &str = "as given";
/// Tiers together.
pub const ALL_TIERS: &str = "all";
/// The name of the simple rules in place of a set of rules.
pub const SIMPLE_RULES: &str = "simple_rules";
/// The stream of the two usage triggers, with which the simple rules are compared.
pub const PAIR: &str = "usage_drop+zero_usage_days";
/// The stream of all churn triggers.
pub const TOGETHER: &str = "together";

impl Report {
    /// One figure.
    pub fn find(
        &self,
        rules: &str,
        trigger: &str,
        scope: Scope,
        path: &str,
        tier: &str,
        measure: &str,
    ) -> Option<&Row> {
        self.rows.iter().find(|row| {
            row.measure == measure
                && row.trigger == trigger
                && row.path == path
                && row.population == scope.name()
                && row.tier == tier
                && row.rules == rules
        })
    }

    /// One figure of regular subscribers, over all paths and tiers.
    pub(super) fn of_regular(&self, rules: &str, trigger: &str, measure: &str) -> Option<&Row> {
        self.find(rules, trigger, Scope::Regular, ANY, ALL_TIERS, measure)
    }

    /// Every figure as CSV with a header.
    pub fn csv(&self) -> String {
        let mut text =
            "rules,trigger,population,path,tier,measure,value,low,high,count\n".to_owned();
        for row in &self.rows {
            let number = |value: Option<f64>| value.map_or(String::new(), |v| v.to_string());
            let fields = [
                quoted(&row.rules),
                quoted(&row.trigger),
                row.population.to_owned(),
                quoted(&row.path),
                row.tier.to_owned(),
                row.measure.clone(),
                number(row.value),
                number(row.low),
                number(row.high),
                row.count.to_string(),
            ];
            text += &fields.join(",");
            text.push('\n');
        }
        text
    }

    /// Everything as JSON.
    pub fn json(&self) -> String {
        // Strings, numbers and maps with string keys: there is nothing in it that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Triggers and streams of a set of rules, in the order of the figures.
    pub fn triggers_of(&self, rules: &str) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in self.rows.iter().filter(|row| row.rules == rules) {
            if names.last() != Some(&row.trigger.as_str()) && !names.contains(&row.trigger.as_str())
            {
                names.push(&row.trigger);
            }
        }
        names
    }
}

/// A field as CSV wants it (RFC 4180).
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
