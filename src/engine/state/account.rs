mod record;

use super::bar::{Bar, BarredDays};
use super::billing::Billing;
use super::follow_up::FollowUp;
use super::leaving::Leaving;
use super::marketing::Marketing;
use super::membership::Membership;
use super::rare::Rare;
use super::service_history::ServiceHistory;
use super::trigger_state::SparseStates;
use crate::engine::codec::Interner;
use crate::engine::settings::PolicyRules;
use crate::model::{
    Day, Event, Money, Plan, Profile, ProfileFlags, ProfileGroup, Purpose, Segment,
    SuspensionReason, TaskOutcome, Timestamp,
};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// What is known of a subscriber beyond usage: profile, bills, standing. Only subscribers with such records have one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// Time of the profile in force.
    pub profile_at: Option<Timestamp>,
    /// The latest profile.
    pub profile: SubscriberProfile,
    /// The last day of a record that is no call detail; 1970-01-01 before it.
    pub heard_on: Day,
    /// Fingerprint of the last `customer_id`; 0 if there was none.
    customer: u32,
    /// Whether the number had another owner before.
    taken_over: bool,
    /// The first day of service, if it had come when the profile was sent.
    first_day: Option<Day>,
    /// The first day of service that was known before the profile in force, if it was earlier and perhaps another owner's.
    earlier_first_day: Option<Day>,
    /// Bills and payments.
    pub billing: Billing,
    /// Day the line was suspended for arrears, while it is.
    pub suspended_on: Option<Day>,
    /// Time of the last suspension for arrears; a reactivation before it comes too late to change anything.
    suspended_at: Timestamp,
    /// Id of the record of that suspension, until it is corrected.
    suspended_by: Option<u32>,
    /// Time of the last reactivation after arrears; a suspension for arrears before it comes too late.
    reactivated_at: Timestamp,
    /// The same for all other reasons.
    freed_at: Timestamp,
    /// The last time the line was barred for another reason, if it ever was.
    bar: Option<Box<Bar>>,
    /// Suspensions for arrears seen.
    pub suspensions: u16,
    /// Day the contract was closed at the counter.
    pub cancelled_on: Option<Day>,
    /// Time of that.
    cancelled_at: Timestamp,
    /// Day a port-out was last applied for, unless that was withdrawn.
    pub port_out_on: Option<Day>,
    /// Time of the last application or withdrawal.
    port_out_at: Timestamp,
    recent: [u64; RECENT],
    recent_next: u8,
    /// States of sparse triggers.
    pub trigger_states: SparseStates,
    service_history: Option<Box<ServiceHistory>>,
    /// Stars when last rated, at a day's close; nothing before profile and spend were known.
    pub rated_stars: Option<u8>,
    /// Day on which the customer last asked not to be contacted.
    pub refused_contact_on: Option<Day>,
    /// Day of the last order of a dearer plan, or of the last profile with one.
    pub upgraded_on: Option<Day>,
    /// What few accounts have.
    rare: Option<Box<Rare>>,
}

/// Records kept to recognise a repeated one. Bills are few: this spans months.
const RECENT: usize = 8;

/// The parts of a profile the engine uses, strings shared between subscribers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SubscriberProfile {
    /// Brand.
    pub brand: Option<Arc<str>>,
    /// Fingerprint of the plan's name; 0 if there is none.
    plan: u32,
    /// First day of service.
    pub activated_on: Option<Day>,
    /// Consumer or group.
    pub segment: Segment,
    /// Marked by the operator.
    pub vip: bool,
    /// First-responsible account manager.
    pub account_manager: Option<Arc<str>>,
    /// HQ, province, city.
    pub region: Vec<Arc<str>>,
    /// Marks set by the operator.
    pub flags: ProfileFlags,
    /// Mean monthly spend as the operator knows it.
    pub avg_monthly_spend: Option<Money>,
    /// Suspensions as the operator counts them.
    pub suspensions: u16,
    /// The plan's price a month.
    pub plan_fee: Option<Money>,
    /// Last day of the contract.
    pub contract_end_on: Option<Day>,
    /// Month and day of month.
    pub birthday: Option<(u8, u8)>,
    /// Day the loyalty points lapse.
    pub points_expire_on: Option<Day>,
    /// Day the running offer lapses.
    pub offer_expires_on: Option<Day>,
    /// Whether the customer wants marketing.
    pub marketing: Marketing,
}

impl Account {
    /// What triggers look back on beyond bills and standing.
    pub fn service_history(&self) -> &ServiceHistory {
        static NONE: ServiceHistory = ServiceHistory::NONE;
        self.service_history.as_deref().unwrap_or(&NONE)
    }

    /// The same, to be added to.
    pub fn service_history_mut(&mut self) -> &mut ServiceHistory {
        self.service_history
            .get_or_insert_with(|| Box::new(ServiceHistory::NONE))
    }

    /// Keeps what an outcome says of a customer who goes.
    pub fn learn_leaving(&mut self, purpose: Purpose, outcome: &TaskOutcome<'_>, day: Day) {
        let mut leaving = self.service_history().leaving;
        Leaving::learn(&mut leaving, purpose, outcome, day);
        if leaving.is_some() {
            self.service_history_mut().leaving = leaving;
        } else {
            self.forget_leaving();
        }
    }

    /// Forgets what outcomes said of a customer who goes.
    pub fn forget_leaving(&mut self) {
        if let Some(history) = self.service_history.as_mut() {
            history.leaving = None;
        }
        let empty = self.service_history.as_deref() == Some(&ServiceHistory::NONE);
        self.service_history = self.service_history.take().filter(|_| !empty);
    }

    /// Whether nothing was heard since a day, and no contract was known or it had ended by then.
    pub fn is_over(&self, day: Day) -> bool {
        let ends = [self.cancelled_on, self.port_out_on];
        let ended = ends.into_iter().flatten().any(|on| on <= day);
        self.heard_on <= day && (self.profile_at.is_none() || ended)
    }

    /// Whether a record was seen before; remembers it if not.
    pub fn seen(&mut self, fingerprint: u64) -> bool {
        let mark = fingerprint.max(1);
        if self.recent.contains(&mark) {
            return true;
        }
        self.recent[usize::from(self.recent_next) % RECENT] = mark;
        self.recent_next = (self.recent_next + 1) % RECENT as u8;
        false
    }

    /// Takes a profile, unless a later one is in force. Returns whether the number has a new owner.
    pub fn update_profile(
        &mut self,
        at: Timestamp,
        day: Day,
        profile: &Profile<'_>,
        rules: &PolicyRules,
        names: &mut Interner,
    ) -> bool {
        let customer = profile.customer.map_or(0, mark);
        let in_force = self.profile_at.is_some_and(|in_force| in_force > at);
        if in_force || self.is_of_former_owner(profile, customer) {
            return false;
        }
        let change = self.change_of_owner(day, profile, customer, rules);
        // A line may be sold before it is in service.
        let mut first_day = profile.activated_on.filter(|first| *first <= day);
        match change {
            Some(Change::Owner { left }) => {
                first_day = first_day.max(left);
                self.hand_over(first_day);
            }
            Some(Change::Return) => (self.cancelled_on, self.port_out_on) = (None, None),
            None if self.is_same(customer) => self.earlier_first_day = None,
            None => {
                let known = self.profile.activated_on;
                let earlier = known.filter(|known| Some(*known) < profile.activated_on);
                self.earlier_first_day = earlier.or(self.earlier_first_day);
            }
        }
        if customer != 0 {
            self.customer = customer;
        }
        let plan_fee = profile.plan.as_ref().and_then(|plan| plan.monthly_fee);
        let dearer = self.profile.plan_fee.zip(plan_fee);
        if dearer.is_some_and(|(before, now)| now > before) {
            self.upgrade(day);
        }
        self.profile_at = Some(at);
        self.first_day = first_day;
        self.join(
            profile.group.as_ref().filter(|_| rules.group.enabled),
            names,
        );
        self.profile = SubscriberProfile {
            brand: profile.brand.as_deref().map(|b| names.intern(b)),
            plan: profile.plan.as_ref().map_or(0, plan_mark),
            activated_on: profile.activated_on,
            segment: match self.membership() {
                Some(_) => Segment::Group,
                None => profile.segment,
            },
            vip: profile.vip,
            account_manager: profile.account_manager.as_deref().map(|m| names.intern(m)),
            region: profile.region.iter().map(|r| names.intern(r)).collect(),
            flags: profile.flags,
            avg_monthly_spend: profile.avg_monthly_spend,
            suspensions: profile.suspensions.unwrap_or(0),
            plan_fee,
            contract_end_on: profile.contract_end_on,
            birthday: profile.birthday,
            points_expire_on: profile.points_expire_on,
            offer_expires_on: profile.offer_expires_on,
            // An opt-out holds until the customer thinks better of it.
            marketing: match profile.marketing_opt_out {
                Some(true) => Marketing::Refused,
                Some(false) => Marketing::Agreed,
                None => self.profile.marketing,
            },
        };
        matches!(change, Some(Change::Owner { .. }))
    }

    /// Whether a customer who had the number before is meant, whatever the time of the profile.
    fn is_of_former_owner(&self, profile: &Profile<'_>, customer: u32) -> bool {
        let earlier = profile.activated_on.zip(self.first_day);
        self.taken_over
            && self.is_another(customer)
            && earlier.is_some_and(|(told, first)| told < first)
    }

    /// What a profile says of who has the number (behaviour: Suspension, port-out and new owners).
    fn change_of_owner(
        &self,
        day: Day,
        profile: &Profile<'_>,
        customer: u32,
        rules: &PolicyRules,
    ) -> Option<Change> {
        let another = self.is_another(customer);
        let suspended_days = i32::from(rules.churned_after_suspended_days);
        let in_arrears = self.suspended_on.map(|since| since + suspended_days);
        let departures = [self.cancelled_on, self.port_out_on, in_arrears];
        let mut departures = departures.into_iter().flatten();
        // A contract may go over to somebody else on the day on which it ends.
        let since = profile.activated_on;
        let begins_anew =
            since.is_some() && self.profile.activated_on.is_some_and(|d| Some(d) != since);
        let after = |left: &Day| since > Some(*left) || (since == Some(*left) && begins_anew);
        // Where a contract is transferred, its first day may stay.
        let transferred = another && since <= self.profile.activated_on;
        let left = departures.find(|left| after(left) || (transferred && *left <= day));
        let later = self.profile.activated_on.zip(since);
        let later = later
            .is_some_and(|(known, since)| since.since(known) > i32::from(rules.new_owner_days));
        let owner = match self.is_same(customer) {
            true if left.is_some() => return Some(Change::Return),
            true => false,
            false => left.is_some() || (later && (another || self.differs(profile))),
        };
        owner.then_some(Change::Owner { left })
    }

    /// Whether brand, plan and account manager are all other ones. That there is no manager says as much as another.
    fn differs(&self, profile: &Profile<'_>) -> bool {
        let known = &self.profile;
        let brands = known.brand.as_deref().zip(profile.brand.as_deref());
        let plan = profile.plan.as_ref().map_or(0, plan_mark);
        brands.is_some_and(|(known, told)| known != told)
            && known.plan != 0
            && plan != 0
            && known.plan != plan
            && known.account_manager.as_deref() != profile.account_manager.as_deref()
    }

    /// Whether a customer is certainly another one than is known.
    fn is_another(&self, customer: u32) -> bool {
        self.customer != 0 && customer != 0 && customer != self.customer
    }

    /// Whether a customer is certainly the one who is known.
    fn is_same(&self, customer: u32) -> bool {
        customer != 0 && customer == self.customer
    }

    /// Whether what happened on a day was the doing of the number's owner before.
    pub fn is_earlier_owners(&self, day: Day) -> bool {
        self.first_day.is_some_and(|first| day < first)
    }

    /// Whether a bill for a month is that of the owner before, who had the number until then.
    pub fn is_earlier_owners_bill(&self, period: Day) -> bool {
        let first_bill = self.first_day.filter(|_| self.taken_over);
        first_bill.is_some_and(|first| period.next_month() <= first)
    }

    /// Whether a record of somebody who goes, on the owner's first day, is of the owner before.
    pub fn is_departure(&self, at: Timestamp, day: Day) -> bool {
        self.taken_over && self.first_day == Some(day) && self.profile_at > Some(at)
    }

    /// The number has a new owner. What was said of the time since the first day stays, and which records were seen.
    fn hand_over(&mut self, first_day: Option<Day>) {
        let own = |day: &Day| first_day.is_some_and(|first| *day >= first);
        let after = |day: &Day| first_day.is_some_and(|first| *day > first);
        let suspended_on = self.suspended_on.filter(own);
        *self = Self {
            taken_over: true,
            recent: self.recent,
            recent_next: self.recent_next,
            refused_contact_on: self.refused_contact_on.filter(own),
            cancelled_on: self.cancelled_on.filter(after),
            cancelled_at: self.cancelled_at,
            port_out_on: self.port_out_on.filter(after),
            port_out_at: self.port_out_at,
            suspended_on,
            suspended_at: self.suspended_at,
            suspended_by: self.suspended_by.filter(|_| suspended_on.is_some()),
            suspensions: u16::from(suspended_on.is_some()),
            reactivated_at: self.reactivated_at,
            freed_at: self.freed_at,
            bar: self.bar.take().filter(|bar| own(&bar.since)),
            // Whoever counts those followed has to be told.
            rare: Rare::of(self.take_follow_up(), None),
            ..Self::default()
        };
    }

    /// Takes a cancellation. Returns whether it tells that the profile known by now was a new owner's.
    pub fn cancel(&mut self, at: Timestamp, day: Day) -> bool {
        let first_days = self.earlier_first_day.zip(self.first_day);
        if first_days.is_some_and(|(earlier, first)| earlier <= day && day <= first) {
            let profile = std::mem::take(&mut self.profile);
            let membership = self.rare.take().and_then(|rare| {
                self.rare = Rare::of(rare.follow_up, None);
                rare.membership
            });
            let (at, customer, first) = (self.profile_at, self.customer, self.first_day);
            self.hand_over(first);
            self.profile = profile;
            self.rare = Rare::of(self.take_follow_up(), membership);
            (self.profile_at, self.customer, self.first_day) = (at, customer, first);
            return true;
        }
        // A counter may have been told by then that it was a mistake.
        if at >= self.reactivated_at.max(self.freed_at) {
            self.cancelled_on = self.cancelled_on.max(Some(day));
        }
        self.cancelled_at = self.cancelled_at.max(at);
        false
    }

    /// Whether the subscriber leaves is watched, or was last.
    pub fn follow_up(&self) -> Option<&FollowUp> {
        self.rare.as_deref()?.follow_up.as_deref()
    }

    /// The same, to be changed.
    pub fn follow_up_mut(&mut self) -> Option<&mut FollowUp> {
        self.rare.as_deref_mut()?.follow_up.as_deref_mut()
    }

    /// Watches from now on whether the subscriber leaves.
    pub fn begin_follow_up(&mut self, follow_up: FollowUp) {
        self.rare.get_or_insert_default().follow_up = Some(Box::new(follow_up));
    }

    /// Watches no more.
    pub fn take_follow_up(&mut self) -> Option<Box<FollowUp>> {
        let Rare {
            follow_up,
            membership,
        } = *self.rare.take()?;
        self.rare = Rare::of(None, membership);
        follow_up
    }

    /// The group that the line belongs to.
    pub fn membership(&self) -> Option<&Membership> {
        self.rare.as_deref()?.membership.as_deref()
    }

    /// The same, to be changed.
    pub fn membership_mut(&mut self) -> Option<&mut Membership> {
        self.rare.as_deref_mut()?.membership.as_deref_mut()
    }

    /// Joins the group of a profile, or leaves the one known so far.
    fn join(&mut self, group: Option<&ProfileGroup<'_>>, names: &mut Interner) {
        let rare = self.rare.take().map_or_else(Rare::default, |rare| *rare);
        let membership = group.map(|group| Membership::of(group, rare.membership, names));
        self.rare = Rare::of(rare.follow_up, membership.map(Box::new));
    }

    /// Whether the customer wants no marketing, or no contact at all.
    pub fn wants_no_marketing(&self) -> bool {
        self.profile.marketing == Marketing::Refused || self.refused_contact_on.is_some()
    }

    /// The plan was changed for a dearer one.
    pub fn upgrade(&mut self, day: Day) {
        self.upgraded_on = self.upgraded_on.max(Some(day));
    }

    /// The customer asked not to be contacted.
    pub fn refuse_contact(&mut self, day: Day) {
        self.refused_contact_on = self.refused_contact_on.max(Some(day));
    }

    /// Takes an application to take the number elsewhere, or its withdrawal, unless a later one is known.
    pub fn port_out(&mut self, at: Timestamp, day: Day, applied: bool) {
        if at >= self.port_out_at {
            self.port_out_at = at;
            self.port_out_on = applied.then_some(day);
        }
    }

    /// Whether nobody may be contacted on a day, because a port-out was applied for.
    pub fn held(&self, day: Day, hold_days: u16) -> bool {
        let lasts = |since: Day| day.since(since) < i32::from(hold_days);
        self.port_out_on.is_some_and(lasts)
    }

    /// Takes a suspension. One that is sent again under its id may correct the reason.
    pub fn suspend(
        &mut self,
        event: &Event<'_>,
        reason: SuspensionReason,
        day: Day,
        after_days: u8,
    ) {
        let (id, at) = (event.id(), event.at);
        let told_arrears = self.suspended_by == Some(id);
        let told_bar = self.bar.as_ref().filter(|bar| bar.id == id);
        let known_at = told_bar
            .map(|bar| bar.at)
            .max(told_arrears.then_some(self.suspended_at));
        if known_at > Some(at) {
            return;
        }
        if reason == SuspensionReason::Arrears {
            if told_bar.is_some() {
                self.bar = None;
            }
            let suspensions = self.suspensions.saturating_add(1);
            self.suspensions = if told_arrears {
                self.suspensions
            } else {
                suspensions
            };
            if at >= self.suspended_at {
                (self.suspended_at, self.suspended_by) = (at, Some(id));
            }
            if at >= self.reactivated_at {
                self.suspended_on.get_or_insert(day);
            }
            return;
        }
        let mut since = day;
        if told_arrears {
            self.suspensions = self.suspensions.saturating_sub(1);
            self.suspended_by = None;
            since = self.suspended_on.take().unwrap_or(day);
        }
        if at >= self.freed_at {
            let bar = Bar::begin(self.bar.as_deref(), reason, event, since, after_days);
            self.bar = Some(Box::new(bar));
        }
    }

    /// Takes a reactivation, which ends whatever the line was suspended for, or what it says; and a cancellation, which was
    /// a mistake then.
    pub fn reactivate(&mut self, reason: Option<SuspensionReason>, at: Timestamp, day: Day) {
        use SuspensionReason::{Arrears, Unknown};
        if at >= self.cancelled_at {
            self.cancelled_on = None;
        }
        if matches!(reason, None | Some(Arrears | Unknown)) {
            self.reactivated_at = self.reactivated_at.max(at);
            if at >= self.suspended_at {
                self.suspended_on = None;
            }
        }
        if reason != Some(Arrears) {
            self.freed_at = self.freed_at.max(at);
            if let Some(bar) = &mut self.bar {
                bar.end(at, day);
            }
        }
    }

    /// Whether the line is suspended, and has been for more than the day given.
    pub fn suspended_before(&self, day: Day) -> Option<Day> {
        let bar = self.bar().map(|bar| bar.since);
        let since = self.suspended_on.max(bar)?;
        (since < day).then_some(since)
    }

    /// The bar in force, if the line is barred for another reason than arrears.
    pub fn bar(&self) -> Option<&Bar> {
        self.bar.as_deref().filter(|bar| bar.in_force())
    }

    /// The days on which a bar keeps the line's use from saying anything.
    pub fn barred(&self, after_days: u8) -> Option<BarredDays> {
        self.bar.as_deref().map(|bar| bar.days(after_days))
    }

    /// Whether the subscriber has left: cancelled, or suspended for too long (behaviour: Suspension, port-out and new
    /// owners).
    pub fn churned(&self, day: Day, suspended_days: u16) -> bool {
        let long = |since: Day| day.since(since) >= i32::from(suspended_days);
        self.cancelled_on.is_some() || self.suspended_on.is_some_and(long)
    }

    /// Mean monthly spend: the operator's own figure, else the mean of the invoices seen.
    pub fn monthly_spend(&self) -> Option<Money> {
        let told = self.profile.avg_monthly_spend;
        let told = told.map(|spend| spend.max(Money::ZERO));
        told.or_else(|| self.billing.mean())
    }
}

/// What a profile may change beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Somebody else has the number; the day on which the owner before had left it, if that is known.
    Owner { left: Option<Day> },
    /// The customer who had left is back.
    Return,
}

/// 32 bits of a fingerprint, which are enough to tell two apart; never 0, which stands for none.
fn mark(fingerprint: u64) -> u32 {
    ((fingerprint >> 32) as u32 ^ fingerprint as u32).max(1)
}

/// The plan's name; 0 if it is unknown.
fn plan_mark(plan: &Plan<'_>) -> u32 {
    let name = plan.id.as_deref();
    name.map_or(0, |name| mark(xxh3_64(name.as_bytes())))
}
