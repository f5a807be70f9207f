//! What a subscriber knows of the group that the line belongs to (behaviour: Groups).

use crate::engine::codec::{Encoded, Interner, Problem, Reader, Writer, encoded};
use crate::model::{GroupAlert, GroupCovered, MEMBERS_LISTED, Occasion, ProfileGroup, Timestamp};
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
    /// What the group's task is about, while this member's is it.
    pub alert: Option<Box<GroupAlert>>,
    /// Until when another member's task stands for this one, by occasion; the past if none does.
    covered_until: [Timestamp; OCCASIONS],
}

/// Leaving, and the end of a contract.
const OCCASIONS: usize = 2;

encoded!(Membership {
    id,
    manager,
    head_count,
    alert,
    covered_until,
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

impl Membership {
    /// The group of a profile; what is known of the same group stays.
    pub fn of(group: &ProfileGroup<'_>, known: Option<Box<Self>>, names: &mut Interner) -> Self {
        let same = known.filter(|known| *known.id == *group.id);
        let (alert, covered_until) = same.map_or_else(
            || (None, [Timestamp::MIN; OCCASIONS]),
            |known| (known.alert, known.covered_until),
        );
        Self {
            id: names.intern(&group.id),
            manager: group
                .manager
                .as_deref()
                .map(|manager| names.intern(manager)),
            head_count: group.size,
            alert,
            covered_until,
        }
    }

    /// The group's task is this member's.
    pub fn lead(&mut self, alert: &GroupAlert) {
        if *self.id == *alert.group {
            self.covered_until[place(alert.occasion)] = Timestamp::MIN;
            self.alert = Some(Box::new(alert.clone()));
        }
    }

    /// The group's task is another member's.
    pub fn cover(&mut self, covered: &GroupCovered) {
        if *self.id == *covered.group {
            self.covered_until[place(covered.occasion)] = covered.until;
            let ends = |alert: &GroupAlert| place(alert.occasion) == place(covered.occasion);
            self.alert = self.alert.take().filter(|alert| !ends(alert));
        }
    }

    /// Whether another member's task stands for this one.
    pub fn is_covered(&self, occasion: Occasion, now: Timestamp) -> bool {
        now < self.covered_until[place(occasion)]
    }

    /// What the group's task is about, if it is this member's now.
    pub fn leads(&self, now: Timestamp) -> Option<&GroupAlert> {
        self.alert.as_deref().filter(|alert| now < alert.until)
    }

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        let listed = |alert: &GroupAlert| alert.members.len();
        match self.alert.as_deref().map_or(0, listed) > MEMBERS_LISTED {
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
