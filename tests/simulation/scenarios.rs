//! The scenarios, by the names they have in the list of tests.

use super::arrivals::Pace;
use super::dice::{Dice, Stream};
use super::faults::{Disruption, Rates, Step};
use super::scenario::{
    ONE_TOPIC, OTHER_SHADOW, Outcome, SHADOW, Scenario, Shape, TWO_TOPICS, WITH_GROUPS,
};
use super::seeds;
use super::trace::Trace;
use churnwatch::encode::{Form, Kind, Language, Registered};
use std::collections::BTreeMap;

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
    let sum = play("random_faults", &scenario, 2000);
    assert!(sum.verdict.tasks > 0 && sum.verdict.manifests > 0);
}

#[test]
fn random_faults_by_the_clock_of_the_wall() {
    let scenario = Scenario::with_shadows(&[SHADOW], &[TWO_TOPICS], |shape, _| shape.live());
    play("random_faults_by_the_clock_of_the_wall", &scenario, 200);
}

/// Whatever fails and is tried again, each record has the bytes that its JSON gives in that form.
#[test]
fn random_faults_in_every_form() {
    let ids: BTreeMap<_, _> = Kind::ALL.map(|kind| (kind, 7 + kind as u32)).into();
    let registered = |language| Form::Registered(Registered::new(language, &ids).unwrap());
    let forms = [
        Form::CloudEvents,
        registered(Language::Avro),
        registered(Language::Protobuf),
    ];
    for form in forms {
        let scenario = Scenario::with_shadows(&[SHADOW], &[ONE_TOPIC], |_, _| {}).writing(&form);
        let sum = play("random_faults_in_every_form", &scenario, 60).verdict;
        assert!(sum.tasks > 0 && sum.signals > 0 && sum.shadow_signals > 0);
    }
}

/// Members in several partitions: what shards tell each other is told once, and the tasks follow from it.
#[test]
fn groups_over_partitions() {
    let scenario = Scenario::new(&[WITH_GROUPS], |shape, dice| {
        shape.live();
        shape.partitions = dice.between(2, 4) as i32;
        shape.traffic.city = false;
        shape.traffic.groups = 2;
        shape.traffic.subscribers = 8;
        shape.traffic.days = 6;
        shape.traffic.storm_on = Some(2);
    });
    let sum = play("groups_over_partitions", &scenario, 60);
    assert!(sum.verdict.told > 0 && sum.verdict.tasks > 0);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let scenario = Scenario::new(&[ONE_TOPIC], |_, _| {});
    for seed in 0..20 {
        let digest = || scenario.one(seed, Trace::default()).unwrap().digest;
        assert_eq!(digest(), digest(), "seed {seed}");
    }
}

/// Each step is hit at its first to sixth time, in a calm world and in one where transactions fail as well.
#[test]
fn crash_at_every_step() {
    let scenario = Scenario::new(&[ONE_TOPIC], |_, _| {});
    for step in Step::ALL {
        let mut fell = 0;
        for seed in seeds(24) {
            let mut dice = Dice::new(seed, Stream::Shape);
            let mut shape = Shape::draw(&mut dice);
            let fails = if seed % 2 == 0 { 0 } else { 150 };
            shape.rates = Rates {
                abort: fails,
                unknown: fails,
                ..Rates::NONE
            };
            shape.planned = vec![(step, dice.below(6) as u32, Disruption::Crash)];
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

/// One transaction in three is aborted, at any moment before its end: memory is not undone, and what was to be said is
/// said with the next try, once.
#[test]
fn random_abort() {
    let scenario = Scenario::new(&[ONE_TOPIC], |shape, _| {
        shape.rates = Rates {
            abort: 333,
            slow_markers: 100,
            ..Rates::NONE
        };
    });
    play("random_abort", &scenario, 400);
}

/// Nobody says how one commit in three ended: some took effect, some did not, some will later.
#[test]
fn unknown_outcomes() {
    let scenario = Scenario::new(&[ONE_TOPIC], |shape, _| {
        shape.rates = Rates {
            unknown: 333,
            slow_markers: 200,
            ..Rates::NONE
        };
    });
    play("unknown_outcomes", &scenario, 400);
}

/// Workers come and go all the time.
#[test]
fn rebalance() {
    let scenario = Scenario::new(&[ONE_TOPIC], |shape, dice| {
        shape.processes.named = false;
        shape.pace = Pace::Spread {
            preloaded: 200,
            over_ms: 200_000,
        };
        shape.processes.visits = (0..dice.between(2, 6))
            .map(|_| {
                let comes_ms = dice.between(1_000, 150_000);
                (comes_ms, comes_ms + dice.between(500, 60_000))
            })
            .collect();
    });
    play("rebalance", &scenario, 400);
}

/// Processes stand still for longer than their transactions and sessions last, twins take their places and names, and
/// then they go on: whatever they had under way must come to nothing.
#[test]
fn zombie() {
    let scenario = Scenario::new(&[ONE_TOPIC], |shape, dice| {
        shape.rates = Rates {
            stall: 60,
            slow_markers: 100,
            ..Rates::NONE
        };
        shape.processes.twins = dice.chance(700);
        shape.processes.named = dice.chance(700);
        shape.trouble_ms = 120_000;
    });
    play("zombie", &scenario, 400);
}

/// Two input topics, of which one comes early, late or not at all for a while, under a clock that the engine is told:
/// the order in which things were done is nowhere but in the journal.
#[test]
fn interleaving() {
    let scenario = Scenario::new(&[TWO_TOPICS], |shape, dice| {
        shape.live();
        shape.feed_stalls = Some((dice.between(0, 6), dice.between(1, 5)));
    });
    play("interleaving", &scenario, 200);
}

/// Processes start with other rules from some moment on, and later ones replay what was done under the first.
#[test]
fn rules_changed_between_runs() {
    let second = format!(
        "{ONE_TOPIC}
        line_state.onset.stop = 0.01
        triggers.competitor_hotline = {{ strengths = [0.2, 0.3, 0.4] }}
        baseline.lag_days = 3"
    );
    let scenario = Scenario::new(&[ONE_TOPIC, &second], |shape, dice| {
        shape.rates.crash = 20;
        shape.pace = Pace::Spread {
            preloaded: 100,
            over_ms: 120_000,
        };
        shape.second_rules_ms = dice.between(10_000, 100_000);
    });
    let sum = play("rules_changed_between_runs", &scenario, 100);
    assert!(
        sum.verdict.epochs > 2 * sum.seeds,
        "the rules never changed"
    );
}

/// Rules on trial beside those in force, with everything going wrong now and then: their signals too are said once.
#[test]
fn shadow_rules() {
    let scenario = Scenario::with_shadows(&[SHADOW], &[ONE_TOPIC], |_, _| {});
    let sum = play("shadow_rules", &scenario, 300);
    let (live, shadow) = (sum.verdict.signals, sum.verdict.shadow_signals);
    assert!(shadow > live && live > 0, "{shadow} beside {live}");
}

/// Rules on trial come, change and go from one start to the next, and later processes replay what earlier ones did, from
/// snapshots with shadow and without.
#[test]
fn shadow_rules_come_and_go() {
    for shadows in [["", SHADOW], [SHADOW, OTHER_SHADOW], [SHADOW, ""]] {
        let scenario = Scenario::with_shadows(&shadows, &[ONE_TOPIC; 2], |shape, dice| {
            shape.rates.crash = 20;
            shape.pace = Pace::Spread {
                preloaded: 100,
                over_ms: 120_000,
            };
            shape.second_rules_ms = dice.between(10_000, 100_000);
        });
        let sum = play("shadow_rules_come_and_go", &scenario, 60);
        assert!(
            sum.verdict.epochs > 2 * sum.seeds,
            "the rules never changed"
        );
        assert!(sum.verdict.shadow_signals > 0, "{sum:?}");
    }
}

/// Every subscriber alarms on one day, and most fall silent after it.
#[test]
fn mass_fire_storm() {
    let scenario = Scenario::new(&[ONE_TOPIC], |shape, _| {
        shape.traffic.city = false;
        shape.traffic.subscribers = 40;
        shape.traffic.days = 12;
        shape.traffic.storm_on = Some(6);
    });
    let sum = play("mass_fire_storm", &scenario, 150);
    assert!(sum.verdict.tasks > 30 * sum.seeds, "no storm");
}

/// One line has a third of the traffic.
#[test]
fn hot_subscriber() {
    let scenario = Scenario::new(&[ONE_TOPIC], |shape, dice| {
        shape.traffic.city = false;
        shape.traffic.subscribers = dice.between(10, 20) as u32;
        shape.traffic.hot = true;
    });
    play("hot_subscriber", &scenario, 300);
}

/// All brokers are away most of the time.
#[test]
fn broker_down() {
    let scenario = Scenario::new(&[ONE_TOPIC], |shape, _| {
        shape.rates = Rates {
            outage: 120,
            unanswered: 100,
            slow_markers: 200,
            ..Rates::NONE
        };
        shape.pace = Pace::Spread {
            preloaded: 300,
            over_ms: 120_000,
        };
    });
    play("broker_down", &scenario, 200);
}

/// Snapshots fail to be written, are lost or damaged, while processes are killed again and again.
#[test]
fn snapshots_damaged() {
    let scenario = Scenario::with_shadows(&[SHADOW], &[ONE_TOPIC], |shape, _| {
        shape.rates = Rates {
            crash: 25,
            put_fails: 200,
            damage: 400,
            ..Rates::NONE
        };
    });
    play("snapshots_damaged", &scenario, 300);
}
