//! The scenarios, by the names they have in the list of tests.

use super::faults::{Blow, Rates, Step};
use super::scenario::{ONE_TOPIC, Outcome, Scenario, TWO_TOPICS};
use super::seeds;
use super::trace::Trace;

/// Plays a scenario with so many seeds unless the environment says otherwise, and tells what they came to.
fn play(name: &str, scenario: &Scenario, count: u64) -> Outcome {
    let seeds = seeds(count);
    let played = seeds.end - seeds.start;
    let sum = scenario.play(name, seeds);
    eprintln!("{name}: {played} seeds, {sum:?}");
    sum
}

#[test]
fn random_faults() {
    let scenario = Scenario::new(&[ONE_TOPIC], |_, _| {});
    let sum = play("random_faults", &scenario, 400);
    assert!(sum.verdict.tasks > 0 && sum.verdict.manifests > 0);
}

#[test]
fn random_faults_by_the_clock_of_the_wall() {
    let scenario = Scenario::new(&[TWO_TOPICS], |shape, _| shape.live());
    play("random_faults_by_the_clock_of_the_wall", &scenario, 50);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let scenario = Scenario::new(&[ONE_TOPIC], |_, _| {});
    for seed in 0..20 {
        let digest = || scenario.one(seed, Trace::default()).unwrap().digest;
        assert_eq!(digest(), digest(), "seed {seed}");
    }
}

#[test]
fn crash_at_every_step() {
    let scenario = Scenario::new(&[ONE_TOPIC], |shape, _| shape.rates = Rates::NONE);
    for step in Step::ALL {
        let mut fell = 0;
        for seed in seeds(12) {
            let mut dice = super::dice::Dice::new(seed, super::dice::Stream::Shape);
            let mut shape = super::scenario::Shape::draw(&mut dice);
            shape.rates = Rates::NONE;
            shape.planned = vec![(step, dice.below(4) as u32, Blow::Crash)];
            let outcome = scenario.of(seed, shape.clone(), Trace::default());
            let outcome = outcome.unwrap_or_else(|_| {
                let told = scenario
                    .of(seed, shape, Trace::verbose())
                    .err()
                    .unwrap_or_default();
                panic!("{step:?} with CHURNWATCH_SIM_SEED={seed}\n{told}");
            });
            fell += u32::from(outcome.spent);
        }
        assert!(fell > 0, "nobody was ever hit at {step:?}");
    }
}
