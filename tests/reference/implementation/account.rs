//! Profile, bills and standing, told anew from a subscriber's whole record history.

use churnwatch::engine::Rules;
use churnwatch::model::{
    Body, Day, Event, Invoice, Money, Profile, Segment, SuspensionReason, Tier, Timestamp,
};

/// Records among which a repeated one is recognised.
const REMEMBERED: usize = 8;
const BILLS_MAX: usize = 7;

/// Every accepted record that is not call detail, in order of arrival.
#[derive(Default)]
pub struct Account {
    records: Vec<(Event<'static>, Day)>,
}

/// What the history amounts to.
#[derive(Default)]
pub struct AccountView {
    profile: Option<(Timestamp, Profile<'static>)>,
    bills: Vec<Bill>,
    credit: Money,
    standing_at: Option<Timestamp>,
    pub suspended_on: Option<Day>,
    suspensions: u16,
    cancelled_on: Option<Day>,
    port_out_on: Option<Day>,
    /// The customer asked not to be contacted.
    pub do_not_contact: bool,
    /// Day of the last profile with a dearer plan than the one before.
    pub upgraded_on: Option<Day>,
    /// How often the number was given to somebody new.
    pub owners: usize,
}

#[derive(Clone)]
pub struct Bill {
    pub period: Day,
    pub due_on: Option<Day>,
    pub amount: Money,
    paid: Money,
    pub plan_fee: Option<Money>,
    pub usage_value: Option<Money>,
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

    pub fn standing(&self) -> AccountView {
        let mut standing = AccountView::default();
        for (event, day) in &self.records {
            standing.take(event, *day);
        }
        standing
    }
}

impl AccountView {
    fn take(&mut self, event: &Event<'static>, day: Day) {
        match &event.body {
            Body::Profile(profile) => self.take_profile(event.at, day, profile),
            Body::TaskOutcome(said) => self.do_not_contact |= said.do_not_contact,
            Body::Invoice(invoice) => self.bill(invoice),
            Body::Payment { amount } => {
                self.credit = self.credit.plus(*amount);
                self.settle();
            }
            Body::Suspension(SuspensionReason::Arrears) => {
                self.suspensions += 1;
                if self.in_order(event.at) && self.suspended_on.is_none() {
                    self.suspended_on = Some(day);
                }
            }
            Body::Reactivation if self.in_order(event.at) => self.suspended_on = None,
            Body::Cancellation => {
                let since = self.profile().and_then(|profile| profile.activated_on);
                if since.is_none_or(|since| since <= day) {
                    self.cancelled_on = Some(day);
                }
            }
            Body::PortOutApplication => self.port_out_on = self.port_out_on.max(Some(day)),
            _ => {}
        }
    }

    /// The latest profile counts; one of a later owner of the number ends all that came before.
    fn take_profile(&mut self, at: Timestamp, day: Day, profile: &Profile<'static>) {
        if self.profile.as_ref().is_some_and(|(since, _)| *since > at) {
            return;
        }
        let left_on = self.cancelled_on.max(self.port_out_on);
        if left_on.is_some() && profile.activated_on > left_on {
            *self = Self {
                owners: self.owners + 1,
                ..Self::default()
            };
        }
        let fee = |profile: &Profile<'_>| profile.plan.as_ref().and_then(|plan| plan.monthly_fee);
        let before = self.profile().and_then(fee);
        if before.is_some() && fee(profile) > before {
            self.upgraded_on = Some(day);
        }
        self.profile = Some((at, profile.clone()));
    }

    /// A suspension or reactivation older than the last one taken changes nothing.
    fn in_order(&mut self, at: Timestamp) -> bool {
        let in_order = Some(at) >= self.standing_at;
        self.standing_at = self.standing_at.max(Some(at));
        in_order
    }

    /// One bill a month, the last seven months billed; a corrected one gives back what was paid on the first.
    fn bill(&mut self, invoice: &Invoice) {
        let same = |bill: &Bill| bill.period == invoice.period;
        for bill in self.bills.iter().filter(|bill| same(bill)) {
            self.credit = self.credit.plus(bill.paid);
        }
        self.bills.retain(|bill| !same(bill));
        self.bills.push(Bill {
            period: invoice.period,
            due_on: invoice.due_on,
            amount: invoice.amount,
            paid: Money::ZERO,
            plan_fee: invoice.plan_fee,
            usage_value: invoice.usage_value,
        });
        self.bills.sort_by_key(|bill| bill.period);
        let surplus = self.bills.len().saturating_sub(BILLS_MAX);
        self.bills.drain(..surplus);
        self.settle();
    }

    /// Credit pays the oldest bill first.
    fn settle(&mut self) {
        for bill in &mut self.bills {
            let unpaid = bill.unpaid().max(Money::ZERO);
            let paid = self.credit.min(unpaid).max(Money::ZERO);
            bill.paid = bill.paid.plus(paid);
            self.credit = self.credit.minus(paid);
        }
    }

    pub fn profile(&self) -> Option<&Profile<'static>> {
        self.profile.as_ref().map(|(_, profile)| profile)
    }

    /// The last bills, by month.
    pub fn bills(&self) -> &[Bill] {
        &self.bills
    }

    /// When the oldest bill unpaid so long after it was due was due, and all that is owed on such bills.
    pub fn overdue(&self, day: Day, days: i32) -> Option<(Day, Money)> {
        let late = |bill: &&Bill| bill.due_on.is_some_and(|due| day.0 - due.0 >= days);
        let unpaid = |bill: &&Bill| bill.unpaid() > Money::ZERO;
        let overdue = self.bills.iter().filter(late).filter(unpaid);
        let owed: i64 = overdue.clone().map(|bill| bill.unpaid().0).sum();
        let oldest = overdue.min_by_key(|bill| bill.period)?;
        Some((oldest.due_on?, Money(owed)))
    }

    /// `iot` and `robot` lines.
    pub fn machine(&self) -> bool {
        self.profile().is_some_and(|profile| profile.flags.machine)
    }

    pub fn not_pursued(&self) -> bool {
        self.profile()
            .is_some_and(|profile| profile.flags.not_pursued)
    }

    pub fn port_out(&self) -> bool {
        self.port_out_on.is_some()
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
        let billed: i64 = self.bills.iter().map(|bill| bill.amount.0).sum();
        let months = self.bills.len() as i64;
        told.or((months > 0).then(|| Money(billed / months.max(1))))
    }

    pub fn stars(&self, day: Day, rules: &Rules) -> u8 {
        let score = self.credit_score(day, rules);
        let needed = rules.policy.credit.star_points;
        needed.iter().filter(|points| **points <= score).count() as u8
    }

    pub fn tier(&self, day: Day, rules: &Rules) -> Tier {
        let marked = self
            .profile()
            .is_some_and(|profile| profile.vip || profile.segment == Segment::Group);
        match self.stars(day, rules) {
            _ if marked => Tier::Key,
            4 | 5 => Tier::Key,
            2 | 3 => Tier::Ordinary,
            _ => Tier::Small,
        }
    }
}

impl Bill {
    fn unpaid(&self) -> Money {
        self.amount.minus(self.paid)
    }
}
