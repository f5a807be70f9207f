//! The triggers of DOMAIN section 4: one file each, one line in [`REGISTRY`] each.

mod view;

pub(in crate::engine) use view::too_old;
pub use view::{DayView, EventView, Memory};

use super::Rules;
use crate::model::{Body, CloseReason, Evidence, Text};
use serde::de::DeserializeOwned;

/// A rule that looks at one event or one closed day of one subscriber and may fire.
///
/// The implementing type is its own configuration section, `[triggers.NAME]`. It is pure: what it gives depends only
/// on what it is shown and on its own [`Memory`] of the subscriber.
pub trait Trigger: Send + Sync {
    /// Whether [`on_event`](Self::on_event) wants to see an event. Asked of every event, so it should be cheap and choosy.
    fn wants(&self, body: &Body<'_>, rules: &Rules) -> bool {
        let _ = (body, rules);
        false
    }

    /// Looks at an event not older than `window.immediate_hours`.
    fn on_event(&self, view: &EventView<'_>, memory: &mut Memory) -> Option<Firing> {
        let _ = (view, memory);
        None
    }

    /// Looks at a day that just closed.
    fn on_day(&self, view: &DayView<'_>, memory: &mut Memory) -> Option<Firing> {
        let _ = (view, memory);
        None
    }

    /// Why a task that rests on this trigger may close by itself; nothing while the reason still holds.
    fn recovered(&self, memory: &Memory) -> Option<CloseReason> {
        let _ = memory;
        None
    }

    /// What the memory of a subscriber means, in plain words, for inspection.
    fn recall(&self, memory: &Memory) -> String;

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
}

/// One registered trigger.
pub struct Registration {
    /// Name in configuration, signals and metrics.
    pub name: &'static str,
    /// The documented defaults, TOML without the section header.
    pub defaults: &'static str,
    /// Reads the section; every key is required, because the defaults are merged in before.
    pub build: fn(toml::Table) -> Result<Box<dyn Trigger>, toml::de::Error>,
}

/// A trigger as its file describes it.
trait Section: Trigger + DeserializeOwned + 'static {
    const NAME: &'static str;
    const DEFAULTS: &'static str;
}

const fn register<T: Section>() -> Registration {
    Registration {
        name: T::NAME,
        defaults: T::DEFAULTS,
        build: |table| Ok(Box::new(table.try_into::<T>()?)),
    }
}

macro_rules! registry {
    ($($module:ident::$trigger:ident,)*) => {
        $(mod $module;)*
        /// Every trigger, in the order in which they are asked.
        pub const REGISTRY: &[Registration] = &[$(register::<$module::$trigger>(),)*];
    };
}

registry! {
    competitor_hotline::CompetitorHotline,
    zero_usage_days::ZeroUsageDays,
    usage_drop::UsageDrop,
    arrears::Arrears,
}

/// Number of registered triggers.
pub const COUNT: usize = REGISTRY.len();
