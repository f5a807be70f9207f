//! The settings of the engine: one plain struct for each section of the configuration.

mod capacity;
mod line_state;

pub use capacity::{Absence, CapacityRules, HolderCapacity};
pub use line_state::{FallThreshold, LineState, LineStateRules};

use crate::model::{
    Body, Calendar, Direction, Number, PlaybookStep, Purpose, Talk, Tier, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Windows, clocks and lateness (behaviour: Clock and watermarks).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRules {
    /// IANA name of the zone whose calendar days are counted.
    pub time_zone: String,
    /// Days kept.
    pub days: u16,
    /// What the clock is.
    pub clock: ClockKind,
    /// A day closes when the watermark is this far into the next one.
    pub grace_hours: u8,
    /// A feed this far behind the clock no longer holds the watermark back.
    pub idle_feed_hours: u8,
    /// Dated further ahead of the clock than this: dead letter.
    pub future_minutes: u16,
    /// Immediate triggers ignore events older than this.
    pub immediate_hours: u16,
    /// Subscribers with records in a new day before a watermark enters it.
    pub day_entry_subscribers: u8,
    /// A line without a contract is forgotten after so many days without any record.
    pub forget_days: u16,
}

/// What the engine takes for "now" (behaviour: Clock and watermarks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockKind {
    /// The highest event time accepted while a backlog is read, and wall time from then on.
    Auto,
    /// Wall time, handed in by the runtime.
    Wall,
    /// The highest event time accepted.
    Event,
}

/// What the engine learns from all stable subscribers of a shard together (behaviour: Outage guard).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationRules {
    /// A channel with less than this share of the predicted volume is unknown on that day.
    pub outage_share: f64,
    /// Fewest stable subscribers for the outage guard to judge.
    pub outage_subscribers: u32,
    /// After so many days far from ordinary, one after the other, the volume is believed.
    pub outage_days_max: u8,
    /// Weight of "an ordinary day" in the population factor, in events.
    pub factor_prior_events: f64,
    /// Weight of "all weekdays alike" in the weekday factors, in events.
    pub weekday_prior_events: f64,
}

/// What the engine learns of one subscriber (behaviour: Expectation).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineRules {
    /// Memory of the moving average, in days (alpha = 1 / this).
    pub memory_days: f64,
    /// Days by which learning lags, so that a decline does not teach the baseline.
    pub lag_days: u8,
    /// Dispersion k of the negative binomial assumed before anything is known.
    pub dispersion: f64,
    /// Weight of the population's dispersion against the subscriber's own, in days.
    pub dispersion_prior_days: f64,
    /// Days after a bar whose use still says nothing.
    pub after_bar_days: u8,
    /// Days with less than this share of the expected use are an absence, which teaches nothing.
    pub absence_below: f64,
}

/// Which lines behave like machines (behaviour: Machines).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineRules {
    /// A day with so many outgoing calls and messages together is busy.
    pub sent_a_day: u8,
    /// So many busy days ...
    pub busy_days: u8,
    /// ... of the last so many known ones make a machine.
    pub of_days: u8,
    /// Days of use that are not busy after which it is a person again.
    pub calm_days: u8,
}

/// The policy's settings (behaviour: From signals to tasks).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRules {
    /// Life of a task, in days.
    pub task_days: u16,
    /// Days of suspension after which a subscriber counts as churned.
    pub churned_after_suspended_days: u16,
    /// Days for which an application for a port-out holds.
    pub mnp_hold_days: u16,
    /// A later first day of service than this, of another customer, is that of a new owner.
    pub new_owner_days: u16,
    /// Hours to act, by tier.
    pub due: DueRules,
    /// Local hours in which nobody is contacted.
    pub quiet: QuietRules,
    /// Credit points.
    pub credit: CreditRules,
    /// Weights of the churn score.
    pub score: ScoreRules,
    /// Expected spend a month if neither spend nor plan is known, in the major unit.
    pub value_unknown: u32,
    /// Lifecycle stages.
    pub stage: StageRules,
    /// How often somebody may be contacted.
    pub contact: ContactRules,
    /// What happens when nobody acts in time.
    pub escalation: EscalationRules,
    /// New tasks a day.
    pub budget: BudgetRules,
    /// New tasks a day of those who do them.
    pub capacity: CapacityRules,
    /// Who gets no tasks, for comparison.
    pub hold_out: HoldOutRules,
    /// Who may be won back.
    pub win_back: WinBackRules,
    /// When one task stands for several members of a group.
    pub group: GroupRules,
    /// Steps to take, by stage; those of care and growth by purpose.
    pub playbook: BTreeMap<String, Vec<PlaybookStep>>,
    /// How to speak to the customer, by the same chapters.
    pub talk: BTreeMap<String, Talk>,
}

/// Something for each tier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByTier<T> {
    /// Key tier.
    pub key: T,
    /// Ordinary tier.
    pub ordinary: T,
    /// Small tier.
    pub small: T,
}

impl<T: Copy> ByTier<T> {
    /// That of a tier.
    pub fn of(&self, tier: Tier) -> T {
        match tier {
            Tier::Key => self.key,
            Tier::Ordinary => self.ordinary,
            Tier::Small => self.small,
        }
    }
}

/// Lifecycle stages (behaviour: Credit, tier and stage).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRules {
    /// Younger than this is `acquire`, in days.
    pub acquire_days: u16,
    /// For so many days after an upgrade or a rise in use the stage is `promote`.
    pub promote_days: u16,
}

/// How often somebody may be contacted (behaviour: Contact rules).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactRules {
    /// Days between two contacts.
    pub gap_days: u16,
    /// Contacts in `cap_window_days`.
    pub cap: ByTier<u8>,
    /// Days that `cap` looks back.
    pub cap_window_days: u16,
    /// Days that a churn task may wait for its contact; if it would be longer, the task is not opened.
    pub wait_days: u16,
    /// Hours from an unsuccessful try to the next.
    pub retry_hours: u16,
    /// Days for which a wrong outcome can be corrected.
    pub correction_days: u16,
    /// Whether contacts of care and growth put off those that are to keep the subscriber.
    pub care_delays_churn: bool,
}

/// The ladder (behaviour: Due times and escalation).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationRules {
    /// Hours on each rung after the first; 0 for a tier that has no ladder.
    pub rung_hours: ByTier<u16>,
    /// From this spend a month on, in the major unit, the regional manager is told at once.
    pub high_value: u32,
}

/// New tasks a day (behaviour: Budget).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetRules {
    /// Candidates of a day close are collected for this long before they are ranked.
    pub collect_minutes: u16,
    /// Days a candidate waits for a place before it lapses.
    pub wait_days: u16,
    /// To keep subscribers, over all partitions.
    pub churn: ByTier<u32>,
    /// To look after them.
    pub care: ByTier<u32>,
    /// To offer more.
    pub grow: ByTier<u32>,
    /// To win them back.
    pub win_back: ByTier<u32>,
}

impl BudgetRules {
    /// New tasks a day of a purpose and tier, over all partitions.
    pub fn of(&self, purpose: Purpose, tier: Tier) -> u32 {
        match purpose {
            Purpose::Churn => self.churn.of(tier),
            Purpose::Care => self.care.of(tier),
            Purpose::Grow => self.grow.of(tier),
            Purpose::WinBack => self.win_back.of(tier),
        }
    }
}

/// Who gets signals but no tasks (behaviour: From signals to tasks).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldOutRules {
    /// Share of the subscribers.
    pub share: f64,
    /// Another salt, another selection.
    pub salt: String,
    /// A subscriber is followed anew so many days after the last time.
    pub again_days: u16,
}

impl HoldOutRules {
    /// Whether anybody is held out, so that what tasks achieve is measured.
    pub fn is_used(&self) -> bool {
        self.share > 0.0
    }
}

/// Who is lost, and may be asked back (behaviour: Winning back).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WinBackRules {
    /// Of those who did not refuse it, who may be.
    pub consent: Consent,
    /// Whoever took the number elsewhere may be asked so many days later; 0 for never.
    pub after_port_days: u16,
    /// Whoever was given up is lost after so many days of silence.
    pub silent_days: u16,
    /// Nobody is asked, and nothing is kept, for longer than this.
    pub keep_days: u16,
}

/// When one task stands for several members of a group (behaviour: Groups).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRules {
    /// Whether groups are known at all.
    pub enabled: bool,
    /// So many members with signals ...
    pub members: u8,
    /// ... within so many days.
    pub within_days: u8,
}

/// What allows to ask lost customers back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Nothing does.
    Nobody,
    /// Their profile must say that they want marketing.
    Agreed,
    /// That they did not refuse it.
    NotRefused,
}

/// Hours from `not_before` to `due_at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DueRules {
    /// Key tier, critical.
    pub key_critical_hours: u16,
    /// Key tier otherwise.
    pub key_hours: u16,
    /// Ordinary tier.
    pub ordinary_hours: u16,
    /// Small tier.
    pub small_hours: u16,
    /// Never later than this after a competitor trigger's signal.
    pub competitor_hours: u16,
}

/// No contact from `from_hour` to `to_hour`, local time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietRules {
    /// First quiet hour.
    pub from_hour: u8,
    /// First hour that is not quiet any more; the same as `from_hour` for no quiet hours.
    pub to_hour: u8,
}

impl QuietRules {
    /// When the quiet hours end in which a moment lies; nothing if it lies in none.
    pub fn end(&self, at: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        let (day, hour) = (calendar.day_of(at), calendar.hour_of(at));
        let overnight = self.from_hour > self.to_hour;
        if overnight && hour >= self.from_hour {
            Some(calendar.at_hour(day.next(), self.to_hour))
        } else if (overnight && hour < self.to_hour)
            || (self.from_hour..self.to_hour).contains(&hour)
        {
            Some(calendar.at_hour(day, self.to_hour))
        } else {
            None
        }
    }
}

/// Points behind the stars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditRules {
    /// By brand; other brands count nothing.
    pub brand_points: BTreeMap<String, i32>,
    /// `[completed years, points]`, rising; the last one reached counts.
    pub tenure_points: Vec<(u32, i32)>,
    /// `[mean monthly spend up to, points]`, rising, the bound inclusive.
    pub spend_points: Vec<(u32, i32)>,
    /// Beyond the last bound.
    pub spend_points_above: i32,
    /// For each suspension; negative.
    pub suspension_points: i32,
    /// Fewest points for 1, 2, 3, 4 and 5 stars.
    pub star_points: [i32; 5],
}

/// The logistic churn score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreRules {
    /// Log-odds with no signal at all.
    pub base: f64,
    /// From here on `at_risk`.
    pub at_risk: f64,
    /// From here on `critical`.
    pub critical: f64,
    /// A complaint and an enquiry about cancelling within so many days are critical, whatever the score.
    pub complaint_and_cancel_days: u16,
    /// The churn score, 0..1, below which a churn signal of a day's close raises no task.
    pub task_at: ByTier<f64>,
    /// By trigger.
    pub triggers: BTreeMap<String, TriggerWeight>,
}

/// What a trigger of strength 1 adds to the log-odds, and how fast that fades.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerWeight {
    /// Log-odds.
    pub weight: f64,
    /// Days until half of it is gone.
    pub half_life_days: f64,
}

impl TriggerWeight {
    /// The weight of a trigger that counts for the score.
    pub const fn of(weight: f64, half_life_days: f64) -> Option<Self> {
        Some(Self {
            weight,
            half_life_days,
        })
    }
}

/// Service numbers of the other operators, in national form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Competitors {
    /// Hotline and the operator it belongs to, sorted by number.
    pub hotlines: Vec<(Number, String)>,
    /// Outbound marketing number and the operator it belongs to, sorted by number.
    pub marketing: Vec<(Number, String)>,
}

impl Competitors {
    /// The competitor whose hotline a number is.
    pub fn hotline(&self, number: Number) -> Option<&str> {
        find(&self.hotlines, number)
    }

    /// The competitor whose marketing number a number is.
    pub fn marketing(&self, number: Number) -> Option<&str> {
        find(&self.marketing, number)
    }

    /// Whether an event is a competitor's marketing that reached the subscriber: an answered call from a marketing
    /// number, or a contact that was reported (behaviour: Churn triggers).
    pub fn approach(&self, body: &Body<'_>) -> bool {
        match body {
            Body::Call {
                direction: Direction::Incoming,
                other,
                duration_seconds,
                outcome,
                ..
            } => outcome.answered(*duration_seconds) && self.marketing(*other).is_some(),
            Body::CompetitorContact => true,
            _ => false,
        }
    }
}

fn find(numbers: &[(Number, String)], number: Number) -> Option<&str> {
    let index = numbers.binary_search_by_key(&number, |(n, _)| *n).ok()?;
    numbers.get(index).map(|(_, name)| name.as_str())
}
