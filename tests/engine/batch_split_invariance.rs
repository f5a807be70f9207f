//! Where a sweep is cut, and where a transaction ends, changes nothing of what is published about a subscriber
//! (ARCHITECTURE.md, invariants I2 and I6).

use crate::support::streams::random::Random;
use crate::support::streams::{
    Plan, Step, for_all_plans, rules_of, settling, steps, tasks_of, whose,
};
use churnwatch::encode::{Encoder, Outgoing};
use churnwatch::engine::{Rules, Shard, ShardStats};
use churnwatch::model::{Counts, Effect, Msisdn, Outcome, Reject, Source};
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
            let run = Run::sliced(&rules, &plan, &steps, slicing);
            cut.fetch_add(run.cut, Relaxed);
            run.says_the_same(&whole)
                .map_err(|error| format!("{slicing:?}: {error}"))?;
            let again = Run::sliced(&rules, &plan, &steps, slicing);
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

    fn sliced(rules: &Arc<Rules>, plan: &Plan, steps: &[Step], slicing: Slicing) -> Self {
        let mut feeding = Feeding::new(rules, plan.part);
        let mut random = Random::new(plan.seed);
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
