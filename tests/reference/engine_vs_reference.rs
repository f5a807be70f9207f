//! The engine against a naive model of itself, on random streams.

use crate::implementation::{Counted, Reference, Seen, Whose, compare};
use crate::support::streams::{Step, for_all_plans, rules_of, settling, steps, tasks_of, whose};
use churnwatch::engine::triggers::REGISTRY;
use churnwatch::engine::{Bucket, Rules, Shard};
use churnwatch::model::{
    Day, Effect, Event, Msisdn, Outcome, OutcomeResult, Reject, Severity, Source, Suppression,
    TaskStatus, Tier, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Streams in a run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 200;

#[test]
fn the_engine_does_what_the_model_does() {
    let tally = Mutex::new(Tally::default());
    for_all_plans(CASES, |plan| {
        let (rules, sections) = rules_of(&plan);
        let steps = steps(&plan, &rules.calendar);
        let mut pair = Pair::new(rules, sections, plan.part);
        for step in steps {
            pair.step(step)?;
        }
        tally.lock().unwrap().add(&pair);
        Ok(())
    });
    tally.into_inner().unwrap().check();
}

/// The engine and the model, told the same.
struct Pair {
    engine: Shard,
    model: Reference,
    effects: Vec<Effect>,
    offset: i64,
}

impl Pair {
    fn new(rules: Arc<Rules>, sections: toml::Table, part: (i32, i32)) -> Self {
        let mut engine = Shard::new(rules.clone());
        engine.share_budget(part.0, part.1);
        Self {
            engine,
            model: Reference::new(rules, sections, part),
            effects: Vec::new(),
            offset: 0,
        }
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Event(event) => self.apply(&event, event.clone())?,
            Step::Statement(feed, until) => {
                let engine = self.engine.progress(feed, until, &mut self.effects);
                let model = self.model.progress(feed, until);
                same("outcome of a statement", &engine, &model)?;
            }
            Step::Tick(now, inputs) => {
                self.engine.tick(now, inputs, &mut self.effects);
                self.model.tick(now, inputs);
            }
            Step::Sweep(most) => {
                self.engine.sweep(most, &mut self.effects);
            }
            Step::Unreadable => {
                let outcome = Outcome::Rejected(Reject::Empty);
                self.engine.count(&outcome);
                self.model.count(&outcome);
            }
            Step::Settle { event, answer } => {
                self.engine.sweep(usize::MAX, &mut self.effects);
                let tasks = tasks_of(&self.effects, &event.msisdn);
                let engine = settling(event.clone(), answer, &tasks);
                let opened = self.model.opened(&event.msisdn);
                let tasks: Vec<String> = (1..=opened).map(|id| id.to_string()).collect();
                self.apply(&engine, settling(event, answer, &tasks))?;
            }
            Step::Look => self.look()?,
            Step::Finish => {
                self.engine.finish(&mut self.effects);
                self.model.finish();
            }
        }
        Ok(())
    }

    fn apply(&mut self, event: &Event<'_>, as_model: Event<'static>) -> Result<(), String> {
        self.offset += 1;
        let source = Source {
            topic: "stream".into(),
            partition: 0,
            offset: self.offset,
        };
        let engine = self.engine.apply(event, &source, &mut self.effects);
        let model = self.model.apply(&as_model, &source);
        same("outcome", &engine, &model).map_err(|error| format!("{error}\nof {event:?}"))
    }

    /// Compares everything there is to see.
    fn look(&mut self) -> Result<(), String> {
        self.engine.sweep(usize::MAX, &mut self.effects);
        let (engine, model) = (self.engine.stats(), &self.model);
        same("counts", self.engine.counts(), model.counts())?;
        same("clock", &known(engine.clock), &model.clock())?;
        same(
            "watermarks",
            &engine.watermarks.map(known),
            &model.watermarks(),
        )?;
        let closed = (engine.closed > Day::MIN).then_some(engine.closed);
        same("closed day", &closed, &model.closed())?;
        same("day closes", &engine.day_closes, &model.day_closes())?;
        same("forgotten", &engine.forgotten, &model.forgotten())?;
        let people = model.subscribers();
        same("subscribers", &engine.subscribers, &(people.len() as u64))?;
        for who in &people {
            let window = self.engine.window(who).unwrap_or_default();
            let window: Vec<_> = window
                .into_iter()
                .map(|(day, b)| (day, counted(b)))
                .collect();
            same("window", &window, &model.window(who))?;
        }
        if model.all_undecided() {
            return Ok(());
        }
        same("outage days", &engine.outage_days, &model.outage_days())?;
        let mut said: BTreeMap<Msisdn, Vec<&Effect>> = BTreeMap::new();
        for effect in &self.effects {
            said.entry(whose(effect)).or_default().push(effect);
        }
        let spoken_of = said.keys().copied().chain(model.spoken_of());
        let spoken_of: BTreeSet<Msisdn> = spoken_of.collect();
        let undecided = spoken_of.iter().filter(|who| model.undecided(who)).count();
        for who in spoken_of.iter().filter(|who| !model.undecided(who)) {
            let said = said.remove(who).unwrap_or_default();
            compare(&said, model.said(who))?;
        }
        match undecided == 0 {
            true => {
                same("robots", &engine.machines, &model.robots())?;
                same("open tasks", &engine.open_tasks, &model.open_tasks())?;
                same("followed", &followed(&self.engine), &model.followed())
            }
            false => Ok(()),
        }
    }
}

fn known(at: Timestamp) -> Option<Timestamp> {
    (at > Timestamp::MIN).then_some(at)
}

/// All who were followed, by region, trigger, tier and group.
fn followed(engine: &Shard) -> BTreeMap<Whose, Seen> {
    let mut all = BTreeMap::new();
    for (region, counts) in &engine.rollup().uplift.regions {
        for ((trigger, tier), groups) in counts {
            for (held_out, group) in [(false, &groups.with_task), (true, &groups.held_out)] {
                let [first, second] = group.horizons;
                let seen = [
                    group.entered,
                    first.stayed,
                    first.left,
                    first.dropped,
                    second.stayed,
                    second.left,
                    second.dropped,
                ];
                if group.entered > 0 {
                    all.insert((region.clone(), trigger.to_string(), *tier, held_out), seen);
                }
            }
        }
    }
    all
}

fn counted(bucket: Bucket) -> Counted {
    Counted {
        outgoing: bucket.outgoing.into(),
        incoming: bucket.incoming.into(),
        messages: bucket.messages.into(),
        sessions: bucket.sessions.into(),
        dropped: bucket.dropped.into(),
        voice_seconds: bucket.voice_seconds().into(),
        data_mebibytes: bucket.data_mebibytes().into(),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, engine: &T, model: &T) -> Result<(), String> {
    match engine == model {
        true => Ok(()),
        false => Err(format!("{what}: engine {engine:?}, model {model:?}")),
    }
}

/// What becomes of those followed, in the order in which the model counts.
const FATES: [&str; 7] = [
    "entered",
    "stayed 30 days",
    "left within 30 days",
    "dropped out within 30 days",
    "stayed 60 days",
    "left within 60 days",
    "dropped out within 60 days",
];

/// What the streams led to: a comparison of nothing proves nothing.
#[derive(Default)]
struct Tally {
    seen: BTreeMap<String, u64>,
    subscribers: u64,
    undecided: u64,
}

impl Tally {
    fn add(&mut self, pair: &Pair) {
        let mut see = |what: String, times: u64| *self.seen.entry(what).or_default() += times;
        for effect in &pair.effects {
            match effect {
                Effect::Signal(signal) => {
                    see(signal.trigger.to_string(), 1);
                    let fate = signal.suppressed.map_or("taken up", Suppression::name);
                    see(format!("signal {fate}"), 1);
                }
                Effect::Shadow(_) => see("shadow".to_owned(), 1),
                Effect::Group(record) => see(format!("told: {:?}", record.event.body.kind()), 1),
                Effect::Erased(erasure) => see(format!("erased: {}", erasure.known), 1),
                Effect::Task(task) => {
                    see(format!("task {}", task.status.name()), 1);
                    see(format!("purpose {}", task.purpose.name()), 1);
                    see(format!("tier {}", task.tier.name()), 1);
                    see(format!("severity {}", task.severity.name()), 1);
                    see(format!("stage {}", task.stage.name()), 1);
                    see(format!("level {}", task.assignee.level.name()), 1);
                    let again = task.status == TaskStatus::Open && task.revision > 1;
                    see("task re-opened".to_owned(), again.into());
                    see("notified".to_owned(), task.assignee.notify.is_some().into());
                    let deputy = task.assignee.deputy_for.is_some();
                    see("deputy".to_owned(), deputy.into());
                    see(
                        "over capacity".to_owned(),
                        task.assignee.over_capacity.into(),
                    );
                    see("care only".to_owned(), task.action.care_only.into());
                    see("suspended".to_owned(), task.suspension.is_some().into());
                    if let Some(result) = task.outcome {
                        see(format!("outcome {}", result.name()), 1);
                    }
                    if let Some(reason) = task.close_reason {
                        see(format!("closed: {}", reason.name()), 1);
                    }
                }
            }
        }
        for ((.., held_out), counted) in pair.model.followed() {
            let group = if held_out { "held out" } else { "with a task" };
            for (fate, times) in FATES.into_iter().zip(counted) {
                see(format!("{group} {fate}"), times);
            }
        }
        let (counts, stats) = (pair.engine.counts(), pair.engine.stats());
        see("late".into(), counts.late);
        see("duplicate".into(), counts.duplicate);
        see("expired".into(), counts.expired);
        see("ignored".into(), counts.ignored);
        see("dead-lettered".into(), counts.dead_lettered);
        see("day closed".into(), stats.day_closes);
        see("forgotten".into(), stats.forgotten);
        see("day unknown".into(), stats.outage_days[0]);
        see("robots".into(), stats.machines);
        let people = pair.model.subscribers();
        let undecided = |who: &&Msisdn| pair.model.all_undecided() || pair.model.undecided(who);
        self.subscribers += people.len() as u64;
        self.undecided += people.iter().filter(undecided).count() as u64;
    }

    fn check(&self) {
        let (all, undecided) = (self.subscribers, self.undecided);
        let seen = &self.seen;
        // Where a backlog's end or people have not places enough, one who is undecided makes all others so.
        assert!(
            undecided * 14 <= all,
            "{undecided} of {all} undecided: {seen:#?}"
        );
        let triggers = REGISTRY.iter().map(|trigger| trigger.name.to_owned());
        let fates = Suppression::ALL.into_iter();
        let fates = fates.map(|fate| format!("signal {}", fate.name()));
        let severities = Severity::ALL.map(|severity| format!("severity {}", severity.name()));
        let tiers = Tier::ALL.map(|tier| format!("tier {}", tier.name()));
        let others = [
            "signal taken up",
            "task open",
            "erased: true",
            "erased: false",
            "forgotten",
            "task updated",
            "task escalated",
            "task closed",
            "task re-opened",
            "notified",
            "deputy",
            "over capacity",
            "care only",
            "level account_manager",
            "level supervisor",
            "level regional_manager",
            "level deputy_general_manager",
            "closed: usage_recovered",
            "closed: arrears_paid",
            "closed: expired",
            "closed: churned",
            "closed: saved",
            "closed: refused",
            "closed: lost",
            "closed: mnp_hold",
            "closed: contacted",
            "closed: opted_out",
            "closed: not_pursued",
            "closed: erased",
            "closed: contract_renewed",
            "closed: complaint_settled",
            "closed: forwarding_ended",
            "closed: quality_recovered",
            "closed: line_barred",
            "suspended",
            "closed: superseded",
            "closed: occasion_over",
            "closed: group",
            "told: MemberSignal",
            "told: GroupAlert",
            "told: GroupCovered",
            "purpose care",
            "purpose grow",
            "robots",
            "stage acquire",
            "stage promote",
            "stage mature",
            "stage decline",
            "stage leave",
            "stage churned",
            "late",
            "duplicate",
            "expired",
            "ignored",
            "dead-lettered",
            "day unknown",
        ];
        for group in ["held out", "with a task"] {
            for fate in FATES {
                let times = seen.get(&format!("{group} {fate}")).copied();
                assert!(times > Some(0), "nobody {group} {fate}: {seen:#?}");
            }
        }
        let results = OutcomeResult::ALL.map(|result| format!("outcome {}", result.name()));
        let expected = triggers.chain(fates).chain(severities).chain(tiers);
        let expected = expected.chain(results);
        for what in expected.chain(others.map(str::to_owned)) {
            let times = seen.get(&what).copied().unwrap_or(0);
            assert!(times > 0, "no stream led to {what}: {seen:#?}");
        }
    }
}
