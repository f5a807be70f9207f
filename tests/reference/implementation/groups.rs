//! Members of a group and the shard that hears them (behaviour: Groups). Everything heard is kept, and what holds is worked
//! out whenever somebody asks.

use super::Reference;
use super::churn::{CONTRACT, EventView};
use super::policy::{Case, Tasks};
use super::triggers::{Firing, Kind, Memory};
use churnwatch::model::{
    Body, CloseReason, Day, Effect, Event, Evidence, Fact, GroupAlert, GroupCovered, GroupMember,
    GroupRecord, MemberSignal, Msisdn, Occasion, Outcome, Profile, Purpose, Severity, Signal,
    Source, Suppression, Task, Timestamp,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const GROUP: &str = "group_risk";

/// `[triggers.group_risk]`.
#[derive(Deserialize)]
pub struct Settings {
    cooldown_days: u16,
    strength: f64,
}

/// What a line knows of its group.
#[derive(Clone, PartialEq)]
pub struct Membership {
    id: String,
    manager: Option<String>,
    size: Option<u32>,
    /// All that was said since the line belongs to it, in order.
    said: Vec<Body<'static>>,
}

/// What was heard of one group.
#[derive(Default)]
pub struct Heard {
    /// Signs of leaving in the order of arrival, those that count.
    signs: Vec<(Timestamp, Line, MemberSignal)>,
    size: Option<u32>,
    /// Somebody new since the last alert.
    joined: bool,
    alert: Option<Alert>,
    covered: BTreeMap<Msisdn, Timestamp>,
    ends: BTreeMap<Day, Line>,
}

#[derive(Clone, Copy, PartialEq)]
struct Line {
    who: Msisdn,
    partition: u32,
}

#[derive(Clone, Copy)]
struct Alert {
    lead: Line,
    at: Timestamp,
    until: Timestamp,
    gravest: Severity,
}

impl Heard {
    fn gravest(&self) -> Option<Severity> {
        self.signs
            .iter()
            .map(|(_, _, signal)| signal.severity)
            .max()
    }
}

impl Membership {
    /// The group of a profile; what was said of the same one holds.
    pub fn of(profile: &Profile<'_>, known: Option<Self>) -> Option<Self> {
        let group = profile.group.as_ref()?;
        let said = known.filter(|known| known.id == *group.id);
        Some(Self {
            id: group.id.to_string(),
            manager: group.manager.as_deref().map(str::to_owned),
            size: group.size,
            said: said.map_or_else(Vec::new, |known| known.said),
        })
    }

    pub fn take(&mut self, body: &Body<'static>) {
        let group = match body {
            Body::GroupAlert(alert) => &alert.group,
            Body::GroupCovered(covered) => &covered.group,
            _ => return,
        };
        if **group == *self.id {
            self.said.push(body.clone());
        }
    }

    /// The last word about leaving, or about ends of contracts.
    fn last(&self, leaving: bool) -> Option<&Body<'static>> {
        let about = |body: &&Body<'static>| match body {
            Body::GroupAlert(alert) => (alert.occasion == Occasion::Leaving) == leaving,
            Body::GroupCovered(covered) => (covered.occasion == Occasion::Leaving) == leaving,
            _ => false,
        };
        self.said.iter().rev().find(about)
    }

    /// What holds of an alert, unless somebody else's task is that by now.
    fn leads(&self, leaving: bool, now: Timestamp) -> Option<&GroupAlert> {
        match self.last(leaving)? {
            Body::GroupAlert(alert) if now < alert.until => Some(alert),
            _ => None,
        }
    }

    /// Who leaves is more urgent than the end of a contract.
    fn alert(&self, now: Timestamp) -> Option<&GroupAlert> {
        self.leads(true, now).or_else(|| self.leads(false, now))
    }

    fn is_covered(&self, occasion: Occasion, now: Timestamp) -> bool {
        match self.last(occasion == Occasion::Leaving) {
            Some(Body::GroupCovered(covered)) => now < covered.until,
            _ => false,
        }
    }
}

impl Memory {
    /// The group's task is this line's.
    pub fn group_event(&self, view: &EventView<'_>, settings: &Settings) -> Option<Firing> {
        let Body::GroupAlert(alert) = &view.event.body else {
            return None;
        };
        let leaving = alert.occasion == Occasion::Leaving;
        let group = view.standing.group.as_ref()?;
        if group.leads(leaving, view.event.at)? != &**alert {
            return None;
        }
        let again = leaving && self.cooling(GROUP, view.day, settings.cooldown_days);
        let mut facts = vec![("group_id".into(), Fact::Name(alert.group.to_string()))];
        if let Some(size) = alert.head_count {
            facts.push(("head_count".into(), Fact::Count(size.into())));
        }
        if let Occasion::ContractEnd(on) = alert.occasion {
            facts.push(("contract_end_on".into(), Fact::Date(on)));
        }
        Some(Firing {
            trigger: GROUP,
            kind: if again { Kind::Repeat } else { Kind::Full },
            strength: settings.strength,
            evidence: Evidence {
                observed: alert.members.len() as f64 + f64::from(alert.more),
                expected: 0.0,
                unit: "members".into(),
                window_days: 0,
                threshold: 1.0,
                facts,
                source: Some(view.source.clone()),
            },
        })
    }
}

impl Case<'_> {
    /// What the group's task is about, for one with such reasons.
    pub fn group_alert(&self, signals: &[Signal]) -> Option<Box<GroupAlert>> {
        let of_group = signals.iter().any(|signal| signal.trigger == GROUP);
        let alert = self.standing.group.as_ref()?.alert(self.now)?;
        of_group.then(|| Box::new(alert.clone()))
    }

    /// The worst of those whose task it is.
    pub fn gravest(&self) -> Option<Severity> {
        let alert = self.standing.group.as_ref()?.alert(self.now)?;
        alert.members.iter().map(|member| member.severity).max()
    }

    pub fn group_manager(&self, purpose: Purpose) -> Option<Arc<str>> {
        let group = self.standing.group.as_ref()?;
        let leads = purpose == Purpose::Churn && group.alert(self.now).is_some();
        group.manager.as_deref().filter(|_| leads).map(Into::into)
    }

    fn occasion(&self, signals: &[Signal]) -> Occasion {
        let end = self.standing.profile().and_then(|p| p.contract_end_on);
        match end {
            Some(on) if signals.iter().all(|signal| signal.trigger == CONTRACT) => {
                Occasion::ContractEnd(on)
            }
            _ => Occasion::Leaving,
        }
    }

    /// Whether another member's task stands for one of this.
    pub fn covered(&self, signal: &Signal) -> bool {
        let occasion = self.occasion(std::slice::from_ref(signal));
        let group = self.standing.group.as_ref();
        signal.purpose == Purpose::Churn
            && signal.trigger != GROUP
            && group.is_some_and(|group| group.is_covered(occasion, self.now))
    }
}

impl Tasks {
    /// Tells the group's shard that a task of the member is due.
    pub fn tell(&mut self, signals: &[Signal], case: &Case<'_>) {
        let Some(group) = &case.standing.group else {
            return;
        };
        let first = &signals[0];
        if first.purpose != Purpose::Churn || first.trigger == GROUP || case.backlog {
            return;
        }
        let signal = MemberSignal {
            group: group.id.as_str().into(),
            occasion: Some(case.occasion(signals)),
            partition: self.partition,
            head_count: group.size,
            value: case.value(),
            score: (case.score() * 1e6) as u32,
            severity: case.own_severity(Purpose::Churn),
            triggers: signals.iter().map(|it| (&*it.trigger).into()).collect(),
        };
        self.hand_out(GroupRecord::of_member(case.msisdn, case.now, signal));
    }

    /// The customer goes, and takes the line out of what is said of the group.
    pub fn depart(&mut self, case: &Case<'_>) {
        if let Some(group) = &case.standing.group {
            self.part(group, self.partition, case.msisdn, case.now);
        }
    }

    pub fn hand_out(&mut self, record: GroupRecord) {
        self.effects.push(Effect::Group(Box::new(record)));
    }

    /// The member has gone.
    pub fn part(&mut self, group: &Membership, partition: u32, who: Msisdn, now: Timestamp) {
        let signal = MemberSignal {
            group: group.id.as_str().into(),
            occasion: None,
            partition,
            head_count: None,
            value: Default::default(),
            score: 0,
            severity: Severity::Early,
            triggers: Vec::new(),
        };
        self.hand_out(GroupRecord::of_member(who, now, signal));
    }

    /// Another member's task stands for what is open or waits.
    pub fn stand_back(&mut self, covered: &GroupCovered, source: &Source, case: &Case<'_>) {
        let group = case.standing.group.as_ref();
        if group.is_none_or(|group| *group.id != *covered.group) || covered.until <= case.now {
            return;
        }
        let is_one = |signals: &[Signal]| {
            covered.occasion == Occasion::Leaving || case.occasion(signals) == covered.occasion
        };
        let open = self.open.get(&Purpose::Churn);
        if open.is_some_and(|task: &Task| is_one(&task.signals)) {
            self.close(Purpose::Churn, CloseReason::Group, Some(source), case);
        }
        let waiting = self.waiting.get(&Purpose::Churn);
        if waiting.is_some_and(|candidate| is_one(&candidate.signals)) {
            self.drop_candidate(Purpose::Churn, Suppression::Group);
        }
    }
}

/// What a group's shard says is kept under the group's name.
fn named(record: &GroupRecord) -> Msisdn {
    let group = match &record.event.body {
        Body::GroupAlert(alert) => &alert.group,
        Body::GroupCovered(covered) => &covered.group,
        _ => return record.event.msisdn,
    };
    Msisdn::new(group).unwrap()
}

impl Reference {
    /// Whether what a shard says is for nobody who is known as a member.
    pub fn is_nobody(&self, event: &Event<'_>) -> bool {
        let told = matches!(event.body, Body::GroupAlert(_) | Body::GroupCovered(_));
        let person = self.people.get(event.msisdn.as_str());
        let group = person.and_then(|person| person.account.standing(&self.rules).group);
        told && group.is_none()
    }

    /// A signal of a member, for the group's shard.
    pub fn hear(&mut self, event: &Event<'_>, signal: &MemberSignal) -> Outcome {
        let rules = &self.rules.policy.group;
        if !rules.enabled {
            return Outcome::Ignored;
        }
        let now = self.clock.unwrap_or(event.at).max(event.at);
        self.forget_signs(&signal.group, now);
        let backlog = self.in_backlog();
        let today = self.days.day_of(now);
        let line = Line {
            who: event.msisdn,
            partition: signal.partition,
        };
        let mut group = self.groups.remove(&*signal.group).unwrap_or_default();
        let mut outcome = Outcome::Applied { late: false };
        match signal.occasion {
            Some(Occasion::Leaving) => {
                let before = group.signs.iter().find(|(_, it, _)| it.who == line.who);
                let known = before.map(|(at, ..)| *at);
                if event.at.0 <= now.0 - self.group_ms() {
                    outcome = Outcome::Expired;
                } else if known >= Some(event.at) {
                    outcome = Outcome::Duplicate;
                } else {
                    let mut all = signal.clone();
                    all.triggers.clear();
                    if let Some((_, _, before)) = before {
                        all.severity = all.severity.max(before.severity);
                        all.triggers.clone_from(&before.triggers);
                    }
                    for trigger in &signal.triggers {
                        if !all.triggers.contains(trigger) && all.triggers.len() < 16 {
                            all.triggers.push(trigger.clone());
                            group.joined |= known.is_some();
                        }
                    }
                    group.joined |= known.is_none();
                    group.signs.retain(|(_, it, _)| it.who != line.who);
                    group.signs.push((event.at, line, all));
                    group.size = signal.head_count.or(group.size);
                    self.speak(&signal.group, &mut group, now);
                }
            }
            Some(Occasion::ContractEnd(on)) if on < today => outcome = Outcome::Expired,
            Some(Occasion::ContractEnd(on)) => match group.ends.get(&on).copied() {
                Some(lead) if lead.who == line.who => outcome = Outcome::Duplicate,
                Some(lead) => {
                    let until = self.days.start_of(on + 1);
                    let occasion = Occasion::ContractEnd(on);
                    self.cover(&signal.group, occasion, line, lead, until, now);
                }
                None if group.ends.len() == 16 => outcome = Outcome::Ignored,
                None => {
                    group.ends.insert(on, line);
                    let alert = GroupAlert {
                        group: Arc::clone(&signal.group),
                        occasion: Occasion::ContractEnd(on),
                        members: vec![GroupMember {
                            msisdn: line.who,
                            severity: signal.severity,
                            triggers: signal.triggers.clone(),
                        }],
                        more: 0,
                        head_count: signal.head_count,
                        until: self.days.start_of(on + 1),
                    };
                    self.tell_lead(line, alert, now);
                }
            },
            None => {
                let led = group.alert.is_some_and(|alert| alert.lead.who == line.who);
                let before = group.signs.len() + group.ends.len();
                group.signs.retain(|(_, it, _)| it.who != line.who);
                group.covered.remove(&line.who);
                group.ends.retain(|_, lead| lead.who != line.who);
                if group.signs.len() + group.ends.len() == before {
                    outcome = Outcome::Ignored;
                } else if led {
                    group.alert = None;
                    self.speak(&signal.group, &mut group, now);
                    if group.alert.is_none() {
                        self.uncover(&signal.group, &mut group, line, now);
                    }
                } else if group.alert.is_some() && !backlog {
                    self.alert(&signal.group, &mut group, now);
                }
            }
        }
        self.groups.insert(signal.group.to_string(), group);
        outcome
    }

    /// At each close, for all groups.
    pub fn review_groups(&mut self, now: Timestamp) {
        let names: Vec<String> = self.groups.keys().cloned().collect();
        for name in names {
            self.forget_signs(&name, now);
            let mut group = self.groups.remove(&name).unwrap_or_default();
            self.speak(&name.as_str().into(), &mut group, now);
            self.groups.insert(name, group);
        }
    }

    fn group_ms(&self) -> i64 {
        i64::from(self.rules.policy.group.within_days) * 24 * 3_600_000
    }

    /// What is too old goes, and with an alert that is over those whom it named.
    fn forget_signs(&mut self, name: &str, now: Timestamp) {
        let (oldest, today) = (now.0 - self.group_ms(), self.days.day_of(now));
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        if let Some(alert) = group.alert.filter(|alert| alert.until <= now) {
            group.alert = None;
            group.signs.retain(|(at, ..)| *at > alert.at);
        }
        group.signs.retain(|(at, ..)| at.0 > oldest);
        group.ends.retain(|on, _| *on >= today);
        let members = group.signs.iter().map(|(_, line, _)| line.who);
        let members: Vec<Msisdn> = members.collect();
        group.covered.retain(|who, _| members.contains(who));
        // A group of which nothing is left is a new one the next time.
        if group.signs.is_empty() && group.alert.is_none() && group.ends.is_empty() {
            self.groups.remove(name);
        }
    }

    fn speak(&mut self, name: &Arc<str>, group: &mut Heard, now: Timestamp) {
        if self.in_backlog() {
            return;
        }
        let today = self.days.day_of(now);
        let due = match group.alert {
            None => group.signs.len() >= usize::from(self.rules.policy.group.members),
            Some(alert) => {
                let worse = group.gravest() > Some(alert.gravest);
                worse || group.joined && self.days.day_of(alert.at) < today
            }
        };
        if due {
            self.alert(name, group, now);
        }
        let Some(Alert { lead, until, .. }) = group.alert else {
            return;
        };
        // In the order of their numbers.
        let mut lines: Vec<Line> = group.signs.iter().map(|(_, line, _)| *line).collect();
        lines.sort_by_key(|line| line.who);
        for line in lines {
            let told = group.covered.get(&line.who);
            if line.who != lead.who && told < Some(&until) {
                group.covered.insert(line.who, until);
                self.cover(name, Occasion::Leaving, line, lead, until, now);
            }
        }
    }

    /// Nobody's task stands for the others any more.
    fn uncover(&mut self, name: &Arc<str>, group: &mut Heard, lead: Line, now: Timestamp) {
        let mut lines: Vec<Line> = group.signs.iter().map(|(_, line, _)| *line).collect();
        lines.sort_by_key(|line| line.who);
        for line in lines {
            if group
                .covered
                .get(&line.who)
                .is_some_and(|until| *until > now)
            {
                group.covered.remove(&line.who);
                self.cover(name, Occasion::Leaving, line, lead, now, now);
            }
        }
    }

    fn alert(&mut self, name: &Arc<str>, group: &mut Heard, now: Timestamp) {
        let mut ranked = group.signs.clone();
        ranked.sort_by(|(_, one, a), (_, other, b)| {
            let worth = (b.value, b.score).cmp(&(a.value, a.score));
            worth.then(one.who.cmp(&other.who))
        });
        let before = group.alert.map(|alert| alert.lead);
        let stays = |lead: &Line| ranked.iter().any(|(_, line, _)| line.who == lead.who);
        let first = ranked.first().map(|(_, line, _)| *line);
        let Some(lead) = before.filter(stays).or(first) else {
            return;
        };
        let until = Timestamp(now.0 + self.group_ms());
        let alert = GroupAlert {
            group: Arc::clone(name),
            occasion: Occasion::Leaving,
            members: ranked
                .iter()
                .map(|(_, line, signal)| GroupMember {
                    msisdn: line.who,
                    severity: signal.severity,
                    triggers: signal.triggers.clone(),
                })
                .collect(),
            more: 0,
            head_count: group.size,
            until,
        };
        self.tell_lead(lead, alert, now);
        if let Some(before) = before.filter(|before| before.who != lead.who) {
            self.cover(name, Occasion::Leaving, before, lead, until, now);
        }
        group.alert = Some(Alert {
            lead,
            at: now,
            until,
            gravest: group.gravest().unwrap(),
        });
        group.joined = false;
    }

    fn tell_lead(&mut self, lead: Line, alert: GroupAlert, now: Timestamp) {
        let body = Body::GroupAlert(Box::new(alert));
        let record = GroupRecord::of_group(lead.partition, lead.who, now, body);
        self.book.of(named(&record)).hand_out(record);
    }

    fn cover(
        &mut self,
        name: &Arc<str>,
        occasion: Occasion,
        line: Line,
        lead: Line,
        until: Timestamp,
        now: Timestamp,
    ) {
        let body = Body::GroupCovered(Box::new(GroupCovered {
            group: Arc::clone(name),
            occasion,
            lead: lead.who,
            until,
        }));
        let record = GroupRecord::of_group(line.partition, line.who, now, body);
        self.book.of(named(&record)).hand_out(record);
    }
}
