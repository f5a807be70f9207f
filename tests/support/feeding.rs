//! A shard fed step by step, and what came of it.

use churnwatch::engine::{
    Bucket, IMAGE_FORMAT, Image, ImageError, ImageLoader, Rules, Section, Shard,
};
use churnwatch::model::{Day, Effect, Msisdn, Outcome, Reject, Source};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::streams::{Plan, Step, settling, steps, tasks_of};

pub struct Feeding {
    pub shard: Shard,
    pub effects: Vec<Effect>,
    pub outcomes: Vec<Outcome>,
}

/// A stream from its beginning to its end.
pub struct Whole {
    pub effects: Vec<Effect>,
    pub outcomes: Vec<Outcome>,
    /// After each step.
    pub fingerprints: Vec<u64>,
    /// Of an image at the end.
    pub sections: Vec<Section>,
}

impl Feeding {
    pub fn new(shard: Shard) -> Self {
        Self {
            shard,
            effects: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    pub fn step(&mut self, step: &Step) {
        let effects = &mut self.effects;
        match step {
            Step::Event(event) => {
                let source = Source {
                    topic: "stream".into(),
                    partition: 0,
                    offset: event.at.0,
                };
                let outcome = self.shard.apply(event, &source, effects);
                self.outcomes.push(outcome);
            }
            Step::Statement(feed, until) => {
                let outcome = self.shard.progress(*feed, *until, effects);
                self.outcomes.push(outcome);
            }
            Step::Tick(now, inputs) => self.shard.tick(*now, *inputs, effects),
            Step::Unreadable => self.shard.count(&Outcome::Rejected(Reject::Empty)),
            Step::Finish => self.shard.finish(effects),
            Step::Sweep(most) => {
                self.shard.sweep(*most, effects);
            }
            Step::Look | Step::Settle { .. } => {}
        }
    }
}

/// A plan's steps, with what each outcome speaks of, and what comes of them.
pub fn played(rules: &Arc<Rules>, plan: &Plan) -> (Vec<Step>, Whole) {
    let mut feeding = Feeding::new(Shard::new(rules.clone()));
    let (mut resolved, mut fingerprints) = (Vec::new(), Vec::new());
    for step in steps(plan, &rules.calendar) {
        let step = match step {
            Step::Settle { event, answer } => {
                let tasks = tasks_of(&feeding.effects, &event.msisdn);
                Step::Event(settling(event, answer, &tasks))
            }
            step => step,
        };
        feeding.step(&step);
        fingerprints.push(feeding.shard.fingerprint());
        resolved.push(step);
    }
    let whole = Whole {
        sections: full(feeding.shard.image()),
        effects: feeding.effects,
        outcomes: feeding.outcomes,
        fingerprints,
    };
    (resolved, whole)
}

pub fn full(image: Image) -> Vec<Section> {
    image.sections(None).collect()
}

/// The packed MSISDN in every slot, 0 in a vacant one.
pub fn keys(sections: &[Section]) -> Vec<u64> {
    let pages = sections.iter().filter(|section| section.kind == 6);
    let keys = pages.flat_map(|page| page.bytes[1..].chunks(8).take(page.bytes[0].into()));
    keys.map(|key| u64::from_le_bytes(key.try_into().unwrap()))
        .collect()
}

pub fn assembled(sections: &[Section], rules: &Arc<Rules>) -> Result<Shard, ImageError> {
    assembled_of(IMAGE_FORMAT, sections, rules)
}

/// The shard of sections in a format.
pub fn assembled_of(
    format: u16,
    sections: &[Section],
    rules: &Arc<Rules>,
) -> Result<Shard, ImageError> {
    let mut assembly = ImageLoader::new(format);
    for section in sections {
        assembly.add(section.kind, section.index, &section.bytes)?;
    }
    Ok(Shard::restored(assembly.finish()?, rules.clone()))
}

/// Rules on trial that speak more often than any plan's own.
const TRIAL: &str = "
    line_state.known_days_min = 4
    line_state.expected_min = 0.2
    line_state.threshold = { usage_drop = { key = 0.3, ordinary = 0.3, small = 0.3 }, zero_usage_days = { key = 0.3, ordinary = 0.3, small = 0.3 } }
    line_state.onset = { drop = 0.02, stop = 0.02, decay = 0.02 }
    triggers.competitor_hotline.cooldown_days = 2
    triggers.arrears.overdue_days = 3
";
/// Other rules on trial.
const OTHER_TRIAL: &str = "
    line_state.onset.stop = 0.01
    policy.churned_after_suspended_days = 5
";

/// The plan's rules; two plans in three have rules on trial.
pub fn rules_of(plan: &Plan) -> Arc<Rules> {
    rules_under(plan, "", plan.seed % 3)
}

/// The plan's rules with a window of another length. Rules on trial come, go, change or stay.
pub fn rules_with_days(plan: &Plan, days: u16) -> Arc<Rules> {
    rules_under(plan, &format!("window.days = {days}"), plan.seed / 3 % 3)
}

fn rules_under(plan: &Plan, window: &str, trial: u64) -> Arc<Rules> {
    let clock = plan.clock;
    let world = format!(
        "window.time_zone = {:?}\nwindow.clock = {clock:?}",
        plan.zone
    );
    let texts = [plan.rules, &world, window];
    match trial {
        0 => crate::support::rules::rules(&texts).0,
        1 => crate::support::rules::with_shadow(&texts, &[TRIAL]),
        _ => crate::support::rules::with_shadow(&texts, &[OTHER_TRIAL]),
    }
}

/// The windows of everybody in a stream who was seen, by name.
pub fn windows(shard: &Shard, steps: &[Step]) -> Vec<Vec<(Day, Bucket)>> {
    let names: BTreeSet<Msisdn> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Event(event) => Some(event.msisdn),
            _ => None,
        })
        .collect();
    names.iter().filter_map(|name| shard.window(name)).collect()
}
