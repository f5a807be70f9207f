//! Profile, bills and standing, told anew from a subscriber's whole record history.

use super::bills::Bills;
use super::groups::Membership;
use churnwatch::engine::Rules;
use churnwatch::model::{
    Body, Day, Event, Money, Msisdn, OrderKind, Profile, Segment, Suspension, SuspensionReason,
    Tier, Timestamp,
};

/// Records among which a repeated one is recognised.
const REMEMBERED: usize = 8;

/// Every accepted record that is not call detail, in order of arrival.
#[derive(Default)]
pub struct Account {
    records: Vec<(Event<'static>, Day)>,
    /// After how many records use showed that the line is in service.
    used: Vec<(usize, Event<'static>, Day)>,
}

/// What the history amounts to.
#[derive(Default)]
pub struct AccountView {
    profile: Option<(Timestamp, Profile<'static>)>,
    /// Who the owner last said to be.
    customer: Option<u64>,
    pub bills: Bills,
    suspended_at: Option<Timestamp>,
    /// The record that told of arrears.
    suspended_by: Option<u32>,
    /// From arrears, and from anything else.
    reactivated_at: Option<Timestamp>,
    freed_at: Option<Timestamp>,
    pub suspended_on: Option<Day>,
    bar: Option<Bar>,
    suspensions: u16,
    cancelled_on: Option<Day>,
    cancelled_at: Option<Timestamp>,
    /// Marketing, as the last profile that says anything about it.
    pub opted_out: bool,
    pub agreed: bool,
    port_out_on: Option<Day>,
    port_out_at: Option<Timestamp>,
    /// The customer asked not to be contacted.
    pub refused_on: Option<Day>,
    /// Day of the last profile with a dearer plan than the one before.
    pub upgraded_on: Option<Day>,
    /// How often the number was given to somebody new.
    pub owners: usize,
    /// Day from which the number is known to be the owner's.
    first_day: Option<Day>,
    /// An earlier first day that a profile stated; whose, nobody knew.
    earlier_first_day: Option<Day>,
    /// The group of the line.
    pub group: Option<Membership>,
}

/// A suspension for another reason than arrears.
#[derive(Clone, Copy)]
struct Bar {
    reason: SuspensionReason,
    since: Day,
    until: Option<Day>,
    at: Timestamp,
    record: u32,
}

impl Account {
    pub fn repeated(&self, event: &Event<'_>) -> bool {
        let last = self.records.iter().rev().take(REMEMBERED);
        last.into_iter()
            .any(|(seen, _)| seen.record == event.record)
    }

    pub fn take(&mut self, event: &Event<'static>, day: Day) {
        self.records.push((event.clone(), day));
    }

    /// The last day of any record.
    pub fn heard_on(&self) -> Option<Day> {
        self.records.iter().map(|(_, day)| *day).max()
    }

    pub fn standing(&self, rules: &Rules) -> AccountView {
        let mut standing = AccountView::default();
        let mut used = self.used.iter().peekable();
        for after in 0..=self.records.len() {
            while let Some((_, event, day)) = used.next_if(|(at, ..)| *at == after) {
                standing.take(event, *day, rules);
            }
            if let Some((event, day)) = self.records.get(after) {
                standing.take(event, *day, rules);
            }
        }
        standing
    }

    /// A line that is used is not suspended.
    pub fn use_shows(&mut self, msisdn: Msisdn, at: Timestamp, day: Day) {
        let event = Event {
            msisdn,
            at,
            record: 0,
            visited: None,
            body: Body::Reactivation(None),
        };
        self.used.push((self.records.len(), event, day));
    }
}

impl AccountView {
    fn take(&mut self, event: &Event<'static>, day: Day, rules: &Rules) {
        let at = Some(event.at);
        match &event.body {
            Body::Profile(profile) => self.take_profile(event.at, day, profile, rules),
            Body::TaskOutcome(said) if said.do_not_contact => {
                self.refused_on = self.refused_on.max(Some(day));
            }
            Body::Invoice(invoice) => self.bills.take(event.at, invoice),
            Body::Payment { amount } => self.bills.pay(*amount),
            Body::Suspension(reason) => self.take_suspension(*reason, event, day, rules),
            Body::Reactivation(reason) => {
                let anything = [None, Some(SuspensionReason::Unknown)].contains(reason);
                let arrears = *reason == Some(SuspensionReason::Arrears);
                if at >= self.cancelled_at {
                    self.cancelled_on = None;
                }
                if anything || arrears {
                    if at >= self.suspended_at {
                        self.suspended_on = None;
                    }
                    self.reactivated_at = self.reactivated_at.max(at);
                }
                if !arrears {
                    if let Some(bar) = self.bar.as_mut().filter(|bar| bar.at <= event.at) {
                        bar.until = bar.until.or(Some(day));
                    }
                    self.freed_at = self.freed_at.max(at);
                }
            }
            Body::GroupAlert(_) | Body::GroupCovered(_) => {
                if let Some(group) = &mut self.group {
                    group.take(&event.body);
                }
            }
            Body::Cancellation => {
                let between = |(from, to): (Day, Day)| from <= day && day <= to;
                if self
                    .earlier_first_day
                    .zip(self.first_day)
                    .is_some_and(between)
                {
                    let (profile, customer) = (self.profile.take(), self.customer);
                    let (opted_out, agreed) = (self.opted_out, self.agreed);
                    let group = self.group.take();
                    self.pass_on(self.first_day);
                    self.group = group;
                    (self.profile, self.customer) = (profile, customer);
                    (self.opted_out, self.agreed) = (opted_out, agreed);
                } else {
                    if at >= self.reactivated_at.max(self.freed_at) {
                        self.cancelled_on = self.cancelled_on.max(Some(day));
                    }
                    self.cancelled_at = self.cancelled_at.max(at);
                }
            }
            Body::ServiceOrder(OrderKind::Upgrade) => {
                self.upgraded_on = self.upgraded_on.max(Some(day));
            }
            Body::PortOutApplication if at >= self.port_out_at => {
                (self.port_out_on, self.port_out_at) = (Some(day), at);
            }
            Body::PortOutWithdrawn if at >= self.port_out_at => {
                (self.port_out_on, self.port_out_at) = (None, at);
            }
            _ => {}
        }
    }

    /// Whether a day lies before the owner's first.
    pub fn before_owner(&self, day: Day) -> bool {
        self.first_day.is_some_and(|first| day < first)
    }

    /// Whether a record tells of the number's owner before. On the day of the change it does if it says that one goes, and
    /// is older than the word of the next; a bill does by its month.
    pub fn is_anothers(&self, event: &Event<'_>, day: Day) -> bool {
        let known_at = self.profile.as_ref().map(|(at, _)| *at);
        let on_first_day = self.owners > 0 && self.first_day == Some(day);
        let of_body = match &event.body {
            Body::Cancellation | Body::PortOutApplication | Body::PortOutWithdrawn => {
                on_first_day && known_at > Some(event.at)
            }
            Body::Invoice(invoice) => {
                let later = invoice.period + 31;
                let next = later - (i32::from(later.month_and_day().1) - 1);
                self.owners > 0 && self.first_day >= Some(next)
            }
            _ => false,
        };
        self.before_owner(day) || of_body
    }

    /// Somebody else has the number from a day on; what was said of later days is theirs.
    fn pass_on(&mut self, first_day: Option<Day>) {
        let since =
            |day: Option<Day>| day.filter(|day| first_day.is_some_and(|first| first <= *day));
        let after = |day: Option<Day>| since(day).filter(|day| Some(*day) != first_day);
        let arrears = since(self.suspended_on);
        *self = Self {
            owners: self.owners + 1,
            first_day,
            refused_on: since(self.refused_on),
            cancelled_on: after(self.cancelled_on),
            cancelled_at: self.cancelled_at,
            port_out_on: after(self.port_out_on),
            port_out_at: self.port_out_at,
            suspended_on: arrears,
            suspended_at: self.suspended_at,
            suspended_by: self.suspended_by.filter(|_| arrears.is_some()),
            suspensions: u16::from(arrears.is_some()),
            reactivated_at: self.reactivated_at,
            freed_at: self.freed_at,
            bar: self.bar.filter(|bar| since(Some(bar.since)).is_some()),
            ..Self::default()
        };
    }

    /// The day of the last suspension, while there is one.
    pub fn suspended_since(&self) -> Option<Day> {
        let bar = self.bar.filter(|bar| bar.until.is_none());
        self.suspended_on.max(bar.map(|bar| bar.since))
    }

    /// A record may correct what the same record said before.
    fn take_suspension(
        &mut self,
        reason: SuspensionReason,
        event: &Event<'_>,
        day: Day,
        rules: &Rules,
    ) {
        let (record, at) = (event.record as u32, event.at);
        let told_arrears = self.suspended_by == Some(record);
        let told_bar = self.bar.is_some_and(|bar| bar.record == record);
        let older = (told_arrears && self.suspended_at > Some(at))
            || (told_bar && self.bar.is_some_and(|bar| bar.at > at));
        if older {
            return;
        }
        if reason == SuspensionReason::Arrears {
            let holds = Some(at) >= self.reactivated_at;
            self.bar = self.bar.filter(|_| !told_bar);
            self.suspensions += u16::from(!told_arrears);
            if self.suspended_on.is_none() {
                self.suspended_on = holds.then_some(day);
            }
            if Some(at) >= self.suspended_at {
                self.suspended_by = Some(record);
            }
            self.suspended_at = self.suspended_at.max(Some(at));
            return;
        }
        let mut from = day;
        if told_arrears {
            from = self.suspended_on.unwrap_or(day);
            self.suspensions -= 1;
            (self.suspended_on, self.suspended_by) = (None, None);
        }
        if Some(at) >= self.freed_at {
            self.take_bar(reason, event, from, rules);
        }
    }

    /// A line that is barred already, or was a few days ago, has been barred all the time.
    fn take_bar(&mut self, reason: SuspensionReason, event: &Event<'_>, day: Day, rules: &Rules) {
        let at = event.at;
        if self.bar.is_some_and(|bar| bar.at > at) {
            return;
        }
        let goes_on = self.barred(day, rules);
        let since = self.bar.filter(|_| goes_on).map(|bar| bar.since);
        self.bar = Some(Bar {
            reason,
            since: since.unwrap_or(day),
            until: None,
            at,
            record: event.record as u32,
        });
    }

    /// Whether a bar explains a line's silence on a day: it lasts, or ended a few days before.
    pub fn barred(&self, day: Day, rules: &Rules) -> bool {
        self.bar.is_some_and(|bar| {
            let after = i32::from(rules.baseline.after_bar_days);
            bar.since <= day && bar.until.is_none_or(|until| day <= until + after)
        })
    }

    /// Why the line is suspended, and since when.
    pub fn suspension(&self) -> Option<Suspension> {
        match (self.bar, self.suspended_on) {
            (
                Some(Bar {
                    reason,
                    since,
                    until: None,
                    ..
                }),
                _,
            ) => Some(Suspension { reason, since }),
            (_, Some(since)) => Some(Suspension {
                reason: SuspensionReason::Arrears,
                since,
            }),
            _ => None,
        }
    }

    /// The latest profile counts; one of a later owner of the number ends all that came before.
    fn take_profile(&mut self, at: Timestamp, day: Day, profile: &Profile<'static>, rules: &Rules) {
        if self.profile.as_ref().is_some_and(|(since, _)| *since > at) {
            return;
        }
        let told = self.customer.zip(profile.customer);
        let same = told.is_some_and(|(known, told)| known == told);
        let another = told.is_some() && !same;
        let begins = profile.activated_on;
        // The customer before, once more.
        if self.owners > 0 && another && begins.is_some() && begins < self.first_day {
            return;
        }
        let known = self.profile().and_then(|known| known.activated_on);
        let other_day = known.is_some() && begins.is_some() && known != begins;
        let days = i32::from(rules.policy.churned_after_suspended_days);
        let in_arrears = self.suspended_on.map(|on| on + days);
        let departures = [self.cancelled_on, self.port_out_on, in_arrears];
        let left = departures.into_iter().flatten().find(|left| {
            let after = begins > Some(*left) || (begins == Some(*left) && other_day);
            after || (another && begins <= known && *left <= day)
        });
        let mut first_day = begins.filter(|first| *first <= day);
        if same {
            if left.is_some() {
                (self.cancelled_on, self.port_out_on) = (None, None);
            } else {
                self.earlier_first_day = None;
            }
        } else if left.is_some() || self.is_recycled(profile, rules) {
            first_day = first_day.max(left);
            self.pass_on(first_day);
        } else if known.is_some() && known < begins {
            self.earlier_first_day = known;
        }
        self.first_day = first_day;
        if let Some(refuses) = profile.marketing_opt_out {
            (self.opted_out, self.agreed) = (refuses, !refuses);
        }
        self.customer = profile.customer.or(self.customer);
        let known = self.group.take();
        self.group = Membership::of(profile, known).filter(|_| rules.policy.group.enabled);
        let fee = |profile: &Profile<'_>| profile.plan.as_ref().and_then(|plan| plan.monthly_fee);
        let before = self.profile().and_then(fee);
        if before.is_some() && fee(profile) > before {
            self.upgraded_on = Some(day);
        }
        self.profile = Some((at, profile.clone()));
    }

    /// Service begins much later than was known, and with another customer by all that can be told.
    fn is_recycled(&self, profile: &Profile<'_>, rules: &Rules) -> bool {
        let Some(known) = self.profile() else {
            return false;
        };
        let begins = known.activated_on.zip(profile.activated_on);
        let days = i32::from(rules.policy.new_owner_days);
        if begins.is_none_or(|(known, told)| told.0 - known.0 <= days) {
            return false;
        }
        if self.customer.is_some() && profile.customer.is_some() {
            return true;
        }
        let plan = |profile: &Profile<'_>| {
            let plan = profile.plan.as_ref()?;
            plan.id.as_deref().map(str::to_owned)
        };
        let both = |known: Option<String>, told: Option<String>| {
            known.is_some() && told.is_some() && known != told
        };
        let brand = |profile: &Profile<'_>| profile.brand.as_deref().map(str::to_owned);
        both(brand(known), brand(profile))
            && both(plan(known), plan(profile))
            && known.account_manager != profile.account_manager
    }

    pub fn profile(&self) -> Option<&Profile<'static>> {
        self.profile.as_ref().map(|(_, profile)| profile)
    }

    /// `iot` and `robot` lines.
    pub fn machine(&self) -> bool {
        self.profile().is_some_and(|profile| profile.flags.machine)
    }

    pub fn not_pursued(&self) -> bool {
        self.profile()
            .is_some_and(|profile| profile.flags.not_pursued)
    }

    pub fn cancelled_on(&self) -> Option<Day> {
        self.cancelled_on
    }

    /// The day of an application that was not withdrawn.
    pub fn applied_on(&self) -> Option<Day> {
        self.port_out_on
    }

    /// Whether the line is barred until further notice.
    pub fn is_barred_now(&self) -> bool {
        self.bar.is_some_and(|bar| bar.until.is_none())
    }

    /// An application that was not withdrawn holds for some time.
    pub fn port_out(&self) -> bool {
        self.port_out_on.is_some()
    }

    pub fn held(&self, today: Day, rules: &Rules) -> bool {
        let days = i32::from(rules.policy.mnp_hold_days);
        self.port_out_on.is_some_and(|on| today.0 < on.0 + days)
    }

    pub fn churned(&self, day: Day, rules: &Rules) -> bool {
        let limit = i32::from(rules.policy.churned_after_suspended_days);
        let suspended = self
            .suspended_on
            .is_some_and(|since| day.0 - since.0 >= limit);
        self.cancelled_on.is_some() || suspended
    }

    /// Credit points (behaviour: Credit, tier and stage).
    pub fn credit_score(&self, day: Day, rules: &Rules) -> i32 {
        let credit = &rules.policy.credit;
        let mut score = 0;
        if let Some(profile) = self.profile() {
            let brand = profile.brand.as_deref().unwrap_or_default();
            score += credit.brand_points.get(brand).copied().unwrap_or(0);
            if let Some(since) = profile.activated_on {
                let years = super::days::Days::years(since, day);
                let mut reached = credit
                    .tenure_points
                    .iter()
                    .filter(|(least, _)| years >= *least);
                score += reached.next_back().map_or(0, |(_, points)| *points);
            }
        }
        if let Some(spend) = self.monthly_spend() {
            let within = |(most, _): &&(u32, i32)| spend.0 <= i64::from(*most) * 100;
            let band = credit.spend_points.iter().find(within);
            score += band.map_or(credit.spend_points_above, |(_, points)| *points);
        }
        let told = self.profile().and_then(|profile| profile.suspensions);
        let suspensions = self.suspensions.max(told.unwrap_or(0));
        score + credit.suspension_points * i32::from(suspensions)
    }

    /// Mean monthly spend: the operator's own figure, or that of the bills at hand.
    pub fn monthly_spend(&self) -> Option<Money> {
        let told = self.profile().and_then(|profile| profile.avg_monthly_spend);
        let told = told.map(|spend| spend.max(Money::ZERO));
        let bills = self.bills.all();
        let billed: i64 = bills.iter().map(|bill| bill.billed().0).sum();
        let months = bills.len() as i64;
        told.or((months > 0).then(|| Money(billed / months.max(1))))
    }

    pub fn stars(&self, day: Day, rules: &Rules) -> u8 {
        let score = self.credit_score(day, rules);
        let needed = rules.policy.credit.star_points;
        needed.iter().filter(|points| **points <= score).count() as u8
    }

    /// Whether the profile alone makes a key customer.
    pub fn marked(&self) -> bool {
        let profile = self.profile();
        self.group.is_some()
            || profile.is_some_and(|profile| profile.vip || profile.segment == Segment::Group)
    }

    pub fn tier(&self, day: Day, rules: &Rules) -> Tier {
        match self.stars(day, rules) {
            _ if self.marked() => Tier::Key,
            4 | 5 => Tier::Key,
            2 | 3 => Tier::Ordinary,
            _ => Tier::Small,
        }
    }
}
