use super::view::{DayView, EventView};
use crate::engine::settings::{Competitors, TriggerWeight};
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{BodyKind, CloseReason, Day, Event, Evidence, OrderKind, Purpose, Stage, Text};
use serde::de::DeserializeOwned;
use std::ops::RangeInclusive;

/// A rule that looks at one event or one closed day of one subscriber and may fire.
///
/// The implementing type is its own configuration section, `[triggers.NAME]`. It is pure: its result depends only on
/// what it is shown and on its own [`TriggerState`] of the subscriber.
pub trait Trigger: Send + Sync {
    /// Whether [`on_event`](Self::on_event) wants to see an event of a kind it listens to. It should be cheap and choosy.
    fn wants(&self, event: &Event<'_>, competitors: &Competitors) -> bool {
        let _ = (event, competitors);
        true
    }

    /// Looks at an event not older than `window.immediate_hours`.
    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let _ = (view, state);
        None
    }

    /// Looks at a day that just closed. A trigger that has nothing to do with a subscriber leaves the state as it is: one
    /// that was never touched takes no space.
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let _ = (view, state);
        None
    }

    /// Why a task that rests on this trigger may close by itself; nothing while the reason still holds.
    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        let _ = state;
        None
    }

    /// The lifecycle stage of a line for which this fired lately, if it decides that.
    fn stage(&self, state: &TriggerState) -> Option<Stage> {
        let _ = state;
        None
    }

    /// What the state of a subscriber means, in plain words, for inspection.
    fn describe_state(&self, state: &TriggerState) -> String;

    /// Days of a calendar of its own within some days, and their names.
    fn occasions(&self, days: RangeInclusive<Day>) -> Vec<(Day, &str)> {
        let _ = days;
        Vec::new()
    }

    /// Why settings that are in range cannot go together: the key, and what it must be.
    fn conflict(&self) -> Option<(&'static str, &'static str)> {
        None
    }
}

/// What a trigger says when it fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// What may come of it.
    pub kind: FiringKind,
    /// 0..1.
    pub strength: f64,
    /// The numbers it rests on.
    pub evidence: Evidence,
    /// One sentence in each language.
    pub text: Text,
}

/// A trigger as its file describes it.
pub trait TriggerSpec: Trigger + DeserializeOwned + 'static {
    /// Name in configuration, signals and metrics.
    const NAME: &'static str;
    /// What a task of it is for.
    const PURPOSE: Purpose = Purpose::Churn;
    /// The kinds of events it listens to.
    const LISTENS: &'static [BodyKind] = &[];
    /// Whether it looks at closed days.
    const DAILY: bool = false;
    /// Whether closed days without an account, and so without a state of its own, say nothing to it.
    const NEEDS_ACCOUNT: bool = false;
    /// Whether it has a state for every subscriber.
    const DENSE: bool = false;
    /// Whether a competitor is involved, so that its tasks are due within `competitor_hours`.
    const COMPETITOR: bool = false;
    /// Whether only service care may follow for its half-life.
    const CARE_ONLY: bool = false;
    /// Whether it is a cause for worry, after which falls of use are likelier (behaviour: State of a line).
    const WORRIES: bool = false;
    /// Whether a task of care is opened at once, while there are places in the budget.
    const AT_ONCE: bool = false;
    /// Whether its tasks go out as bulk messages, whatever the tier.
    const BULK: bool = false;
    /// The orders with which a customer does what a growth task of it would propose.
    const ANSWERED_BY: &'static [OrderKind] = &[];
    /// What it adds to the churn score, unless the configuration says otherwise; nothing for one that does not count.
    const WEIGHT: Option<TriggerWeight> = None;
    /// The documented defaults, TOML without the section header.
    const DEFAULTS: &'static str;
}
