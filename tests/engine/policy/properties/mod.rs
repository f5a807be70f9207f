//! What must never happen, whatever is done to a few subscribers: an observer that sees only the input and the output
//! looks for two open tasks of a purpose, contacts inside quiet hours or gaps, tasks against somebody's wish, due times
//! beyond their bounds, tasks beyond the budget, and signals that are lost or said twice (behaviour: Contact rules).

mod acts;
mod capacity;
mod known;
mod observer;

use crate::support::properties::{config, for_all};
use acts::{Act, Plan, What, plans};
use churnwatch::engine::Shard;
use churnwatch::model::{Event, Inputs, Msisdn, Source, Timestamp};
use observer::Observer;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Plans, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 600;

/// The same plans in every run, unless `PROPTEST_RNG_SEED` says otherwise.
const SEED: u64 = 20_261_123;

/// 2026-03-02, a Monday, 09:00 in Shanghai.
const START: Timestamp = Timestamp(1_772_413_200_000);

/// How often each kind of thing was seen, so that nothing is tested by never happening.
type Seen = BTreeMap<String, u64>;

/// Runs a plan under an observer's eyes.
fn play(plan: &Plan, seen: &mut Seen) -> Result<(), String> {
    let rules = plan.rules();
    let mut shard = Shard::new(rules.clone());
    let mut observer = Observer::new(rules);
    let mut now = START;
    for (index, act) in (0_i64..).zip(&plan.acts) {
        // Moments of its own for each: two events at the same one would be the same to a task's id.
        now = Timestamp(now.0 + act.after_minutes * 60_000 + 8);
        let before = shard.stats();
        let mut effects = Vec::new();
        shard.tick(now, Inputs::default(), &mut effects);
        shard.sweep(plan.slice, &mut effects);
        observer
            .idle(&before, &shard.stats(), &effects)
            .map_err(|what| format!("clock at step {index}: {what}"))?;
        for (part, event) in (0..).zip(events(act, index, now, &observer)) {
            let source = Source {
                topic: "acts".into(),
                partition: 0,
                offset: index * 8 + part,
            };
            let before = shard.stats();
            let mut effects = Vec::new();
            let outcome = shard.apply(&event, &source, &mut effects);
            observer
                .record(&event, &outcome, (&before, &shard.stats()), &effects)
                .map_err(|what| format!("step {index}, {act:?}: {what}"))?;
        }
    }
    for _ in 0..2 {
        let before = shard.stats();
        let mut effects = Vec::new();
        shard.finish(&mut effects);
        observer
            .idle(&before, &shard.stats(), &effects)
            .map_err(|what| format!("finish: {what}"))?;
    }
    for (what, times) in observer.seen {
        *seen.entry(what).or_default() += times;
    }
    Ok(())
}

fn events(act: &Act, index: i64, now: Timestamp, observer: &Observer) -> Vec<Event<'static>> {
    let msisdn = Msisdn::new(&format!("1390000000{}", act.who)).unwrap();
    let at = Timestamp(now.0 - act.late_minutes * 60_000);
    let bodies = match &act.what {
        What::Reports {
            back,
            result,
            forbids,
        } => vec![acts::outcome(
            &observer.task_id(&msisdn, *back),
            *result,
            *forbids,
        )],
        what => what.bodies(observer.day_of(at)),
    };
    let numbered = (0..).zip(bodies);
    let event = |(part, body): (i64, _)| Event {
        msisdn,
        at: Timestamp(at.0 + part),
        record: ((index * 8 + part) as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        visited: None,
        body,
    };
    numbered.map(event).collect()
}

#[test]
fn no_sequence_of_events_breaks_the_policy() {
    let config = config(CASES, SEED);
    println!("{} plans from seed {:?}", config.cases, config.rng_seed);
    let cases = u64::from(config.cases);
    let all = Mutex::new(Seen::new());
    for_all(&config, plans, |plan| {
        let mut seen = Seen::new();
        play(&plan, &mut seen)?;
        let mut all = all.lock().unwrap();
        for (what, times) in seen {
            *all.entry(what).or_default() += times;
        }
        Ok(())
    });
    let seen = all.into_inner().unwrap();
    println!("{seen:#?}");
    for what in observer::EXPECTED {
        let times = seen.get(*what).copied().unwrap_or(0);
        assert!(times > 0 || cases < u64::from(CASES), "never seen: {what}");
    }
}
