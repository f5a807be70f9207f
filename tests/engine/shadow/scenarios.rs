//! Rules on trial beside rules in force, on a few subscribers.

use crate::support::feeding::{assembled, full};
use crate::support::rules::{rules, with_shadow};
use crate::support::scenario::{
    AT_ONCE, EVENT_CLOCK, HOTLINE, MACHINE, NOT_PURSUED, Scenario, call, crowd, day, days, profile,
    usual,
};
use churnwatch::engine::{Rules, Shard};
use churnwatch::model::{Body, Effect};
use std::sync::Arc;

const ONE: &str = "13900000001";
/// A silence is judged a day earlier.
const SOONER: &str = "
    line_state.silent_days_min = 2
    line_state.onset = { short_absence = 0.001, long_absence = 0.001, stop = 0.01 }
";
/// A call to a competitor is as strong as can be, and forgotten soon.
const STRONGER: &str = "triggers.competitor_hotline = { strengths = [1.0], cooldown_days = 1 }";

fn on_trial(texts: &[&str]) -> Arc<Rules> {
    with_shadow(&[EVENT_CLOCK, AT_ONCE], texts)
}

/// A scenario of 30 subscribers in which one subscriber falls silent after a day.
fn one_falls_silent(rules: Arc<Rules>, after: &str) -> Scenario {
    let (mut scenario, last) = (Scenario::under(rules), day(after));
    scenario.live(
        &crowd(30),
        days("2026-01-20", "2026-03-10"),
        |who, on| match who {
            ONE if on > last => 0,
            ONE => 12,
            _ => usual(who, on),
        },
    );
    scenario
}

/// What rules on trial said of somebody, one line each, in the form of what the rules in force said.
fn in_shadow(scenario: &Scenario, who: &str) -> Vec<String> {
    let signals = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Shadow(shadow) => Some(Effect::Signal(Box::new(shadow.signal.clone()))),
        _ => None,
    });
    scenario.lines(signals.collect::<Vec<_>>().iter(), who)
}

fn calls_hotline(scenario: &mut Scenario, at: &str) -> [Vec<String>; 2] {
    let (live, shadow) = (
        scenario.published(ONE).len(),
        in_shadow(scenario, ONE).len(),
    );
    scenario.event(ONE, at, call(HOTLINE));
    let (said, on_trial) = (scenario.published(ONE), in_shadow(scenario, ONE));
    let of_hotline = |said: &[String]| {
        let hotline = said
            .iter()
            .filter(|said| said.contains("competitor_hotline"));
        hotline.cloned().collect()
    };
    [of_hotline(&said[live..]), of_hotline(&on_trial[shadow..])]
}

#[test]
fn a_lower_threshold_on_trial_finds_a_silence_earlier_and_raises_no_task() {
    let alone = one_falls_silent(rules(&[EVENT_CLOCK, AT_ONCE]).0, "2026-02-28");
    let tried = one_falls_silent(on_trial(&[SOONER]), "2026-02-28");
    assert_eq!(tried.published(ONE), alone.published(ONE));
    assert_eq!(
        tried.published(ONE)[0],
        "2026-03-05 08:00 zero_usage_days 0.84"
    );
    assert_eq!(
        in_shadow(&tried, ONE)[0],
        "2026-03-03 08:00 zero_usage_days 0.97"
    );
    let tasks = |scenario: &Scenario| scenario.shard.stats().open_tasks;
    assert_eq!(tasks(&tried), tasks(&alone));
}

#[test]
fn a_signal_on_trial_names_its_rules() {
    let rules = on_trial(&[SOONER]);
    let (live, trial) = (
        rules.version.clone(),
        rules.shadow.as_ref().unwrap().version.clone(),
    );
    assert_ne!(live, trial);
    let scenario = one_falls_silent(rules, "2026-02-28");
    let mut versions = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Shadow(shadow) => Some(&shadow.rules_version),
        _ => None,
    });
    assert!(versions.next().is_some());
    assert!(versions.all(|version| *version == trial));
}

#[test]
fn events_fire_in_shadow_with_the_strength_and_the_cool_down_on_trial() {
    let mut scenario = Scenario::under(on_trial(&[STRONGER]));
    let [said, tried] = calls_hotline(&mut scenario, "2026-02-01 10:00");
    assert_eq!(said[0], "2026-02-01 10:00 competitor_hotline 0.60");
    assert_eq!(tried, ["2026-02-01 10:00 competitor_hotline 1.00"]);
    let [said, tried] = calls_hotline(&mut scenario, "2026-02-03 10:00");
    assert_eq!(
        said,
        ["2026-02-03 10:00 competitor_hotline 0.80 (task_open)"]
    );
    assert_eq!(tried, ["2026-02-03 10:00 competitor_hotline 1.00"]);
}

#[test]
fn a_score_below_the_bar_on_trial_would_raise_no_task() {
    let bar = "policy.score.task_at = { key = 0.99, ordinary = 0.99, small = 0.99 }";
    let tried = one_falls_silent(on_trial(&[bar]), "2026-02-28");
    assert_eq!(
        tried.published(ONE)[0],
        "2026-03-05 08:00 zero_usage_days 0.84"
    );
    assert_eq!(
        in_shadow(&tried, ONE)[0],
        "2026-03-05 08:00 zero_usage_days 0.84 (low_score)"
    );
}

#[test]
fn nobody_is_accused_in_shadow_who_is_not_in_force() {
    let mut scenario = Scenario::under(on_trial(&[STRONGER]));
    scenario.event(ONE, "2026-02-01 09:00", profile(|p| p.flags = MACHINE));
    assert_eq!(
        calls_hotline(&mut scenario, "2026-02-01 10:00"),
        [[""; 0], [""; 0]]
    );
    scenario.event(ONE, "2026-02-02 09:00", profile(|p| p.flags = NOT_PURSUED));
    let [said, tried] = calls_hotline(&mut scenario, "2026-02-02 10:00");
    assert_eq!(
        said,
        ["2026-02-02 10:00 competitor_hotline 0.60 (not_pursued)"]
    );
    assert_eq!(
        tried,
        ["2026-02-02 10:00 competitor_hotline 1.00 (not_pursued)"]
    );
}

#[test]
fn a_new_owner_of_the_number_starts_afresh_in_shadow_too() {
    let mut scenario = Scenario::under(on_trial(&[
        "triggers.competitor_hotline.cooldown_days = 60",
    ]));
    scenario.event(ONE, "2026-02-01 09:00", profile(|_| {}));
    calls_hotline(&mut scenario, "2026-02-02 10:00");
    let [_, again] = calls_hotline(&mut scenario, "2026-02-03 10:00");
    assert_eq!(again, ["2026-02-03 10:00 competitor_hotline 0.80 (repeat)"]);
    scenario.event(ONE, "2026-02-10 10:00", Body::Cancellation);
    let next_owner = profile(|p| p.activated_on = Some(day("2026-02-20")));
    scenario.event(ONE, "2026-02-20 09:00", next_owner);
    let [_, first] = calls_hotline(&mut scenario, "2026-02-20 11:00");
    assert_eq!(first, ["2026-02-20 11:00 competitor_hotline 0.60"]);
}

#[test]
fn what_was_remembered_on_trial_stays_while_something_is_on_trial() {
    let long = "triggers.competitor_hotline.cooldown_days = 60";
    let first = on_trial(&[long]);
    let second = on_trial(&[long, "triggers.competitor_hotline.strengths = [0.1, 0.2]"]);
    let none = rules(&[EVENT_CLOCK, AT_ONCE]).0;
    for through_an_image in [false, true] {
        let adopt = |scenario: &mut Scenario, rules: &Arc<Rules>| {
            if through_an_image {
                scenario.shard = assembled(&full(scenario.shard.image()), rules).unwrap();
            } else {
                scenario.shard.adopt(Arc::clone(rules));
            }
        };
        let mut scenario = Scenario::under(Arc::clone(&first));
        calls_hotline(&mut scenario, "2026-02-01 10:00");
        adopt(&mut scenario, &second);
        let [_, tried] = calls_hotline(&mut scenario, "2026-02-02 10:00");
        assert_eq!(tried, ["2026-02-02 10:00 competitor_hotline 0.20 (repeat)"]);
        adopt(&mut scenario, &none);
        let [_, tried] = calls_hotline(&mut scenario, "2026-02-03 10:00");
        assert!(tried.is_empty(), "{tried:?}");
        adopt(&mut scenario, &second);
        let [_, tried] = calls_hotline(&mut scenario, "2026-02-04 10:00");
        assert_eq!(tried, ["2026-02-04 10:00 competitor_hotline 0.10"]);
    }
}

/// Parts of images follow one another while rules on trial come and go: each whole chain is the shard as it is.
#[test]
fn a_chain_of_parts_outlives_rules_on_trial() {
    let (tried, none) = (on_trial(&[STRONGER]), rules(&[EVENT_CLOCK, AT_ONCE]).0);
    let people = crowd(100);
    let mut scenario = Scenario::under(Arc::clone(&tried));
    let (mut parts, mut mark) = (Vec::new(), None);
    let mut kinds = Vec::new();
    for (rules, callers, at) in [
        (&tried, &people[..], "2026-02-01 10:00"),
        (&tried, &people[3..4], "2026-02-02 10:00"),
        (&none, &people[4..5], "2026-02-03 10:00"),
        (&tried, &people[40..41], "2026-02-04 10:00"),
        (&tried, &people[..2], "2026-02-05 10:00"),
    ] {
        scenario.shard.adopt(Arc::clone(rules));
        for who in callers {
            scenario.event(who, at, call(HOTLINE));
        }
        let image = scenario.shard.image();
        let next = image.epoch();
        let sections: Vec<_> = image.sections(mark).collect();
        kinds.push(sections.iter().filter(|section| section.kind == 7).count());
        parts.extend(sections);
        mark = Some(next);
        let mut restored: Shard = assembled(&parts, rules).unwrap();
        assert!(
            full(restored.image()) == full(scenario.shard.image()),
            "{at}"
        );
        assert_eq!(restored.fingerprint(), scenario.shard.fingerprint(), "{at}");
    }
    // At first all four pages. Later the page that changed, none, all up to the caller's, and again the one that changed.
    assert_eq!(kinds, [4, 1, 0, 2, 1]);
}
