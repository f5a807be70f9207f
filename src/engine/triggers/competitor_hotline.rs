use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::EventView;
use crate::engine::settings::{Competitors, TriggerWeight};
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Body, BodyKind, Direction, Event, Evidence, Fact, Text, plural};
use serde::Deserialize;

/// A call or message to a competitor's service number (behaviour: Churn triggers). Immediate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompetitorHotline {
    cooldown_days: u16,
    strengths: Vec<f64>,
}

impl TriggerSpec for CompetitorHotline {
    const NAME: &'static str = "competitor_hotline";
    const LISTENS: &'static [BodyKind] = &[BodyKind::Call, BodyKind::Message];
    const COMPETITOR: bool = true;
    const WORRIES: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(3.0, 7.0);
    const DEFAULTS: &'static str = "\
# Days after a firing in which further calls only raise its strength. 1..90
cooldown_days = 7
# Strength on the first call, and on each repeat within the cool-down; later repeats say nothing. Rising, 0..1
strengths = [0.6, 0.8, 1.0]
";
}

impl Trigger for CompetitorHotline {
    fn wants(&self, event: &Event<'_>, competitors: &Competitors) -> bool {
        outgoing(&event.body).is_some_and(|number| competitors.hotline(number).is_some())
    }

    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let number = outgoing(&view.event.body)?;
        let competitor = view.competitors.hotline(number)?;
        let repeat = state.cooling(view.day, self.cooldown_days);
        state.note = if repeat {
            state.note.saturating_add(1)
        } else {
            1
        };
        let strength = *self.strengths.get(usize::from(state.note) - 1)?;
        let contacts = state.note;
        Some(Firing {
            kind: if repeat {
                FiringKind::Repeat
            } else {
                FiringKind::Full
            },
            strength,
            evidence: Evidence {
                observed: f64::from(contacts),
                expected: 0.0,
                unit: "contacts".into(),
                window_days: self.cooldown_days,
                threshold: 1.0,
                facts: vec![("competitor".into(), Fact::Name(competitor.to_owned()))],
                source: Some(view.source.clone()),
            },
            text: Text {
                zh: format!(
                    "客户在{}天内第{contacts}次联系竞争对手（{competitor}）的服务热线",
                    self.cooldown_days
                ),
                en: format!(
                    "Contact no. {contacts} with the service hotline of a competitor ({competitor}) within {} {}",
                    self.cooldown_days,
                    plural(self.cooldown_days, "day", "days")
                ),
            },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (state.fired_on(), state.note) {
            (None, _) => "no contact with a competitor's hotline".to_owned(),
            (Some(_), 1) => "one contact with a competitor's hotline".to_owned(),
            (Some(_), contacts) => {
                format!(
                    "{contacts} {} with competitors' hotlines within the cool-down",
                    plural(contacts, "contact", "contacts")
                )
            }
        }
    }
}

fn outgoing(body: &Body<'_>) -> Option<crate::model::Number> {
    match body {
        Body::Call {
            direction: Direction::Outgoing,
            other,
            ..
        }
        | Body::Message {
            direction: Direction::Outgoing,
            other,
        } => Some(*other),
        _ => None,
    }
}
