//! How often somebody spoke to a subscriber.

use super::report::{ContactFigures, HighestContacts};
use crate::engine::settings::ContactRules;
use crate::model::{Msisdn, Purpose, Tier, Timestamp};
use std::collections::BTreeMap;

/// Every contact, by subscriber and in order of time.
#[derive(Default)]
pub struct Contacts(BTreeMap<Msisdn, Vec<Contact>>);

#[derive(Clone, Copy)]
struct Contact {
    at: Timestamp,
    purpose: Purpose,
    tier: Tier,
}

impl Contacts {
    /// Somebody spoke to a subscriber about a task of this purpose and tier.
    pub fn add(&mut self, who: Msisdn, at: Timestamp, purpose: Purpose, tier: Tier) {
        let contacts = self.0.entry(who).or_default();
        contacts.push(Contact { at, purpose, tier });
    }

    /// Figures of the contacts from a moment on. Earlier ones count only within the cap window of a later one.
    pub fn figures(&self, from: Timestamp, rules: &ContactRules) -> ContactFigures {
        let mut highest: Vec<HighestContacts> = Tier::ALL
            .map(|tier| HighestContacts {
                tier: tier.name(),
                churn: 0,
                care_and_grow: 0,
                all: 0,
                cap: rules.cap.of(tier),
            })
            .into();
        let (mut total, mut subscribers) = (0, 0);
        for contacts in self.0.values() {
            let counted = contacts.iter().filter(|contact| contact.at >= from);
            subscribers += u64::from(counted.clone().next().is_some());
            for last in counted {
                total += 1;
                let begin = last.at.plus_hours(-24 * i64::from(rules.cap_window_days));
                let span = contacts
                    .iter()
                    .filter(|contact| contact.at > begin && contact.at <= last.at);
                let all = span.clone().count() as u64;
                let churn = span.filter(|contact| contact.purpose == Purpose::Churn);
                let churn = churn.count() as u64;
                let most = &mut highest[last.tier as usize];
                most.all = most.all.max(all);
                match last.purpose {
                    Purpose::Churn => most.churn = most.churn.max(churn),
                    _ => most.care_and_grow = most.care_and_grow.max(all - churn),
                }
            }
        }
        ContactFigures {
            contacts: total,
            subscribers,
            window_days: rules.cap_window_days,
            highest,
        }
    }
}
