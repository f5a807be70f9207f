//! What a shard knows of the groups whose keys lead to it: members with signals, and whose task is the group's (behaviour:
//! Groups). Groups without signals are not known.

use crate::engine::codec::{Problem, is_possible_time};
use crate::engine::settings::GroupRules;
use crate::model::{
    Body, Day, GroupAlert, GroupCovered, GroupMember, GroupRecord, MEMBERS_LISTED, MemberSignal,
    Money, Msisdn, Occasion, Outcome, Severity, Timestamp, clear, shared,
};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Ends of contracts of one group that are known at a time.
const CONTRACT_ENDS: usize = 16;

/// Reasons of one member that are kept.
const REASONS: usize = 16;

/// What becomes of a signal that is news.
const APPLIED: Outcome = Outcome::Applied { late: false };

/// The groups of a shard.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    groups: BTreeMap<Arc<str>, Arc<Group>>,
    /// Signals heard since ever.
    heard: u64,
}

/// The groups as an image holds them.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupsRecord {
    heard: u64,
    groups: Vec<(String, Group)>,
}

/// A group with signals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Those with signs of leaving, by number.
    members: Vec<Member>,
    /// Signals of members beyond those, and the last one's time.
    more: u32,
    more_at: Timestamp,
    head_count: Option<u32>,
    /// Somebody has joined them since the last alert, or has a further reason.
    news: bool,
    alert: Option<Alert>,
    /// By the day on which contracts end: the member whose task it is.
    contract_ends: Vec<(Day, Lead)>,
}

/// A member with signs of leaving.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Member {
    line: Lead,
    /// Time of the last signal.
    at: Timestamp,
    value: Money,
    score: u32,
    /// The worst of all signals.
    severity: Severity,
    /// Those of all signals, each once.
    #[serde(with = "shared")]
    triggers: Vec<Arc<str>>,
    /// Until when it was told that another one's task stands for it.
    covered_until: Timestamp,
}

/// A line, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Lead {
    #[serde(with = "clear")]
    msisdn: Msisdn,
    partition: u32,
}

/// Whose task is the group's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Alert {
    lead: Lead,
    /// When it was last told of.
    at: Timestamp,
    until: Timestamp,
    /// How far things had gone then with the member that was worst off.
    severity: Severity,
}

/// The moment at which something is told.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The time.
    pub now: Timestamp,
    /// The local day.
    pub today: Day,
    /// The local day of a moment.
    pub day_of: &'a dyn Fn(Timestamp) -> Day,
    /// When a local day ends.
    pub end_of: &'a dyn Fn(Day) -> Timestamp,
    /// What is read has waited for long: nobody is told of leaving.
    pub backlog: bool,
    /// The rules in force.
    pub rules: &'a GroupRules,
}

impl Groups {
    /// Hears a signal of a member, and appends what others are to be told.
    pub fn hear(
        &mut self,
        member: Msisdn,
        at: Timestamp,
        signal: &MemberSignal,
        moment: &Moment<'_>,
        told: &mut Vec<GroupRecord>,
    ) -> Outcome {
        let id = &signal.group;
        let group = Arc::make_mut(self.groups.entry(Arc::clone(id)).or_default());
        group.forget_the_old(moment);
        if group.is_empty() {
            *group = Group::default();
        }
        let line = Lead {
            msisdn: member,
            partition: signal.partition,
        };
        let outcome = match signal.occasion {
            None => group.forget(id, member, moment, told),
            Some(Occasion::Leaving) => group.hear(id, line, at, signal, moment, told),
            Some(Occasion::ContractEnd(on)) => {
                group.contract_ends(id, line, on, signal, moment, told)
            }
        };
        if group.is_empty() {
            self.groups.remove(id);
        }
        self.heard += u64::from(outcome == APPLIED);
        outcome
    }

    /// Forgets what is too old, and tells of those who joined since the last alert.
    pub fn review(&mut self, moment: &Moment<'_>) -> Vec<GroupRecord> {
        let mut told = Vec::new();
        self.groups.retain(|id, group| {
            let group = Arc::make_mut(group);
            group.forget_the_old(moment);
            group.speak(id, moment, &mut told);
            !group.is_empty()
        });
        told
    }

    /// Figures that differ if others were heard.
    pub fn figures(&self) -> [u64; 2] {
        [self.groups.len() as u64, self.heard]
    }

    /// Groups with signals.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// As an image holds them.
    pub fn record(&self) -> GroupsRecord {
        let groups = self.groups.iter();
        let groups = groups.map(|(id, group)| (id.to_string(), (**group).clone()));
        GroupsRecord {
            heard: self.heard,
            groups: groups.collect(),
        }
    }

    /// Those of an image.
    pub fn restored(record: GroupsRecord) -> Result<Self, Problem> {
        if !record.groups.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err("has groups out of order");
        }
        record
            .groups
            .iter()
            .try_for_each(|(_, group)| group.check())?;
        let groups = record.groups.into_iter();
        Ok(Self {
            groups: groups
                .map(|(id, group)| (id.into(), Arc::new(group)))
                .collect(),
            heard: record.heard,
        })
    }
}

impl Group {
    /// Hears that a member shows signs of leaving.
    fn hear(
        &mut self,
        id: &Arc<str>,
        line: Lead,
        at: Timestamp,
        signal: &MemberSignal,
        moment: &Moment<'_>,
        told: &mut Vec<GroupRecord>,
    ) -> Outcome {
        if at <= oldest(moment) {
            return Outcome::Expired;
        }
        let known = self
            .members
            .binary_search_by_key(&line.msisdn, |it| it.line.msisdn);
        let mut member = Member {
            line,
            at,
            value: signal.value,
            score: signal.score,
            severity: signal.severity,
            triggers: Vec::new(),
            covered_until: Timestamp::MIN,
        };
        match known {
            Ok(place) if self.members[place].at >= at => return Outcome::Duplicate,
            Ok(place) => {
                let before = &mut self.members[place];
                member.covered_until = before.covered_until;
                member.severity = member.severity.max(before.severity);
                member.triggers = std::mem::take(&mut before.triggers);
                self.news |= member.add_triggers(&signal.triggers);
                self.members[place] = member;
            }
            Err(_) if self.members.len() >= MEMBERS_LISTED => {
                self.more = self.more.saturating_add(1);
                self.more_at = self.more_at.max(at);
                self.news = true;
                // It is not kept, so it is told at once, and each time.
                if let Some(alert) = self.alert.clone().filter(|_| !moment.backlog) {
                    self.cover(id, line, &alert, moment, told);
                }
            }
            Err(place) => {
                member.add_triggers(&signal.triggers);
                self.members.insert(place, member);
                self.news = true;
            }
        }
        self.head_count = signal.head_count.or(self.head_count);
        self.speak(id, moment, told);
        APPLIED
    }

    /// Tells whoever is to know it that the group's task is one member's.
    fn speak(&mut self, id: &Arc<str>, moment: &Moment<'_>, told: &mut Vec<GroupRecord>) {
        if moment.backlog {
            return;
        }
        let enough = self.members.len() >= usize::from(moment.rules.members);
        let due = match &self.alert {
            None => enough,
            Some(alert) => {
                let worse = self.gravest() > Some(alert.severity);
                worse || self.news && (moment.day_of)(alert.at) < moment.today
            }
        };
        if due {
            self.alert(id, moment, told);
        }
        let Some(alert) = self.alert.clone() else {
            return;
        };
        for place in 0..self.members.len() {
            let Member {
                line,
                covered_until,
                ..
            } = self.members[place];
            if line.msisdn != alert.lead.msisdn && covered_until < alert.until {
                self.members[place].covered_until = alert.until;
                self.cover(id, line, &alert, moment, told);
            }
        }
    }

    /// Tells the lead what the group's task is about: the lead so far while it is among the members, or else the most
    /// important one.
    fn alert(&mut self, id: &Arc<str>, moment: &Moment<'_>, told: &mut Vec<GroupRecord>) {
        let mut ranked: Vec<&Member> = self.members.iter().collect();
        ranked.sort_by_key(|it| (Reverse((it.value, it.score)), it.line.msisdn));
        let is_member = |lead: &Lead| ranked.iter().any(|it| it.line.msisdn == lead.msisdn);
        let before = self.alert.as_ref().map(|alert| alert.lead);
        let first = ranked.first().map(|it| it.line);
        let Some(lead) = before.filter(is_member).or(first) else {
            return;
        };
        let alert = Alert {
            lead,
            severity: self.gravest().unwrap_or(Severity::Early),
            at: moment.now,
            until: moment
                .now
                .plus_hours(24 * i64::from(moment.rules.within_days)),
        };
        let body = GroupAlert {
            group: Arc::clone(id),
            occasion: Occasion::Leaving,
            members: ranked.iter().map(|it| it.listed()).collect(),
            more: self.more,
            head_count: self.head_count,
            until: alert.until,
        };
        told.push(alert_record(lead, moment, body));
        // Whoever had the task before has it no more.
        if let Some(before) = before.filter(|before| before.msisdn != lead.msisdn) {
            self.cover(id, before, &alert, moment, told);
        }
        self.alert = Some(alert);
        self.news = false;
    }

    fn cover(
        &self,
        id: &Arc<str>,
        line: Lead,
        alert: &Alert,
        moment: &Moment<'_>,
        told: &mut Vec<GroupRecord>,
    ) {
        let (lead, until) = (alert.lead, alert.until);
        told.push(covered_record(
            id,
            line,
            Occasion::Leaving,
            lead,
            until,
            moment,
        ));
    }

    /// Hears that a member's contract ends: the first of each day's end has the task, the others are told so.
    fn contract_ends(
        &mut self,
        id: &Arc<str>,
        line: Lead,
        on: Day,
        signal: &MemberSignal,
        moment: &Moment<'_>,
        told: &mut Vec<GroupRecord>,
    ) -> Outcome {
        if on < moment.today {
            return Outcome::Expired;
        }
        let until = (moment.end_of)(on);
        let known = self.contract_ends.iter().find(|(end, _)| *end == on);
        let occasion = Occasion::ContractEnd(on);
        match known.map(|(_, lead)| *lead) {
            Some(lead) if lead.msisdn == line.msisdn => return Outcome::Duplicate,
            Some(lead) => {
                told.push(covered_record(id, line, occasion, lead, until, moment));
            }
            None if self.contract_ends.len() >= CONTRACT_ENDS => return Outcome::Ignored,
            None => {
                self.contract_ends.push((on, line));
                let member = GroupMember {
                    msisdn: line.msisdn,
                    severity: signal.severity,
                    triggers: signal.triggers.clone(),
                };
                let body = GroupAlert {
                    group: Arc::clone(id),
                    occasion,
                    members: vec![member],
                    more: 0,
                    head_count: signal.head_count,
                    until,
                };
                told.push(alert_record(line, moment, body));
            }
        }
        APPLIED
    }

    /// Forgets a member who has gone. The group's task must not name it any more; if the task was its own, it is another member's
    /// now, or nobody's, and the others have tasks of their own again.
    fn forget(
        &mut self,
        id: &Arc<str>,
        member: Msisdn,
        moment: &Moment<'_>,
        told: &mut Vec<GroupRecord>,
    ) -> Outcome {
        let before = self.members.len() + self.contract_ends.len();
        self.members.retain(|it| it.line.msisdn != member);
        self.contract_ends.retain(|(_, lead)| lead.msisdn != member);
        if self.members.len() + self.contract_ends.len() == before {
            return Outcome::Ignored;
        }
        let led = |alert: &mut Alert| alert.lead.msisdn == member;
        if let Some(alert) = self.alert.take_if(led) {
            self.speak(id, moment, told);
            if self.alert.is_none() {
                self.uncover(id, alert.lead, moment, told);
            }
        } else if self.alert.is_some() && !moment.backlog {
            self.alert(id, moment, told);
        }
        APPLIED
    }

    /// Tells the members that the task of a lead who has gone stands for them no more.
    fn uncover(
        &mut self,
        id: &Arc<str>,
        lead: Lead,
        moment: &Moment<'_>,
        told: &mut Vec<GroupRecord>,
    ) {
        let now = moment.now;
        let covered = self.members.iter_mut().filter(|it| it.covered_until > now);
        for member in covered {
            member.covered_until = Timestamp::MIN;
            let (line, occasion) = (member.line, Occasion::Leaving);
            told.push(covered_record(id, line, occasion, lead, now, moment));
        }
    }

    /// Forgets signals that are too old, and alerts that are over with those they told of.
    fn forget_the_old(&mut self, moment: &Moment<'_>) {
        let (now, oldest) = (moment.now, oldest(moment));
        if let Some(alert) = self.alert.take_if(|alert| alert.until <= now) {
            self.members.retain(|it| it.at > alert.at);
            self.more = 0;
        }
        self.members.retain(|it| it.at > oldest);
        if self.more_at <= oldest {
            self.more = 0;
        }
        self.contract_ends.retain(|(on, _)| *on >= moment.today);
    }

    /// How far things have gone with the member that is worst off.
    fn gravest(&self) -> Option<Severity> {
        self.members.iter().map(|member| member.severity).max()
    }

    fn is_empty(&self) -> bool {
        self.members.is_empty() && self.alert.is_none() && self.contract_ends.is_empty()
    }

    /// Refuses what the engine would never write.
    fn check(&self) -> Result<(), Problem> {
        if self.members.len() > MEMBERS_LISTED || self.contract_ends.len() > CONTRACT_ENDS {
            return Err("has a group with too many members");
        }
        if self.members.iter().any(|it| it.triggers.len() > REASONS) {
            return Err("has a member of a group with too many reasons");
        }
        let number = |it: &Member| it.line.msisdn;
        if !self
            .members
            .is_sorted_by(|one, next| number(one) < number(next))
        {
            return Err("has a group with members out of order");
        }
        let alert = self.alert.iter().flat_map(|alert| [alert.at, alert.until]);
        let mut times = self.members.iter().map(|it| it.at).chain(alert);
        match times.all(is_possible_time) {
            true => Ok(()),
            false => Err("has a group with a time out of range"),
        }
    }
}

impl Member {
    /// Adds further reasons, and says whether one is new.
    fn add_triggers(&mut self, further: &[Arc<str>]) -> bool {
        let before = self.triggers.len();
        for trigger in further {
            if self.triggers.len() < REASONS && !self.triggers.contains(trigger) {
                self.triggers.push(Arc::clone(trigger));
            }
        }
        self.triggers.len() > before
    }

    /// As the group's task lists it.
    fn listed(&self) -> GroupMember {
        GroupMember {
            msisdn: self.line.msisdn,
            severity: self.severity,
            triggers: self.triggers.clone(),
        }
    }
}

/// Signals of this time and before count no more.
fn oldest(moment: &Moment<'_>) -> Timestamp {
    moment
        .now
        .plus_hours(-24 * i64::from(moment.rules.within_days))
}

fn alert_record(lead: Lead, moment: &Moment<'_>, alert: GroupAlert) -> GroupRecord {
    let body = Body::GroupAlert(Box::new(alert));
    GroupRecord::of_group(lead.partition, lead.msisdn, moment.now, body)
}

fn covered_record(
    id: &Arc<str>,
    line: Lead,
    occasion: Occasion,
    lead: Lead,
    until: Timestamp,
    moment: &Moment<'_>,
) -> GroupRecord {
    let body = Body::GroupCovered(Box::new(GroupCovered {
        group: Arc::clone(id),
        occasion,
        lead: lead.msisdn,
        until,
    }));
    GroupRecord::of_group(line.partition, line.msisdn, moment.now, body)
}
