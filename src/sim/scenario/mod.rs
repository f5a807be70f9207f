//! The rates a city is made from: a documented TOML file with every key, and files of one's own over it.
//!
//! `scenario.toml` beside this folder is the one place where a key is explained, its default stated and its range given.

mod sections;

pub(super) use sections::{Billing, Events, Faults, Orders, Outcomes, Usage};

use crate::layers::{Key, Layers, Origin, Problem, Problems, Schema};
use sections::{Absence, Churn, Contracts, Holiday, Lines, Outage, Week};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Lines and days that rates count for.
pub(super) const LINE_DAYS: f64 = 1_000.0 * 30.0;

/// How a city's people live, who leaves, what only looks like leaving, and what is wrong with the records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub(super) lines: Lines,
    pub(super) usage: Usage,
    pub(super) week: Week,
    pub(super) holiday: Holiday,
    pub(super) outage: Outage,
    pub(super) churn: Churn,
    pub(super) absence: Absence,
    pub(super) events: Events,
    pub(super) orders: Orders,
    pub(super) billing: Billing,
    pub(super) contracts: Contracts,
    pub(super) faults: Faults,
    pub(super) outcomes: Outcomes,
}

const SCHEMA: Schema = Schema {
    subject: "scenario",
    printed_by: "churnwatch simulate --print-scenario",
    open: &[],
    dotted: &[],
};

impl Default for Scenario {
    /// The scenario of [`Scenario::reference`].
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, no input reaches it, and tests read it"
    )]
    fn default() -> Self {
        Self::read(Layers::new(&SCHEMA, Self::reference())).expect("the built-in scenario is valid")
    }
}

impl Scenario {
    /// Every key with its default, its explanation and its range, as TOML.
    pub const fn reference() -> &'static str {
        include_str!("../scenario.toml")
    }

    /// The default, a file over it if one is named, and settings such as `churn.scale=2` over both.
    ///
    /// # Errors
    /// All that is wrong, at once: a file that cannot be read, unknown keys, wrong types, values out of range.
    pub fn load(path: Option<&Path>, settings: &[String]) -> Result<Self, Problems> {
        let mut layers = Layers::new(&SCHEMA, Self::reference());
        if let Some(path) = path {
            layers.file(path);
        }
        for setting in settings {
            set(&mut layers, setting);
        }
        Self::read(layers)
    }

    /// The default and TOML text over it; `name` stands for the text in errors.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn parse(text: &str, name: &str) -> Result<Self, Problems> {
        let mut layers = Layers::new(&SCHEMA, Self::reference());
        layers.text(text, name);
        Self::read(layers)
    }

    fn read(mut layers: Layers) -> Result<Self, Problems> {
        layers.check_ranges();
        let mut scenario: Option<Self> = layers.read_all().filter(|_| layers.is_clean());
        if let Some(scenario) = &mut scenario {
            scenario.week.normalise();
            scenario.check(&mut layers);
        }
        match scenario {
            Some(scenario) if layers.is_clean() => Ok(scenario),
            _ => Err(layers.into_problems()),
        }
    }

    /// Notes what no single key can break.
    fn check(&self, layers: &mut Layers) {
        let lines = &self.lines;
        let sums: [(&[&str], &str, f64); 6] = [
            (
                &["lines.gotone_share", "lines.mzone_share"],
                "gotone_share and mzone_share",
                lines.gotone_share + lines.mzone_share,
            ),
            (
                &["lines.over_planned_share", "lines.under_planned_share"],
                "over_planned_share and under_planned_share",
                lines.over_planned_share + lines.under_planned_share,
            ),
            (
                &["week.office_share", "week.shop_share"],
                "office_share and shop_share",
                self.week.office_share + self.week.shop_share,
            ),
            (
                &["outcomes.content_saved_share", "outcomes.annoyed_share"],
                "content_saved_share and annoyed_share",
                self.outcomes.content_saved_share + self.outcomes.annoyed_share,
            ),
            (
                &["faults"],
                "the shares of faults that single records have",
                self.faults.record_fault_share(),
            ),
            (
                &["events"],
                "the rates of one day",
                self.events.rate() / LINE_DAYS,
            ),
        ];
        for (keys, what, sum) in sums {
            if sum > 1.0 {
                let what = format!("{what} add up to {sum}");
                layers.conflict(keys, what, "make it at most 1 in all");
            }
        }
        let week = &self.week;
        for (key, row) in [
            ("week.office", week.office),
            ("week.shop", week.shop),
            ("week.even", week.even),
        ] {
            if !row.iter().all(|level| level.is_finite()) {
                layers.problem(&Key::of(key), "is 0 on all days", "set one above 0");
            }
        }
    }
}

/// Lays a setting such as `churn.scale=2` over what is there.
fn set(layers: &mut Layers, setting: &str) {
    let origin = Origin::Argument(format!("--set {setting}"));
    let parts = setting.split_once('=');
    let table =
        parts.and_then(|(key, value)| format!("{} = {}", key.trim(), value.trim()).parse().ok());
    match table {
        Some(table) => layers.lay(table, &origin),
        None => layers.extend([Problem {
            origin,
            key: String::new(),
            what: "is not a key and its value".into(),
            remedy: "write it like churn.scale=2".into(),
        }]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::Day;
    use crate::sim::{City, CityConfig};
    use toml::Value;

    fn errors(text: &str) -> String {
        Scenario::parse(text, "own.toml").unwrap_err().to_string()
    }

    #[test]
    fn the_default_is_valid_and_prints_itself() {
        let default = Scenario::default();
        assert_eq!(
            Scenario::parse(Scenario::reference(), "itself").unwrap(),
            default
        );
        assert_eq!(Scenario::load(None, &[]).unwrap(), default);
    }

    #[test]
    fn every_key_has_a_range_and_the_default_is_in_it() {
        let keys = Layers::new(&SCHEMA, Scenario::reference()).keys();
        assert!(keys.len() > 150);
        for (key, value, limit) in keys {
            let (least, most) = limit.and_then(|limit| limit.ends()).unwrap_or_default();
            assert!(least < most, "{key} has no range");
            Scenario::load(None, &[format!("{key}={value}")]).unwrap();
        }
    }

    /// A city can be lived in at either end of every range, as far as the end goes together with the other defaults.
    #[test]
    fn the_ends_of_the_ranges_can_be_lived_in() {
        let mut lived = 0;
        for (key, value, limit) in Layers::new(&SCHEMA, Scenario::reference()).keys() {
            let (least, most) = limit.unwrap().ends().unwrap();
            for end in [least, most] {
                let text = at_end(&value, end);
                let Ok(scenario) = Scenario::load(None, &[format!("{key}={text}")]) else {
                    continue;
                };
                let mut city = City::new(CityConfig {
                    start: Day::parse("2026-06-20").unwrap(),
                    scenario,
                    ..CityConfig::new(12, 40, 3)
                });
                let city = city.as_mut().unwrap();
                while city.next_event().is_some() {}
                let people = city.truth().iter().any(|line| line.msisdn.is_some());
                assert!(people && city.tally().records > 0, "{key} = {text}");
                lived += 1;
            }
        }
        assert!(lived > 300, "{lived}");
    }

    /// The value with every number replaced.
    fn at_end(value: &Value, end: f64) -> Value {
        match value {
            Value::Integer(_) => Value::Integer(end as i64),
            Value::Array(values) => {
                Value::Array(values.iter().map(|value| at_end(value, end)).collect())
            }
            _ => Value::Float(end),
        }
    }

    #[test]
    fn a_file_states_only_what_differs() {
        let text = "[churn]\nscale = 2\n[churn.stop]\nrate = 7.5\n[outage]\non_days = []\n";
        let scenario = Scenario::parse(text, "own.toml").unwrap();
        assert_eq!((scenario.churn.scale, scenario.churn.stop.rate), (2.0, 7.5));
        assert!(scenario.outage.on_days.is_empty());
        assert_eq!(scenario.churn.drop, Scenario::default().churn.drop);
        let set = [
            "churn.scale=2",
            "churn.stop.rate = 7.5",
            "outage.on_days=[]",
        ];
        let set = Scenario::load(None, &set.map(str::to_owned)).unwrap();
        assert_eq!(set, scenario);
    }

    #[test]
    fn weeks_are_scaled_to_a_mean_of_one() {
        let text = "[week]\noffice = [2, 2, 2, 2, 2, 2, 0]\n";
        let week = Scenario::parse(text, "own.toml").unwrap().week;
        assert!((week.office.iter().sum::<f64>() - 7.0).abs() < 1e-9);
        assert_eq!(week.office[6], 0.0);
        let zeros = "[week]\neven = [0, 0, 0, 0, 0, 0, 0]\n";
        insta::assert_snapshot!(errors(zeros), @r"
        the scenario has a problem
        own.toml:2: week.even: is 0 on all days
            set one above 0
        ");
    }

    #[test]
    fn errors_name_file_line_key_and_range() {
        let text = "[churn.stop]\nrate = 900\nhotline_share = \"often\"\nraet = 1\n\
                    [usage]\nquiet_share = [0.1, 2.0]\ndrift_sigma = [0.5, 0.2]\n[chrun]\nscale = 1\n";
        insta::assert_snapshot!(errors(text), @r"
        the scenario has 6 problems
        own.toml:2: churn.stop.rate: 900.0 is out of range
            set a number from 0 to 500, or leave the key out for the default, 12.0
        own.toml:3: churn.stop.hotline_share: is text, not a number
            write it like the default, 0.4
        own.toml:4: churn.stop.raet: there is no such key
            did you mean `churn.stop.rate`?
        own.toml:6: usage.quiet_share: [0.1, 2.0] is out of range
            set numbers from 0 to 0.9, or leave the key out for the default, [0.18, 0.47]
        own.toml:7: usage.drift_sigma: [0.5, 0.2] does not begin with the smaller number
            set numbers from 0 to 2, or leave the key out for the default, [0.1, 0.3]
        own.toml:8: chrun: there is no such key
            did you mean `churn`?
        ");
        assert!(errors("[churn\n").contains("\nown.toml:1: is not TOML: "));
        let missing = Scenario::load(Some(Path::new("nowhere.toml")), &[]).unwrap_err();
        assert!(
            missing
                .to_string()
                .contains("\nnowhere.toml: cannot be read: ")
        );
        let set = |text: &str| {
            Scenario::load(None, &[text.to_owned()])
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(set("churn.scale"), @r"
        the scenario has a problem
        --set churn.scale: is not a key and its value
            write it like churn.scale=2
        ");
        insta::assert_snapshot!(set("churn.scale=x y"), @r"
        the scenario has a problem
        --set churn.scale=x y: is not a key and its value
            write it like churn.scale=2
        ");
        insta::assert_snapshot!(set("churn.scale=99"), @r"
        the scenario has a problem
        --set churn.scale=99: churn.scale: 99.0 is out of range
            set a number from 0 to 20, or leave the key out for the default, 1.0
        ");
    }

    #[test]
    fn shares_of_the_same_whole_do_not_exceed_it() {
        let text = "[lines]\ngotone_share = 0.9\n";
        insta::assert_snapshot!(errors(text), @r"
        the scenario has a problem
        own.toml:2: lines.gotone_share: gotone_share and mzone_share add up to 1.1
            make it at most 1 in all
        ");
    }
}
