//! What shards tell each other of groups (behaviour: Groups).

use super::serial::{clear, shared};
use super::{Body, Day, Event, Money, Msisdn, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Members of a group that are kept by number and listed; the rest is counted.
pub const MEMBERS_LISTED: usize = 200;

/// A record of one shard for another: an event that the other will be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRecord {
    /// The partition of its subscriber. Nothing where the group's is meant, which follows from the key.
    pub partition: Option<u32>,
    /// What it will be shown.
    pub event: Event<'static>,
}

/// What members of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Occasion {
    /// Signs that they leave.
    Leaving,
    /// Their contract ends on that day.
    ContractEnd(Day),
}

impl Occasion {
    /// The name used in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leaving => "leaving",
            Self::ContractEnd(_) => "contract_end",
        }
    }

    /// The day on which the contract ends, if that is what it is.
    pub const fn contract_end_on(self) -> Option<Day> {
        match self {
            Self::Leaving => None,
            Self::ContractEnd(on) => Some(on),
        }
    }
}

/// A task of a member is due.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberSignal {
    /// The group.
    pub group: Arc<str>,
    /// Why; nothing if the member has gone.
    pub occasion: Option<Occasion>,
    /// The partition of the member, where answers go.
    pub partition: u32,
    /// Lines of the group, if the member's profile says so.
    pub head_count: Option<u32>,
    /// What the member is worth.
    pub value: Money,
    /// The member's churn score, in millionths.
    pub score: u32,
    /// How far things have gone.
    pub severity: Severity,
    /// The triggers of the task.
    pub triggers: Vec<Arc<str>>,
}

/// A member with signals, as the group's task lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupMember {
    /// Who.
    #[serde(with = "clear")]
    pub msisdn: Msisdn,
    /// How far things have gone.
    pub severity: Severity,
    /// Why: triggers, each once, the first to fire first.
    #[serde(with = "shared")]
    pub triggers: Vec<Arc<str>>,
}

/// One task is due for the whole group. The member who is told so has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupAlert {
    /// The group.
    #[serde(with = "shared")]
    pub group: Arc<str>,
    /// Why.
    pub occasion: Occasion,
    /// Those with signals, the most important first, this one among them.
    pub members: Vec<GroupMember>,
    /// Signals of members that are not listed any more.
    pub more: u32,
    /// Lines of the group, if known.
    pub head_count: Option<u32>,
    /// For so long the other members get no tasks of their own.
    pub until: Timestamp,
}

/// A member gets no task of its own: another member's task stands for the whole group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupCovered {
    /// The group.
    pub group: Arc<str>,
    /// For what.
    pub occasion: Occasion,
    /// Whose task it is.
    pub lead: Msisdn,
    /// For so long.
    pub until: Timestamp,
}

impl GroupAlert {
    /// Those with signals.
    pub fn count(&self) -> u32 {
        self.more.saturating_add(self.members.len() as u32)
    }

    /// How far things have gone with the member that is worst off.
    pub fn severity(&self) -> Option<Severity> {
        self.members.iter().map(|member| member.severity).max()
    }
}

impl GroupRecord {
    /// What a member's shard tells the group's.
    pub fn of_member(msisdn: Msisdn, at: Timestamp, signal: MemberSignal) -> Self {
        let body = Body::MemberSignal(Box::new(signal));
        Self::new(None, msisdn, at, body)
    }

    /// What a member's shard tells the group's when the member has gone, or is not to be spoken of.
    pub fn of_departure(msisdn: Msisdn, at: Timestamp, group: Arc<str>, partition: u32) -> Self {
        let signal = MemberSignal {
            group,
            occasion: None,
            partition,
            head_count: None,
            value: Money::ZERO,
            score: 0,
            severity: Severity::Early,
            triggers: Vec::new(),
        };
        Self::of_member(msisdn, at, signal)
    }

    /// What the group's shard tells a member's, which is in some partition.
    pub fn of_group(partition: u32, msisdn: Msisdn, at: Timestamp, body: Body<'static>) -> Self {
        Self::new(Some(partition), msisdn, at, body)
    }

    fn new(partition: Option<u32>, msisdn: Msisdn, at: Timestamp, body: Body<'static>) -> Self {
        let mut event = Event {
            msisdn,
            at,
            record: 0,
            visited: None,
            body,
        };
        event.record = xxhash_rust::xxh3::xxh3_64(record_id(&event).as_bytes());
        Self { partition, event }
    }

    /// The id of the record: the same for the same thing told.
    pub fn record_id(&self) -> String {
        record_id(&self.event)
    }
}

/// Nothing is told of a member twice at one moment, but for two occasions, and that the cover has ended.
fn record_id(event: &Event<'_>) -> String {
    let (what, group, occasion, until) = match &event.body {
        Body::GroupAlert(it) => ("alert", &it.group, Some(it.occasion), it.until),
        Body::GroupCovered(it) => ("covered", &it.group, Some(it.occasion), it.until),
        Body::MemberSignal(it) => ("signal", &it.group, it.occasion, Timestamp::MIN),
        _ => return String::new(),
    };
    let text = format!(
        "{what}\n{group}\n{}\n{}\n{occasion:?}\n{}",
        event.msisdn.as_str(),
        event.at.0,
        until.0
    );
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
}
