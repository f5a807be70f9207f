//! What a subscriber knows of the group that the line belongs to (behaviour: Groups).

use crate::engine::codec::{Encoded, Interner, Problem, Reader, Writer, encoded};
use crate::model::{
    GroupAlert, GroupCovered, GroupMember, MEMBERS_LISTED, Occasion, ProfileGroup, Severity,
    Timestamp,
};
use std::sync::Arc;

/// The group of a line, and which member's task stands for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Membership {
    /// The group's id.
    pub id: Arc<str>,
    /// Who is responsible for the group, if not the member's own manager.
    pub manager: Option<Arc<str>>,
    /// Lines of the group, if known.
    pub head_count: Option<u32>,
    /// What the group's task is about, while this member's is it, by occasion.
    alerts: [Option<Box<GroupAlert>>; OCCASIONS],
    /// Until when another member's task stands for this one, by occasion; the past if none does.
    covered_until: [Timestamp; OCCASIONS],
}

/// Leaving, and the end of a contract.
const OCCASIONS: usize = 2;

encoded!(Membership {
    id,
    manager,
    head_count,
    alerts,
    covered_until,
});

encoded!(GroupMember {
    msisdn,
    severity,
    triggers,
});

encoded!(GroupAlert {
    group,
    occasion,
    members,
    more,
    head_count,
    until,
});

impl Encoded for Occasion {
    fn put(&self, to: &mut Writer) {
        self.contract_end_on().put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let end = Option::get(from)?;
        Ok(end.map_or(Self::Leaving, Self::ContractEnd))
    }
}

impl Encoded for Severity {
    fn put(&self, to: &mut Writer) {
        (*self as u8).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let severity = Self::ALL.get(usize::from(u8::get(from)?));
        severity
            .copied()
            .ok_or("has a severity that does not exist")
    }
}

impl Membership {
    /// The group of a profile; what is known of the same group stays.
    pub fn of(group: &ProfileGroup<'_>, known: Option<Box<Self>>, names: &mut Interner) -> Self {
        let same = known.filter(|known| *known.id == *group.id);
        let (alerts, covered_until) = same.map_or_else(
            || ([None, None], [Timestamp::MIN; OCCASIONS]),
            |known| (known.alerts, known.covered_until),
        );
        Self {
            id: names.intern(&group.id),
            manager: group
                .manager
                .as_deref()
                .map(|manager| names.intern(manager)),
            head_count: group.size,
            alerts,
            covered_until,
        }
    }

    /// The group's task is this member's.
    pub fn lead(&mut self, alert: &GroupAlert) {
        if *self.id == *alert.group {
            let place = place(alert.occasion);
            self.covered_until[place] = Timestamp::MIN;
            self.alerts[place] = Some(Box::new(alert.clone()));
        }
    }

    /// The group's task is another member's.
    pub fn cover(&mut self, covered: &GroupCovered) {
        if *self.id == *covered.group {
            let place = place(covered.occasion);
            self.covered_until[place] = covered.until;
            self.alerts[place] = None;
        }
    }

    /// Whether another member's task stands for this one.
    pub fn is_covered(&self, occasion: Occasion, now: Timestamp) -> bool {
        now < self.covered_until[place(occasion)]
    }

    /// What the group's task is about, if it is this member's now: members who leave before the end of a contract.
    pub fn alert(&self, now: Timestamp) -> Option<&GroupAlert> {
        let mut alerts = self.alerts.iter().flatten();
        alerts.find(|alert| now < alert.until).map(|alert| &**alert)
    }

    /// Whether an alert holds at a moment.
    pub fn has(&self, alert: &GroupAlert, now: Timestamp) -> bool {
        let known = self.alerts[place(alert.occasion)].as_deref();
        known == Some(alert) && now < alert.until
    }

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        let mut alerts = self.alerts.iter().flatten();
        match alerts.any(|alert| alert.members.len() > MEMBERS_LISTED) {
            true => Err("has an account with too many members of a group"),
            false => Ok(()),
        }
    }
}

fn place(occasion: Occasion) -> usize {
    match occasion {
        Occasion::Leaving => 0,
        Occasion::ContractEnd(_) => 1,
    }
}
