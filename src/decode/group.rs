//! What shards tell each other of groups: the object `group` of such a record (behaviour: Groups).

use super::faults::Flaw;
use super::field::Field;
use super::read::Read;
use super::wire::Fields;
use crate::model::{
    Day, GroupAlert, GroupCovered, GroupMember, MEMBERS_LISTED, MemberSignal, Money, Msisdn,
    Occasion, Reject, Severity, Timestamp,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Longest id of a group, in bytes: it is a key of records, and of what is known of groups.
const GROUP_ID_BYTES_MAX: usize = 64;
/// More triggers than a task has reasons.
const TRIGGERS_MAX: usize = 64;
/// A score is told in millionths.
const CERTAIN: u32 = 1_000_000;

#[derive(Deserialize)]
struct Common {
    group_id: String,
    kind: String,
    #[serde(default)]
    contract_end_on: Option<String>,
}

#[derive(Deserialize)]
struct Signal {
    partition: u32,
    #[serde(default)]
    head_count: Option<u32>,
    value: String,
    score_millionths: u32,
    severity: String,
    triggers: Vec<String>,
}

#[derive(Deserialize)]
struct Member {
    msisdn: String,
    severity: String,
    triggers: Vec<String>,
}

#[derive(Deserialize)]
struct Alert {
    members: Vec<Member>,
    more: u32,
    #[serde(default)]
    head_count: Option<u32>,
    until: String,
}

#[derive(Deserialize)]
struct Covered {
    lead: String,
    until: String,
}

/// The kind of a signal of a member who was erased.
const GONE: &str = "gone";

/// What a `member_signal` tells.
pub(super) fn member_signal(fields: &Fields<'_>) -> Result<MemberSignal, Reject> {
    let signal: Signal = object(fields)?;
    let common: Common = object(fields)?;
    let occasion = match common.kind.as_str() {
        GONE => None,
        _ => Some(occasion(&common)?),
    };
    if signal.score_millionths > CERTAIN {
        return Err(unusable());
    }
    Ok(MemberSignal {
        occasion,
        group: group_id(&common)?.into(),
        partition: signal.partition,
        head_count: signal.head_count,
        value: Money::parse(&signal.value).map_err(|_| unusable())?,
        score: signal.score_millionths,
        severity: severity(&signal.severity)?,
        triggers: triggers(signal.triggers)?,
    })
}

/// What a `group_alert` tells.
pub(super) fn alert(fields: &Fields<'_>) -> Result<GroupAlert, Reject> {
    let alert: Alert = object(fields)?;
    let common: Common = object(fields)?;
    if alert.members.len() > MEMBERS_LISTED {
        return Err(unusable());
    }
    let members = alert.members.into_iter().map(|member| {
        Ok(GroupMember {
            msisdn: subscriber(&member.msisdn)?,
            severity: severity(&member.severity)?,
            triggers: triggers(member.triggers)?,
        })
    });
    Ok(GroupAlert {
        group: group_id(&common)?.into(),
        occasion: occasion(&common)?,
        members: members.collect::<Result<_, Reject>>()?,
        more: alert.more,
        head_count: alert.head_count,
        until: moment(&alert.until)?,
    })
}

/// What a `group_covered` tells.
pub(super) fn covered(fields: &Fields<'_>) -> Result<GroupCovered, Reject> {
    let covered: Covered = object(fields)?;
    let common: Common = object(fields)?;
    Ok(GroupCovered {
        group: group_id(&common)?.into(),
        occasion: occasion(&common)?,
        lead: subscriber(&covered.lead)?,
        until: moment(&covered.until)?,
    })
}

/// A group's id in a profile.
pub(super) fn id<'a>(fields: &Fields<'a>, field: Field) -> Read<std::borrow::Cow<'a, str>> {
    match fields.identifier(field)? {
        Some(id) if !is_id(&id) => Err(Flaw::Invalid(
            "must have at most 64 bytes, and no control characters",
        )),
        id => Ok(id),
    }
}

fn is_id(id: &str) -> bool {
    (1..=GROUP_ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control)
}

fn group_id(common: &Common) -> Result<&str, Reject> {
    let id = Some(common.group_id.as_str()).filter(|id| is_id(id));
    id.ok_or_else(unusable)
}

fn occasion(common: &Common) -> Result<Occasion, Reject> {
    let end = common.contract_end_on.as_deref().map(Day::parse);
    match (common.kind.as_str(), end) {
        ("leaving", None) => Ok(Occasion::Leaving),
        ("contract_end", Some(Some(on))) => Ok(Occasion::ContractEnd(on)),
        _ => Err(unusable()),
    }
}

fn severity(name: &str) -> Result<Severity, Reject> {
    let mut all = Severity::ALL.into_iter();
    all.find(|it| it.name() == name).ok_or_else(unusable)
}

fn triggers(names: Vec<String>) -> Result<Vec<Arc<str>>, Reject> {
    match names.len() > TRIGGERS_MAX {
        true => Err(unusable()),
        false => Ok(names.into_iter().map(Into::into).collect()),
    }
}

/// Numbers in these records are in canonical form, because shards write them.
fn subscriber(text: &str) -> Result<Msisdn, Reject> {
    Msisdn::new(text).map_err(|_| unusable())
}

fn moment(text: &str) -> Result<Timestamp, Reject> {
    Timestamp::parse(text).ok_or_else(unusable)
}

fn object<T: DeserializeOwned>(fields: &Fields<'_>) -> Result<T, Reject> {
    fields.essential(Field::Group, |fields, field| {
        let object = fields.raw(field).map(serde_json::from_str);
        object.transpose().map_err(|_| Flaw::Invalid(PROBLEM))
    })
}

const PROBLEM: &str = "is not what shards tell each other of groups";

fn unusable() -> Reject {
    Reject::InvalidField {
        field: Field::Group.name(),
        problem: PROBLEM.into(),
    }
}
