//! The file of rules on trial, as an operator meets it.

use churnwatch::config::{Config, Problems, Ruleset};
use std::fs;
use tempfile::TempDir;

/// A configuration whose file of shadow rules says something.
fn with_shadow(live: &str, shadow: &str) -> (Result<Config, Problems>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trial.toml");
    fs::write(&path, shadow).unwrap();
    let text = format!("shadow.rules = {:?}\n{live}", path.to_str().unwrap());
    (Config::from_toml_str(&text, "churnwatch.toml"), directory)
}

fn good(live: &str, shadow: &str) -> Config {
    let (config, _directory) = with_shadow(live, shadow);
    config.unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn by_default_nothing_is_on_trial() {
    let config = Config::embedded().unwrap();
    assert_eq!(config.shadow.rules, "");
    assert!(config.rules.shadow.is_none());
    let names = |config: &Config| config.outputs().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(
        names(&config),
        ["tasks", "signals", "dead_letters", "erasures"]
    );
    let tried = good("", "");
    assert_eq!(
        names(&tried),
        [
            "tasks",
            "signals",
            "shadow_signals",
            "dead_letters",
            "erasures"
        ]
    );
}

#[test]
fn the_file_lies_over_the_rules_in_force() {
    let live = "triggers.usage_drop.strength = 0.4\npolicy.task_days = 9\nwindow.days = 42\n";
    let config = good(live, "[policy]\nchurned_after_suspended_days = 7\n");
    let shadow = config.rules.shadow.as_ref().unwrap();
    assert_eq!(shadow.policy.churned_after_suspended_days, 7);
    assert_eq!(shadow.policy.task_days, 9);
    assert_eq!(shadow.window, config.rules.window);
    assert!(shadow.shadow.is_none());
    // Its version is the one these rules would have in force.
    let in_force = format!("{live}policy.churned_after_suspended_days = 7\n");
    let in_force = Config::from_toml_str(&in_force, "test").unwrap();
    assert_eq!(shadow.version, in_force.rules.version);
    let equal = good(live, "# Nothing differs.\n");
    assert_eq!(
        equal.rules.shadow.as_ref().unwrap().version,
        equal.rules.version
    );
}

#[test]
fn another_trial_is_another_ruleset_under_the_same_rules() {
    let without = Config::embedded().unwrap();
    let one = good("", "line_state.onset.stop = 0.002");
    let two = good("", "line_state.onset.stop = 0.003");
    for config in [&one, &two] {
        assert_eq!(config.rules.version, without.rules.version);
    }
    let ids = [&without, &one, &two].map(|config| config.ruleset().id);
    assert!(
        ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2],
        "{ids:?}"
    );
}

#[test]
fn the_journal_holds_the_rules_on_trial_and_not_their_file() {
    let (config, directory) = with_shadow("window.days = 40", "triggers.arrears.overdue_days = 20");
    let ruleset = config.unwrap().ruleset();
    drop(directory);
    assert!(!ruleset.text.contains("trial.toml"), "{}", ruleset.text);
    let again = Ruleset::parse(&ruleset.text, "the journal").unwrap();
    assert_eq!((again.id, &again.text), (ruleset.id, &ruleset.text));
    let version = |ruleset: &Ruleset| ruleset.rules.shadow.as_ref().unwrap().version.clone();
    assert_eq!(version(&again), version(&ruleset));
    assert_eq!(again.rules.version, ruleset.rules.version);
    let older = ruleset
        .text
        .replace("overdue_days = 20", "overdue_dayz = 20");
    let problems = Ruleset::parse(&older, "the journal").err().unwrap();
    assert!(problems.to_string().contains("overdue_dayz"), "{problems}");
}

#[test]
fn what_is_wrong_is_said_of_the_file_and_its_line() {
    let live = "[window]\ndays = 7\n";
    let shadow = "\
[window]
days = 40
[decode]
key_check = false
[kafka]
group = \"other\"
[policy.score]
at_risk = 2
[triggers.usage_drop]
strenght = 3
[triggers.usage_dorp]
threshold = 1
";
    let (config, directory) = with_shadow(live, shadow);
    let problems = config.unwrap_err().to_string();
    let problems = problems.replace(directory.path().to_str().unwrap(), "");
    insta::assert_snapshot!(problems, @r"
    the configuration has 7 problems
    /trial.toml:2: window.days: is shared by shadow rules and rules in force
        set it in the main configuration, for both; a file of shadow rules states [line_state], [triggers.*] and [policy] only
    /trial.toml:4: decode.key_check: is shared by shadow rules and rules in force
        set it in the main configuration, for both; a file of shadow rules states [line_state], [triggers.*] and [policy] only
    /trial.toml:6: kafka.group: is shared by shadow rules and rules in force
        set it in the main configuration, for both; a file of shadow rules states [line_state], [triggers.*] and [policy] only
    /trial.toml:8: policy.score.at_risk: 2.0 is out of range
        set a number from 0 to 1, or leave the key out for the default, 0.1
    /trial.toml:10: triggers.usage_drop.strenght: there is no such key
        did you mean `triggers.usage_drop.strength`?
    /trial.toml:11: triggers.usage_dorp: there is no such key
        did you mean `triggers.usage_drop`?
    churnwatch.toml:3: window.days: 7 is out of range
        set a number from 28 to 63, or leave the key out for the default, 35
    ");
}

#[test]
fn values_are_judged_with_those_in_force() {
    for (live, shadow, key, what) in [
        (
            "",
            "policy.score.at_risk = 0.9",
            "policy.score.critical",
            "above at_risk (0.9)",
        ),
        (
            "policy.score.critical = 0.95",
            "policy.score.critical = 0.05",
            "policy.score.critical",
            "above at_risk (0.1)",
        ),
        (
            "",
            "line_state.voice.drop = 1.5",
            "line_state.voice.drop",
            "1.5 is out of range",
        ),
        ("", "shadow.rules = 'x.toml'", "shadow.rules", "shared"),
        ("", "policy = 3", "policy", "not a section"),
    ] {
        let (config, _directory) = with_shadow(live, shadow);
        let problems = config.err().unwrap_or_else(|| panic!("{shadow} is taken"));
        let [problem] = problems.all() else {
            panic!("{shadow}: expected one problem, not\n{problems}");
        };
        assert_eq!(problem.key, key, "{shadow}");
        assert!(problem.to_string().contains(what), "{shadow}: {problem}");
        let origin = problem.origin.to_string();
        assert!(origin.contains("trial.toml"), "{shadow}: {origin}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let text = "shadow.rules = \"nowhere/trial.toml\"";
    let problems = Config::from_toml_str(text, "churnwatch.toml").unwrap_err();
    let [problem] = problems.all() else {
        panic!("{problems}");
    };
    assert_eq!(problem.origin.to_string(), "nowhere/trial.toml");
    assert!(problem.what.contains("cannot be read"), "{problem}");
}
