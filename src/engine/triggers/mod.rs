//! The triggers of DOMAIN section 4: one file each, one line in [`REGISTRY`] each.

mod state;
mod view;

pub(in crate::engine) use complaint::{dissatisfied, unsettled};
pub use state::{SparseStates, TriggerState, TriggerStates};
pub(in crate::engine) use view::too_old;
pub use view::{DayView, EventView};

use super::Rules;
use crate::model::{Body, BodyKind, CloseReason, Evidence, Purpose, Text};
use serde::de::DeserializeOwned;

/// A rule that looks at one event or one closed day of one subscriber and may fire.
///
/// The implementing type is its own configuration section, `[triggers.NAME]`. It is pure: what it gives depends only
/// on what it is shown and on its own [`TriggerState`] of the subscriber.
pub trait Trigger: Send + Sync {
    /// Whether [`on_event`](Self::on_event) wants to see an event of a kind it listens to. It should be cheap and choosy.
    fn wants(&self, body: &Body<'_>, rules: &Rules) -> bool {
        let _ = (body, rules);
        true
    }

    /// Looks at an event not older than `window.immediate_hours`.
    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let _ = (view, state);
        None
    }

    /// Looks at a day that just closed. A trigger that has nothing to do with a subscriber leaves the memory as it is: one
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

    /// What the memory of a subscriber means, in plain words, for inspection.
    fn describe_state(&self, state: &TriggerState) -> String;

    /// What is wrong with the settings: the key, and what it must be.
    fn problems(&self) -> Vec<(&'static str, &'static str)>;
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

/// What may come of a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FiringKind {
    /// May open a task.
    Full,
    /// Seen again within the cool-down: raises the strength, opens nothing.
    Repeat,
    /// Feeds the score only.
    Weak,
    /// Feeds the score; only service care without a counter-offer may follow.
    CareOnly,
}

/// One registered trigger.
pub struct Registration {
    /// Name in configuration, signals and metrics.
    pub name: &'static str,
    /// What a task of it is for.
    pub purpose: Purpose,
    /// The kinds of events it listens to.
    pub listens: &'static [BodyKind],
    /// Whether it looks at closed days.
    pub daily: bool,
    /// The documented defaults, TOML without the section header.
    pub defaults: &'static str,
    /// Reads the section; every key is required, because the defaults are merged in before.
    pub build: fn(toml::Table) -> Result<Box<dyn Trigger>, toml::de::Error>,
}

/// A trigger as its file describes it.
trait Section: Trigger + DeserializeOwned + 'static {
    const NAME: &'static str;
    const PURPOSE: Purpose = Purpose::Churn;
    const LISTENS: &'static [BodyKind] = &[];
    const DAILY: bool = false;
    const DEFAULTS: &'static str;
}

const fn register<T: Section>() -> Registration {
    Registration {
        name: T::NAME,
        purpose: T::PURPOSE,
        listens: T::LISTENS,
        daily: T::DAILY,
        defaults: T::DEFAULTS,
        build: |table| Ok(Box::new(table.try_into::<T>()?)),
    }
}

macro_rules! registry {
    (
        kept with every subscriber { $($dense:ident::$always_trigger:ident,)* }
        kept where they have something to remember { $($sparse:ident::$rare_trigger:ident,)* }
    ) => {
        $(mod $dense;)*
        $(mod $sparse;)*
        /// Every trigger, in the order in which they are asked.
        pub const REGISTRY: &[Registration] = &[
            $(register::<$dense::$always_trigger>(),)*
            $(register::<$sparse::$rare_trigger>(),)*
        ];
        /// The first so many of them have a memory of every subscriber.
        pub const DENSE: usize = [$($dense::$always_trigger::NAME,)*].len();
    };
}

registry! {
    kept with every subscriber {
        zero_usage_days::ZeroUsageDays,
        usage_drop::UsageDrop,
        terminal_change::TerminalChange,
    }
    kept where they have something to remember {
        competitor_hotline::CompetitorHotline,
        arrears::Arrears,
        competitor_marketing::CompetitorMarketing,
        contract_expiry::ContractExpiry,
        complaint::Complaint,
        cancel_enquiry::CancelEnquiry,
        port_out::PortOut,
        plan_underuse::PlanUnderuse,
        call_forwarding::CallForwarding,
        bill_shock::BillShock,
        poor_quality::PoorQuality,
        welcome::Welcome,
        anniversary::Anniversary,
        birthday::Birthday,
        points_expiry::PointsExpiry,
        offer_expiry::OfferExpiry,
        star_upgrade::StarUpgrade,
        plan_overuse::PlanOveruse,
        data_growth::DataGrowth,
        follow_up::FollowUp,
    }
}

/// What a list of strengths must be.
const RISING: &str = "must be a rising list of numbers 0..1";

fn rising(strengths: &[f64]) -> bool {
    let rises = strengths.is_sorted_by(|a, b| a < b);
    let within = strengths.iter().all(|s| (0.0..=1.0).contains(s));
    (1..=255).contains(&strengths.len()) && rises && within
}

/// The place of a trigger in [`REGISTRY`].
pub fn index_of(name: &str) -> Option<usize> {
    REGISTRY.iter().position(|trigger| trigger.name == name)
}

/// Some triggers by their places in the registry, in order.
#[derive(Debug, Clone, Copy)]
pub struct Places(u64);

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let place = self.0.trailing_zeros() as usize;
        // The lowest place goes; of no places, none.
        self.0 &= self.0.wrapping_sub(1);
        (place < REGISTRY.len()).then_some(place)
    }
}

/// The triggers that listen to a kind of events.
pub const fn listening(kind: BodyKind) -> Places {
    LISTENERS[kind as usize]
}

/// The triggers that want to see an event, under some rules.
pub fn wanting<'a>(body: &'a Body<'_>, rules: &'a Rules) -> impl Iterator<Item = usize> {
    listening(body.kind()).filter(|place| {
        let trigger = rules.triggers.get(*place);
        trigger.is_some_and(|trigger| trigger.wants(body, rules))
    })
}

/// The triggers that look at closed days.
pub const DAILY: Places = {
    let (mut places, mut index) = (0, 0);
    while index < REGISTRY.len() {
        if REGISTRY[index].daily {
            places |= 1 << index;
        }
        index += 1;
    }
    Places(places)
};

const LISTENERS: [Places; BodyKind::COUNT] = {
    let mut listeners = [Places(0); BodyKind::COUNT];
    let mut index = 0;
    while index < REGISTRY.len() {
        let (kinds, mut next) = (REGISTRY[index].listens, 0);
        while next < kinds.len() {
            listeners[kinds[next] as usize].0 |= 1 << index;
            next += 1;
        }
        index += 1;
    }
    listeners
};
