//! What each record type must hold, and what becomes of it (behaviour: Events).

use super::faults::Flaw;
use super::field::Field;
use super::group;
use super::number::Numbering;
use super::read::{Choices, Read};
use super::wire::Fields;
use super::written;
use crate::model::{
    Body, CallOutcome, ComplaintCategory, Direction, EnquirySubject, Feed, ForwardAction, Invoice,
    Money, Msisdn, Number, OrderKind, OutcomeResult, Plan, Profile, ProfileFlags, ProfileGroup,
    Reject, Segment, SuspensionReason, TaskOutcome, Timestamp,
};
use std::borrow::Cow;
use std::cmp::Ordering;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The record type that belongs to no subscriber.
pub(super) const PROGRESS: &str = "feed_progress";

/// `record_type`, but for `feed_progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordType {
    Call(Direction),
    Message(Direction),
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

impl RecordType {
    /// The feed it belongs to.
    pub(super) const fn feed(self) -> Feed {
        match self {
            Self::Call(_) | Self::Message(_) | Self::Data | Self::CallForward => Feed::Cdr,
            Self::Invoice
            | Self::Payment
            | Self::Charge
            | Self::Suspension
            | Self::Reactivation
            | Self::Cancellation => Feed::Billing,
            Self::Profile | Self::Erase => Feed::Subscriber,
            Self::Complaint
            | Self::Enquiry
            | Self::ServiceOrder
            | Self::PortOutApplication
            | Self::PortOutWithdrawn
            | Self::CompetitorContact => Feed::Service,
            Self::TaskOutcome => Feed::Outcome,
            Self::MemberSignal | Self::GroupAlert | Self::GroupCovered => Feed::Group,
        }
    }
}

/// The record type of that name, and its place in the list.
pub(super) fn record_type(name: &str) -> Option<(usize, RecordType)> {
    let mut known = RECORD_TYPES.iter().enumerate();
    let known = known.find(|(_, (known, _))| *known == name);
    known.map(|(place, (_, record_type))| (place, *record_type))
}

/// The names that a field may hold; none where it may hold others.
pub(super) fn names(field: Field) -> Vec<&'static str> {
    fn of<T>(choices: &Choices<T>) -> Vec<&'static str> {
        choices.iter().map(|(name, _)| *name).collect()
    }
    match field {
        Field::RecordType => [of(RECORD_TYPES), vec![PROGRESS]].concat(),
        Field::CauseForTermination => of(CALL_OUTCOMES),
        Field::Action => of(FORWARD_ACTIONS),
        Field::Reason => of(SUSPENSION_REASONS),
        Field::Segment => of(SEGMENTS),
        Field::Flags => of(FLAGS),
        Field::Category => of(COMPLAINT_CATEGORIES),
        Field::Resolution => of(RESOLUTIONS),
        Field::Subject => of(ENQUIRY_SUBJECTS),
        Field::Kind => of(ORDER_KINDS),
        Field::Result => of(OUTCOME_RESULTS),
        _ => Vec::new(),
    }
}

/// The most frequent first.
const RECORD_TYPES: &Choices<RecordType> = &[
    ("data", RecordType::Data),
    ("mo_call", RecordType::Call(Direction::Outgoing)),
    ("mt_call", RecordType::Call(Direction::Incoming)),
    ("mo_sms", RecordType::Message(Direction::Outgoing)),
    ("mt_sms", RecordType::Message(Direction::Incoming)),
    ("call_forward", RecordType::CallForward),
    ("charge", RecordType::Charge),
    ("payment", RecordType::Payment),
    ("recharge", RecordType::Payment),
    ("invoice", RecordType::Invoice),
    ("suspension", RecordType::Suspension),
    ("reactivation", RecordType::Reactivation),
    ("cancellation", RecordType::Cancellation),
    ("profile", RecordType::Profile),
    ("complaint", RecordType::Complaint),
    ("enquiry", RecordType::Enquiry),
    ("service_order", RecordType::ServiceOrder),
    ("port_out_application", RecordType::PortOutApplication),
    ("port_out_withdrawn", RecordType::PortOutWithdrawn),
    ("competitor_contact", RecordType::CompetitorContact),
    ("task_outcome", RecordType::TaskOutcome),
    ("erase", RecordType::Erase),
    ("member_signal", RecordType::MemberSignal),
    ("group_alert", RecordType::GroupAlert),
    ("group_covered", RecordType::GroupCovered),
];

const CALL_OUTCOMES: &Choices<CallOutcome> = &[
    ("normal_release", CallOutcome::Normal),
    ("dropped", CallOutcome::Dropped),
    ("unanswered", CallOutcome::Unanswered),
    ("busy", CallOutcome::Busy),
    ("failed", CallOutcome::Failed),
];

const FORWARD_ACTIONS: &Choices<ForwardAction> = &[
    ("activate", ForwardAction::Activate),
    ("deactivate", ForwardAction::Deactivate),
];

const SUSPENSION_REASONS: &Choices<SuspensionReason> = &[
    ("arrears", SuspensionReason::Arrears),
    ("voluntary", SuspensionReason::Voluntary),
    ("fraud", SuspensionReason::Fraud),
    ("roaming", SuspensionReason::Roaming),
];

const SEGMENTS: &Choices<Segment> = &[("consumer", Segment::Consumer), ("group", Segment::Group)];

const NOT_PURSUED: ProfileFlags = ProfileFlags {
    not_pursued: true,
    machine: false,
};
const MACHINE: ProfileFlags = ProfileFlags {
    not_pursued: false,
    machine: true,
};
const FLAGS: &Choices<ProfileFlags> = &[
    ("malicious_arrears", NOT_PURSUED),
    ("bad_reputation", NOT_PURSUED),
    ("contract_breach", NOT_PURSUED),
    ("unprofitable", NOT_PURSUED),
    ("iot", MACHINE),
    ("robot", MACHINE),
];

const COMPLAINT_CATEGORIES: &Choices<ComplaintCategory> = &[
    ("billing", ComplaintCategory::Billing),
    ("network", ComplaintCategory::Network),
    ("service", ComplaintCategory::Service),
    ("unwanted_service", ComplaintCategory::UnwantedService),
];

/// `resolution` of a complaint: whether it is settled.
const RESOLUTIONS: &Choices<bool> = &[("open", false), ("resolved", true)];

const ENQUIRY_SUBJECTS: &Choices<EnquirySubject> = &[
    ("cancel", EnquirySubject::Cancel),
    ("port_out", EnquirySubject::PortOut),
    ("contract", EnquirySubject::Contract),
    ("bill", EnquirySubject::Bill),
    ("plan", EnquirySubject::Plan),
];

/// `kind` of a service order. What its fees make of it, [`order`] says.
const ORDER_KINDS: &Choices<OrderKind> = &[
    ("plan_change", OrderKind::PlanChange),
    ("broadband", OrderKind::Broadband),
    ("bundle", OrderKind::Bundle),
    ("value_added", OrderKind::ValueAdded),
    ("second_line", OrderKind::SecondLine),
    ("cancel_service", OrderKind::Cancelled),
];

const OUTCOME_RESULTS: &Choices<OutcomeResult> = &[
    ("reached", OutcomeResult::Reached),
    ("unreachable", OutcomeResult::Unreachable),
    ("saved", OutcomeResult::Saved),
    ("refused", OutcomeResult::Refused),
    ("lost", OutcomeResult::Lost),
];

/// A longer talk than a day is an overflow.
const DURATION_SECONDS_MAX: i64 = 86_400;
/// One petabyte in one record is an overflow.
const VOLUME_BYTES_MAX: i64 = 1_000_000_000_000_000;
/// Odd factors that spread the beginning and the volume of a part over the seed of its fingerprint.
const PART_AT: u64 = 0x9E37_79B9_7F4A_7C15;
const PART_VOLUME: u64 = 0xC2B2_AE3D_27D4_EB4F;
/// Numbers of invoices are hashed apart from record ids, so that equal texts do not collide.
const INVOICE_SEED: u64 = 2 << 32;

/// The part of an IMEI that names the handset; behind it come a check digit or the software's version.
const HANDSET_DIGITS: usize = 14;
/// With the software's version.
const IMEI_DIGITS_MAX: usize = 16;

/// What every record has.
pub(super) struct Head<'h> {
    pub(super) record_id: &'h str,
    pub(super) msisdn: &'h Msisdn,
    pub(super) at: Timestamp,
}

/// Reads what the record type at hand holds. Only what is essential to it can make it a reject (behaviour: Bad input).
pub(super) fn read<'a>(
    record_type: RecordType,
    head: &Head<'_>,
    fields: &mut Fields<'a>,
    numbering: &Numbering,
) -> Result<Body<'a>, Reject> {
    Ok(match record_type {
        RecordType::Call(direction) => Body::Call {
            direction,
            other: other_number(fields, head.msisdn, numbering),
            duration_seconds: duration_seconds(fields),
            outcome: fields
                .wanted(Field::CauseForTermination, |fields, field| {
                    fields.choice(field, CALL_OUTCOMES)
                })
                .unwrap_or(CallOutcome::Unknown),
            handset: handset(fields),
        },
        RecordType::Message(direction) => Body::Message {
            direction,
            other: other_number(fields, head.msisdn, numbering),
        },
        RecordType::Data => {
            let uplink = volume_bytes(fields, Field::UplinkVolumeBytes);
            let volume_bytes = uplink + volume_bytes(fields, Field::DownlinkVolumeBytes);
            Body::Data {
                volume_bytes,
                session: session(fields, head.at, volume_bytes),
            }
        }
        RecordType::CallForward => Body::CallForward {
            other: other_number(fields, head.msisdn, numbering),
            action: forward_action(fields),
        },
        RecordType::Invoice => Body::Invoice(invoice(fields, head.record_id)?),
        RecordType::Payment => Body::Payment {
            amount: fields.essential(Field::Amount, Fields::money)?,
        },
        RecordType::Charge => Body::Charge {
            amount: fields.essential(Field::Amount, Fields::money)?,
            subscribed_by_customer: fields.wanted(Field::SubscribedByCustomer, Fields::boolean),
        },
        RecordType::Suspension => Body::Suspension(
            fields
                .wanted(Field::Reason, suspension_reason)
                .unwrap_or(SuspensionReason::Unknown),
        ),
        RecordType::Reactivation => {
            Body::Reactivation(fields.optional(Field::Reason, suspension_reason))
        }
        RecordType::Cancellation => Body::Cancellation,
        RecordType::Profile => Body::Profile(Box::new(profile(fields))),
        RecordType::Complaint => Body::Complaint {
            category: fields
                .wanted(Field::Category, |fields, field| {
                    fields.choice(field, COMPLAINT_CATEGORIES)
                })
                .unwrap_or(ComplaintCategory::Unknown),
            // A complaint stays open until it is said to be resolved.
            resolved: fields
                .wanted(Field::Resolution, |fields, field| {
                    fields.choice(field, RESOLUTIONS)
                })
                .unwrap_or(false),
            satisfaction: fields
                .optional(Field::Satisfaction, |fields, field| {
                    fields.integer(field, 1..=5)
                })
                .map(|satisfaction| satisfaction as u8),
        },
        RecordType::Enquiry => Body::Enquiry(
            fields
                .wanted(Field::Subject, |fields, field| {
                    fields.choice(field, ENQUIRY_SUBJECTS)
                })
                .unwrap_or(EnquirySubject::Unknown),
        ),
        RecordType::ServiceOrder => Body::ServiceOrder(order(fields)),
        RecordType::PortOutApplication => Body::PortOutApplication,
        RecordType::PortOutWithdrawn => Body::PortOutWithdrawn,
        RecordType::CompetitorContact => Body::CompetitorContact,
        RecordType::TaskOutcome => Body::TaskOutcome(task_outcome(fields)?),
        RecordType::Erase => Body::Erase {
            request: head.record_id.to_owned().into(),
        },
        RecordType::MemberSignal => Body::MemberSignal(Box::new(group::member_signal(fields)?)),
        RecordType::GroupAlert => Body::GroupAlert(Box::new(group::alert(fields)?)),
        RecordType::GroupCovered => Body::GroupCovered(Box::new(group::covered(fields)?)),
    })
}

/// The other party; a withheld number and the subscriber's own tell nothing.
fn other_number(fields: &mut Fields<'_>, msisdn: &Msisdn, numbering: &Numbering) -> Number {
    let Some(text) = fields.optional(Field::OtherNumber, Fields::phone) else {
        return Number::OTHER;
    };
    let number = numbering.number(&text);
    let own = number == numbering.own_number(msisdn);
    if own { Number::OTHER } else { number }
}

fn duration_seconds(fields: &mut Fields<'_>) -> u32 {
    let seconds = fields.wanted(Field::DurationSeconds, |fields, field| {
        fields.integer(field, 0..=DURATION_SECONDS_MAX)
    });
    seconds.unwrap_or_default() as u32
}

/// The handset, where the record names one. Gateways fill the field with all kinds of things when they do not know it,
/// so it is not worth counting.
fn handset(fields: &Fields<'_>) -> Option<u64> {
    let imei = fields.identifier(Field::Imei).ok()??;
    let mut digits = [0; IMEI_DIGITS_MAX];
    let mut length = 0;
    for byte in imei.trim_end_matches(['F', 'f']).bytes() {
        match byte {
            b'0'..=b'9' => *digits.get_mut(length)? = byte,
            b'-' | b'/' | b' ' => continue,
            _ => return None,
        }
        length += 1;
    }
    let handset = &digits[..HANDSET_DIGITS];
    let plausible = length >= HANDSET_DIGITS && handset.iter().any(|d| *d != handset[0]);
    plausible.then(|| xxh3_64(handset))
}

fn volume_bytes(fields: &mut Fields<'_>, field: Field) -> u64 {
    let bytes = fields.wanted(field, |fields, field| {
        fields.integer(field, 0..=VOLUME_BYTES_MAX)
    });
    bytes.unwrap_or_default().unsigned_abs()
}

/// What a record is a part of: a session reported in parts has one `charging_id`, and each part its own beginning, volume
/// and perhaps number. So a part that two gateways report is one, and two parts are two. Zeros are no `charging_id`.
fn session(fields: &mut Fields<'_>, at: Timestamp, volume_bytes: u64) -> Option<u64> {
    let number = fields.optional(Field::RecordSequenceNumber, Fields::identifier);
    let id = fields.optional(Field::ChargingId, Fields::identifier)?;
    let id = match id.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(id.to_ascii_lowercase()),
        false => id,
    };
    let id = id.strip_prefix("0x").unwrap_or(&id).trim_start_matches('0');
    if id.is_empty() {
        return None;
    }
    let part = (at.0 as u64).wrapping_mul(PART_AT) ^ volume_bytes.wrapping_mul(PART_VOLUME);
    let part = match number {
        Some(number) => xxh3_64_with_seed(number.as_bytes(), part),
        None => part,
    };
    Some(xxh3_64_with_seed(id.as_bytes(), part))
}

fn forward_action(fields: &mut Fields<'_>) -> ForwardAction {
    let action = fields.optional(Field::Action, |fields, field| {
        fields.choice(field, FORWARD_ACTIONS)
    });
    match action {
        Some(action) => action,
        None if fields.faults.has(Field::Action) => ForwardAction::Unknown,
        None => ForwardAction::Forwarded,
    }
}

fn suspension_reason(fields: &Fields<'_>, field: Field) -> Result<Option<SuspensionReason>, Flaw> {
    fields.choice(field, SUSPENSION_REASONS)
}

fn order(fields: &mut Fields<'_>) -> OrderKind {
    let kind = fields.wanted(Field::Kind, |fields, field| {
        fields.choice(field, ORDER_KINDS)
    });
    let before = fields.optional(Field::MonthlyFeeBefore, Fields::money);
    let after = fields.optional(Field::MonthlyFeeAfter, Fields::money);
    let dearer = after.zip(before).map(|(after, before)| after.cmp(&before));
    match (kind, dearer) {
        _ if fields.optional(Field::ByCustomer, Fields::boolean) == Some(false) => {
            OrderKind::Unasked
        }
        (None, _) => OrderKind::Unknown,
        (Some(OrderKind::Cancelled), _) => OrderKind::Cancelled,
        (Some(_), Some(Ordering::Less)) => OrderKind::Downgrade,
        (Some(OrderKind::PlanChange), Some(Ordering::Greater)) => OrderKind::Upgrade,
        (Some(kind), _) => kind,
    }
}

/// A task's name. Databases write its hexadecimal digits in capitals, and with hyphens among them.
fn task_id<'a>(fields: &Fields<'a>, field: Field) -> Read<Cow<'a, str>> {
    let hexadecimal = |b: u8| b.is_ascii_hexdigit() || b == b'-';
    Ok(fields
        .text(field)?
        .map(|id| match id.bytes().all(hexadecimal) {
            true => Cow::Owned(id.replace('-', "").to_ascii_lowercase()),
            false => id,
        }))
}

/// A refusal is never lost, though nobody can tell what task an outcome is of, or how it ended.
fn task_outcome<'a>(fields: &mut Fields<'a>) -> Result<TaskOutcome<'a>, Reject> {
    let do_not_contact = fields.refusal(Field::DoNotContact) == Some(true);
    let named = fields.essential(Field::TaskId, task_id);
    let result = fields.essential_choice(Field::Result, OUTCOME_RESULTS);
    let (task_id, result) = match (named, result) {
        (Ok(task_id), Ok(result)) => (task_id, Some(result)),
        (Err(reject), _) | (_, Err(reject)) if !do_not_contact => return Err(reject),
        _ => {
            let task_id = fields.wanted(Field::TaskId, task_id);
            fields.wanted(Field::Result, |fields, field| {
                fields.choice(field, OUTCOME_RESULTS)
            });
            (task_id.unwrap_or_default(), None)
        }
    };
    Ok(TaskOutcome {
        task_id,
        result,
        stated_reason: fields.optional(Field::StatedReason, Fields::reason),
        confirmed_reason: fields.optional(Field::ConfirmedReason, Fields::reason),
        do_not_contact,
    })
}

fn invoice(fields: &mut Fields<'_>, record_id: &str) -> Result<Invoice, Reject> {
    let amount = fields.essential(Field::Amount, Fields::money)?;
    let number = fields.optional(Field::InvoiceNumber, Fields::identifier);
    let number = number.map(|number| xxh3_64_with_seed(number.as_bytes(), INVOICE_SEED));
    let is_bill = amount >= Money::ZERO;
    Ok(Invoice {
        period: fields.essential(Field::Period, Fields::month)?,
        // A credit note may bear the number of the invoice that it corrects.
        document: match number.filter(|_| is_bill) {
            Some(number) => number,
            None => xxh3_64(record_id.as_bytes()),
        },
        corrects: number.filter(|_| !is_bill),
        amount,
        plan_fee: fields.wanted(Field::PlanFee, Fields::money),
        usage_value: fields.wanted(Field::UsageValue, Fields::money),
        overage: fields.wanted(Field::Overage, Fields::money),
        due_on: fields.wanted(Field::DueOn, Fields::date),
    })
}

/// Who the owner is; words for nobody and zeros are no customer.
fn customer(fields: &mut Fields<'_>) -> Option<u64> {
    let id = fields.optional(Field::CustomerId, Fields::identifier)?;
    let id = id.to_ascii_lowercase();
    let nothing = |c: char| c == '0' || !c.is_alphanumeric();
    let nobody = id.chars().all(nothing) || written::is_nobody(&id);
    (!nobody).then(|| xxh3_64(id.as_bytes()))
}

/// Operators know their customers to different depths, so everything in a profile may be absent.
fn profile<'a>(fields: &mut Fields<'a>) -> Profile<'a> {
    let plan = fields.open_plan().then(|| plan(fields));
    let flags = fields.choices(Field::Flags, FLAGS);
    Profile {
        customer: customer(fields),
        brand: fields.optional(Field::Brand, Fields::text),
        activated_on: fields.optional(Field::ActivatedOn, Fields::date),
        plan,
        contract_end_on: fields.optional(Field::ContractEndOn, Fields::date),
        segment: fields
            .optional(Field::Segment, |fields, field| {
                fields.choice(field, SEGMENTS)
            })
            .unwrap_or_default(),
        vip: fields
            .optional(Field::Vip, Fields::boolean)
            .unwrap_or_default(),
        account_manager: fields.optional(Field::AccountManager, Fields::text),
        group: profile_group(fields),
        region: fields
            .optional(Field::Region, Fields::region)
            .unwrap_or_default(),
        birthday: fields.optional(Field::Birthday, Fields::month_day),
        points_expire_on: fields.optional(Field::PointsExpireOn, Fields::date),
        offer_expires_on: fields.optional(Field::OfferExpiresOn, Fields::date),
        marketing_opt_out: fields.refusal(Field::MarketingOptOut),
        flags: ProfileFlags {
            not_pursued: flags.iter().any(|flag| flag.not_pursued),
            machine: flags.iter().any(|flag| flag.machine),
        },
        avg_monthly_spend: fields.optional(Field::AvgMonthlySpend, Fields::money),
        suspensions: fields
            .optional(Field::Suspensions, |fields, field| {
                fields.integer(field, 0..=i64::from(u16::MAX))
            })
            .map(|suspensions| suspensions as u16),
    }
}

fn profile_group<'a>(fields: &mut Fields<'a>) -> Option<ProfileGroup<'a>> {
    let manager = fields.optional(Field::GroupManager, Fields::text);
    let size = fields.optional(Field::GroupSize, |fields, field| {
        fields.integer(field, 1..=i64::from(u32::MAX))
    });
    let id = fields.optional(Field::GroupId, group::id)?;
    Some(ProfileGroup {
        id,
        manager,
        size: size.map(|size| size as u32),
    })
}

fn plan<'a>(fields: &mut Fields<'a>) -> Plan<'a> {
    let mut included = |field| {
        let amount = fields.optional(field, |fields, field| {
            fields.integer(field, 0..=i64::from(u32::MAX))
        });
        amount.unwrap_or_default() as u32
    };
    let voice_minutes = included(Field::PlanVoiceMinutes);
    let data_mb = u64::from(included(Field::PlanDataMb));
    Plan {
        id: fields.wanted(Field::PlanId, Fields::text),
        monthly_fee: fields.wanted(Field::PlanMonthlyFee, Fields::money),
        voice_minutes,
        data_mb,
    }
}
