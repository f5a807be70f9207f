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
    refused_on: Option<Day>,
    cancelled_on: Option<Day>,
    cancelled_at: Option<Timestamp>,
    reactivated_at: Option<Timestamp>,
    port_out_on: Option<Day>,
    port_out_at: Option<Timestamp>,
    /// Records of complaints, of all owners.
    pub complaints: u32,
}

impl Known {
    /// Takes a record that was applied. Says whether the number has a new owner now, of whom nothing is known yet.
    pub fn take(&mut self, event: &Event<'_>, day: Day) -> bool {
        let at = Some(event.at);
        match &event.body {
            Body::Profile(profile) if self.profile_at <= at => {
                let begins = profile.activated_on;
                let anew = self.activated_on.is_some() && self.activated_on != begins;
                let departures = [self.cancelled_on, self.port_out_on];
                let left = departures.into_iter().flatten().find(|left| {
                    begins > Some(*left) || (begins == Some(*left) && anew && begins.is_some())
                });
                let mut first_day = begins.filter(|first| *first <= day);
                if left.is_some() {
                    first_day = first_day.max(left);
                    self.pass_on(first_day);
                } else if self.activated_on.is_some() && self.activated_on < begins {
                    self.earlier_first_day = self.activated_on;
                }
                self.first_day = first_day;
                self.profile_at = at;
                self.activated_on = profile.activated_on;
                self.not_pursued = profile.flags.not_pursued;
                self.opted_out = profile.marketing_opt_out.unwrap_or(self.opted_out);
                return left.is_some();
            }
            Body::Complaint { .. } => self.complaints += 1,
            Body::Cancellation => {
                let first_days = self.earlier_first_day.zip(self.first_day);
                if first_days.is_some_and(|(from, to)| from <= day && day <= to) {
                    let known = Self {
                        profile_at: self.profile_at,
                        activated_on: self.activated_on,
                        not_pursued: self.not_pursued,
                        opted_out: self.opted_out,
                        first_day: self.first_day,
                        ..Self::default()
                    };
                    self.pass_on(self.first_day);
                    (self.profile_at, self.activated_on) = (known.profile_at, known.activated_on);
                    (self.not_pursued, self.opted_out) = (known.not_pursued, known.opted_out);
                    self.first_day = known.first_day;
                    return true;
                }
                if at >= self.reactivated_at {
                    self.cancelled_on = self.cancelled_on.max(Some(day));
                }
                self.cancelled_at = self.cancelled_at.max(at);
            }
            Body::Reactivation(_) => {
                if at >= self.cancelled_at {
                    self.cancelled_on = None;
                }
                self.reactivated_at = self.reactivated_at.max(at);
            }
            Body::PortOutApplication if self.port_out_at <= at => {
                (self.port_out_at, self.port_out_on) = (at, Some(day));
            }
            Body::PortOutWithdrawn if self.port_out_at <= at => {
                (self.port_out_at, self.port_out_on) = (at, None);
            }
            Body::TaskOutcome(outcome) if outcome.do_not_contact => {
                self.refused_on = self.refused_on.max(Some(day));
            }
            _ => {}
        }
        false
    }

    /// What was said of the time since the first day stays.
    fn pass_on(&mut self, first_day: Option<Day>) {
        let since =
            |day: Option<Day>| day.filter(|day| first_day.is_some() && Some(*day) >= first_day);
        let after = |day: Option<Day>| since(day).filter(|day| Some(*day) != first_day);
        *self = Self {
            refused_on: since(self.refused_on),
            cancelled_on: after(self.cancelled_on),
            cancelled_at: self.cancelled_at,
            port_out_on: after(self.port_out_on),
            port_out_at: self.port_out_at,
            reactivated_at: self.reactivated_at,
            ..Self::default()
        };
    }

    /// Why a task must not be open on a day.
    pub fn forbids(&self, task: &Task, today: Day) -> Option<&'static str> {
        let held = |on: Day| today.0 < on.0 + HOLD_DAYS;
        let wish = self.opted_out || self.refused_on.is_some();
        let offers = matches!(task.purpose, Purpose::Grow | Purpose::WinBack);
        let offer = task.action.channel.is_marketing() || offers;
        let for_the_lost = task.purpose == Purpose::WinBack;
        [
            (
                self.cancelled_on.is_some() && !for_the_lost,
                "the contract has ended",
            ),
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
