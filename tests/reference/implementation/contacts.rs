//! When a subscriber may be contacted (behaviour: Contact rules): every contact is looked at anew each time.

use super::policy::{Case, Tasks};
use churnwatch::model::{Purpose, Signal, Suppression, Tier, Timestamp};

/// One that was reported, or that may have been made.
#[derive(Clone, Copy)]
pub struct Contact {
    pub at: Timestamp,
    pub purpose: Purpose,
}

/// When gap and cap allow a contact, when the customer is awake then, and which of the two it waited for.
pub struct Turn {
    pub allowed_from: Timestamp,
    pub at: Timestamp,
    pub reason: Suppression,
}

/// Contacts that are remembered.
const REMEMBERED: usize = 16;

impl Tasks {
    pub fn contact(&mut self, at: Timestamp, purpose: Purpose) {
        self.contacts.push(Contact { at, purpose });
        let surplus = self.contacts.len().saturating_sub(REMEMBERED);
        self.contacts.drain(..surplus);
    }

    /// The daily look at what no longer counts.
    pub fn forget_old_contacts(&mut self, case: &Case<'_>) {
        let rules = &case.rules.policy.contact;
        let longest = rules.cap_window_days.max(rules.gap_days);
        let since = case.now.plus_hours(-24 * i64::from(longest));
        self.contacts.retain(|contact| contact.at > since);
    }

    /// The next moment for a contact.
    pub fn earliest(&self, purpose: Purpose, tier: Tier, case: &Case<'_>) -> Turn {
        let rules = &case.rules.policy.contact;
        let mut counted: Vec<Timestamp> = Vec::new();
        for contact in &self.contacts {
            let to_keep = contact.purpose == Purpose::Churn;
            if purpose != Purpose::Churn || to_keep || rules.care_delays_churn {
                counted.push(contact.at);
            }
        }
        // Nobody is greeted today who will be called tomorrow.
        if purpose != Purpose::Churn {
            for task in self.open.values() {
                if task.purpose != purpose && task.contacted_at.is_none() {
                    counted.push(task.due_at);
                }
            }
        }
        counted.sort_by_key(|at| std::cmp::Reverse(*at));
        let gap = counted
            .first()
            .map(|newest| newest.plus_hours(24 * i64::from(rules.gap_days)));
        let window_hours = 24 * i64::from(rules.cap_window_days);
        let most = usize::from(match tier {
            Tier::Key => rules.cap.key,
            Tier::Ordinary => rules.cap.ordinary,
            Tier::Small => rules.cap.small,
        });
        counted.retain(|at| *at > case.now.plus_hours(-window_hours));
        let cap = (counted.len() >= most).then(|| counted[most - 1].plus_hours(window_hours));
        let allowed_from = [Some(case.now), gap, cap].into_iter().max().flatten();
        let allowed_from = allowed_from.unwrap();
        Turn {
            allowed_from,
            at: case.after_quiet(allowed_from),
            reason: match cap > gap {
                true => Suppression::ContactCap,
                false => Suppression::ContactGap,
            },
        }
    }

    /// `not_before` of a new task of these signals, or why there must not be one.
    pub fn opening(
        &self,
        signals: &[Signal],
        tier: Tier,
        case: &Case<'_>,
    ) -> Result<Timestamp, Suppression> {
        let purpose = signals[0].purpose;
        let turn = self.earliest(purpose, tier, case);
        let wait_days = match purpose {
            Purpose::Churn | Purpose::WinBack => case.rules.policy.contact.wait_days,
            Purpose::Care | Purpose::Grow => 0,
        };
        let latest = case.now.plus_hours(24 * i64::from(wait_days));
        let mut bounds = signals.iter().filter_map(|signal| case.bound(signal));
        // Quiet hours alone keep nobody from answering, if late.
        let waits = turn.allowed_from > case.now;
        let too_late = bounds.any(|bound| turn.at > bound);
        match turn.allowed_from > latest || (waits && too_late) {
            true => Err(turn.reason),
            false => Ok(turn.at),
        }
    }
}

impl Case<'_> {
    /// The moment itself, or the end of the quiet hours it lies in.
    pub fn after_quiet(&self, at: Timestamp) -> Timestamp {
        let quiet = &self.rules.policy.quiet;
        let hours: Vec<u8> = match quiet.from_hour <= quiet.to_hour {
            true => (quiet.from_hour..quiet.to_hour).collect(),
            false => (quiet.from_hour..24).chain(0..quiet.to_hour).collect(),
        };
        let (day, hour) = (self.days.day_of(at), self.days.hour_of(at));
        if !hours.contains(&hour) {
            at
        } else if hour < quiet.to_hour {
            self.days.at_hour(day, quiet.to_hour)
        } else {
            self.days.at_hour(day + 1, quiet.to_hour)
        }
    }
}
