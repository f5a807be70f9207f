//! What tasks achieve, counted: how many of those with a churn task left, and how many of those held out (behaviour: What
//! tasks achieve).

use super::case::Case;
use super::tally::{OTHER, REGIONS, path};
use crate::engine::codec::Problem;
use crate::engine::state::follow_up::{Cohort, FollowUp};
use crate::model::{Followed, HORIZON_DAYS, Tier};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All subscribers of a shard who were followed, by region path.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Uplift {
    /// By region path, and there by trigger and tier.
    pub regions: BTreeMap<String, BTreeMap<(Cow<'static, str>, Tier), Groups>>,
}

/// Those who are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Groups {
    /// A task was opened for them.
    pub with_task: Followed,
    /// None was, because they were held out.
    pub held_out: Followed,
}

/// Somebody for whom a churn task is opened, or would be but for the hold-out.
#[derive(Debug, Clone)]
pub struct Entrant {
    region: String,
    trigger: Cow<'static, str>,
    tier: Tier,
    /// Which of the two it is.
    pub held_out: bool,
}

/// More than any count that goes up by one can reach.
const COUNT_MAX: u64 = 1 << 56;

impl Entrant {
    /// A subscriber as it is now. `trigger` is the first reason.
    pub fn new(trigger: Cow<'static, str>, tier: Tier, held_out: bool, case: &Case<'_>) -> Self {
        let region = case.account.map(|account| path(&account.profile.region));
        Self {
            region: region.unwrap_or_default(),
            trigger,
            tier,
            held_out,
        }
    }
}

impl Groups {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.with_task.add(&other.with_task);
        self.held_out.add(&other.held_out);
    }

    fn of(&mut self, held_out: bool) -> &mut Followed {
        match held_out {
            true => &mut self.held_out,
            false => &mut self.with_task,
        }
    }
}

impl Uplift {
    /// Begins to count somebody. Returns with whom.
    pub fn enter(&mut self, entrant: Entrant, intern: impl FnMut(&str) -> Arc<str>) -> Cohort {
        let known = self.regions.len() < REGIONS || self.regions.contains_key(&entrant.region);
        let region = match known {
            true => entrant.region,
            false => OTHER.to_owned(),
        };
        let (tier, held_out) = (entrant.tier, entrant.held_out);
        let [region_name, trigger] = [&*region, &*entrant.trigger].map(intern);
        let region = self.regions.entry(region).or_default();
        let groups = region.entry((entrant.trigger, tier)).or_default();
        groups.of(held_out).entered += 1;
        Cohort {
            region: region_name,
            trigger,
            tier,
            held_out,
        }
    }

    /// Counts what became of somebody at the end of a horizon.
    pub fn judge(&mut self, cohort: &Cohort, horizon: usize, left: bool) {
        let followed = self.followed(cohort);
        if let Some(count) = followed.and_then(|it| it.horizons.get_mut(horizon)) {
            match left {
                true => count.left += 1,
                false => count.stayed += 1,
            }
        }
    }

    /// Counts somebody out of whom nothing more can be learnt.
    pub fn drop(&mut self, follow_up: &FollowUp) {
        let judged = usize::from(follow_up.judged);
        if let Some(followed) = self.followed(&follow_up.cohort) {
            for count in followed.horizons.iter_mut().skip(judged) {
                count.dropped += 1;
            }
        }
    }

    /// Refuses what the engine would never write with these follow-ups: whoever is not judged yet must be there.
    pub fn check<'f>(&self, follow_ups: impl Iterator<Item = &'f FollowUp>) -> Result<(), Problem> {
        const WRONG: Problem =
            "has a count of what tasks achieve that is not that of its subscribers";
        if self.regions.len() > REGIONS + 1 {
            return Err("has a count of what tasks achieve in too many regions");
        }
        let mut all = self.regions.values().flat_map(BTreeMap::values);
        if all.any(|groups| groups.with_task.entered.max(groups.held_out.entered) > COUNT_MAX) {
            return Err(WRONG);
        }
        let mut rest = self.clone();
        for follow_up in follow_ups {
            let judged = usize::from(follow_up.judged);
            if follow_up.is_over() {
                continue;
            }
            let followed = rest.followed(&follow_up.cohort).ok_or(WRONG)?;
            for count in followed.horizons.iter_mut().skip(judged) {
                count.dropped = count.dropped.checked_add(1).ok_or(WRONG)?;
            }
        }
        let mut all = rest.regions.values().flat_map(BTreeMap::values);
        let whole = |followed: &Followed| {
            let mut horizons = 0..HORIZON_DAYS.len();
            horizons.all(|horizon| followed.unfinished(horizon) == Some(0))
        };
        match all.all(|groups| whole(&groups.with_task) && whole(&groups.held_out)) {
            true => Ok(()),
            false => Err(WRONG),
        }
    }

    fn followed(&mut self, cohort: &Cohort) -> Option<&mut Followed> {
        let region = self.regions.get_mut(&*cohort.region)?;
        let key = (Cow::Owned(cohort.trigger.to_string()), cohort.tier);
        let groups = region.get_mut(&key)?;
        Some(groups.of(cohort.held_out))
    }
}
