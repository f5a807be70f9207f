//! What each record type must hold, and what becomes of it (behaviour: Events).

use super::number::Numbering;
use super::read::{Choices, required};
use super::wire::{Field, Fields};
use crate::model::{
    Body, CallOutcome, ComplaintCategory, Direction, EnquirySubject, ForwardAction, Invoice,
    Msisdn, Number, OutcomeResult, Plan, Profile, ProfileFlags, Reject, Segment, SuspensionReason,
    TaskOutcome,
};
use std::borrow::Cow;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

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
    PortOutApplication,
    CompetitorContact,
    TaskOutcome,
    Erase,
}

/// The most frequent first.
pub(super) const RECORD_TYPES: &Choices<RecordType> = &[
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
    ("port_out_application", RecordType::PortOutApplication),
    ("competitor_contact", RecordType::CompetitorContact),
    ("task_outcome", RecordType::TaskOutcome),
    ("erase", RecordType::Erase),
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
/// Longest reason of an outcome, in characters: a name from a list, not the story of a talk.
const REASON_CHARS_MAX: usize = 64;
/// Sessions are hashed apart from record ids (whose seeds are feed numbers), so that equal texts do not collide.
const SESSION_SEED: u64 = 1 << 32;

/// The part of an IMEI that names the handset; behind it come a check digit or the software's version.
const HANDSET_DIGITS: usize = 14;

/// The handset, where the record names one. Gateways fill the field with all kinds of things when they do not know it,
/// which is no reason to refuse a call.
fn handset(fields: &Fields<'_>) -> Option<u64> {
    let imei = fields.identifier(Field::Imei).ok()??;
    let digits = imei.as_bytes().get(..HANDSET_DIGITS)?;
    let plausible = digits.iter().all(u8::is_ascii_digit) && digits.iter().any(|d| *d != b'0');
    plausible.then(|| xxh3_64(digits))
}

/// Reads what the record type at hand must hold.
pub(super) fn read<'a>(
    record_type: RecordType,
    record_id: &Cow<'a, str>,
    fields: Fields<'a>,
    msisdn: &Msisdn,
    numbering: &Numbering,
) -> Result<Body<'a>, Reject> {
    let amount = || required(Field::Amount, fields.money(Field::Amount)?);
    let reason = || fields.choice(Field::Reason, SUSPENSION_REASONS);
    Ok(match record_type {
        RecordType::Call(direction) => Body::Call {
            direction,
            other: other_number(&fields, msisdn, numbering)?,
            duration_seconds: duration_seconds(&fields)?,
            outcome: required(
                Field::CauseForTermination,
                fields.choice(Field::CauseForTermination, CALL_OUTCOMES)?,
            )?,
            handset: handset(&fields),
        },
        RecordType::Message(direction) => Body::Message {
            direction,
            other: other_number(&fields, msisdn, numbering)?,
        },
        RecordType::Data => Body::Data {
            volume_bytes: volume_bytes(&fields, Field::UplinkVolumeBytes)?
                + volume_bytes(&fields, Field::DownlinkVolumeBytes)?,
            session: fields
                .identifier(Field::ChargingId)?
                .map(|id| xxh3_64_with_seed(id.as_bytes(), SESSION_SEED)),
        },
        RecordType::CallForward => Body::CallForward {
            other: other_number(&fields, msisdn, numbering)?,
            action: fields
                .choice(Field::Action, FORWARD_ACTIONS)?
                .unwrap_or(ForwardAction::Forwarded),
        },
        RecordType::Invoice => Body::Invoice(invoice(&fields)?),
        RecordType::Payment => Body::Payment { amount: amount()? },
        RecordType::Charge => Body::Charge {
            amount: amount()?,
            subscribed_by_customer: required(
                Field::SubscribedByCustomer,
                fields.boolean(Field::SubscribedByCustomer)?,
            )?,
        },
        RecordType::Suspension => Body::Suspension(required(Field::Reason, reason()?)?),
        RecordType::Reactivation => {
            reason()?;
            Body::Reactivation
        }
        RecordType::Cancellation => Body::Cancellation,
        RecordType::Profile => Body::Profile(Box::new(profile(fields)?)),
        RecordType::Complaint => Body::Complaint {
            category: required(
                Field::Category,
                fields.choice(Field::Category, COMPLAINT_CATEGORIES)?,
            )?,
            resolved: required(
                Field::Resolution,
                fields.choice(Field::Resolution, RESOLUTIONS)?,
            )?,
            satisfaction: fields
                .integer(Field::Satisfaction, 1..=5)?
                .map(|satisfaction| satisfaction as u8),
        },
        RecordType::Enquiry => Body::Enquiry(required(
            Field::Subject,
            fields.choice(Field::Subject, ENQUIRY_SUBJECTS)?,
        )?),
        RecordType::PortOutApplication => Body::PortOutApplication,
        RecordType::CompetitorContact => Body::CompetitorContact,
        RecordType::TaskOutcome => Body::TaskOutcome(TaskOutcome {
            task_id: required(Field::TaskId, fields.text(Field::TaskId)?)?,
            result: required(
                Field::Result,
                fields.choice(Field::Result, OUTCOME_RESULTS)?,
            )?,
            stated_reason: fields.text_within(Field::StatedReason, REASON_CHARS_MAX)?,
            confirmed_reason: fields.text_within(Field::ConfirmedReason, REASON_CHARS_MAX)?,
            do_not_contact: fields.boolean(Field::DoNotContact)?.unwrap_or_default(),
        }),
        RecordType::Erase => Body::Erase {
            request: record_id.clone(),
        },
    })
}

/// The other party; a withheld number and the subscriber's own tell nothing.
fn other_number(
    fields: &Fields<'_>,
    msisdn: &Msisdn,
    numbering: &Numbering,
) -> Result<Number, Reject> {
    let Some(text) = fields.string(Field::OtherNumber)? else {
        return Ok(Number::OTHER);
    };
    let number = numbering.number(&text);
    let own = number == Number::from_digits(msisdn.as_bytes());
    Ok(if own { Number::OTHER } else { number })
}

fn duration_seconds(fields: &Fields<'_>) -> Result<u32, Reject> {
    let seconds = fields.integer(Field::DurationSeconds, 0..=DURATION_SECONDS_MAX)?;
    Ok(required(Field::DurationSeconds, seconds)? as u32)
}

fn volume_bytes(fields: &Fields<'_>, field: Field) -> Result<u64, Reject> {
    let bytes = fields.integer(field, 0..=VOLUME_BYTES_MAX)?;
    Ok(required(field, bytes)?.unsigned_abs())
}

fn invoice(fields: &Fields<'_>) -> Result<Invoice, Reject> {
    let money = |field| required(field, fields.money(field)?);
    Ok(Invoice {
        period: required(Field::Period, fields.month(Field::Period)?)?,
        amount: money(Field::Amount)?,
        plan_fee: money(Field::PlanFee)?,
        usage_value: money(Field::UsageValue)?,
        overage: money(Field::Overage)?,
        due_on: required(Field::DueOn, fields.date(Field::DueOn)?)?,
    })
}

/// Operators know their customers to different depths, so everything in a profile may be absent.
fn profile(fields: Fields<'_>) -> Result<Profile<'_>, Reject> {
    let (fields, has_plan) = fields.open_plan()?;
    let flag = |field| Ok::<_, Reject>(fields.boolean(field)?.unwrap_or_default());
    let flags = fields.choices(Field::Flags, FLAGS)?;
    Ok(Profile {
        brand: fields.text(Field::Brand)?,
        activated_on: fields.date(Field::ActivatedOn)?,
        plan: has_plan.then(|| plan(&fields)).transpose()?,
        contract_end_on: fields.date(Field::ContractEndOn)?,
        segment: fields.choice(Field::Segment, SEGMENTS)?.unwrap_or_default(),
        vip: flag(Field::Vip)?,
        account_manager: fields.text(Field::AccountManager)?,
        region: fields.region(Field::Region)?,
        birthday: fields.month_day(Field::Birthday)?,
        points_expire_on: fields.date(Field::PointsExpireOn)?,
        offer_expires_on: fields.date(Field::OfferExpiresOn)?,
        marketing_opt_out: flag(Field::MarketingOptOut)?,
        flags: ProfileFlags {
            not_pursued: flags.iter().any(|flag| flag.not_pursued),
            machine: flags.iter().any(|flag| flag.machine),
        },
        avg_monthly_spend: fields.money(Field::AvgMonthlySpend)?,
        suspensions: fields
            .integer(Field::Suspensions, 0..=i64::from(u16::MAX))?
            .map(|suspensions| suspensions as u16),
    })
}

fn plan<'a>(fields: &Fields<'a>) -> Result<Plan<'a>, Reject> {
    let included = |field| {
        let amount = fields.integer(field, 0..=i64::from(u32::MAX))?;
        Ok::<_, Reject>(amount.unwrap_or_default() as u32)
    };
    Ok(Plan {
        id: required(Field::PlanId, fields.text(Field::PlanId)?)?,
        monthly_fee: required(Field::PlanMonthlyFee, fields.money(Field::PlanMonthlyFee)?)?,
        voice_minutes: included(Field::PlanVoiceMinutes)?,
        data_mb: u64::from(included(Field::PlanDataMb)?),
    })
}
