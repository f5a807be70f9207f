//! Where a sweep is cut, and where a transaction ends, changes nothing of what is published about a subscriber
//! (ARCHITECTURE.md, invariants I2 and I6).

use crate::support::rules::rules;
use crate::support::scenario::{HOTLINE, call, day, invoice, profile};
use crate::support::streams::random::Random;
use crate::support::streams::{Step, for_all_plans, rules_of, settling, steps, tasks_of, whose};
use churnwatch::encode::{Encoder, Outgoing};
use churnwatch::engine::{Rules, Shard, ShardStats};
use churnwatch::model::Inputs;
use churnwatch::model::{
    Body, ComplaintCategory, Counts, Effect, Event, Msisdn, Outcome, Reject, Source, Suppression,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Streams in a run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 150;

#[test]
fn slices_show_in_the_order_between_subscribers_only() {
    let (cut, said) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_all_plans(CASES, |plan| {
        let (rules, _) = rules_of(&plan);
        let steps = steps(&plan, &rules.calendar);
        let (whole, steps) = Run::resolving(&rules, plan.part, steps);
        said.fetch_add(whole.effects.len(), Relaxed);
        for slicing in Slicing::ALL {
            let run = Run::sliced(&rules, plan.part, plan.seed, &steps, slicing);
            cut.fetch_add(run.cut, Relaxed);
            run.says_the_same(&whole)
                .map_err(|error| format!("{slicing:?}: {error}"))?;
            let again = Run::sliced(&rules, plan.part, plan.seed, &steps, slicing);
            if again.bytes(&rules) != run.bytes(&rules) {
                return Err(format!("{slicing:?}: other bytes"));
            }
        }
        Ok(())
    });
    let (cut, said) = (cut.into_inner(), said.into_inner());
    assert!(cut > 1_000, "only {cut} sweeps were cut short");
    assert!(said > 1_000, "only {said} things were said");
}

/// So many wait for so few places that most lapse, day after day, while their owners complain, cancel, ask the competitor
/// or give the number away.
fn storm(rules: &Rules) -> Vec<Step> {
    let (mut steps, mut random) = (Vec::new(), Random::new(23));
    let calendar = &rules.calendar;
    let first = day("2026-03-02");
    let say = |steps: &mut Vec<Step>, person: i64, at, body: Body<'static>| {
        let record = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(steps.len() as u64);
        steps.push(Step::Event(Event {
            msisdn: Msisdn::new(&format!("139{person:08}")).unwrap(),
            at,
            record,
            visited: None,
            body,
        }));
    };
    for person in 0..400 {
        let ends_on = first + 61 + (person % 3) as i32;
        let contract = profile(|profile| {
            profile.contract_end_on = Some(ends_on);
            profile.birthday = None;
        });
        say(&mut steps, person, calendar.at_hour(first, 8), contract);
        let bill = invoice("2026-02-01", "2026-05-10", 10 + (person * 7_919) % 191);
        say(&mut steps, person, calendar.at_hour(first, 9), bill);
    }
    for index in 1..8 {
        let at = |hour| calendar.at_hour(first + index, hour);
        for hour in [6, 12, 13, 14, 23] {
            steps.push(Step::Tick(at(hour), Inputs::default()));
            for _ in 0..60 {
                let person = random.below(400);
                let body = match random.below(8) {
                    0 => Body::Cancellation,
                    1 => Body::PortOutApplication,
                    2 => call(HOTLINE),
                    3 => profile(|it| it.activated_on = Some(first + index)),
                    4 => profile(|it| it.marketing_opt_out = Some(true)),
                    _ => Body::Complaint {
                        category: ComplaintCategory::Billing,
                        resolved: false,
                        satisfaction: Some(1),
                    },
                };
                say(&mut steps, person, at(hour), body);
            }
        }
    }
    steps.push(Step::Finish);
    steps
}

#[test]
fn who_lapses_in_a_storm_does_not_depend_on_slices() {
    let (rules, _) = rules(&["
        window.clock = \"wall\"
        policy.score.task_at = { key = 0.0, ordinary = 0.0, small = 0.0 }
        policy.budget.churn = { key = 1, ordinary = 1, small = 2 }
        policy.budget.care = { key = 1, ordinary = 1, small = 1 }
        triggers.contract_expiry = { steps_days = [60, 59, 58, 57, 56], strengths = [0.2, 0.4, 0.6, 0.8, 1.0] }
    "]);
    let (whole, steps) = Run::resolving(&rules, (0, 1), storm(&rules));
    let fate = |why| {
        let is =
            |effect: &&Effect| matches!(effect, Effect::Signal(s) if s.suppressed == Some(why));
        whole.effects.iter().filter(is).count()
    };
    let fates = [fate(Suppression::OverBudget), fate(Suppression::Repeat)];
    assert!(fates[0] > 100 && fates[1] > 50, "{fates:?}");
    let slicings = [0, 1, 2, 7, 50].map(Slicing::Most);
    for slicing in slicings.into_iter().chain([Slicing::Nothing]) {
        for seed in 0..4 {
            let run = Run::sliced(&rules, (0, 1), seed, &steps, slicing);
            run.says_the_same(&whole)
                .unwrap_or_else(|error| panic!("{slicing:?}: {error}"));
        }
    }
}

/// How much of a sweep runs between two batches.
#[derive(Debug, Clone, Copy)]
enum Slicing {
    /// So many subscribers, after batches of random length.
    Most(usize),
    /// As the stream says: anything from nothing to everything.
    Planned,
    /// Nothing: events and the next close do all of it.
    Nothing,
}

impl Slicing {
    const ALL: [Self; 5] = [
        Self::Most(1),
        Self::Most(3),
        Self::Most(usize::MAX),
        Self::Planned,
        Self::Nothing,
    ];
}

/// What came of one stream.
struct Run {
    outcomes: Vec<Outcome>,
    effects: Vec<Effect>,
    counts: Counts,
    stats: ShardStats,
    /// Sweeps that left somebody unvisited.
    cut: usize,
}

/// A shard fed step by step.
struct Feeding {
    shard: Shard,
    effects: Vec<Effect>,
    outcomes: Vec<Outcome>,
    cut: usize,
}

impl Run {
    /// Sweeps at once, always, and settles what each outcome speaks of.
    fn resolving(rules: &Arc<Rules>, part: (i32, i32), steps: Vec<Step>) -> (Self, Vec<Step>) {
        let mut feeding = Feeding::new(rules, part);
        let mut resolved = Vec::new();
        for step in steps {
            let step = match step {
                Step::Settle { event, answer } => {
                    let tasks = tasks_of(&feeding.effects, &event.msisdn);
                    Step::Event(settling(event, answer, &tasks))
                }
                step => step,
            };
            feeding.step(&step);
            feeding.sweep(usize::MAX);
            resolved.push(step);
        }
        (feeding.end(), resolved)
    }

    fn sliced(
        rules: &Arc<Rules>,
        part: (i32, i32),
        seed: u64,
        steps: &[Step],
        slicing: Slicing,
    ) -> Self {
        let mut feeding = Feeding::new(rules, part);
        let mut random = Random::new(seed);
        let mut batch = 0;
        for step in steps {
            feeding.step(step);
            if let (Slicing::Planned, Step::Sweep(most)) = (slicing, step) {
                feeding.sweep(*most);
            }
            if batch > 0 {
                batch -= 1;
                continue;
            }
            batch = random.below(60);
            if let Slicing::Most(most) = slicing {
                feeding.sweep(most);
            }
        }
        feeding.end()
    }

    fn says_the_same(&self, other: &Self) -> Result<(), &'static str> {
        let same = |same: bool, what| if same { Ok(()) } else { Err(what) };
        same(self.outcomes == other.outcomes, "other outcomes")?;
        same(self.counts == other.counts, "other counts")?;
        same(self.stats == other.stats, "other figures")?;
        same(
            self.by_subscriber() == other.by_subscriber(),
            "other things said",
        )
    }

    fn by_subscriber(&self) -> BTreeMap<Msisdn, Vec<&Effect>> {
        let mut said: BTreeMap<Msisdn, Vec<&Effect>> = BTreeMap::new();
        for effect in &self.effects {
            said.entry(whose(effect)).or_default().push(effect);
        }
        said
    }

    /// Everything as it would be published.
    fn bytes(&self, rules: &Rules) -> Vec<Outgoing> {
        let encoder = Encoder::new(rules.calendar.clone(), "test".to_owned(), rules.words());
        let outgoing = self.effects.iter().map(|effect| match effect {
            Effect::Signal(signal) => encoder.signal(signal),
            Effect::Task(task) => encoder.task(task),
            Effect::Shadow(shadow) => encoder.shadow_signal(shadow),
            Effect::Erased(erasure) => encoder.erasure(erasure),
            Effect::Group(record) => encoder.group(record),
        });
        outgoing.collect()
    }
}

impl Feeding {
    fn new(rules: &Arc<Rules>, part: (i32, i32)) -> Self {
        let mut shard = Shard::new(rules.clone());
        shard.share_budget(part.0, part.1);
        Self {
            shard,
            effects: Vec::new(),
            outcomes: Vec::new(),
            cut: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        let effects = &mut self.effects;
        match step {
            Step::Event(event) => {
                let source = Source {
                    topic: "stream".into(),
                    partition: 0,
                    offset: self.outcomes.len() as i64,
                };
                self.outcomes
                    .push(self.shard.apply(event, &source, effects));
            }
            Step::Statement(feed, until) => {
                self.outcomes
                    .push(self.shard.progress(*feed, *until, effects));
            }
            Step::Tick(now, inputs) => self.shard.tick(*now, *inputs, effects),
            Step::Unreadable => self.shard.count(&Outcome::Rejected(Reject::Empty)),
            Step::Finish => self.shard.finish(effects),
            // Sweeps are the slicing's; outcomes are resolved by now.
            Step::Sweep(_) | Step::Look | Step::Settle { .. } => {}
        }
    }

    fn sweep(&mut self, most: usize) {
        let left = self.shard.sweep(most, &mut self.effects);
        self.cut += usize::from(left);
    }

    fn end(mut self) -> Run {
        self.sweep(usize::MAX);
        Run {
            effects: self.effects,
            outcomes: self.outcomes,
            counts: *self.shard.counts(),
            stats: self.shard.stats(),
            cut: self.cut,
        }
    }
}
