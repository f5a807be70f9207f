use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::EventView;
use crate::engine::settings::{Competitors, TriggerWeight};
use crate::engine::state::trigger_state::TriggerState;
use crate::model::{Body, BodyKind, Event, Evidence, Fact, Text, plural};
use serde::Deserialize;

/// Competitors' marketing reached the subscriber again and again (behaviour: Churn triggers). Immediate.
///
/// Contacts that came too late to fire still count for later ones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompetitorMarketing {
    contacts: u16,
    within_days: u16,
    cooldown_days: u16,
    strengths: Vec<f64>,
}

impl TriggerSpec for CompetitorMarketing {
    const NAME: &'static str = "competitor_marketing";
    const LISTENS: &'static [BodyKind] = &[BodyKind::Call, BodyKind::CompetitorContact];
    const COMPETITOR: bool = true;
    // Weaker than `competitor_hotline`: being phoned by a competitor is no doing of the customer's.
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(2.0, 14.0);
    const DEFAULTS: &'static str = "\
# Fires at this many contacts: answered calls from a competitor's marketing number, and contacts reported by staff or
# customer, ... 1..8
contacts = 2
# ... within this many days. 1..90
within_days = 30
# Days after a firing in which further contacts only raise its strength. 1..90
cooldown_days = 7
# Strength at that many contacts, and at each further one within the days; still more are as strong as the last.
# Rising, 0..1
strengths = [0.5, 0.7, 0.9]
";
}

impl Trigger for CompetitorMarketing {
    fn wants(&self, event: &Event<'_>, competitors: &Competitors) -> bool {
        competitors.approach(&event.body)
    }

    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let known = view.account?.service_history().contacts();
        // Not before this contact, which may be late: before the newest, so that the order of arrival says nothing.
        let newest = known.last().copied()?;
        let within = |day: &&_| newest.since(**day) < i32::from(self.within_days);
        let contacts = known.iter().filter(within).count();
        let further = contacts.checked_sub(usize::from(self.contacts))?;
        let strength = *self.strengths.get(further).or(self.strengths.last())?;
        let kind = state.news(strength, view.day, self.cooldown_days)?;
        let competitor = match view.event.body {
            Body::Call { other, .. } => view.competitors.marketing(other),
            _ => None,
        };
        let name = |name: &str| ("competitor".into(), Fact::Name(name.to_owned()));
        let days = self.within_days;
        Some(Firing {
            kind,
            strength,
            evidence: Evidence {
                observed: contacts as f64,
                expected: 0.0,
                unit: "contacts".into(),
                window_days: days,
                threshold: f64::from(self.contacts),
                facts: competitor.map(name).into_iter().collect(),
                source: Some(view.source.clone()),
            },
            text: Text {
                zh: format!("{days}天内竞争对手第{contacts}次向客户营销"),
                en: format!(
                    "Contact no. {contacts} by competitors' marketing within {days} {}",
                    plural(days, "day", "days")
                ),
            },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let text = match state.fired_on() {
            None => "no run of contacts by competitors' marketing",
            Some(_) => "a run of contacts by competitors' marketing, which was reported",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::state::service_history::CONTACTS;

    #[test]
    fn as_many_contacts_can_be_asked_for_as_are_remembered() {
        assert!(CompetitorMarketing::DEFAULTS.contains(&format!("1..{CONTACTS}\ncontacts = ")));
    }
}
