//! Bills and what is owed on them, lines that are barred, and profiles.

use super::{Bills, DAY_MS, HOUR_MS, Life, MINUTE_MS, ProfileKind, Stream};
use churnwatch::model::{
    self, Body, Day, Invoice, Money, Msisdn, Profile, ProfileFlags, ProfileGroup, Segment,
    SuspensionReason, Timestamp,
};

impl Stream<'_> {
    pub(super) fn bills(&mut self, life: &Life, who: Msisdn) {
        if matches!(life.bills, Bills::Prepaid) {
            return;
        }
        // Months are short here, or the days would not do for enough of them; some leave gaps.
        let cycle = self.random.one_of(&[30, 10, 10, 40]);
        let usual = 5_000 + self.random.below(20_000);
        // Of some, what the plan costs of the amount and what the usage is worth stay the same.
        let steady = self
            .random
            .one_of(&[(1.0, 1.0), (0.9, 0.9), (1.0, 1.5), (1.0, 0.3)]);
        let steady = self.random.chance(0.4).then_some(steady);
        for index in (self.random.below(10) as i32..self.plan.days).step_by(cycle) {
            let any_worth = self.random.one_of(&[0.1, 0.3, 0.4, 0.5, 0.9]);
            let (fee, worth) = steady.unwrap_or((1.0, any_worth));
            let regular = usual + self.random.below(1_000);
            let any = 100 + self.random.below(60_000);
            let fen = if self.random.chance(0.7) {
                regular
            } else {
                any
            };
            // Some leave out this or that.
            let untold = self.random.below(30);
            let told = |detail| untold != detail;
            let period = self.day(index - 30);
            let due_on = self.day(index + 10);
            let invoice = |amount: i64, document: u64| {
                Body::Invoice(Invoice {
                    period,
                    document: (index as u64 + 1) << 8 | document,
                    corrects: None,
                    amount: Money(amount),
                    plan_fee: told(0).then_some(Money((amount as f64 * fee) as i64)),
                    usage_value: told(1).then_some(Money((amount as f64 * worth) as i64)),
                    overage: None,
                    due_on: told(2).then_some(due_on),
                })
            };
            self.emit(who, index, invoice(fen, 0));
            if self.random.chance(0.2) {
                let corrected = invoice(fen / 2, self.random.one_of(&[0, 1]));
                self.emit(who, index + 5, corrected);
            }
            // Credit notes of all sizes, some of them corrected, some older than what they are for.
            for _ in 0..self.random.one_of(&[0, 0, 0, 1, 4]) {
                let fen = self.random.one_of(&[fen, fen / 3, fen / 7, 2 * fen, 1]);
                let mut note = invoice(-fen, 2 + self.random.below(3) as u64);
                if let Body::Invoice(note) = &mut note {
                    let bill = self.random.one_of(&[None, Some(0), Some(1), Some(7)]);
                    note.corrects = bill.map(|bill| (index as u64 + 1) << 8 | bill);
                }
                let days = self.random.below(12) as i32;
                self.emit(who, index - 1 + days, note);
            }
            if let Bills::Paid { days_late } = life.bills {
                let paid = self.random.one_of(&[fen, fen, fen / 3, 2 * fen, -fen]);
                let payment = Body::Payment {
                    amount: Money(paid),
                };
                self.emit(who, index + 10 + days_late, payment);
            }
        }
        if let Bills::Suspended { from, days } = life.bills {
            let (from, reason) = (self.at_share(from), SuspensionReason::Arrears);
            self.emit(who, from, Body::Suspension(reason));
            if self.random.chance(0.3) {
                self.emit(who, from + 3, Body::Suspension(reason));
            }
            self.emit(who, from + days, Body::Reactivation(None));
            if self.random.chance(0.3) {
                self.emit(who, from + days + 1, Body::Suspension(reason));
            }
            self.emit(who, from / 2, Body::Suspension(SuspensionReason::Voluntary));
            // Some are dunned again and again, and what is said of it comes in any order.
            for _ in 0..self.random.one_of(&[0, 0, 6]) {
                let body = self
                    .random
                    .one_of(&[Some(reason), Some(reason), None])
                    .map_or(Body::Reactivation(None), Body::Suspension);
                let at = self.moment(from + days);
                let event = self.event(who, at, body);
                let delay = self.random.below(30 * HOUR_MS);
                self.arrive(Timestamp(at.0 + delay), event);
            }
        }
    }

    /// The line is barred, for most reasons by the customer, and free again unless the record of that is lost.
    pub(super) fn rests(&mut self, life: &Life, who: Msisdn) {
        for rest in &life.rests {
            let from = self.at_share(rest.from);
            for again in 0..self.random.one_of(&[1, 1, 2]) {
                let reason = self.random.one_of(&[
                    SuspensionReason::Voluntary,
                    SuspensionReason::Voluntary,
                    SuspensionReason::Fraud,
                    SuspensionReason::Roaming,
                    SuspensionReason::Unknown,
                ]);
                let late = self.random.one_of(&[0, 0, 2]) * self.random.below(DAY_MS);
                let days = again * self.random.below(40) as i32;
                let at = self.moment(from + days);
                let event = self.event(who, at, Body::Suspension(reason));
                // Some systems were told another reason first, or think of a better one.
                if self.random.chance(0.2) {
                    let mut other =
                        self.event(who, at, Body::Suspension(SuspensionReason::Arrears));
                    other.at = at.plus_hours(self.random.one_of(&[-30, 5]));
                    other.record = other.record << u32::BITS | u64::from(event.id());
                    let delay = self.random.below(2 * DAY_MS);
                    self.arrive(Timestamp(other.at.0 + delay), other);
                }
                self.arrive(Timestamp(at.0 + late), event);
            }
            if self.random.chance(0.85) {
                let reasons = [
                    None,
                    None,
                    Some(SuspensionReason::Voluntary),
                    Some(SuspensionReason::Arrears),
                ];
                let reason = self.random.one_of(&reasons);
                self.emit(who, from + rest.days, Body::Reactivation(reason));
            }
        }
    }

    pub(super) fn profiles(&mut self, life: &Life, who: Msisdn) {
        if matches!(life.standing, ProfileKind::Unknown) {
            return;
        }
        let changes = 1 + self.random.below(3) as i32;
        for change in 0..changes {
            let flagged = change + 1 == changes;
            let flags = ProfileFlags {
                not_pursued: flagged && matches!(life.standing, ProfileKind::NotPursued),
                machine: flagged && matches!(life.standing, ProfileKind::Machine),
            };
            let tenure_days = self.random.below(2_500) as i32;
            let index = self.random.below(i64::from(self.plan.days)) as i32;
            let activated = match self.random.chance(0.1) {
                true => self.day(index - tenure_days % 10),
                false => self.day(-tenure_days),
            };
            let profile = self.profile(activated, flags);
            // Exported long ago, on the day, or dated ahead of the records.
            let dated = self.moment(index);
            let days = self.random.one_of(&[-400, -40, 0, 0, 0, 50]);
            let event = self.event(who, Timestamp(dated.0 + days * DAY_MS), profile);
            self.arrive(Timestamp(dated.0 + MINUTE_MS), event.clone());
            if self.random.chance(0.1) {
                // Another one of the same moment.
                let body = self.profile(activated, flags);
                let other = self.event(who, event.at, body);
                self.arrive(Timestamp(dated.0 + 2 * MINUTE_MS), other);
            }
        }
    }

    pub(super) fn profile(&mut self, activated: Day, flags: ProfileFlags) -> Body<'static> {
        let region = ["HQ", "Guangdong", "Shenzhen"];
        let depth = self.random.below(4) as usize;
        let brand = self.random.one_of(&["gotone", "mzone", "easyown", "other"]);
        let first = Day(self.plan.first_day);
        let dates = [(); 3].map(|()| {
            let day = self.random.below(i64::from(self.plan.days) + 40) as i32;
            self.random.chance(0.5).then(|| self.day(day))
        });
        let random = &mut self.random;
        Body::Profile(Box::new(Profile {
            customer: random.one_of(&[None, Some(7 << 40), Some(7 << 40), Some(7 << 40), Some(8)]),
            brand: random.chance(0.8).then(|| brand.into()),
            activated_on: random.chance(0.9).then_some(activated),
            segment: random.one_of(&[Segment::Consumer, Segment::Consumer, Segment::Group]),
            vip: random.chance(0.15),
            account_manager: random.chance(0.5).then(|| "manager-1".into()),
            group: self.groups.chance(0.4).then(|| ProfileGroup {
                id: self.groups.one_of(&["G-1", "G-1", "G-2"]).into(),
                manager: self.groups.chance(0.5).then(|| "manager-2".into()),
                size: self.groups.chance(0.5).then_some(40),
            }),
            region: region.into_iter().take(depth).map(Into::into).collect(),
            flags,
            avg_monthly_spend: random.chance(0.7).then(|| Money(random.below(60_000))),
            suspensions: random.chance(0.2).then(|| random.below(3) as u16),
            contract_end_on: random.chance(0.7).then(|| first + random.below(160) as i32),
            birthday: dates[0].map(Day::month_and_day),
            points_expire_on: dates[1],
            offer_expires_on: dates[2],
            marketing_opt_out: random.one_of(&[None, Some(false), Some(false), Some(true)]),
            plan: random.chance(0.7).then(|| model::Plan {
                id: random
                    .one_of(&[None, Some("S"), Some("M"), Some("L")])
                    .map(Into::into),
                monthly_fee: random.chance(0.9).then_some(Money(random.below(40_000))),
                ..model::Plan::default()
            }),
        }))
    }
}
