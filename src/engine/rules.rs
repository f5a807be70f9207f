//! The rules in force: settings and triggers together.

use crate::engine::settings::{
    BaselineRules, Competitors, LineStateRules, MachineRules, PolicyRules, PopulationRules,
    WindowRules,
};
use crate::engine::triggers::{REGISTRY, Trigger};
use crate::model::{Calendar, Day, Words};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Everything that decides what the engine does with an input; journalled by its [`version`](Rules::version).
///
/// Built by the configuration room from `defaults.toml` and the operator's file, where every key is explained.
pub struct Rules {
    /// Fingerprint of all rules below, stated in every task.
    pub version: Arc<str>,
    /// Days of the configured time zone.
    pub calendar: Calendar,
    /// `[window]`
    pub window: WindowRules,
    /// `[operator]`, resolved to the competitors' numbers.
    pub competitors: Competitors,
    /// `[population]`
    pub population: PopulationRules,
    /// `[baseline]`
    pub baseline: BaselineRules,
    /// `[line_state]`
    pub line_state: LineStateRules,
    /// `[machines]`
    pub machines: MachineRules,
    /// `[triggers.*]`, in the order of [`REGISTRY`](crate::engine::triggers::REGISTRY).
    pub triggers: Vec<Box<dyn Trigger>>,
    /// `[policy]`
    pub policy: PolicyRules,
    /// Rules on trial: asked beside these and without consequence. They differ from these in line states, triggers and
    /// policy only, because they share everything else that is known of subscribers, and have no shadow of their own.
    pub shadow: Option<Arc<Rules>>,
}

impl Rules {
    /// Days of the calendars of occasions within some days in order, each with its name and its trigger.
    pub fn occasions(&self, days: RangeInclusive<Day>) -> Vec<(Day, &str, &'static str)> {
        let mut all = Vec::new();
        for (registration, trigger) in REGISTRY.iter().zip(&self.triggers) {
            let found = trigger.occasions(days.clone()).into_iter();
            all.extend(found.map(|(on, name)| (on, name, registration.name)));
        }
        all.sort_unstable();
        all
    }

    /// The words of recommended actions.
    pub fn words(&self) -> Arc<Words> {
        Arc::new(Words {
            playbook: self.policy.playbook.clone(),
            talk: self.policy.talk.clone(),
        })
    }
}
