use super::serial::clear;
use super::{Day, Money, Msisdn, Purpose, Source, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// A trigger fired for a subscriber (behaviour: Triggers).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The trigger's name, such as `usage_drop`.
    pub trigger: Cow<'static, str>,
    /// What a task of it would be for.
    pub purpose: Purpose,
    /// Whose signal.
    #[serde(with = "clear")]
    pub msisdn: Msisdn,
    /// The event's time for immediate triggers, the clock at day close for the others.
    pub fired_at: Timestamp,
    /// 0..1.
    pub strength: f64,
    /// The subscriber's churn score with this signal in it, 0..1 (behaviour: Churn score and severity).
    pub churn_score: f64,
    /// The numbers it rests on.
    pub evidence: Evidence,
    /// One sentence in each language.
    pub text: Text,
    /// Why it raised no task, if it did not.
    pub suppressed: Option<Suppression>,
}

/// A trigger fired under the shadow rules, on trial beside those in force.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowSignal {
    /// What the trigger said. `suppressed` is why no task could come of it, as far as that can be told without tasks.
    pub signal: Signal,
    /// Fingerprint of the rules it fired under, as if they were in force.
    pub rules_version: Arc<str>,
}

/// The numbers a signal rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was seen, in `unit`.
    pub observed: f64,
    /// What was expected, in `unit`.
    pub expected: f64,
    /// Unit of the two, such as `events_per_day`.
    pub unit: Cow<'static, str>,
    /// Days they span; 0 for a single event.
    pub window_days: u16,
    /// What the deciding figure had to pass.
    pub threshold: f64,
    /// Further figures by name, in a fixed order.
    pub facts: Vec<(Cow<'static, str>, Fact)>,
    /// The record that set the signal off; absent for day-close signals.
    pub source: Option<Source>,
}

impl Evidence {
    /// So many days have passed since something, and at least some had to.
    pub fn days_since(days: i32, least: i32, facts: Vec<(Cow<'static, str>, Fact)>) -> Self {
        Self {
            observed: f64::from(days),
            expected: 0.0,
            unit: "days".into(),
            window_days: 0,
            threshold: f64::from(least),
            facts,
            source: None,
        }
    }
}

/// One further figure of an [`Evidence`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// A whole number.
    Count(i64),
    /// A measure, shown to three decimals.
    Measure(f64),
    /// An amount.
    Amount(Money),
    /// A local day.
    Date(Day),
    /// A name from the configuration, such as a competitor's.
    Name(String),
    /// Figures of days that follow one another; nothing for a day without one.
    Series(Vec<Option<f32>>),
}

/// A sentence an account manager reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Why a signal raised no task and no revision of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Suppression {
    /// The open task already carries this reason at this severity.
    TaskOpen,
    /// Seen again within the cool-down, after its task was closed.
    Repeat,
    /// A port-out was applied for: nobody may be contacted.
    MnpHold,
    /// The subscriber is marked as not pursued.
    NotPursued,
    /// The contract has ended; there is nobody to keep.
    Churned,
    /// Care or growth, while a churn task of the subscriber is open.
    ChurnTaskOpen,
    /// After a port-out enquiry only service care is offered, no counter-offer.
    CareOnly,
    /// Found at day close, and the churn score is below what a task of the subscriber's tier needs.
    LowScore,
    /// The subscriber belongs to the share that gets no tasks, so that what tasks achieve can be measured.
    HoldOut,
    /// The subscriber wants no marketing, or no contact.
    OptedOut,
    /// The last contact is too recent.
    ContactGap,
    /// There have been as many contacts in a month as there may be.
    ContactCap,
    /// Others had a better claim to the day's budget; it waits a few days for a place and then lapses.
    OverBudget,
    /// Those who would do it have no room that day; it waits like the others.
    OverCapacity,
    /// Its reason was gone before a task came of it.
    Recovered,
    /// It fired in a backlog, and its time was over before the backlog was read.
    Backlog,
    /// Another member's task stands for the whole group.
    Group,
}

impl Fact {
    /// The name of the fact that tells why a customer left.
    pub const REASON: &str = "reason";
    /// The name of the fact that tells when a customer refused an offer.
    pub const REFUSED_ON: &str = "refused_on";
}

impl Suppression {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::TaskOpen,
        Self::Repeat,
        Self::MnpHold,
        Self::NotPursued,
        Self::Churned,
        Self::ChurnTaskOpen,
        Self::CareOnly,
        Self::LowScore,
        Self::HoldOut,
        Self::OptedOut,
        Self::ContactGap,
        Self::ContactCap,
        Self::OverBudget,
        Self::OverCapacity,
        Self::Recovered,
        Self::Backlog,
        Self::Group,
    ];

    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaskOpen => "task_open",
            Self::Repeat => "repeat",
            Self::MnpHold => "mnp_hold",
            Self::NotPursued => "not_pursued",
            Self::Churned => "churned",
            Self::ChurnTaskOpen => "churn_task_open",
            Self::CareOnly => "care_only",
            Self::LowScore => "low_score",
            Self::HoldOut => "hold_out",
            Self::OptedOut => "opted_out",
            Self::ContactGap => "contact_gap",
            Self::ContactCap => "contact_cap",
            Self::OverBudget => "over_budget",
            Self::OverCapacity => "over_capacity",
            Self::Recovered => "recovered",
            Self::Backlog => "backlog",
            Self::Group => "group",
        }
    }
}
