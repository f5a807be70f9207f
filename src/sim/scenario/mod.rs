//! The rates a city is made from: a documented TOML file with every key, and files of one's own over it.
//!
//! `scenario.toml` beside this folder is the one place where a key is explained, its default stated and its range given.

mod layers;
mod sections;

pub(super) use sections::{Billing, Dirt, Events, Outcomes, Usage};

use layers::Layers;
use sections::{Absence, Churn, Contracts, Holiday, Lines, Outage, Week};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// Lines and days that rates count for.
pub(super) const LINE_DAYS: f64 = 1_000.0 * 30.0;

/// How a city's people live, who leaves, what only looks like leaving, and how dirty the records are.
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
    pub(super) billing: Billing,
    pub(super) contracts: Contracts,
    pub(super) dirt: Dirt,
    pub(super) outcomes: Outcomes,
}

/// Everything that is wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError(Vec<String>);

impl std::error::Error for ScenarioError {}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.join("\n"))
    }
}

impl Default for Scenario {
    /// The scenario of [`Scenario::reference`].
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, no input reaches it, and tests read it"
    )]
    fn default() -> Self {
        Self::read(Layers::new(Self::reference())).expect("the built-in scenario is valid")
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
    pub fn load(path: Option<&Path>, settings: &[String]) -> Result<Self, ScenarioError> {
        let mut layers = Layers::new(Self::reference());
        if let Some(path) = path {
            let name = path.display().to_string();
            match std::fs::read_to_string(path) {
                Ok(text) => layers.text(&text, &name),
                Err(error) => layers.problem(0, format!("{name}: cannot be read: {error}")),
            }
        }
        for setting in settings {
            layers.setting(setting);
        }
        Self::read(layers)
    }

    /// The default and TOML text over it; `name` stands for the text in errors.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn parse(text: &str, name: &str) -> Result<Self, ScenarioError> {
        let mut layers = Layers::new(Self::reference());
        layers.text(text, name);
        Self::read(layers)
    }

    fn read(layers: Layers) -> Result<Self, ScenarioError> {
        let (table, problems) = layers.finish();
        if !problems.is_empty() {
            return Err(ScenarioError(problems));
        }
        let mut scenario: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| ScenarioError(vec![error.message().to_owned()]))?;
        scenario.week.normalise();
        let joint = scenario.joint_problems();
        if joint.is_empty() {
            Ok(scenario)
        } else {
            Err(ScenarioError(joint))
        }
    }

    /// What no single key can break.
    fn joint_problems(&self) -> Vec<String> {
        let lines = &self.lines;
        let sums = [
            (
                "lines.gotone_share and lines.mzone_share",
                lines.gotone_share + lines.mzone_share,
            ),
            (
                "lines.over_planned_share and lines.under_planned_share",
                lines.over_planned_share + lines.under_planned_share,
            ),
            (
                "week.office_share and week.shop_share",
                self.week.office_share + self.week.shop_share,
            ),
            (
                "outcomes.content_saved_share and outcomes.annoyed_share",
                self.outcomes.content_saved_share + self.outcomes.annoyed_share,
            ),
            (
                "the shares of [dirt] that a record is born with",
                self.dirt.born_with_share(),
            ),
            (
                "the rates of [events] on one day",
                self.events.rate() / LINE_DAYS,
            ),
        ];
        let too_many = sums.into_iter().filter(|(_, sum)| *sum > 1.0);
        let mut problems: Vec<String> = too_many
            .map(|(what, sum)| format!("{what} add up to {sum}; at most 1 is possible"))
            .collect();
        let week = &self.week;
        for (name, row) in [
            ("office", week.office),
            ("shop", week.shop),
            ("even", week.even),
        ] {
            if !row.iter().all(|level| level.is_finite()) {
                problems.push(format!("week.{name}: at least one day must be above 0"));
            }
        }
        problems
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
        let keys = Layers::new(Scenario::reference()).keys();
        assert!(keys.len() > 150);
        for (key, value, least, most) in keys {
            assert!(least < most, "{key} has no range");
            Scenario::load(None, &[format!("{key}={value}")]).unwrap();
        }
    }

    /// A city can be lived in at either end of every range, as far as the end goes together with the other defaults.
    #[test]
    fn the_ends_of_the_ranges_can_be_lived_in() {
        let mut lived = 0;
        for (key, value, least, most) in Layers::new(Scenario::reference()).keys() {
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
        assert_eq!(errors(zeros), "week.even: at least one day must be above 0");
    }

    #[test]
    fn errors_name_file_line_key_and_range() {
        let text = "[churn.stop]\nrate = 900\nhotline_share = \"often\"\nraet = 1\n\
                    [usage]\nquiet_share = [0.1, 2.0]\ndrift_sigma = [0.5, 0.2]\n[chrun]\nscale = 1\n";
        insta::assert_snapshot!(errors(text), @r#"
        own.toml:2: churn.stop.rate: 900 is out of range; allowed is 0..500
        own.toml:3: churn.stop.hotline_share: is written like the default, 0.4, not like "often"
        own.toml:4: churn.stop.raet: there is no such key; did you mean `rate`?
        own.toml:6: usage.quiet_share: 2 is out of range; allowed is 0..0.9
        own.toml:7: usage.drift_sigma: the lower bound comes first
        own.toml:8: chrun: there is no such key; did you mean `churn`?
        "#);
        assert!(errors("[churn\n").starts_with("own.toml:1: is not TOML: "));
        let missing = Scenario::load(Some(Path::new("nowhere.toml")), &[]).unwrap_err();
        assert!(
            missing
                .to_string()
                .starts_with("nowhere.toml: cannot be read: ")
        );
        let set = |text: &str| {
            Scenario::load(None, &[text.to_owned()])
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(set("churn.scale"), @"--set churn.scale: write it like churn.scale=2");
        insta::assert_snapshot!(set("churn.scale=x y"), @"--set churn.scale=x y: write it like churn.scale=2");
        insta::assert_snapshot!(set("churn.scale=99"), @"--set churn.scale=99: churn.scale: 99 is out of range; allowed is 0..20");
    }

    #[test]
    fn shares_of_the_same_whole_do_not_exceed_it() {
        let text = "[lines]\ngotone_share = 0.9\n";
        insta::assert_snapshot!(errors(text), @"lines.gotone_share and lines.mzone_share add up to 1.1; at most 1 is possible");
    }
}
