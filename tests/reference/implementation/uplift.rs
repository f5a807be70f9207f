//! Who is followed and who leaves (behaviour: What tasks achieve).

use super::Reference;
use super::person::Person;
use super::policy::{Case, Tasks};
use churnwatch::engine::Rules;
use churnwatch::model::{Day, SuspensionReason, Tier};
use std::collections::BTreeMap;

/// One time that a subscriber was followed.
pub struct Followed {
    on: Day,
    whose: Whose,
    /// What was seen at each end.
    seen: [Option<Fate>; 2],
    /// The customer is another one since.
    gone: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Stayed,
    Left,
    Dropped,
}

/// Region, trigger, tier and whether they were held out.
pub type Whose = (String, String, Tier, bool);
/// Those who entered; and at each end those who stayed, left and dropped out.
pub type Counted = [u64; 7];

const ENDS: [i32; 2] = [30, 60];

impl Followed {
    fn drop_out(&mut self) {
        for seen in &mut self.seen {
            seen.get_or_insert(Fate::Dropped);
        }
    }
}

impl Tasks {
    /// A churn task is opened, or would be.
    pub fn follow(&mut self, trigger: &str, case: &Case<'_>) {
        let rules = &case.rules.policy.hold_out;
        if rules.share == 0.0 {
            return;
        }
        let (on, held_out) = (case.days.day_of(case.now), case.held_out());
        let last = self.followed.last_mut().filter(|last| !last.gone);
        if let Some(last) = last {
            let over = last.seen.iter().all(Option::is_some);
            if !over || on.0 < last.on.0 + i32::from(rules.again_days) {
                if last.whose.3 != held_out {
                    last.drop_out();
                }
                return;
            }
        }
        let region = case.standing.profile().map_or(String::new(), |profile| {
            let names = profile.region.iter().filter(|name| !name.is_empty());
            let names: Vec<String> = names.map(|name| name.replace('/', "_")).collect();
            names.join("/")
        });
        self.followed.push(Followed {
            on,
            whose: (region, trigger.to_owned(), case.tier(), held_out),
            seen: [None; 2],
            gone: false,
        });
    }

    /// The customer is gone, or must not be known any more.
    pub fn lose_sight(&mut self) {
        if let Some(last) = self.followed.last_mut() {
            last.drop_out();
            last.gone = true;
        }
    }

    /// Looks at the close of a day whether an end has come.
    pub fn see(&mut self, today: Day, person: &Person, rules: &Rules) {
        let Some(last) = self.followed.last_mut() else {
            return;
        };
        for (seen, days) in last.seen.iter_mut().zip(ENDS) {
            if seen.is_none() && today.0 >= last.on.0 + days {
                *seen = Some(match left(today, person, rules) {
                    true => Fate::Left,
                    false => Fate::Stayed,
                });
            }
        }
    }
}

fn left(today: Day, person: &Person, rules: &Rules) -> bool {
    let standing = person.account.standing(rules);
    let silent = person.usage.last_active().map(|last| today.0 - last.0);
    let quiet = if standing.held(today, rules) { 7 } else { 30 };
    let barred = standing
        .suspension()
        .is_some_and(|it| it.reason != SuspensionReason::Arrears);
    standing.churned(today, rules) || (!barred && silent.is_some_and(|days| days >= quiet))
}

impl Reference {
    /// All who were ever followed.
    pub fn followed(&self) -> BTreeMap<Whose, Counted> {
        let mut all: BTreeMap<Whose, Counted> = BTreeMap::new();
        for followed in self.book.tasks.values().flat_map(|tasks| &tasks.followed) {
            let counted = all.entry(followed.whose.clone()).or_default();
            counted[0] += 1;
            for (end, seen) in followed.seen.iter().enumerate() {
                if let Some(fate) = seen {
                    counted[1 + 3 * end + *fate as usize] += 1;
                }
            }
        }
        all
    }
}
