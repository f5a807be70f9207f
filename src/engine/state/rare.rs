//! What few accounts have, kept apart from them so that the others take no space for it.

use super::follow_up::FollowUp;
use super::membership::Membership;
use crate::engine::codec::{Problem, encoded};

/// What few accounts have; there is none without any of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rare {
    /// Whether the subscriber leaves is watched, or was last.
    pub follow_up: Option<Box<FollowUp>>,
    /// The group that the line belongs to.
    pub membership: Option<Box<Membership>>,
}

encoded!(Rare {
    follow_up,
    membership,
});

impl Rare {
    /// Both, if there is either.
    pub fn of(
        follow_up: Option<Box<FollowUp>>,
        membership: Option<Box<Membership>>,
    ) -> Option<Box<Self>> {
        let rare = Self {
            follow_up,
            membership,
        };
        (rare != Self::default()).then(|| Box::new(rare))
    }

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        if *self == Self::default() {
            return Err("has an account with nothing of what few have");
        }
        self.follow_up.as_deref().map_or(Ok(()), FollowUp::check)?;
        self.membership.as_deref().map_or(Ok(()), Membership::check)
    }
}
