//! What people order (behaviour: Events): another tariff, services beside it, and less of them before they leave.
//!
//! Orders have a stream of draws and numbers of their own: all other records are the same without them. A tariff is part
//! of the profile; what else is ordered is billed elsewhere.

use super::contact::office_time_ms;
use super::everyday::write_note;
use crate::model::Timestamp;
use crate::sim::event::{Body, Event, Order};
use crate::sim::person::{Line, PLANS, Person, TruthNote, occurs_after};
use crate::sim::random::{Dice, Purpose};
use crate::sim::scenario::Orders;
use crate::sim::today::Today;
use crate::sim::truth::{Kind, Truth};

/// Monthly fees of bundles and broadband, and of value-added services and second lines.
const CONTRACT_FEES: [i32; 6] = [5_900, 7_900, 9_900, 12_900, 16_900, 19_900];
const SERVICE_FEES: [i32; 5] = [500, 600, 1_000, 1_500, 3_000];
/// A change of tariff is ordered in the hour before the day's profiles are written.
const NEW_PLAN_MS: [u32; 2] = [9 * 3_600_000, 10 * 3_600_000];

/// How a line stands in the morning.
pub struct Standing {
    plan: u8,
    leaving: bool,
}

impl Standing {
    pub fn of(person: &Person) -> Self {
        Self {
            plan: person.profile.plan,
            leaving: person.timeline.leaving(),
        }
    }
}

/// The orders of the day.
pub fn order(
    person: &mut Person,
    today: &Today,
    before: Standing,
    events: &mut Vec<Event>,
    truth: &mut Vec<Truth>,
) {
    let due = person.orders.next.is_none_or(|next| next <= today.day);
    let leaves = person.timeline.leaving_episode.is_some();
    let decided = leaves && !before.leaving;
    let is_last = |person: &Person| leaves && person.orders.before_leaving == Some(today.day);
    let new_plan = before.plan != person.profile.plan;
    if person.line != Line::Human || !(due || decided || is_last(person) || new_plan) {
        return;
    }
    let rates = &today.config.scenario.orders;
    let seed = today.config.seed;
    let dice = &mut Dice::new(seed, person.index, today.number, Purpose::Orders);
    if new_plan && dice.chance(rates.new_plan_share) {
        let fee = |plan: u8| PLANS[usize::from(plan)].monthly_fee;
        let order = Order {
            kind: "plan_change",
            fee_before: fee(before.plan),
            fee_after: fee(person.profile.plan),
        };
        let [from, to] = NEW_PLAN_MS;
        place(order, dice.between(from, to), person, today, events, truth);
    }
    if due {
        let planned = person.orders.next.is_some();
        person.orders.next = Some(occurs_after(today.day, rates.rate(), dice));
        if planned && !person.timeline.leaving() {
            let order = some_order(rates, dice);
            place(order, office_time_ms(dice), person, today, events, truth);
        }
    }
    if decided && dice.chance(rates.leaving_share) {
        plan_last(person, today, dice);
    }
    if is_last(person) {
        let order = match dice.chance(0.5) {
            true => cancelled(dice),
            false => downgrade(dice),
        };
        place(order, office_time_ms(dice), person, today, events, truth);
    }
}

/// Draws the day on which a subscriber who has just decided to leave pays less.
fn plan_last(person: &mut Person, today: &Today, dice: &mut Dice) {
    let gone_on = today.calendar.day_of(Timestamp(person.timeline.gone_ms));
    let [least, most] = today.config.scenario.orders.leaving_days;
    let most = most.min(gone_on.since(today.day).max(0) as u32);
    let days = dice.between(least.min(most), most) as i32;
    person.orders.before_leaving = Some(gone_on - days);
}

/// An order of somebody who stays.
fn some_order(rates: &Orders, dice: &mut Dice) -> Order {
    let mut place = dice.unit() * rates.rate();
    for (rate, order) in [
        (rates.upgrade_rate, upgrade as fn(&mut Dice) -> Order),
        (rates.downgrade_rate, downgrade),
        (rates.cancel_rate, cancelled),
    ] {
        if place < rate {
            return order(dice);
        }
        place -= rate;
    }
    new_service(dice)
}

/// A bundle or broadband at the next higher fee.
fn upgrade(dice: &mut Dice) -> Order {
    let step = dice.below(CONTRACT_FEES.len() as u32 - 1) as usize;
    Order {
        kind: dice.pick(&["bundle", "broadband"]),
        fee_before: CONTRACT_FEES[step],
        fee_after: CONTRACT_FEES[step + 1],
    }
}

fn downgrade(dice: &mut Dice) -> Order {
    let dearer = upgrade(dice);
    Order {
        fee_before: dearer.fee_after,
        fee_after: dearer.fee_before,
        ..dearer
    }
}

fn cancelled(dice: &mut Dice) -> Order {
    Order {
        kind: "cancel_service",
        fee_before: dice.pick(&SERVICE_FEES),
        fee_after: 0,
    }
}

fn new_service(dice: &mut Dice) -> Order {
    let (kind, fees): (_, &[i32]) = match dice.below(10) {
        0..6 => ("value_added", &SERVICE_FEES),
        6 | 7 => ("broadband", &CONTRACT_FEES),
        8 => ("bundle", &CONTRACT_FEES),
        _ => ("second_line", &SERVICE_FEES),
    };
    Order {
        kind,
        fee_before: 0,
        fee_after: dice.pick(fees),
    }
}

/// Places an order, unless the owner is away, suspended or gone at that time of day.
fn place(
    order: Order,
    time_of_day_ms: u32,
    person: &mut Person,
    today: &Today,
    events: &mut Vec<Event>,
    truth: &mut Vec<Truth>,
) {
    let at_ms = today.at(time_of_day_ms);
    if !person.timeline.usable(at_ms) {
        return;
    }
    events.push(person.record(at_ms, Body::Order(order)));
    if order.fee_after < order.fee_before {
        let episode = person.timeline.leaving_episode;
        let episode = episode.and_then(|place| truth.get(place));
        let note = TruthNote {
            kind: Kind::Downgrade,
            before: episode.map(|line| line.kind),
        };
        write_note(note, person, today, at_ms, truth);
    }
}
