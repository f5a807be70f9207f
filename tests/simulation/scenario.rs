//! One seed of one scenario: its shape is drawn, played and judged.

use super::arrivals::{Incoming, Pace, timeline};
use super::dice::{Dice, Stream};
use super::faults::{Disruption, Faults, Rates, Step};
use super::oracle::{OutputOracle, Verdict, equals_a_plain_fold};
use super::play::{Ending, play, release};
use super::scheduler::Scheduler;
use super::slot::ProcessPlan;
use super::store::FaultyStore;
use super::trace::Trace;
use super::traffic::{DAY_MS, FIRST_DAY_MS, Traffic};
use super::worker::WorkerResources;
use super::world::{Plan, World};
use churnwatch::config::Config;
use churnwatch::encode::Form;
use churnwatch::kafka::Cluster;
use churnwatch::runtime::{Setup, clock};
use churnwatch::telemetry::Telemetry;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

/// Everything that a seed decides before anything happens.
#[derive(Debug, Clone)]
pub struct Shape {
    pub partitions: i32,
    pub traffic: Traffic,
    pub rates: Rates,
    pub planned: Vec<(Step, u32, Disruption)>,
    pub processes: ProcessPlan,
    pub pace: Pace,
    /// Input records that begin a transaction of their producer, in a thousand.
    pub transactional: u32,
    /// Faults go on for so long after the last record has come.
    pub trouble_ms: i64,
    /// After everything is processed, so much time passes undisturbed.
    pub rest_ms: i64,
    pub end: Ending,
    /// When the world begins, in milliseconds since 1970.
    pub begins_ms: i64,
    /// The first topic's records come late: from a day on, by so many days.
    pub feed_stalls: Option<(i64, i64)>,
    /// From when on processes start with the second set of rules, after the beginning.
    pub second_rules_ms: i64,
}

/// A kind of world.
pub struct Scenario {
    setups: Vec<Setup>,
    oracle: OutputOracle,
    /// Changes what is drawn for any world into what this one is about.
    pub shape: fn(&mut Shape, &mut Dice),
}

/// What a seed came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    pub seeds: u64,
    pub verdict: Verdict,
    /// Of everything that happened.
    pub digest: u64,
    pub turns: u64,
    pub starts: u64,
    pub snapshots: u64,
    /// Virtual time.
    pub lasted_ms: i64,
    /// Whether every planned disruption has come.
    pub spent: bool,
}

/// One input topic and the clock of the events: what is said does not depend on when anything is processed.
pub const ONE_TOPIC: &str = "
    topics = { cdr = \"in\", billing = \"in\", subscriber = \"in\", service = \"in\", outcome = \"in\", group = \"in\" }
    window = { clock = \"event\" }
";
/// Two input topics and the wall's clock: what is said depends on it, and the journal must know how.
pub const TWO_TOPICS: &str = "
    topics = { cdr = \"cdr\", billing = \"more\", subscriber = \"more\", service = \"more\", outcome = \"more\", group = \"more\" }
    window = { clock = \"wall\" }
";

/// What shards tell each other has a topic of its own.
pub const WITH_GROUPS: &str = "
    topics = { cdr = \"in\", billing = \"in\", subscriber = \"in\", service = \"in\", outcome = \"in\" }
    window = { clock = \"wall\" }
    policy.group = { members = 2, within_days = 3 }
";

/// Rules on trial that fire earlier and more often than the common ones.
pub const SHADOW: &str = "
    line_state.threshold = { usage_drop = { key = 0.3, ordinary = 0.3, small = 0.3 }, zero_usage_days = { key = 0.3, ordinary = 0.3, small = 0.3 } }
    line_state.onset = { drop = 0.03, stop = 0.03, decay = 0.03 }
    triggers.competitor_hotline = { strengths = [0.2, 0.3, 0.4] }
";
/// Other rules on trial.
pub const OTHER_SHADOW: &str = "
    line_state.onset.stop = 0.005
    policy.churned_after_suspended_days = 2
";

/// Small batches, frequent snapshots, low thresholds: much must happen to few subscribers in few days.
const COMMON: &str = "
    kafka.group = \"sim\"
    run = { batch_records_max = 60, batch_wait_ms = 20 }
    state = { snapshot_interval_seconds = 1, snapshots_kept = 2 }
    window = { days = 28, day_entry_subscribers = 2 }
    line_state.known_days_min = 4
    line_state.expected_min = 0.2
    line_state.onset = { drop = 0.02, stop = 0.02, decay = 0.02 }
";

impl Scenario {
    /// A scenario under a configuration over the common one, and perhaps a second one that is to follow.
    pub fn new(texts: &[&str], shape: fn(&mut Shape, &mut Dice)) -> Self {
        Self::with_shadows(&vec![""; texts.len()], texts, shape)
    }

    /// The same with shadow rules, one text for each configuration; an empty one for none.
    pub fn with_shadows(
        shadows: &[&str],
        texts: &[&str],
        shape: fn(&mut Shape, &mut Dice),
    ) -> Self {
        let setup = |(text, shadow): (&&str, &&str)| {
            let mut table: toml::Table = COMMON.parse().unwrap();
            merge(&mut table, text.parse().unwrap());
            let mut file = tempfile::NamedTempFile::new().unwrap();
            if !shadow.is_empty() {
                file.write_all(shadow.as_bytes()).unwrap();
                let path = file.path().to_str().unwrap();
                let named = toml::Table::from_iter([("rules".to_owned(), path.into())]);
                table.insert("shadow".to_owned(), named.into());
            }
            let config = Config::from_toml_str(&table.to_string(), "scenario").unwrap();
            let outputs = config.outputs().map(|(_, topic)| topic.to_owned());
            let cluster = Cluster {
                partitions: 1,
                aligned_outputs: outputs.collect(),
                ..Cluster::default()
            };
            Setup::new(config, Telemetry::new().unwrap(), cluster)
        };
        let setups: Vec<Setup> = texts.iter().zip(shadows).map(setup).collect();
        let topics = &setups[0].config.topics;
        // Nobody is held out here, so nothing is told of what tasks achieve.
        let [outputs @ .., _] = topics.outputs().map(|(_, topic)| topic);
        let mut oracle = OutputOracle::new(outputs);
        oracle.groups.clone_from(&topics.group);
        Self {
            setups,
            oracle,
            shape,
        }
    }

    /// The same with records that leave in a form.
    pub fn writing(mut self, form: &Form) -> Self {
        for setup in &mut self.setups {
            setup.form = form.clone();
        }
        self.oracle.form = form.clone();
        self
    }

    /// Plays seeds and sums up what they came to.
    ///
    /// # Panics
    /// If one fails: with its number and the last things that happened in it.
    pub fn play(&self, name: &str, seeds: Range<u64>) -> Outcome {
        let mut sum = Outcome::default();
        for seed in seeds {
            let outcome = self.one(seed, Trace::default()).unwrap_or_else(|_| {
                let told = self.one(seed, Trace::verbose()).err().unwrap_or_default();
                panic!("{name} fails with CHURNWATCH_SIM_SEED={seed}\n{told}");
            });
            sum.add(&outcome);
        }
        sum
    }

    /// Plays a seed.
    ///
    /// # Errors
    /// What did not hold, and what happened before.
    pub fn one(&self, seed: u64, trace: Trace) -> Result<Outcome, String> {
        let mut dice = Dice::new(seed, Stream::Shape);
        let mut shape = Shape::draw(&mut dice);
        (self.shape)(&mut shape, &mut dice);
        self.of(seed, shape, trace)
    }

    /// Plays a seed in a given shape.
    ///
    /// # Errors
    /// As [`one`](Self::one).
    pub fn of(&self, seed: u64, shape: Shape, trace: Trace) -> Result<Outcome, String> {
        let setup = &self.setups[0];
        let mut dice = Dice::new(seed, Stream::Input);
        let mut records = shape
            .traffic
            .records(&setup.topics, shape.partitions, &mut dice);
        shape.stall_feed(&mut records);
        let arrivals = timeline(
            records,
            shape.begins_ms,
            shape.pace,
            shape.transactional,
            &mut dice,
        );
        let faults = Faults::new(shape.rates, shape.planned.clone());
        let plan = Plan {
            begins_ms: shape.begins_ms,
            topics: Arc::clone(&setup.topics),
            journal: setup.topics.name(setup.topics.journal()).to_owned(),
            outputs: setup
                .config
                .topics
                .outputs()
                .map(|(_, name)| name.to_owned())
                .to_vec(),
            partitions: shape.partitions,
            faults: faults.clone(),
            arrivals,
            trace,
        };
        let resources = WorkerResources::new();
        let faulty_store = FaultyStore::new(seed, faults);
        let second_from_ms = shape.begins_ms + shape.second_rules_ms;
        let last = self.setups.len() - 1;
        let start_process = resources.start_process(&self.setups, move |now_ms| {
            last.min(usize::from(now_ms >= second_from_ms))
        });
        let tell_time = |now_ms: i64| clock::simulate(u64::try_from(now_ms).ok());
        let world = World::new(plan, Dice::new(seed, Stream::World));
        let scheduler = Scheduler::new(
            world,
            Arc::clone(&faulty_store),
            shape.processes.clone(),
            start_process,
            tell_time,
        );
        let played = play(&scheduler, shape.trouble_ms, shape.rest_ms, shape.end);
        release(&scheduler);
        clock::simulate(None);
        let world = scheduler.world.borrow();
        let judged = played.and_then(|()| self.oracle(&world));
        let verdict = judged
            .map_err(|why| format!("{}\n{why}\n{shape:?}", world.trace.tail(super::lines())))?;
        Ok(Outcome {
            seeds: 1,
            verdict,
            digest: world.trace.digest(),
            turns: scheduler.turns.get(),
            starts: world.clients.len() as u64,
            snapshots: faulty_store.writes(),
            lasted_ms: world.now_ms - shape.begins_ms,
            spent: world.faults.spent() || faulty_store.spent(),
        })
    }

    fn oracle(&self, world: &World) -> Result<Verdict, String> {
        let verdict = self.oracle.oracle(world)?;
        let config = &self.setups[0].config;
        let event_clock =
            config.rules.window.clock == churnwatch::engine::settings::ClockKind::Event;
        if event_clock && world.topics.len() == 1 && self.setups.len() == 1 {
            equals_a_plain_fold(&self.oracle, world, &config.ruleset(), &config.kafka.group)?;
        }
        Ok(verdict)
    }
}

impl Shape {
    /// Any world in which everything goes wrong now and then.
    pub fn draw(dice: &mut Dice) -> Self {
        let city = dice.chance(150);
        let days = if city {
            dice.between(5, 8)
        } else {
            dice.between(8, 16)
        } as u32;
        let visits = (0..dice.below(2)).map(|_| {
            let comes_ms = dice.between(1_000, 100_000);
            (comes_ms, comes_ms + dice.between(1_000, 100_000))
        });
        let visits = visits.collect();
        Self {
            partitions: dice.between(1, 4) as i32,
            traffic: Traffic {
                subscribers: if city { 4 } else { dice.between(5, 24) as u32 },
                days,
                hot: false,
                storm_on: None,
                dirt: dice.pick(&[0, 20, 60]),
                city,
                groups: 0,
            },
            rates: Rates {
                crash: dice.pick(&[0, 4, 12]),
                stall: dice.pick(&[0, 4, 12]),
                abort: dice.pick(&[0, 30, 150]),
                unknown: dice.pick(&[0, 30, 150]),
                unanswered: dice.pick(&[0, 20]),
                outage: dice.pick(&[0, 10]),
                slow_markers: dice.pick(&[0, 200]),
                put_fails: dice.pick(&[0, 100]),
                damage: dice.pick(&[0, 0, 0, 0, 300]),
                trim_fails: 100,
            },
            planned: Vec::new(),
            processes: ProcessPlan {
                visits,
                slots: dice.between(1, 3) as usize,
                named: dice.chance(500),
                pause_ms: dice.pick(&[100, 5_000, 60_000]),
                renamed: dice.pick(&[0, 300]),
                twins: dice.chance(300),
                nap_ms_max: 2_000,
            },
            pace: Pace::Spread {
                preloaded: dice.between(0, 1_000) as u32,
                over_ms: dice.between(0, 120_000),
            },
            transactional: 30,
            trouble_ms: dice.between(0, 30_000),
            rest_ms: 3_000,
            end: dice.pick(&[Ending::Stop, Ending::Kill]),
            begins_ms: FIRST_DAY_MS + 40 * DAY_MS,
            feed_stalls: None,
            second_rules_ms: i64::MAX / 4,
        }
    }

    /// Delays the records of the first topic that arrive within a stretch of days to its end.
    fn stall_feed(&self, records: &mut [Incoming]) {
        let Some((from_day, days)) = self.feed_stalls else {
            return;
        };
        let from_ms = FIRST_DAY_MS + from_day * DAY_MS;
        let to_ms = from_ms + days * DAY_MS;
        for incoming in records
            .iter_mut()
            .filter(|incoming| incoming.place.topic == 0)
        {
            let arrives_ms = &mut incoming.record.timestamp_ms;
            if (from_ms..to_ms).contains(arrives_ms) {
                *arrives_ms = to_ms;
            }
        }
        records.sort_by_key(|incoming| incoming.record.timestamp_ms);
    }

    /// Lets the world live through the days of its input as they pass.
    pub fn live(&mut self) {
        self.begins_ms = FIRST_DAY_MS - DAY_MS;
        self.pace = Pace::Live {
            every_ms: 4 * 3_600_000,
        };
        self.processes.nap_ms_max = 1_800_000;
        self.processes.visits = vec![(2 * DAY_MS, 4 * DAY_MS)];
        // It lasts a thousand times longer than other worlds.
        self.rates.outage = self.rates.outage.min(1);
        self.rates.crash = self.rates.crash.min(3);
        self.rates.stall = self.rates.stall.min(3);
        self.rest_ms = 2 * DAY_MS;
    }
}

impl Outcome {
    fn add(&mut self, other: &Self) {
        let Verdict {
            records,
            transactions,
            tasks,
            signals,
            shadow_signals,
            dead_letters,
            manifests,
            epochs,
            told,
        } = other.verdict;
        self.verdict.records += records;
        self.verdict.transactions += transactions;
        self.verdict.tasks += tasks;
        self.verdict.signals += signals;
        self.verdict.shadow_signals += shadow_signals;
        self.verdict.dead_letters += dead_letters;
        self.verdict.manifests += manifests;
        self.verdict.epochs += epochs;
        self.verdict.told += told;
        self.seeds += other.seeds;
        self.digest ^= other.digest;
        self.turns += other.turns;
        self.starts += other.starts;
        self.snapshots += other.snapshots;
        self.lasted_ms += other.lasted_ms;
        self.spent |= other.spent;
    }
}

fn merge(under: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}
