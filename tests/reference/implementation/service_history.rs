//! What customers and competitors did, told anew from all records of the number's owner.

use churnwatch::engine::Rules;
use churnwatch::model::{
    Body, CallOutcome, ComplaintCategory, Day, Direction, Event, ForwardAction, Money, Number,
    Timestamp,
};

/// Every accepted record of the number's owner, in order of arrival.
#[derive(Default)]
pub struct ServiceHistory(Vec<(Event<'static>, Day)>);

/// Contacts that are remembered.
const CONTACTS: usize = 8;
/// Complaints that are remembered.
const COMPLAINTS: usize = 4;
/// Days without use abroad after which a trip is over.
pub const TRIP_PAUSE_DAYS: i32 = 7;
/// Days without a forwarded call after which forwarding nobody set up is over.
const PAUSE_DAYS: i32 = 7;

impl ServiceHistory {
    pub fn take(&mut self, event: &Event<'static>, day: Day) {
        self.0.push((event.clone(), day));
    }

    /// Days of the last contacts by competitors, the latest day last.
    pub fn contacts(&self, rules: &Rules) -> Vec<Day> {
        let contacts = self.0.iter().filter(|(event, _)| approach(event, rules));
        let mut days: Vec<Day> = contacts.map(|(_, day)| *day).collect();
        days.sort();
        days.split_off(days.len().saturating_sub(CONTACTS))
    }

    /// What the customer was charged for what they had asked for, the latest last.
    pub fn charges(&self) -> Vec<Money> {
        let charges = self.0.iter().filter_map(|(event, _)| match event.body {
            Body::Charge {
                amount,
                subscribed_by_customer,
            } => (subscribed_by_customer != Some(false) && amount >= Money::ZERO).then_some(amount),
            _ => None,
        });
        charges.collect()
    }

    /// The four complaints that were last reported or updated, the latest at the end.
    fn complaints(&self) -> Vec<&(Event<'static>, Day)> {
        let mut known: Vec<&(Event<'static>, Day)> = Vec::new();
        for told in &self.0 {
            if !matches!(told.0.body, Body::Complaint { .. }) {
                continue;
            }
            let same = known
                .iter()
                .position(|(other, _)| other.id() == told.0.id());
            match same {
                Some(place) if known[place].0.at > told.0.at => continue,
                Some(place) => drop(known.remove(place)),
                None => {}
            }
            known.push(told);
            known.sort_by_key(|(event, _)| event.at);
            if known.len() > COMPLAINTS {
                known.remove(0);
            }
        }
        known
    }

    /// How the latest complaint was answered, if it was: on which day, and to what content.
    pub fn answered(&self) -> Option<(Day, Option<u8>)> {
        let (event, day) = self.complaints().pop()?;
        match event.body {
            Body::Complaint {
                resolved: true,
                satisfaction,
                ..
            } => Some((*day, satisfaction)),
            _ => None,
        }
    }

    /// Whether the latest complaint was answered to the customer's content.
    pub fn settled(&self, dissatisfied_max: u8) -> bool {
        matches!(self.answered(), Some((_, Some(said))) if said > dissatisfied_max)
    }

    /// The last trip: its first and its last day abroad, and what was charged meanwhile.
    fn trip(&self) -> Option<(Day, Day, Money)> {
        let mut trip: Option<(Day, Day, Money)> = None;
        for (event, day) in &self.0 {
            let near = |trip: &(Day, Day, Money)| {
                trip.0 - TRIP_PAUSE_DAYS <= *day && *day <= trip.1 + TRIP_PAUSE_DAYS
            };
            if event.visited.is_some() {
                trip = match trip {
                    Some(trip) if near(&trip) => Some((trip.0.min(*day), trip.1.max(*day), trip.2)),
                    Some(trip) if trip.0 > *day => Some(trip),
                    _ => Some((*day, *day, Money::ZERO)),
                };
            }
            if let Body::Charge {
                amount,
                subscribed_by_customer,
            } = event.body
                && subscribed_by_customer != Some(false)
                && amount >= Money::ZERO
            {
                trip = trip.map(|trip| match near(&trip) {
                    true => (trip.0, trip.1, Money(trip.2.0 + amount.0)),
                    false => trip,
                });
            }
        }
        trip
    }

    /// What was charged on the trip that a day may belong to.
    pub fn charged_abroad(&self, day: Day) -> Option<Money> {
        let (since, last, charged) = self.trip()?;
        let near = since - TRIP_PAUSE_DAYS <= day && day <= last + TRIP_PAUSE_DAYS;
        near.then_some(charged)
    }

    /// Whether the line was abroad on a day, or may still be, given the last day of use.
    pub fn abroad(&self, day: Day, last_active: Option<Day>) -> bool {
        self.trip().is_some_and(|(since, last, _)| {
            let back = last_active > Some(last);
            let until = if back { last } else { last + TRIP_PAUSE_DAYS };
            since <= day && day <= until
        })
    }

    /// Whether a later word on a complaint is known.
    pub fn complained_after(&self, at: Timestamp) -> bool {
        let latest = self.complaints().pop();
        latest.is_some_and(|(event, _)| event.at > at)
    }

    /// Whether another complaint about the same was known in the days before.
    pub fn complained_before(&self, event: &Event<'_>, day: Day, days: i32) -> bool {
        let about = |event: &Event<'_>| match event.body {
            Body::Complaint { category, .. } => Some(category),
            _ => None,
        };
        about(event) != Some(ComplaintCategory::Unknown)
            && self.complaints().iter().any(|(other, on)| {
                let recent = day.0 - on.0 < days && on.0 <= day.0;
                recent && other.id() != event.id() && about(other) == about(event)
            })
    }

    /// Since when calls are forwarded on a day, and whether to a competitor or nobody knows where.
    pub fn forwarding(&self, today: Day, rules: &Rules) -> Option<(Day, bool)> {
        let records = self.0.iter().filter_map(|(event, day)| match event.body {
            Body::CallForward { other, action } => Some((event.at, *day, action, other)),
            _ => None,
        });
        // Time of the last that switched it, since when, whether by a record, and the last call.
        let mut switched: Option<Timestamp> = None;
        let mut since: Option<Day> = None;
        let mut set_up = false;
        let mut last: Option<Day> = None;
        let mut to = None;
        for (at, day, action, other) in records {
            if switched > Some(at) {
                continue;
            }
            let over = |last: Option<Day>| last.is_none_or(|last| day.0 > last.0 + PAUSE_DAYS);
            if !set_up && over(last) {
                since = None;
            }
            match action {
                ForwardAction::Activate => {
                    since = Some(since.map_or(day, |since| since.min(day)));
                    (set_up, switched, to) = (true, Some(at), Some(other));
                }
                ForwardAction::Deactivate => {
                    (since, set_up, last, switched, to) = (None, false, None, Some(at), None);
                }
                ForwardAction::Forwarded => {
                    since = since.or(Some(day));
                    last = last.max(Some(day));
                    to = Some(other);
                }
                ForwardAction::Unknown => {}
            }
        }
        let alive = last.is_some_and(|last| today.0 <= last.0 + PAUSE_DAYS);
        let competitors = &rules.competitors;
        let elsewhere = to.is_some_and(|to| {
            let mut known = competitors.hotlines.iter().chain(&competitors.marketing);
            to == Number::OTHER || known.any(|(number, _)| *number == to)
        });
        since
            .filter(|_| set_up || alive)
            .map(|since| (since, elsewhere))
    }
}

/// Marketing that reached the customer.
pub fn approach(event: &Event<'_>, rules: &Rules) -> bool {
    match event.body {
        Body::Call {
            direction: Direction::Incoming,
            other,
            duration_seconds,
            outcome,
            ..
        } => {
            let mut numbers = rules.competitors.marketing.iter();
            let spoke = match outcome {
                CallOutcome::Normal | CallOutcome::Dropped => true,
                CallOutcome::Unknown => duration_seconds > 0,
                _ => false,
            };
            spoke && numbers.any(|(number, _)| *number == other)
        }
        Body::CompetitorContact => true,
        _ => false,
    }
}
