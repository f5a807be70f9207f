use super::{
    Day, Feed, GroupAlert, GroupCovered, MemberSignal, Money, Msisdn, Network, OrderKind, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One decoded input record of one subscriber.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// Whose event.
    pub msisdn: Msisdn,
    /// When it happened, by its source.
    pub at: Timestamp,
    /// Fingerprint of `record_id`, for dropping duplicates. For a state only the lower half is; the upper half is one of
    /// all that is read of it.
    pub record: u64,
    /// The network that served a call, message or data session, if it is none of the home networks.
    pub visited: Option<Network>,
    /// What happened.
    pub body: Body<'a>,
}

impl Event<'_> {
    /// Fingerprint of `record_id`, by which a state that is sent again is known.
    pub fn id(&self) -> u32 {
        self.record as u32
    }

    /// What the record is keyed by: the subscriber, or the group.
    pub fn key(&self) -> &[u8] {
        match &self.body {
            Body::MemberSignal(signal) => signal.group.as_bytes(),
            _ => self.msisdn.as_bytes(),
        }
    }
}

/// What happened (behaviour: Events, by `record_type`).
#[derive(Debug, Clone, PartialEq)]
pub enum Body<'a> {
    /// `mo_call`, `mt_call`.
    Call {
        /// Who called whom.
        direction: Direction,
        /// The other party.
        other: Number,
        /// Talk time, 0..86,400; 0 if unknown.
        duration_seconds: u32,
        /// How it ended.
        outcome: CallOutcome,
        /// Fingerprint of `imei`: the handset, where the record names it.
        handset: Option<u64>,
    },
    /// `mo_sms`, `mt_sms`.
    Message {
        /// Who wrote to whom.
        direction: Direction,
        /// The other party.
        other: Number,
    },
    /// `data`.
    Data {
        /// Up and down together; what is unknown counts as 0.
        volume_bytes: u64,
        /// Fingerprint of the part of a session: one reported by two gateways counts once.
        session: Option<u64>,
    },
    /// `call_forward`.
    CallForward {
        /// Where calls go.
        other: Number,
        /// Set up, taken down, or a call that was forwarded.
        action: ForwardAction,
    },
    /// `invoice`.
    Invoice(Invoice),
    /// `payment` and `recharge`: both settle what is owed.
    Payment {
        /// Paid in; negative for a reversal.
        amount: Money,
    },
    /// `charge`.
    Charge {
        /// The price.
        amount: Money,
        /// Whether the customer asked for the service, if known.
        subscribed_by_customer: Option<bool>,
    },
    /// `suspension`.
    Suspension(SuspensionReason),
    /// `reactivation`: of what the line was suspended for, or of everything.
    Reactivation(Option<SuspensionReason>),
    /// `cancellation`: the contract was closed at the counter.
    Cancellation,
    /// `profile`.
    Profile(Box<Profile<'a>>),
    /// `complaint`.
    Complaint {
        /// What about.
        category: ComplaintCategory,
        /// Settled, or still open.
        resolved: bool,
        /// 1 (worst) to 5.
        satisfaction: Option<u8>,
    },
    /// `enquiry`.
    Enquiry(EnquirySubject),
    /// `service_order`.
    ServiceOrder(OrderKind),
    /// `port_out_application`.
    PortOutApplication,
    /// `port_out_withdrawn`: nothing comes of the application.
    PortOutWithdrawn,
    /// `competitor_contact`, reported by staff or customer.
    CompetitorContact,
    /// `task_outcome`.
    TaskOutcome(TaskOutcome<'a>),
    /// `erase`: everything about the subscriber goes.
    Erase {
        /// The record's own id, by which the erasure is confirmed.
        request: Cow<'a, str>,
    },
    /// `member_signal`: a member's shard tells the group's shard.
    MemberSignal(Box<MemberSignal>),
    /// `group_alert`: the subscriber's task stands for the whole group.
    GroupAlert(Box<GroupAlert>),
    /// `group_covered`: another member's task stands for the whole group.
    GroupCovered(Box<GroupCovered>),
}

/// Declares [`BodyKind`] and counts its variants.
macro_rules! body_kinds {
    ($($kind:ident,)*) => {
        /// The kinds of [`Body`], without what is in them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum BodyKind {
            $(#[doc = concat!("[`Body::", stringify!($kind), "`]")] $kind,)*
        }

        impl BodyKind {
            /// How many there are.
            pub const COUNT: usize = [$(Self::$kind,)*].len();
        }
    };
}

body_kinds! {
    Call,
    Message,
    Data,
    CallForward,
    Invoice,
    Payment,
    Charge,
    Suspension,
    Reactivation,
    Cancellation,
    Profile,
    Complaint,
    Enquiry,
    ServiceOrder,
    PortOutApplication,
    PortOutWithdrawn,
    CompetitorContact,
    TaskOutcome,
    Erase,
    MemberSignal,
    GroupAlert,
    GroupCovered,
}

impl Body<'_> {
    /// Whether a later record takes the place of an earlier one (behaviour: Outcome of a record).
    pub const fn is_state(&self) -> bool {
        matches!(
            self,
            Self::Profile(_)
                | Self::Invoice(_)
                | Self::Suspension(_)
                | Self::Reactivation(_)
                | Self::Cancellation
                | Self::Complaint { .. }
                | Self::Enquiry(_)
                | Self::PortOutApplication
                | Self::PortOutWithdrawn
                | Self::TaskOutcome(_)
        )
    }

    /// Which kind it is.
    pub const fn kind(&self) -> BodyKind {
        match self {
            Self::Call { .. } => BodyKind::Call,
            Self::Message { .. } => BodyKind::Message,
            Self::Data { .. } => BodyKind::Data,
            Self::CallForward { .. } => BodyKind::CallForward,
            Self::Invoice(_) => BodyKind::Invoice,
            Self::Payment { .. } => BodyKind::Payment,
            Self::Charge { .. } => BodyKind::Charge,
            Self::Suspension(_) => BodyKind::Suspension,
            Self::Reactivation(_) => BodyKind::Reactivation,
            Self::Cancellation => BodyKind::Cancellation,
            Self::Profile(_) => BodyKind::Profile,
            Self::Complaint { .. } => BodyKind::Complaint,
            Self::Enquiry(_) => BodyKind::Enquiry,
            Self::ServiceOrder(_) => BodyKind::ServiceOrder,
            Self::PortOutApplication => BodyKind::PortOutApplication,
            Self::PortOutWithdrawn => BodyKind::PortOutWithdrawn,
            Self::CompetitorContact => BodyKind::CompetitorContact,
            Self::TaskOutcome(_) => BodyKind::TaskOutcome,
            Self::Erase { .. } => BodyKind::Erase,
            Self::MemberSignal(_) => BodyKind::MemberSignal,
            Self::GroupAlert(_) => BodyKind::GroupAlert,
            Self::GroupCovered(_) => BodyKind::GroupCovered,
        }
    }

    /// The feed this kind of record belongs to.
    pub const fn feed(&self) -> Feed {
        match self {
            Self::Call { .. }
            | Self::Message { .. }
            | Self::Data { .. }
            | Self::CallForward { .. } => Feed::Cdr,
            Self::Invoice(_)
            | Self::Payment { .. }
            | Self::Charge { .. }
            | Self::Suspension(_)
            | Self::Reactivation(_)
            | Self::Cancellation => Feed::Billing,
            Self::Profile(_) | Self::Erase { .. } => Feed::Subscriber,
            Self::Complaint { .. }
            | Self::Enquiry(_)
            | Self::ServiceOrder(_)
            | Self::PortOutApplication
            | Self::PortOutWithdrawn
            | Self::CompetitorContact => Feed::Service,
            Self::TaskOutcome(_) => Feed::Outcome,
            Self::MemberSignal(_) | Self::GroupAlert(_) | Self::GroupCovered(_) => Feed::Group,
        }
    }
}

/// Seen from the subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Mobile originated (`mo_`).
    Outgoing,
    /// Mobile terminated (`mt_`).
    Incoming,
}

/// `cause_for_termination` of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// `normal_release`.
    Normal,
    /// `dropped`.
    Dropped,
    /// `unanswered`.
    Unanswered,
    /// `busy`.
    Busy,
    /// `failed`.
    Failed,
    /// Not said, or a cause that nobody knows.
    Unknown,
}

impl CallOutcome {
    /// Whether the two parties spoke. Talk time says so where the cause is unknown.
    pub const fn answered(self, duration_seconds: u32) -> bool {
        match self {
            Self::Normal | Self::Dropped => true,
            Self::Unanswered | Self::Busy | Self::Failed => false,
            Self::Unknown => duration_seconds > 0,
        }
    }
}

/// A telephone number in national form, packed into an integer: a leading 1, then its digits, so that leading zeros
/// count.
///
/// Anything that is not 1 to 18 digits (an alphanumeric SMS sender, a missing number) is [`Number::OTHER`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Number(u64);

impl Number {
    /// Not a number we can compare.
    pub const OTHER: Self = Self(0);

    /// Packs ASCII digits.
    pub fn from_digits(digits: &[u8]) -> Self {
        if !(1..=18).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
            return Self::OTHER;
        }
        let pack = |packed, digit: &u8| packed * 10 + u64::from(digit - b'0');
        Self(digits.iter().fold(1, pack))
    }
}

impl std::fmt::Debug for Number {
    /// Counterparties are never shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Number(***)")
    }
}

/// What a `call_forward` record reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardAction {
    /// Forwarding was set up.
    Activate,
    /// Forwarding was taken down.
    Deactivate,
    /// A call was forwarded.
    Forwarded,
    /// Something else, which tells nothing about where calls go.
    Unknown,
}

/// An `invoice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invoice {
    /// First day of the billed month.
    pub period: Day,
    /// Fingerprint of `invoice_number`, else of `record_id`; of a credit note always of `record_id`.
    pub document: u64,
    /// Fingerprint of the `invoice_number` on a credit note: the bill that it corrects.
    pub corrects: Option<u64>,
    /// To be paid; negative for a credit note.
    pub amount: Money,
    /// The plan's share of it.
    pub plan_fee: Option<Money>,
    /// What the usage would be worth.
    pub usage_value: Option<Money>,
    /// Beyond the plan.
    pub overage: Option<Money>,
    /// Last day to pay.
    pub due_on: Option<Day>,
}

/// `reason` of a suspension or reactivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SuspensionReason {
    /// Unpaid bills.
    Arrears,
    /// The customer asked for it.
    Voluntary,
    /// Suspected fraud.
    Fraud,
    /// No service abroad.
    Roaming,
    /// Not said, or a reason that nobody knows.
    Unknown,
}

impl SuspensionReason {
    /// The name used in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrears => "arrears",
            Self::Voluntary => "voluntary",
            Self::Fraud => "fraud",
            Self::Roaming => "roaming",
            Self::Unknown => "unknown",
        }
    }
}

/// A `profile`: the latest wins as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile<'a> {
    /// Fingerprint of `customer_id`: who the owner of the number is.
    pub customer: Option<u64>,
    /// `gotone`, `mzone`, `easyown` or another brand.
    pub brand: Option<Cow<'a, str>>,
    /// First day of service.
    pub activated_on: Option<Day>,
    /// The tariff.
    pub plan: Option<Plan<'a>>,
    /// Last day of the contract.
    pub contract_end_on: Option<Day>,
    /// Consumer or group customer.
    pub segment: Segment,
    /// Marked as VIP by the operator.
    pub vip: bool,
    /// First-responsible account manager.
    pub account_manager: Option<Cow<'a, str>>,
    /// The group that the line belongs to, if any.
    pub group: Option<ProfileGroup<'a>>,
    /// HQ, province, city, in that order.
    pub region: Vec<Cow<'a, str>>,
    /// Month and day of month.
    pub birthday: Option<(u8, u8)>,
    /// Day the loyalty points lapse.
    pub points_expire_on: Option<Day>,
    /// Day the running offer lapses.
    pub offer_expires_on: Option<Day>,
    /// No marketing.
    pub marketing_opt_out: Option<bool>,
    /// Marks set by the operator.
    pub flags: ProfileFlags,
    /// Mean monthly spend as the operator knows it.
    pub avg_monthly_spend: Option<Money>,
    /// Suspensions so far as the operator counts them.
    pub suspensions: Option<u16>,
}

/// The group of a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileGroup<'a> {
    /// Its id, as the operator writes it.
    pub id: Cow<'a, str>,
    /// Who is responsible for it.
    pub manager: Option<Cow<'a, str>>,
    /// Its head count.
    pub size: Option<u32>,
}

/// A tariff.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan<'a> {
    /// The operator's name for it.
    pub id: Option<Cow<'a, str>>,
    /// Price a month.
    pub monthly_fee: Option<Money>,
    /// Minutes included.
    pub voice_minutes: u32,
    /// Megabytes included.
    pub data_mb: u64,
}

/// Market segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Segment {
    /// A private customer.
    #[default]
    Consumer,
    /// A company's line.
    Group,
}

/// Marks of a profile's `flags` list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProfileFlags {
    /// Not pursued: `malicious_arrears`, `bad_reputation`, `contract_breach` or `unprofitable` is set.
    pub not_pursued: bool,
    /// No churn detection at all: `iot` or `robot` is set.
    pub machine: bool,
}

/// `category` of a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComplaintCategory {
    /// The bill.
    Billing,
    /// Coverage or quality.
    Network,
    /// Staff or process.
    Service,
    /// A service nobody asked for.
    UnwantedService,
    /// Not said, or something else.
    Unknown,
}

impl ComplaintCategory {
    /// The name used in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Billing => "billing",
            Self::Network => "network",
            Self::Service => "service",
            Self::UnwantedService => "unwanted_service",
            Self::Unknown => "unknown",
        }
    }
}

/// `subject` of an enquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnquirySubject {
    /// How to cancel.
    Cancel,
    /// How to take the number elsewhere.
    PortOut,
    /// The contract.
    Contract,
    /// The bill.
    Bill,
    /// The plan.
    Plan,
    /// Not said, or something else.
    Unknown,
}

/// A `task_outcome`: what became of a retention task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOutcome<'a> {
    /// The task.
    pub task_id: Cow<'a, str>,
    /// How it ended. Without it, only the refusal counts.
    pub result: Option<OutcomeResult>,
    /// Why the customer would leave, as the customer says.
    pub stated_reason: Option<Cow<'a, str>>,
    /// Why, as found out.
    pub confirmed_reason: Option<Cow<'a, str>>,
    /// The customer asked not to be contacted.
    pub do_not_contact: bool,
}

/// `result` of a task outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OutcomeResult {
    /// Spoken to, undecided.
    Reached,
    /// Not reached.
    Unreachable,
    /// Stays.
    Saved,
    /// Refused the offer.
    Refused,
    /// Left.
    Lost,
}

impl OutcomeResult {
    /// Every result.
    pub const ALL: [Self; 5] = [
        Self::Reached,
        Self::Unreachable,
        Self::Saved,
        Self::Refused,
        Self::Lost,
    ];

    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Unreachable => "unreachable",
            Self::Saved => "saved",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }
}
