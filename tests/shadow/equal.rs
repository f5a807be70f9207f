//! The same rules on trial say what the rules in force say, whatever happens.

use crate::feeding::{Feeding, played};
use crate::rules::{rules, with_shadow};
use crate::streams::{Plan, config, plans};
use churnwatch::engine::{Rules, Shard};
use churnwatch::model::{Effect, Signal, Suppression};
use proptest::test_runner::{TestCaseError, TestRunner};
use std::cell::Cell;
use std::sync::Arc;

/// Streams, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 60;

/// Without rules on trial, and with the same rules on trial.
fn rules_of(plan: &Plan) -> (Arc<Rules>, Arc<Rules>) {
    let clock = if plan.wall_clock { "wall" } else { "event" };
    let world = format!(
        "window = {{ time_zone = {:?}, clock = {clock:?} }}",
        plan.zone
    );
    let texts = [plan.rules, &world];
    (rules(&texts).0, with_shadow(&texts, &[]))
}

/// A signal without what depends on whether a task was open, which rules on trial cannot know.
fn apart_from_tasks(signal: &Signal) -> Signal {
    let of_tasks = [
        Suppression::TaskOpen,
        Suppression::ChurnTaskOpen,
        Suppression::Repeat,
        Suppression::LowScore,
    ];
    let suppressed = signal.suppressed.filter(|why| !of_tasks.contains(why));
    Signal {
        suppressed,
        ..signal.clone()
    }
}

#[test]
fn equal_rules_on_trial_fire_as_those_in_force_and_change_nothing() {
    let fired = Cell::new(0);
    let test = |plan: &Plan| {
        let (without, with) = rules_of(plan);
        let (steps, alone) = played(&without, plan);
        let mut feeding = Feeding::new(Shard::new(with));
        let (mut said, mut said_in_shadow) = (Vec::new(), Vec::new());
        for step in &steps {
            feeding.step(step);
            for effect in feeding.effects.drain(..) {
                match effect {
                    Effect::Shadow(shadow) => said_in_shadow.push(shadow.signal),
                    effect => said.push(effect),
                }
            }
        }
        if said != alone.effects || feeding.outcomes != alone.outcomes {
            return Err("the rules in force say something else".to_owned());
        }
        let signals: Vec<Signal> = said
            .iter()
            .filter_map(|effect| match effect {
                Effect::Signal(signal) => Some(apart_from_tasks(signal)),
                _ => None,
            })
            .collect();
        let in_shadow: Vec<Signal> = said_in_shadow.iter().map(apart_from_tasks).collect();
        fired.set(fired.get() + signals.len());
        match signals == in_shadow {
            true => Ok(()),
            false => Err(format!("{signals:#?}\nin shadow: {in_shadow:#?}")),
        }
    };
    let result = TestRunner::new(config(CASES))
        .run(&plans(), |plan| test(&plan).map_err(TestCaseError::fail));
    if let Err(failure) = result {
        panic!("{failure}");
    }
    assert!(fired.get() > 100, "only {} signals", fired.get());
}
