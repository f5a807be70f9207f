//! The same rules on trial say what the rules in force say, whatever happens.

use crate::support::feeding::{Feeding, played};
use crate::support::rules::{rules, with_shadow};
use crate::support::streams::{Plan, Step, for_all_plans};
use churnwatch::engine::{Rules, Shard};
use churnwatch::model::{Effect, Purpose, Signal, Suppression};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Streams, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 60;

/// Without rules on trial, and with the same rules on trial.
fn rules_of(plan: &Plan) -> (Arc<Rules>, Arc<Rules>) {
    let clock = plan.clock;
    let world = format!(
        "window = {{ time_zone = {:?}, clock = {clock:?} }}",
        plan.zone
    );
    let texts = [plan.rules, &world];
    (rules(&texts).0, with_shadow(&texts, &[]))
}

/// A signal without its fate.
fn without_fate(signal: &Signal) -> Signal {
    Signal {
        suppressed: None,
        ..signal.clone()
    }
}

/// The fates that a firing has whatever becomes of tasks, which rules on trial cannot know, and of the subscriber later.
fn lasting(fate: Option<Suppression>) -> Option<Suppression> {
    fate.filter(|why| {
        [
            Suppression::CareOnly,
            Suppression::NotPursued,
            Suppression::MnpHold,
            Suppression::Churned,
        ]
        .contains(why)
    })
}

/// Whether a signal waits for the day's ranking before it is published, under rules in force; in a backlog every one does.
fn waits(signal: &Signal, plan: &Plan) -> bool {
    let urgent = signal.purpose == Purpose::Churn && signal.evidence.source.is_some();
    !urgent || plan.clock == "auto"
}

/// Each signal in force is one of those on trial, with the same fate if that was certain when it fired; and of those on
/// trial only some are missing that waited while the subscriber was erased or the number given to somebody else.
fn compare(
    said: &[Signal],
    in_shadow: Vec<Signal>,
    plan: &Plan,
    seen: &Seen,
) -> Result<(), String> {
    let mut left = in_shadow;
    for signal in said {
        let same = |other: &Signal| without_fate(other) == without_fate(signal);
        let place = left.iter().position(same);
        let place = place.ok_or_else(|| format!("not on trial: {signal:#?}"))?;
        let tried = left.swap_remove(place);
        // Whether a place would have been free is not known on trial, but who is held out is.
        let held_out = |signal: &Signal| signal.suppressed == Some(Suppression::HoldOut);
        let held_in_force = held_out(signal) && !held_out(&tried) && !waits(signal, plan);
        let differs = match lasting(tried.suppressed) {
            Some(why) => signal.suppressed != Some(why),
            None => lasting(signal.suppressed).is_some() && !waits(signal, plan),
        };
        if differs || held_in_force {
            return Err(format!("{signal:#?}\nin shadow: {:?}", tried.suppressed));
        }
    }
    seen.missing.fetch_add(left.len(), Relaxed);
    match left.iter().find(|signal| !waits(signal, plan)) {
        Some(signal) => Err(format!("only on trial: {signal:#?}")),
        None => Ok(()),
    }
}

#[derive(Default)]
struct Seen {
    fired: AtomicUsize,
    missing: AtomicUsize,
}

#[test]
fn equal_rules_on_trial_fire_as_those_in_force_and_change_nothing() {
    let seen = Seen::default();
    for_all_plans(CASES, |plan| {
        let (without, with) = rules_of(&plan);
        let (steps, alone) = played(&without, &plan);
        let mut feeding = Feeding::new(Shard::new(with));
        for step in &steps {
            feeding.step(step);
        }
        let so_far = feeding.effects.iter();
        let in_force = so_far.filter(|effect| !matches!(effect, Effect::Shadow(_)));
        if !in_force.eq(&alone.effects) || feeding.outcomes != alone.outcomes {
            return Err("the rules in force say something else".to_owned());
        }
        // What waits for the day's ranking is published at the end.
        feeding.step(&Step::Finish);
        let (mut said, mut in_shadow) = (Vec::new(), Vec::new());
        for effect in feeding.effects {
            match effect {
                Effect::Shadow(shadow) => in_shadow.push(shadow.signal),
                Effect::Signal(signal) => said.push(*signal),
                _ => {}
            }
        }
        seen.fired.fetch_add(said.len(), Relaxed);
        compare(&said, in_shadow, &plan, &seen)
    });
    let (fired, missing) = (seen.fired.into_inner(), seen.missing.into_inner());
    assert!(fired > 100, "only {fired} signals");
    assert!(missing < fired / 20, "{missing} beside {fired} signals");
}
