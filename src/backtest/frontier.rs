//! What more alarms buy: rules at several thresholds, each a point of burden, precision and recall.

use super::alarms::Alarm;
use super::cohort::{Cohort, Scope, Verdict};
use super::measures::{ANY, counts, of_subscriber};
use super::report::{Curve, Found, PAIR, Point, SIMPLE_RULES};
use super::simple_rules::SimpleRule;
use std::collections::BTreeMap;

/// The first rules at other thresholds, replayed after all named sets of rules.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sweep {
    /// What the threshold is.
    pub threshold: &'static str,
    /// Its values, in the order of the runs.
    pub cuts: Vec<f64>,
}

/// Alarms that remain if only those from a churn score on count.
pub fn by_score(cohort: &Cohort<'_>, rules: &str, trigger: &str, alarms: &[Alarm]) -> Curve {
    let mut scores: Vec<f32> = alarms.iter().map(|alarm| alarm.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let steps = 12;
    let place = |step: usize| (scores.len() * step / steps).checked_sub(1);
    let cuts = (1..=steps).filter_map(|step| scores.get(place(step)?).copied());
    let mut cuts: Vec<f32> = cuts.collect();
    cuts.dedup();
    let above = |cut: f32| {
        let high = alarms.iter().filter(|alarm| alarm.score >= cut);
        let high: Vec<Alarm> = high.copied().collect();
        point(cohort, f64::from(cut), &high)
    };
    Curve {
        rules: rules.to_owned(),
        trigger: trigger.to_owned(),
        threshold: "churn score".to_owned(),
        points: cuts.into_iter().map(above).collect(),
    }
}

/// The stream of the usage triggers under one set of rules, or under the first at several thresholds.
pub fn of_rules(rules: &str, threshold: &str, mut points: Vec<Point>) -> Curve {
    points.sort_by(|a, b| a.alarms_per_1000_30d.total_cmp(&b.alarms_per_1000_30d));
    Curve {
        rules: rules.to_owned(),
        trigger: PAIR.to_owned(),
        threshold: threshold.to_owned(),
        points,
    }
}

/// The simple rules at several thresholds, from strict to lax.
pub fn of_simple_rules(cohort: &Cohort<'_>) -> Vec<Curve> {
    type RuleWith = fn(f64) -> SimpleRule;
    let shares = vec![0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5];
    let days = vec![14.0, 10.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0];
    let rules: [(&str, &str, RuleWith, &[f64]); 3] = [
        ("week, voice", "share", SimpleRule::WeekVoice, &shares),
        ("week, all", "share", SimpleRule::WeekAll, &shares),
        (
            "zero days",
            "days",
            |days| SimpleRule::ZeroDays(days as usize),
            &days,
        ),
    ];
    let curve = |(trigger, threshold, rule, cuts): (&str, &str, RuleWith, &[f64])| Curve {
        rules: SIMPLE_RULES.to_owned(),
        trigger: trigger.to_owned(),
        threshold: threshold.to_owned(),
        points: cuts
            .iter()
            .map(|cut| point(cohort, *cut, &rule(*cut).alarms(cohort)))
            .collect(),
    };
    rules.into_iter().map(curve).collect()
}

/// The burden of alarms on regular subscribers and what they find.
pub fn point(cohort: &Cohort<'_>, cut: f64, alarms: &[Alarm]) -> Point {
    let regular = |subscriber: u32| {
        let person = cohort.person(subscriber);
        person.filter(|person| Scope::Regular.has(person, false))
    };
    let (mut all, mut found, mut wrong) = (0_u64, 0_u64, 0_u64);
    for alarm in alarms {
        if regular(alarm.subscriber).is_some_and(|person| counts(person, alarm)) {
            all += 1;
            match cohort.verdict(alarm.subscriber, alarm.seen_at, alarm.day) {
                Verdict::Found => found += 1,
                Verdict::False => wrong += 1,
                Verdict::Late => {}
            }
        }
    }
    let mut kinds: BTreeMap<String, [(u64, u64); 2]> = BTreeMap::new();
    for episode in &cohort.labels.churn {
        let Some(person) = regular(episode.subscriber) else {
            continue;
        };
        let mut mine = of_subscriber(alarms, episode.subscriber).iter();
        let after = mine.find(|alarm| alarm.seen_at >= episode.from);
        let delay = after.map(|alarm| alarm.day.since(cohort.onset(episode)));
        for kind in [ANY, cohort.labels.name(episode.kind)] {
            let found = kinds.entry(kind.to_owned()).or_default();
            for ((hits, onsets), days) in found.iter_mut().zip([14, 30]) {
                if cohort.judgeable(person, episode, days) {
                    *onsets += 1;
                    *hits += u64::from(delay.is_some_and(|delay| delay <= days));
                }
            }
        }
    }
    let people = cohort.people.iter().filter(|person| person.regular);
    let (mut judged, mut sound) = (0, 0);
    for person in people {
        judged += u64::from(cohort.judged_days(person));
        sound += u64::from(cohort.sound_days(person, cohort.recording.rows.first, cohort.last));
    }
    let share = |of: u64, among: u64| of as f64 / among.max(1) as f64;
    let recall = |(hits, onsets): (u64, u64)| (onsets > 0).then(|| share(hits, onsets));
    let kinds = kinds.into_iter().map(|(kind, [in_14, in_30])| {
        let found = Found {
            onsets_14d: in_14.1,
            recall_14d: recall(in_14),
            onsets_30d: in_30.1,
            recall_30d: recall(in_30),
        };
        (kind, found)
    });
    Point {
        cut,
        alarms_per_1000_30d: 30_000.0 * share(all, judged),
        false_alarms_per_1000_30d: 30_000.0 * share(wrong, sound),
        precision: share(found, all),
        kinds: kinds.collect(),
    }
}
