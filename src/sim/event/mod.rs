//! What the simulator passes around before it becomes JSON: small plain records, so that a day of millions fits in
//! memory. The specification gives the record types and their fields (behaviour: Events).

mod fault;

pub use fault::{Expected, Fault};

use crate::model::{Day, Feed};

/// One record of one subscriber.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// When it happened, Unix milliseconds.
    pub at_ms: i64,
    /// Index of the subscriber.
    pub person: u32,
    /// Number of the record among the subscriber's, from 0.
    pub record: u32,
    /// What is wrong with its content, or that a fault added it.
    pub fault: Option<Fault>,
    /// Why it is here a second time, if it is.
    pub copy: Option<Fault>,
    pub body: Body,
}

/// What happened. Amounts are in cents.
#[derive(Debug, Clone, Copy)]
pub enum Body {
    Call(Call),
    Message {
        outgoing: bool,
        other: u64,
    },
    Data {
        uplink_bytes: u32,
        downlink_bytes: u32,
    },
    Forward {
        other: u64,
        action: Forwarding,
    },
    Invoice(Invoice),
    Payment {
        amount: i32,
    },
    Recharge {
        amount: i32,
        balance: i32,
    },
    Charge {
        amount: i32,
        service: &'static str,
        subscribed_by_customer: bool,
    },
    Suspension {
        reason: &'static str,
    },
    Reactivation {
        reason: &'static str,
    },
    Cancellation {
        reason: &'static str,
    },
    Profile(Profile),
    Complaint {
        category: &'static str,
        resolved: bool,
        satisfaction: Option<u8>,
    },
    Enquiry {
        subject: &'static str,
    },
    PortOutApplication,
    CompetitorContact,
    Order(Order),
    /// A statement of the mediation, not of a subscriber.
    Progress {
        feed: Feed,
        complete_until_ms: i64,
    },
}

/// A call, seen from the subscriber. `other` holds the digits of the other party: 10 of them are a landline whose
/// leading 0 is implied.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub outgoing: bool,
    pub other: u64,
    pub duration_seconds: u32,
    pub cause: Cause,
    /// Cell within the subscriber's city.
    pub cell: u16,
    /// How many handsets the subscriber had before this one.
    pub handset: u8,
}

/// What a `call_forward` record reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarding {
    Activate,
    Deactivate,
    /// A call that was forwarded: there is no `action`.
    Call,
}

/// `cause_for_termination`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    NormalRelease,
    Dropped,
    Unanswered,
    Busy,
    Failed,
}

impl Cause {
    pub const fn name(self) -> &'static str {
        match self {
            Self::NormalRelease => "normal_release",
            Self::Dropped => "dropped",
            Self::Unanswered => "unanswered",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }
}

/// A monthly bill.
#[derive(Debug, Clone, Copy)]
pub struct Invoice {
    /// Billed month: `year * 12 + month - 1`.
    pub period: i32,
    pub amount: i32,
    pub plan_fee: i32,
    pub usage_value: i32,
    pub overage: i32,
    pub due_on: Day,
}

/// A service that is ordered or cancelled, with the monthly fee for it before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub kind: &'static str,
    pub fee_before: i32,
    pub fee_after: i32,
}

/// The part of a profile that changes; the rest is the subscriber's for life.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    pub plan: u8,
    pub contract_end_on: Option<Day>,
    pub points_expire_on: Day,
    pub offer_expires_on: Option<Day>,
    pub suspensions: u8,
    pub marketing_opt_out: bool,
}

impl Body {
    /// The feed that carries the record.
    pub const fn feed(&self) -> Feed {
        match self {
            Self::Call(_) | Self::Message { .. } | Self::Data { .. } | Self::Forward { .. } => {
                Feed::Cdr
            }
            Self::Invoice(_)
            | Self::Payment { .. }
            | Self::Recharge { .. }
            | Self::Charge { .. }
            | Self::Suspension { .. }
            | Self::Reactivation { .. }
            | Self::Cancellation { .. } => Feed::Billing,
            Self::Profile(_) => Feed::Subscriber,
            Self::Complaint { .. }
            | Self::Enquiry { .. }
            | Self::PortOutApplication
            | Self::CompetitorContact
            | Self::Order(_) => Feed::Service,
            Self::Progress { feed, .. } => *feed,
        }
    }

    /// `record_type`.
    pub const fn record_type(&self) -> &'static str {
        match self {
            Self::Call(call) if call.outgoing => "mo_call",
            Self::Call(_) => "mt_call",
            Self::Message { outgoing: true, .. } => "mo_sms",
            Self::Message { .. } => "mt_sms",
            Self::Data { .. } => "data",
            Self::Forward { .. } => "call_forward",
            Self::Invoice(_) => "invoice",
            Self::Payment { .. } => "payment",
            Self::Recharge { .. } => "recharge",
            Self::Charge { .. } => "charge",
            Self::Suspension { .. } => "suspension",
            Self::Reactivation { .. } => "reactivation",
            Self::Cancellation { .. } => "cancellation",
            Self::Profile(_) => "profile",
            Self::Complaint { .. } => "complaint",
            Self::Enquiry { .. } => "enquiry",
            Self::PortOutApplication => "port_out_application",
            Self::CompetitorContact => "competitor_contact",
            Self::Order(_) => "service_order",
            Self::Progress { .. } => "feed_progress",
        }
    }

    /// Whether the record is use of the line by its owner.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Call(_) | Self::Message { .. } | Self::Data { .. }
        )
    }
}

impl Event {
    /// What a detector must make of the record.
    pub fn expected(&self) -> Expected {
        if matches!(self.body, Body::Progress { .. }) {
            return Expected::Ignored;
        }
        let own = self.fault.map_or(Expected::Applied, Fault::expected);
        match (own, self.copy) {
            (Expected::Applied, Some(copy)) => copy.expected(),
            _ => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_the_fault_of_the_first() {
        let event = Event {
            at_ms: 0,
            person: 0,
            record: 0,
            fault: None,
            copy: Some(Fault::Duplicate),
            body: Body::CompetitorContact,
        };
        assert_eq!(event.expected(), Expected::Duplicate);
        let fault = Some(Fault::ClockAtZero);
        assert_eq!(Event { fault, ..event }.expected(), Expected::DeadLettered);
        let fault = Some(Fault::UnknownField);
        assert_eq!(Event { fault, ..event }.expected(), Expected::Duplicate);
    }
}
