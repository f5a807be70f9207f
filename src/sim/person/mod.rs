//! Who the subscribers are: everything about a line that its owner is born with.

mod account;
mod habits;
mod numbers;
mod plans;
mod timeline;

pub use account::Account;
pub use habits::{
    ANSWERED, CENTS_A_MEGABYTE, CENTS_A_MESSAGE, CENTS_A_SECOND, Habits, SESSION_SIGMA, TALK_SIGMA,
};
pub use numbers::stranger;
pub use plans::{PLANS, Plan};
pub use timeline::{ScheduledEvent, Timeline, TruthNote, occurs_after};

use super::config::CityConfig;
use super::event::{Body, Event, Profile};
use super::random::{Dice, Purpose, mix};
use super::scenario::Scenario;
use crate::model::Day;
use numbers::{mobile_number, msisdn};
use plans::choose_plan;

/// Provinces with their short codes and cities.
pub const PROVINCES: [(&str, &str, [&str; 4]); 6] = [
    (
        "Guangdong",
        "GD",
        ["Guangzhou", "Shenzhen", "Dongguan", "Foshan"],
    ),
    (
        "Zhejiang",
        "ZJ",
        ["Hangzhou", "Ningbo", "Wenzhou", "Jinhua"],
    ),
    ("Sichuan", "SC", ["Chengdu", "Mianyang", "Leshan", "Yibin"]),
    (
        "Henan",
        "HA",
        ["Zhengzhou", "Luoyang", "Kaifeng", "Xinyang"],
    ),
    ("Hubei", "HB", ["Wuhan", "Yichang", "Xiangyang", "Jingzhou"]),
    ("Shaanxi", "SN", ["Xi'an", "Baoji", "Xianyang", "Weinan"]),
];

/// What answers to the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A person.
    Human,
    /// A meter, tracker or vending machine: a few data sessions a day.
    Machine,
    /// A call robot: thousands of calls a day.
    Robot,
    /// A bank of SIM cards: as a robot, but nobody has flagged it.
    SimBank,
}

/// One subscriber.
pub struct Person {
    pub index: u32,
    /// The MSISDN's digits.
    pub number: u64,
    pub line: Line,
    pub brand: &'static str,
    pub prepaid: bool,
    pub group: bool,
    /// Belongs to the one group there is.
    pub grouped: bool,
    pub vip: bool,
    pub student: bool,
    /// Carries a second SIM and uses only that one for days on end.
    pub second_sim: bool,
    /// Phones in a place where calls drop.
    pub poor_coverage: bool,
    pub province: u8,
    pub city: u8,
    /// Number of the account manager in the province, from 1; 0 for none.
    pub manager: u8,
    pub birthday: (u8, u8),
    pub activated_on: Day,
    /// Joins, stays for some days and goes home.
    pub visitor: bool,
    /// A flag that ends the pursuit of the customer, if any.
    pub flag: Option<&'static str>,
    /// Days before its end on which the contract is renewed; `None` for not at all.
    pub renewal_lead_days: Option<u8>,
    /// Steps by which the tariff is larger (smaller) than what is used asks for.
    pub misfit: i8,
    /// Handsets before the present one, and from when on there is another.
    handsets: u8,
    new_handset_ms: Option<i64>,
    /// Whether the calls say on which handset.
    pub reports_imei: bool,
    /// Where incoming calls go.
    pub forwards_to: Option<u64>,
    /// The latest real use so far.
    pub last_use_ms: Option<i64>,
    pub profile: Profile,
    pub habits: Habits,
    pub account: Account,
    pub timeline: Timeline,
    pub orders: Orders,
    /// Records made so far, without orders.
    records: u32,
}

/// What is ahead of a line's orders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Orders {
    /// The day of the next one of a subscriber who stays; nothing before the first day.
    pub next: Option<Day>,
    /// The day of the one before the leaving, if there will be one.
    pub before_leaving: Option<Day>,
    /// Orders so far. They do not count among the records, whose numbers would be others without them.
    made: u32,
}

/// Days from the start after which the group's contract ends.
const GROUP_CONTRACT_DAYS: i32 = 100;

/// Steps of tariffs by which some people are wrong about what they need.
const MISFIT_STEPS: i8 = 2;

impl Person {
    pub fn new(config: &CityConfig, index: u32) -> Self {
        let dice = &mut Dice::new(config.seed, index, 0, Purpose::Traits);
        let Scenario {
            lines, contracts, ..
        } = &config.scenario;
        let line = if stands_out(index, lines.robot_share) {
            if dice.chance(lines.sim_bank_share) {
                Line::SimBank
            } else {
                Line::Robot
            }
        } else if dice.chance(lines.machine_share) {
            Line::Machine
        } else {
            Line::Human
        };
        let human = line == Line::Human;
        let (brand, prepaid) = match dice.unit() {
            u if u < lines.gotone_share => ("gotone", false),
            u if u < lines.gotone_share + lines.mzone_share => ("mzone", dice.chance(0.4)),
            _ => ("easyown", dice.chance(0.6)),
        };
        let (gotone, mzone) = (brand == "gotone", brand == "mzone");
        let student = human && mzone && dice.chance(lines.student_share / lines.mzone_share);
        let group = !student
            && dice.chance(if gotone {
                lines.group_gotone_share
            } else {
                lines.group_other_share
            });
        let vip = human && gotone && dice.chance(lines.vip_share / lines.gotone_share);
        let poor_coverage = human && dice.chance(lines.poor_coverage_share);
        let habits = match line {
            Line::Human => Habits::human(&config.scenario, dice, student, poor_coverage),
            Line::Machine => Habits::machine(dice),
            Line::Robot | Line::SimBank => Habits::robot(&config.scenario, dice),
        };
        let visitor = human && stands_out(index, lines.visitor_share);
        let joins_later = human && dice.chance(lines.joining_share) || visitor;
        let activated_on = if joins_later {
            let days = dice.exponential(lines.joining_after_days);
            config.start + 1 + (days as i32).min(3_000)
        } else {
            config.start - 1 - (dice.exponential(1_700.0) as i32).min(7_300)
        };
        let first = activated_on.max(config.start);
        let misfit = match dice.unit() {
            u if u < lines.over_planned_share => MISFIT_STEPS,
            u if u < lines.over_planned_share + lines.under_planned_share => -MISFIT_STEPS,
            _ => 0,
        };
        let fitting = choose_plan(habits.monthly_value() * dice.log_normal(0.9, 0.2));
        let plan = fitting
            .saturating_add_signed(misfit)
            .min(PLANS.len() as u8 - 1);
        let province = dice.below(PROVINCES.len() as u32) as u8;
        let key = group || vip || (activated_on < first - 4 * 365 && plan >= 5);
        // Apart from the dice, so that all else of a city stays as it is without groups.
        let grouped = group && province == 0 && stands_out(index, lines.grouped_share);
        let contract_end_on = dice.chance(contracts.contract_share).then(|| {
            let own = first + 5 + dice.below(720) as i32;
            match grouped {
                true => config.start + GROUP_CONTRACT_DAYS,
                false => own,
            }
        });
        let opted_out = dice.chance(lines.opted_out_share);
        let offer = dice
            .chance(contracts.offer_share)
            .then(|| first + dice.below(180) as i32);
        let profile = Profile {
            plan,
            contract_end_on,
            points_expire_on: first + 20 + dice.below(365) as i32,
            offer_expires_on: offer,
            suspensions: u8::from(dice.chance(0.04)),
            marketing_opt_out: opted_out,
        };
        let flags = [
            "malicious_arrears",
            "bad_reputation",
            "contract_breach",
            "unprofitable",
        ];
        let flag = dice
            .chance(lines.not_pursued_share)
            .then(|| dice.pick(&flags));
        Self {
            index,
            number: msisdn(config, index, dice.chance(lines.ported_in_share)),
            line,
            brand,
            prepaid,
            group,
            grouped,
            vip,
            student,
            second_sim: human && dice.chance(lines.second_sim_share),
            poor_coverage,
            province,
            city: dice.below(4) as u8,
            manager: if key { dice.between(1, 6) as u8 } else { 0 },
            birthday: (dice.between(1, 12) as u8, dice.between(1, 28) as u8),
            activated_on,
            visitor,
            flag: if human { flag } else { None },
            renewal_lead_days: dice
                .chance(contracts.renewal_share)
                .then(|| dice.days(contracts.renewal_lead_days) as u8),
            misfit: (plan as i8) - (fitting as i8),
            handsets: 0,
            new_handset_ms: None,
            reports_imei: dice.chance(lines.imei_share),
            forwards_to: None,
            last_use_ms: None,
            profile,
            account: Account::new(dice, &config.scenario.billing, first),
            timeline: Timeline::new(dice, &config.scenario, first),
            habits,
            orders: Orders::default(),
            records: 0,
        }
    }

    /// The subscriber's tariff.
    pub fn plan(&self) -> &'static Plan {
        &PLANS[usize::from(self.profile.plan)]
    }

    /// From a moment on there is another handset.
    pub fn change_handset(&mut self, from_ms: i64) {
        self.new_handset_ms = Some(from_ms);
    }

    /// Begins a day: a handset got before it is the present one.
    pub fn use_new_handset(&mut self, start_ms: i64) {
        if self
            .new_handset_ms
            .take_if(|from| *from <= start_ms)
            .is_some()
        {
            self.handsets = self.handsets.saturating_add(1);
        }
    }

    /// Makes the subscriber's next record.
    pub fn record(&mut self, at_ms: i64, mut body: Body) -> Event {
        if let Body::Call(call) = &mut body {
            let new = self.new_handset_ms.is_some_and(|from| from <= at_ms);
            call.handset = self.handsets.saturating_add(u8::from(new));
        }
        if body.is_usage() {
            self.account.meter(&body);
            self.last_use_ms = self.last_use_ms.max(Some(at_ms));
        }
        let made = match body {
            Body::Order(_) => &mut self.orders.made,
            _ => &mut self.records,
        };
        let record = *made;
        *made += 1;
        Event {
            at_ms,
            person: self.index,
            record,
            fault: None,
            copy: None,
            body,
        }
    }

    /// A mobile number of the subscriber's social circle: the same ones again and again, the first ones most.
    pub fn acquaintance(&self, dice: &mut Dice) -> u64 {
        if dice.chance(0.15) {
            return stranger(dice);
        }
        let u = dice.unit();
        let rank = (u * u * f64::from(self.habits.circle)) as u64;
        mobile_number(mix(self.number << 8 | rank))
    }
}

/// Whether a line is one of a share that is spread evenly over all, the first one at half the distance.
fn stands_out(index: u32, share: f64) -> bool {
    let before = |index: u32| (f64::from(index) * share + 0.75).floor();
    before(index) < before(index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_a_city() {
        let config = CityConfig::new(1, 1, 5);
        let people: Vec<Person> = (0..4_000).map(|i| Person::new(&config, i)).collect();
        let share = |test: fn(&Person) -> bool| {
            people.iter().filter(|p| test(p)).count() as f64 / people.len() as f64
        };
        assert!((0.008..0.035).contains(&share(|p| p.line == Line::Machine)));
        let robots = people
            .iter()
            .filter(|p| matches!(p.line, Line::Robot | Line::SimBank));
        assert_eq!(robots.map(|p| p.index).collect::<Vec<_>>(), [499, 2_499]);
        assert!((0.02..0.06).contains(&share(|p| p.misfit > 0)));
        assert!((0.02..0.06).contains(&share(|p| p.misfit < 0)));
        assert!((0.05..0.25).contains(&share(|p| p.manager > 0)));
        assert!((0.02..0.06).contains(&share(|p| p.vip)));
        assert!((0.5..0.7).contains(&share(|p| p.profile.contract_end_on.is_some())));
        assert!((0.03..0.09).contains(&share(|p| p.activated_on > Day(20_514))));
    }
}
