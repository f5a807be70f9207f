//! What the records say of a subscriber, as far as it decides who may have a task.

use churnwatch::model::{Body, Day, Event, Purpose, Task, Timestamp};

/// `policy.mnp_hold_days`.
const HOLD_DAYS: i32 = 30;

#[derive(Debug, Default)]
pub struct Known {
    profile_at: Option<Timestamp>,
    activated_on: Option<Day>,
    first_day: Option<Day>,
    /// A first day stated before, perhaps by another owner.
    earlier_first_day: Option<Day>,
    not_pursued: bool,
    opted_out: bool,
    do_not_contact: bool,
    cancelled_on: Option<Day>,
    port_out_on: Option<Day>,
    port_out_at: Option<Timestamp>,
}

impl Known {
    /// Takes a record that was applied. Says whether the number has a new owner now, of whom nothing is known yet.
    pub fn take(&mut self, event: &Event<'_>, day: Day) -> bool {
        match &event.body {
            Body::Profile(profile) if self.profile_at.is_none_or(|last| last <= event.at) => {
                let left_on = self.cancelled_on.max(self.port_out_on);
                let begins = profile.activated_on;
                let anew = self.activated_on.is_some() && self.activated_on != begins;
                let after = begins > left_on || (begins == left_on && anew);
                let new_owner = left_on.is_some() && after;
                if new_owner {
                    *self = Self::default();
                } else if self.activated_on.is_some() && self.activated_on < begins {
                    self.earlier_first_day = self.activated_on;
                }
                self.first_day = begins.filter(|first| *first <= day);
                self.profile_at = Some(event.at);
                self.activated_on = profile.activated_on;
                self.not_pursued = profile.flags.not_pursued;
                self.opted_out = profile.marketing_opt_out;
                return new_owner;
            }
            Body::Cancellation => {
                let first_days = self.earlier_first_day.zip(self.first_day);
                if first_days.is_some_and(|(from, to)| from <= day && day <= to) {
                    *self = Self {
                        cancelled_on: None,
                        port_out_on: None,
                        port_out_at: None,
                        earlier_first_day: None,
                        do_not_contact: false,
                        ..*self
                    };
                    return true;
                }
                self.cancelled_on = self.cancelled_on.max(Some(day));
            }
            Body::PortOutApplication if self.port_out_at <= Some(event.at) => {
                self.port_out_at = Some(event.at);
                self.port_out_on = Some(day);
            }
            Body::PortOutWithdrawn if self.port_out_at <= Some(event.at) => {
                self.port_out_at = Some(event.at);
                self.port_out_on = None;
            }
            Body::TaskOutcome(outcome) => self.do_not_contact |= outcome.do_not_contact,
            _ => {}
        }
        false
    }

    /// Why a task must not be open on a day.
    pub fn forbids(&self, task: &Task, today: Day) -> Option<&'static str> {
        let held = |on: Day| today.0 < on.0 + HOLD_DAYS;
        let wish = self.opted_out || self.do_not_contact;
        let offer = task.action.channel.is_marketing() || task.purpose == Purpose::Grow;
        [
            (self.cancelled_on.is_some(), "the contract has ended"),
            (
                self.port_out_on.is_some_and(held),
                "a port-out was applied for",
            ),
            (self.not_pursued, "not pursued"),
            (wish && offer, "against the customer's wish"),
        ]
        .into_iter()
        .find_map(|(holds, why)| holds.then_some(why))
    }
}
