//! What the board reads of a retention task. Fields that it does not know are kept in the record's bytes.

use crate::model::Msisdn;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Severities from the least on; their places are what lists are sorted by.
pub const SEVERITIES: [&str; 4] = ["early", "at_risk", "critical", "lost"];
/// Tiers from the least on.
pub const TIERS: [&str; 3] = ["small", "ordinary", "key"];
/// How customers are looked after.
pub const CUSTOMER_KINDS: [&str; 3] = ["personal", "group", "ordinary"];
/// Rungs of the ladder from the lowest on.
pub const LEVELS: [&str; 4] = [
    "account_manager",
    "supervisor",
    "regional_manager",
    "deputy_general_manager",
];
/// Purposes, the most urgent first.
pub const PURPOSES: [&str; 4] = ["churn", "care", "grow", "win_back"];
/// The channel of tasks that campaign systems do, not people.
pub const BULK_CAMPAIGN: &str = "bulk_campaign";
/// What may become of a task.
pub const RESULTS: [&str; 5] = ["reached", "unreachable", "saved", "refused", "lost"];
/// Reasons that are counted one by one.
pub const REASONS: [&str; 10] = [
    "competitor_offer",
    "price",
    "billing",
    "service",
    "network",
    "second_sim",
    "handset",
    "moved",
    "no_need",
    "no_intention",
];

/// A number as people see it who do not call.
pub fn masked(msisdn: &str) -> String {
    Msisdn::new(msisdn).map_or_else(|_| "***".to_owned(), |msisdn| msisdn.to_string())
}

/// A revision of a task.
#[derive(Debug, Clone, Deserialize)]
pub struct Task {
    /// Its name.
    pub task_id: String,
    /// Counts up with each publication.
    pub revision: i64,
    /// `open`, `updated`, `escalated` or `closed`.
    pub status: String,
    /// Why it was closed.
    pub close_reason: Option<String>,
    /// `churn`, `care`, `grow` or `win_back`.
    #[serde(default)]
    pub purpose: String,
    /// How far the subscriber is.
    #[serde(default)]
    pub severity: String,
    /// How likely the subscriber leaves.
    #[serde(default)]
    pub churn_score: f64,
    /// Whom it concerns.
    pub msisdn: String,
    /// How much effort the subscriber is worth.
    #[serde(default)]
    pub tier: String,
    /// How the customer is looked after.
    #[serde(default)]
    pub customer_kind: String,
    /// Of loyalty.
    #[serde(default)]
    pub stars: u8,
    /// What the subscriber is worth a month.
    #[serde(default)]
    pub monthly_value: String,
    /// Lifecycle stage.
    #[serde(default)]
    pub stage: String,
    /// While the line is suspended.
    pub suspension: Option<Suspension>,
    /// The group whose task it is.
    pub group: Option<Group>,
    /// The reasons.
    #[serde(default)]
    pub signals: Vec<Signal>,
    /// What to do.
    #[serde(default)]
    pub recommended_action: Action,
    /// Who is to do it.
    #[serde(default)]
    pub assignee: Assignee,
    /// When it began.
    pub opened_at: Option<Timestamp>,
    /// Nobody is contacted earlier.
    pub not_before: Option<Timestamp>,
    /// When the contact must have happened.
    pub due_at: Option<Timestamp>,
    /// The last contact.
    pub contacted_at: Option<Timestamp>,
    /// What became of it last.
    pub outcome: Option<String>,
    /// Why, as the customer says.
    pub stated_reason: Option<String>,
    /// Why, as found out.
    pub confirmed_reason: Option<String>,
    /// Time of this revision.
    pub updated_at: Timestamp,
}

/// Why a line is suspended.
#[derive(Debug, Clone, Deserialize)]
pub struct Suspension {
    /// Whose wish or fault it is.
    pub reason: String,
    /// The day it began.
    pub since: String,
}

/// The group whose task it is.
#[derive(Debug, Clone, Deserialize)]
pub struct Group {
    /// As the operator writes it.
    pub group_id: String,
    /// `leaving` or `contract_end`.
    #[serde(default)]
    pub kind: String,
    /// When its contract ends, if that is it.
    #[serde(default)]
    pub contract_end_on: String,
    /// Its lines.
    pub head_count: Option<u32>,
    /// Those with signals.
    #[serde(default)]
    pub members: Vec<Member>,
    /// Signals of others.
    #[serde(default)]
    pub more_signals: u32,
}

/// A member of a group, with signals.
#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    /// Masked before anybody sees it.
    pub msisdn: String,
    /// How far things have gone.
    #[serde(default)]
    pub severity: String,
    /// Why.
    #[serde(default)]
    pub triggers: Vec<String>,
}

/// A signal, in a task or alone.
#[derive(Debug, Clone, Deserialize)]
pub struct Signal {
    /// What fired.
    pub trigger: String,
    /// Whom it concerns; only where it stands alone.
    #[serde(default)]
    pub msisdn: String,
    /// When.
    pub fired_at: Timestamp,
    /// Why no task came of it.
    pub suppressed: Option<String>,
    /// The numbers behind it.
    #[serde(default)]
    pub evidence: Evidence,
    /// In plain words.
    #[serde(default)]
    pub text: Text,
}

/// The numbers behind a signal.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Evidence {
    /// By name.
    #[serde(default)]
    pub facts: BTreeMap<String, Value>,
}

/// A sentence by language.
pub type Text = BTreeMap<String, String>;

/// What to do.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Action {
    /// How to reach the customer.
    #[serde(default)]
    pub channel: String,
    /// No counter-offer.
    #[serde(default)]
    pub care_only: bool,
    /// Steps, best first.
    #[serde(default)]
    pub playbook: Vec<Text>,
    /// How to speak.
    pub talk: Option<BTreeMap<String, Text>>,
}

/// Who is to do it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Assignee {
    /// The first-responsible account manager.
    #[serde(default)]
    pub account_manager: String,
    /// Work queue.
    #[serde(default)]
    pub queue: String,
    /// From the top.
    #[serde(default)]
    pub region: Vec<String>,
    /// Rung of the ladder.
    #[serde(default)]
    pub level: String,
    /// The manager or queue for whom this one stands in.
    #[serde(default)]
    pub deputy_for: String,
    /// Nobody who might have got it had room that day.
    #[serde(default)]
    pub over_capacity: bool,
}

impl Task {
    /// Whether there is something to do yet.
    pub fn is_open(&self) -> bool {
        self.status != "closed"
    }

    /// The signal that came last, which is what to begin a talk with.
    pub fn newest_signal(&self) -> Option<&Signal> {
        self.signals.iter().max_by_key(|signal| signal.fired_at)
    }

    /// The daily use behind the newest fall of use, if that is among the reasons.
    pub fn history(&self) -> Option<(&Signal, History)> {
        let falls = self.signals.iter().rev();
        falls
            .filter_map(|signal| Some((signal, History::of(&signal.evidence)?)))
            .next()
    }
}

/// Daily use of a line as a signal shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// First day.
    pub from: jiff::civil::Date,
    /// By channel: its name, events seen (none on unknown days) and expected.
    pub channels: Vec<Channel>,
}

/// Daily use in one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// `voice` or `data`.
    pub name: &'static str,
    /// Nothing on days that are unknown.
    pub seen: Vec<Option<f64>>,
    /// Nothing on days before the subscriber was known.
    pub expected: Vec<Option<f64>>,
}

impl History {
    fn of(evidence: &Evidence) -> Option<Self> {
        let from = evidence.facts.get("history_from")?.as_str()?.parse().ok()?;
        let series = |name: &str| -> Option<Vec<Option<f64>>> {
            let days = evidence.facts.get(name)?.as_array()?;
            // Longer ones are none of ours, and a picture of them would be as wide.
            Some(days.iter().take(100).map(Value::as_f64).collect())
        };
        let channel = |name, seen, expected| {
            let channel = Channel {
                name,
                seen: series(seen)?,
                expected: series(expected)?,
            };
            let used = |days: &[Option<f64>]| days.iter().flatten().any(|events| *events > 0.0);
            (used(&channel.seen) || used(&channel.expected)).then_some(channel)
        };
        let channels = [
            channel("voice", "voice_seen", "voice_expected"),
            channel("data", "data_seen", "data_expected"),
        ];
        let channels: Vec<_> = channels.into_iter().flatten().collect();
        (!channels.is_empty()).then_some(Self { from, channels })
    }
}
