//! What shards tell each other of groups, as records of their own topic. They stay inside: JSON in every form of output.

use super::json;
use crate::model::{
    Body, Calendar, GroupAlert, GroupCovered, GroupMember, GroupRecord, MemberSignal, Occasion,
};
use serde::{Serialize, Serializer};
use std::sync::Arc;

#[derive(Serialize)]
struct RecordJson<'a> {
    record_type: &'static str,
    record_id: String,
    msisdn: &'a str,
    event_timestamp: String,
    group: GroupJson<'a>,
}

#[derive(Serialize)]
struct GroupJson<'a> {
    group_id: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_end_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_count: Option<u32>,
    #[serde(flatten)]
    told: ToldJson<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToldJson<'a> {
    Signal {
        partition: u32,
        value: String,
        score_millionths: u32,
        severity: &'static str,
        #[serde(serialize_with = "names")]
        triggers: &'a [Arc<str>],
    },
    Alert {
        members: Vec<MemberJson<'a>>,
        more: u32,
        until: String,
    },
    Covered {
        lead: &'a str,
        until: String,
    },
}

/// A member with signals.
#[derive(Serialize)]
pub(super) struct MemberJson<'a> {
    msisdn: &'a str,
    severity: &'static str,
    #[serde(serialize_with = "names")]
    triggers: &'a [Arc<str>],
}

impl<'a> MemberJson<'a> {
    fn new(member: &'a GroupMember) -> Self {
        Self {
            msisdn: member.msisdn.as_str(),
            severity: member.severity.name(),
            triggers: &member.triggers,
        }
    }

    /// Those of an alert.
    pub(super) fn all(alert: &'a GroupAlert) -> Vec<Self> {
        alert.members.iter().map(Self::new).collect()
    }
}

fn names<S: Serializer>(names: &&[Arc<str>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(names.iter().map(|name| &**name))
}

/// A record as one line of JSON, without the line's end; nothing if it is of something else.
pub(super) fn value(record: &GroupRecord, calendar: &Calendar) -> Option<Vec<u8>> {
    let (record_type, group) = match &record.event.body {
        Body::MemberSignal(signal) => ("member_signal", of_signal(signal)),
        Body::GroupAlert(alert) => ("group_alert", of_alert(alert, calendar)),
        Body::GroupCovered(covered) => ("group_covered", of_covered(covered, calendar)),
        _ => return None,
    };
    Some(json::bytes(&RecordJson {
        record_type,
        record_id: record.record_id(),
        msisdn: record.event.msisdn.as_str(),
        event_timestamp: calendar.rfc3339(record.event.at),
        group,
    }))
}

fn of_signal(signal: &MemberSignal) -> GroupJson<'_> {
    GroupJson {
        group_id: &signal.group,
        kind: signal.occasion.map_or("gone", Occasion::name),
        contract_end_on: contract_end_on(signal.occasion),
        head_count: signal.head_count,
        told: ToldJson::Signal {
            partition: signal.partition,
            value: signal.value.to_string(),
            score_millionths: signal.score,
            severity: signal.severity.name(),
            triggers: &signal.triggers,
        },
    }
}

fn of_alert<'a>(alert: &'a GroupAlert, calendar: &Calendar) -> GroupJson<'a> {
    GroupJson {
        group_id: &alert.group,
        kind: alert.occasion.name(),
        contract_end_on: contract_end_on(Some(alert.occasion)),
        head_count: alert.head_count,
        told: ToldJson::Alert {
            members: MemberJson::all(alert),
            more: alert.more,
            until: calendar.rfc3339(alert.until),
        },
    }
}

fn of_covered<'a>(covered: &'a GroupCovered, calendar: &Calendar) -> GroupJson<'a> {
    GroupJson {
        group_id: &covered.group,
        kind: covered.occasion.name(),
        contract_end_on: contract_end_on(Some(covered.occasion)),
        head_count: None,
        told: ToldJson::Covered {
            lead: covered.lead.as_str(),
            until: calendar.rfc3339(covered.until),
        },
    }
}

fn contract_end_on(occasion: Option<Occasion>) -> Option<String> {
    let end = occasion?.contract_end_on()?;
    Some(end.to_string())
}
