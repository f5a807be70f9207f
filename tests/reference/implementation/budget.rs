//! The daily budget (behaviour: Budget): what is not urgent waits until a day's close has been collected.

use super::Reference;
use super::capacity::limited;
use super::occasions;
use super::policy::{Book, Case, PURPOSES, Tasks};
use super::population::near;
use churnwatch::engine::Rules;
use churnwatch::model::{
    Assignee, CloseReason, Day, Msisdn, Purpose, Signal, Suppression, Tier, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// Signals of a subscriber that wait for a place.
#[derive(Clone)]
pub struct Candidate {
    pub signals: Vec<Signal>,
    /// So many of them, from the first on, have been published.
    pub published: usize,
    /// A signal of it fired in a backlog.
    from_backlog: bool,
    /// The day it first fired for, and the tier and the rank of that time.
    day: Day,
    tier: Tier,
    rank: f64,
    held_out: bool,
}

/// Candidates kept beyond those that could still get a place.
const SPARE: usize = 64;

impl Candidate {
    pub fn unpublished(&self) -> impl Iterator<Item = &Signal> {
        self.signals.iter().skip(self.published)
    }
}

/// What is left of a tier's places, and of the room for those who wait.
struct Places {
    free: usize,
    room: usize,
    held_out_room: usize,
}

impl Book {
    /// A share of the budget: on every day the shares of all parts add up to it.
    pub fn quota(&self, purpose: Purpose, tier: Tier, day: Day, rules: &Rules) -> usize {
        let budget = &rules.policy.budget;
        let by_tier = match purpose {
            Purpose::Churn => &budget.churn,
            Purpose::Care => &budget.care,
            Purpose::Grow => &budget.grow,
            Purpose::WinBack => &budget.win_back,
        };
        let all = match tier {
            Tier::Key => by_tier.key,
            Tier::Ordinary => by_tier.ordinary,
            Tier::Small => by_tier.small,
        };
        let (part, of) = self.part;
        let turns = (part + day.0) % of;
        let extra = usize::from(turns < all as i32 % of);
        all as usize / of as usize + extra
    }

    /// Keeps a signal for the next release.
    pub fn wait(&mut self, signal: Signal, tier: Tier, case: &Case<'_>) {
        let purpose = signal.purpose;
        let tasks = self.of(case.msisdn);
        if let Some(candidate) = tasks.waiting.get_mut(&purpose) {
            let mut known = candidate.signals.iter();
            match known.any(|known| known.trigger == signal.trigger) {
                true => tasks.say(&signal, Some(Suppression::Repeat)),
                false => {
                    candidate.signals.push(signal);
                    candidate.from_backlog |= case.backlog;
                }
            }
            return;
        }
        let candidate = Candidate {
            signals: vec![signal],
            published: 0,
            from_backlog: case.backlog,
            day: case.day,
            tier,
            rank: case.rank(),
            held_out: case.held_out(),
        };
        tasks.waiting.insert(purpose, candidate);
        self.make_room(purpose, tier, case);
    }

    /// How many may wait: as many as could still get a place, and some to spare.
    fn room(&self, purpose: Purpose, tier: Tier, day: Day, rules: &Rules) -> usize {
        let wait_days = usize::from(rules.policy.budget.wait_days);
        self.quota(purpose, tier, day, rules) * (wait_days + 1) + SPARE
    }

    /// Drops the worst of those that no release has seen, if there are too many. Those held out have as much room.
    fn make_room(&mut self, purpose: Purpose, tier: Tier, case: &Case<'_>) {
        let mut group: Vec<(f64, Msisdn)> = Vec::new();
        for (who, tasks) in &self.tasks {
            let candidate = tasks.waiting.get(&purpose);
            let new = |candidate: &&Candidate| {
                let alike = candidate.tier == tier && candidate.held_out == case.held_out();
                alike && candidate.published == 0
            };
            if let Some(candidate) = candidate.filter(new) {
                group.push((candidate.rank, *who));
            }
        }
        if group.len() <= self.room(purpose, tier, case.day, case.rules) {
            return;
        }
        group.sort_by(best_first);
        let (_, worst) = group[group.len() - 1];
        self.of(worst)
            .drop_candidate(purpose, Suppression::OverBudget);
    }
}

impl Tasks {
    /// Publishes what was not yet of a candidate of which no task comes.
    pub fn drop_candidate(&mut self, purpose: Purpose, why: Suppression) {
        if let Some(candidate) = self.waiting.remove(&purpose) {
            for signal in candidate.unpublished() {
                self.say(signal, Some(why));
            }
        }
    }

    /// Drops what has recovered, and everything if nothing may come of it any more.
    fn revalidate(&mut self, purpose: Purpose, case: &Case<'_>) {
        let Some(mut candidate) = self.waiting.remove(&purpose) else {
            return;
        };
        let (mut kept, mut published) = (Vec::new(), 0);
        for (place, signal) in candidate.signals.iter().enumerate() {
            let said = place < candidate.published;
            let recovered = case.memory.recovered(&signal.trigger);
            let over = candidate.from_backlog && case.over(signal);
            if recovered.is_none() && !over {
                kept.push(signal.clone());
                published += usize::from(said);
            } else if !said {
                let why = match recovered {
                    Some(CloseReason::OccasionOver) if candidate.from_backlog => {
                        Suppression::Backlog
                    }
                    Some(_) => Suppression::Recovered,
                    None => Suppression::Backlog,
                };
                self.say(signal, Some(why));
            }
        }
        (candidate.signals, candidate.published) = (kept, published);
        if candidate.signals.is_empty() {
            return;
        }
        if case.backlog {
            self.waiting.insert(purpose, candidate);
            return;
        }
        let tier = case.tier();
        let refusal = case
            .barred(purpose)
            .or(case.out_of_place(purpose, occasions::reach(tier, &candidate.signals)))
            .or(self.crowded_out(purpose))
            .or(self.opening(&candidate.signals, tier, case).err());
        self.waiting.insert(purpose, candidate);
        if let Some(why) = refusal {
            self.drop_candidate(purpose, why);
        }
    }

    fn place(&mut self, purpose: Purpose, assignee: Assignee, case: &Case<'_>) {
        let candidate = self.waiting.remove(&purpose).unwrap();
        let not_before = self.opening(&candidate.signals, case.tier(), case);
        for signal in candidate.unpublished() {
            self.say(signal, case.hold_out());
        }
        self.open(candidate.signals, not_before.unwrap(), assignee, case);
    }

    fn put_off(&mut self, purpose: Purpose, why: Suppression, room: bool, case: &Case<'_>) {
        let mut candidate = self.waiting.remove(&purpose).unwrap();
        for signal in candidate.unpublished() {
            self.say(signal, Some(why));
        }
        candidate.published = candidate.signals.len();
        let wait_days = i32::from(case.rules.policy.budget.wait_days);
        if room && case.day.0 - candidate.day.0 < wait_days {
            self.waiting.insert(purpose, candidate);
        }
    }
}

impl Case<'_> {
    /// Whether nothing is left of the time in which a signal called for something.
    fn over(&self, signal: &Signal) -> bool {
        let due = &self.rules.policy.due;
        let never_say_so = [
            "competitor_hotline",
            "competitor_marketing",
            "cancel_enquiry",
            "port_out",
            "bill_shock",
            "welcome",
            "welcome_back",
            "star_upgrade",
            "follow_up",
            "order_follow_up",
            "roaming_care",
            "downgrade",
            "terminal_change",
            "data_growth",
            "group_risk",
        ];
        let hours = match self.tier() {
            _ if !never_say_so.contains(&&*signal.trigger) => self.rules.policy.task_days * 24,
            Tier::Key => due.key_hours,
            Tier::Ordinary => due.ordinary_hours,
            Tier::Small => due.small_hours,
        };
        let competitor = signal.trigger.starts_with("competitor");
        let hours = match competitor {
            true => hours.min(due.competitor_hours),
            false => hours,
        };
        self.now > signal.fired_at.plus_hours(hours.into())
    }
}

fn best_first(a: &(f64, Msisdn), b: &(f64, Msisdn)) -> std::cmp::Ordering {
    let by_name = || a.1.as_str().cmp(b.1.as_str());
    b.0.total_cmp(&a.0).then_with(by_name)
}

impl Reference {
    /// Gives the candidates of the last close their places.
    pub fn release(&mut self) {
        let Some((closed_at, _)) = self.release.take() else {
            return;
        };
        let now = self.clock.max(Some(closed_at)).unwrap();
        self.book.ledger.begin_release(self.days.day_of(now));
        for purpose in PURPOSES {
            self.release_purpose(purpose, now);
        }
        self.book.ledger.end_release();
        self.book.urgent.clear();
    }

    fn release_purpose(&mut self, purpose: Purpose, now: Timestamp) {
        let day = self.closed.unwrap();
        let mut ranked: Vec<(Tier, f64, Msisdn)> = Vec::new();
        let mut held_out: BTreeSet<Msisdn> = BTreeSet::new();
        for who in self.waiting_for(purpose) {
            self.people.get_mut(who.as_str()).unwrap().look_ahead(
                day + 1,
                &self.population,
                &self.line_state,
                &self.rules,
            );
            self.consider(who, now, |tasks, case| {
                tasks.revalidate(purpose, case);
                if !case.backlog && tasks.waiting.contains_key(&purpose) {
                    ranked.push((case.tier(), case.rank(), who));
                    if case.held_out() {
                        held_out.insert(who);
                    }
                }
            });
        }
        let mut places: BTreeMap<Tier, Places> = BTreeMap::new();
        for tier in [Tier::Key, Tier::Ordinary, Tier::Small] {
            let of_tier = ranked.iter().filter(|(of, _, _)| *of == tier);
            let mut group: Vec<(f64, Msisdn)> =
                of_tier.map(|(_, rank, who)| (*rank, *who)).collect();
            group.sort_by(best_first);
            let urgent = self.book.urgent.iter().filter(|of| **of == (purpose, tier));
            let spent = urgent.count();
            let quota = self.book.quota(purpose, tier, day, &self.rules);
            let room = self.book.room(purpose, tier, day, &self.rules);
            // Each has the place that it has among those who are not held out.
            let first_left = (0..group.len()).find(|index| {
                let before = group[..*index].iter();
                let others = before.filter(|(_, who)| !held_out.contains(who)).count();
                others + spent >= quota
            });
            self.doubt(&group, quota, spent, first_left);
            let places_of = Places {
                free: quota.saturating_sub(spent),
                room,
                held_out_room: room,
            };
            places.insert(tier, places_of);
        }
        // Somebody may have customers of several tiers: the best of all goes first.
        ranked.sort_by(|(_, a, who), (_, b, other)| best_first(&(*a, *who), &(*b, *other)));
        if limited(&self.rules) {
            let group: Vec<(f64, Msisdn)> = ranked.iter().map(|it| (it.1, it.2)).collect();
            self.doubt(&group, usize::MAX, 0, None);
        }
        for (tier, _, who) in ranked {
            let places = places.get_mut(&tier).unwrap();
            let held = held_out.contains(&who);
            let in_budget = places.free > 0;
            let waits = places.room > 0 && (!held || places.held_out_room > 0);
            let (ledger, part) = (self.book.ledger.clone(), self.book.part);
            let mut given = None;
            self.consider(who, now, |tasks, case| {
                let bulk = occasions::bulk(&tasks.waiting[&purpose].signals);
                let assignee = ledger.assign((purpose, case.tier()), bulk, part, case);
                if !in_budget {
                    tasks.put_off(purpose, Suppression::OverBudget, waits, case);
                } else if assignee.over_capacity {
                    tasks.put_off(purpose, Suppression::OverCapacity, waits, case);
                } else {
                    tasks.place(purpose, assignee.clone(), case);
                    given = Some(assignee);
                }
            });
            // Those held out have the places that they would have, and take none.
            match (given, held) {
                (Some(_), true) => {}
                (Some(assignee), false) => {
                    places.free -= 1;
                    self.book.ledger.note(&assignee, false);
                }
                (None, true) => places.held_out_room = places.held_out_room.saturating_sub(1),
                (None, false) => places.room = places.room.saturating_sub(1),
            }
        }
    }

    /// Subscribers with a candidate of a purpose.
    fn waiting_for(&self, purpose: Purpose) -> Vec<Msisdn> {
        let waits = self.book.tasks.iter();
        let waits = waits.filter(|(_, tasks)| tasks.waiting.contains_key(&purpose));
        waits.map(|(who, _)| *who).collect()
    }

    /// Where there are not places enough, whoever is undecided makes the others so; and so do ranks that only rounding
    /// tells apart. Those who would do the tasks may have places for few of them.
    fn doubt(
        &mut self,
        group: &[(f64, Msisdn)],
        quota: usize,
        spent: usize,
        first_left: Option<usize>,
    ) {
        let (limited, undecided) = (limited(&self.rules), self.undecided_people());
        let scarce = undecided > 0 && (limited || group.len() + undecided + spent > quota);
        let close = |index: usize| {
            let (a, b) = (group[index - 1].0, group[index].0);
            a.to_bits() != b.to_bits() && near(a, b)
        };
        let cut = first_left.filter(|index| *index > 0);
        let unclear = cut.is_some_and(close) || (limited && (1..group.len()).any(close));
        if scarce || unclear {
            for (_, who) in group {
                let person = self.people.get_mut(who.as_str()).unwrap();
                person.memory.undecided = true;
            }
        }
    }

    /// How many of those who are there may have had other tasks than the model says.
    fn undecided_people(&self) -> usize {
        let people = self.people.values();
        people.filter(|person| person.memory.undecided).count()
    }

    /// Somebody's task depends on those that others got, if people have limits.
    pub fn doubt_one(&mut self, who: Msisdn) {
        let undecided = self.undecided_people() + self.erased_undecided.len();
        if undecided > 0 && limited(&self.rules) {
            let person = self.people.get_mut(who.as_str()).unwrap();
            person.memory.undecided = true;
        }
    }
}
