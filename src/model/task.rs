use super::serial::{clear, shared};
use super::{
    Day, Erasure, Fact, GroupAlert, GroupRecord, Money, Motives, Msisdn, OutcomeResult, Segment,
    Severity, ShadowSignal, Signal, Source, SuspensionReason, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// What the engine says: everything that leaves it, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// For the signals topic.
    Signal(Box<Signal>),
    /// For the tasks topic.
    Task(Arc<Task>),
    /// For the topic of shadow signals; nothing else comes of it.
    Shadow(Box<ShadowSignal>),
    /// For the topic of erasures: everything about a subscriber is gone.
    Erased(Box<Erasure>),
    /// For the topic of groups: something for another shard.
    Group(Box<GroupRecord>),
}

/// A retention task, as published at one revision (behaviour: From signals to tasks).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Deterministic: the same inputs give the same id.
    pub task_id: String,
    /// From 1; each publication of the same task counts one up.
    pub revision: u32,
    /// Where the task stands.
    pub status: TaskStatus,
    /// Why it was closed.
    pub close_reason: Option<CloseReason>,
    /// What it is for.
    pub purpose: Purpose,
    /// How bad it is.
    pub severity: Severity,
    /// The probability of leaving within 30 days, with calibrated weights (behaviour: Churn score and severity).
    pub churn_score: f64,
    /// What the score is made of, in log-odds: its base, then each trigger that counts.
    pub score_parts: Vec<ScorePart>,
    /// Whom it concerns.
    #[serde(with = "clear")]
    pub msisdn: Msisdn,
    /// Who should act.
    pub tier: Tier,
    /// How the customer is looked after.
    pub customer_kind: CustomerKind,
    /// 0..5.
    pub stars: u8,
    /// Points behind the stars; may be negative after suspensions.
    pub credit_score: i32,
    /// What the subscriber is worth: expected spend a month (behaviour: Credit, tier and stage).
    pub monthly_value: Money,
    /// Lifecycle stage.
    pub stage: Stage,
    /// Why the line is suspended, if it is.
    pub suspension: Option<Suspension>,
    /// What the task says of a group, if it stands for one.
    pub group: Option<Box<GroupAlert>>,
    /// The reasons, oldest first, one for each trigger.
    pub signals: Vec<Signal>,
    /// What to do.
    pub action: Action,
    /// Who does it.
    pub assignee: Assignee,
    /// When the task was opened.
    pub opened_at: Timestamp,
    /// Nobody is contacted earlier.
    pub not_before: Timestamp,
    /// When the contact must have happened.
    pub due_at: Timestamp,
    /// When the next rung of the ladder gets it if nobody reports a contact; absent where none will.
    pub escalates_at: Option<Timestamp>,
    /// When the task closes by itself.
    pub expires_at: Timestamp,
    /// The last contact that was reported.
    pub contacted_at: Option<Timestamp>,
    /// The last outcome that was reported.
    pub outcome: Option<OutcomeResult>,
    /// Its time.
    pub outcome_at: Option<Timestamp>,
    /// Why the customer would leave, as outcomes of the task have said so far.
    pub motives: Motives,
    /// Time of this revision.
    pub updated_at: Timestamp,
    /// Fingerprint of the rules in force.
    #[serde(with = "shared")]
    pub rules_version: Arc<str>,
    /// The record that led to this revision; absent where a day close or the clock did.
    pub source: Option<Source>,
}

/// A line that is suspended: what whoever speaks to the customer has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Why.
    pub reason: SuspensionReason,
    /// Since when.
    pub since: Day,
}

/// What one trigger adds to the churn score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScorePart {
    /// The trigger's name, or `base`.
    pub name: Cow<'static, str>,
    /// What it adds to the log-odds: weight times strength, faded with age.
    pub log_odds: f64,
}

impl Task {
    /// The chapter of the playbook with its words: the stage of a churn task, else the purpose.
    pub const fn chapter(&self) -> &'static str {
        match self.purpose {
            Purpose::Churn => self.stage.name(),
            Purpose::Care | Purpose::Grow | Purpose::WinBack => self.purpose.name(),
        }
    }

    /// A name among the facts of its signals, the newest signal first.
    pub fn named(&self, fact: &str) -> Option<&String> {
        let facts = self
            .signals
            .iter()
            .rev()
            .flat_map(|signal| &signal.evidence.facts);
        let mut names = facts.filter(|(name, _)| name == fact);
        names.find_map(|(_, fact)| match fact {
            Fact::Name(name) => Some(name),
            _ => None,
        })
    }

    /// Whether there is such a fact in its signals.
    pub fn has_fact(&self, fact: &str) -> bool {
        let mut facts = self
            .signals
            .iter()
            .flat_map(|signal| &signal.evidence.facts);
        facts.any(|(name, _)| name == fact)
    }

    /// The trigger that adds most to the score, of care and growth the newest one; nothing for a task without signals.
    pub fn main_reason(&self) -> &str {
        let fired = |name: &str| self.signals.iter().any(|signal| signal.trigger == name);
        let parts = self.score_parts.iter().filter(|part| fired(&part.name));
        let main = parts.max_by(|one, other| one.log_odds.total_cmp(&other.log_odds));
        let newest = self.signals.last().map(|signal| &*signal.trigger);
        main.map(|part| &*part.name).or(newest).unwrap_or_default()
    }
}

/// `status` of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskStatus {
    /// New.
    Open,
    /// Changed while open.
    Updated,
    /// Handed up a rung.
    Escalated,
    /// Done with.
    Closed,
}

impl TaskStatus {
    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Updated => "updated",
            Self::Escalated => "escalated",
            Self::Closed => "closed",
        }
    }
}

/// `close_reason` of a closed task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseReason {
    /// Usage is back.
    UsageRecovered,
    /// Nothing is owed any more.
    ArrearsPaid,
    /// Nobody acted within the task's life.
    Expired,
    /// The subscriber has left.
    Churned,
    /// An outcome said the customer stays.
    Saved,
    /// An outcome said the customer refused.
    Refused,
    /// An outcome said the customer is lost.
    Lost,
    /// A port-out was applied for: nobody may be contacted.
    MnpHold,
    /// A churn task was opened, beside which there is no care or growth.
    Superseded,
    /// The contract was renewed.
    ContractRenewed,
    /// The customer is content with how the complaint was resolved.
    ComplaintSettled,
    /// Calls are no longer forwarded.
    ForwardingEnded,
    /// Calls drop no more often than they should.
    QualityRecovered,
    /// The line was barred, which is why it was silent.
    LineBarred,
    /// What it was about has passed, was put off, or is settled.
    OccasionOver,
    /// Care or growth: the customer was spoken to, which is all there was to do.
    Contacted,
    /// The customer wants no marketing, or no contact at all.
    OptedOut,
    /// The operator marked the customer as not pursued.
    NotPursued,
    /// Winning back: the customer is back.
    Returned,
    /// Everything about the subscriber was erased.
    Erased,
    /// Withdrawn: another member's task stands for the whole group.
    Group,
}

impl CloseReason {
    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsageRecovered => "usage_recovered",
            Self::ArrearsPaid => "arrears_paid",
            Self::Expired => "expired",
            Self::Churned => "churned",
            Self::Saved => "saved",
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::MnpHold => "mnp_hold",
            Self::Superseded => "superseded",
            Self::ContractRenewed => "contract_renewed",
            Self::ComplaintSettled => "complaint_settled",
            Self::ForwardingEnded => "forwarding_ended",
            Self::QualityRecovered => "quality_recovered",
            Self::LineBarred => "line_barred",
            Self::OccasionOver => "occasion_over",
            Self::Contacted => "contacted",
            Self::OptedOut => "opted_out",
            Self::NotPursued => "not_pursued",
            Self::Returned => "returned",
            Self::Erased => "erased",
            Self::Group => "group",
        }
    }
}

/// `purpose` of a task; a subscriber has at most one open task for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Purpose {
    /// Keep the subscriber.
    Churn,
    /// Look after the subscriber.
    Care,
    /// Offer more.
    Grow,
    /// Ask a lost customer back.
    WinBack,
}

impl Purpose {
    /// Every purpose, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Churn, Self::Care, Self::Grow, Self::WinBack];

    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Churn => "churn",
            Self::Care => "care",
            Self::Grow => "grow",
            Self::WinBack => "win_back",
        }
    }

    /// Whether it is for those who have left, instead of for those who have not.
    pub const fn is_for_the_lost(self) -> bool {
        matches!(self, Self::WinBack)
    }
}

/// Who should act (behaviour: Credit, tier and stage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Group segment, VIP, or four stars and more.
    #[serde(alias = "key")]
    Key,
    /// Two or three stars.
    #[serde(alias = "ordinary")]
    Ordinary,
    /// None or one star.
    #[serde(alias = "small")]
    Small,
}

impl Tier {
    /// Every tier.
    pub const ALL: [Self; 3] = [Self::Key, Self::Ordinary, Self::Small];

    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Ordinary => "ordinary",
            Self::Small => "small",
        }
    }
}

/// How a customer is looked after, as roll-ups tell customers apart (behaviour: Credit, tier and stage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CustomerKind {
    /// Of the key tier, for himself.
    Personal,
    /// A line of a group, of whatever tier.
    Group,
    /// Anybody else.
    Ordinary,
}

impl CustomerKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Personal, Self::Group, Self::Ordinary];

    /// The kind of a line.
    pub const fn of(segment: Segment, tier: Tier) -> Self {
        match (segment, tier) {
            (Segment::Group, _) => Self::Group,
            (Segment::Consumer, Tier::Key) => Self::Personal,
            (Segment::Consumer, _) => Self::Ordinary,
        }
    }

    /// The name used in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Group => "group",
            Self::Ordinary => "ordinary",
        }
    }
}

/// Lifecycle stage (behaviour: Credit, tier and stage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Younger than 90 days.
    Acquire,
    /// Rising.
    Promote,
    /// Stable.
    Mature,
    /// Falling.
    Decline,
    /// About to go.
    Leave,
    /// Gone.
    Churned,
}

impl Stage {
    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Promote => "promote",
            Self::Mature => "mature",
            Self::Decline => "decline",
            Self::Leave => "leave",
            Self::Churned => "churned",
        }
    }
}

/// What to do, and by which channel. The words for it are in the playbook, by purpose, stage and signals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// How to reach the subscriber.
    pub channel: Channel,
    /// After a port-out enquiry: service care, and no counter-offer (behaviour: Contact rules).
    pub care_only: bool,
}

/// How to reach a subscriber (behaviour: From signals to tasks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    /// Phone or visit by the account manager.
    AccountManager,
    /// The region's outbound call queue.
    OutboundCall,
    /// SMS or app, never a call.
    BulkCampaign,
}

impl Channel {
    /// Whether an opt-out closes it (behaviour: Contact rules). A visit by one's own account manager is service.
    pub const fn is_marketing(self) -> bool {
        !matches!(self, Self::AccountManager)
    }

    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountManager => "account_manager",
            Self::OutboundCall => "outbound_call",
            Self::BulkCampaign => "bulk_campaign",
        }
    }
}

/// Who does it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignee {
    /// First-responsible account manager; stays so for the task's whole life, unless a deputy takes over.
    #[serde(with = "shared")]
    pub account_manager: Option<Arc<str>>,
    /// Work queue.
    pub queue: String,
    /// HQ, province, city.
    #[serde(with = "shared")]
    pub region: Vec<Arc<str>>,
    /// Rung of the escalation ladder.
    pub level: Level,
    /// Who is told at once, besides the one who acts.
    pub notify: Option<Level>,
    /// The manager or queue for whom this one stands in (behaviour: Capacity).
    #[serde(with = "shared")]
    pub deputy_for: Option<Arc<str>>,
    /// Nobody who might have got it was there and had room that day.
    pub over_capacity: bool,
}

/// Rungs of the escalation ladder (behaviour: Due times and escalation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Where every task starts.
    AccountManager,
    /// First rung up.
    Supervisor,
    /// Second rung up.
    RegionalManager,
    /// The top.
    DeputyGeneralManager,
}

impl Level {
    /// The rung above; none above the top.
    pub const fn above(self) -> Option<Self> {
        match self {
            Self::AccountManager => Some(Self::Supervisor),
            Self::Supervisor => Some(Self::RegionalManager),
            Self::RegionalManager => Some(Self::DeputyGeneralManager),
            Self::DeputyGeneralManager => None,
        }
    }

    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountManager => "account_manager",
            Self::Supervisor => "supervisor",
            Self::RegionalManager => "regional_manager",
            Self::DeputyGeneralManager => "deputy_general_manager",
        }
    }
}
