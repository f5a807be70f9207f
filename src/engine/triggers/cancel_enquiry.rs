use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::EventView;
use crate::engine::settings::{Competitors, TriggerWeight};
use crate::engine::state::trigger_state::TriggerState;
use crate::model::{Body, BodyKind, EnquirySubject, Event, Evidence, Stage, Text, plural};
use serde::Deserialize;

/// The customer asks how to cancel (behaviour: Churn triggers). Immediate.
///
/// Together with a complaint it makes a task critical: `policy.score.complaint_and_cancel_days`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelEnquiry {
    cooldown_days: u16,
    strengths: Vec<f64>,
}

impl TriggerSpec for CancelEnquiry {
    const NAME: &'static str = "cancel_enquiry";
    const LISTENS: &'static [BodyKind] = &[BodyKind::Enquiry];
    const WORRIES: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(4.0, 30.0);
    const DEFAULTS: &'static str = "\
# Days after a firing in which further enquiries only raise its strength. 1..365
cooldown_days = 30
# Strength of the first enquiry, and of each repeat within the cool-down; later repeats say nothing. Rising, 0..1
strengths = [0.8, 0.9, 1.0]
";
}

impl Trigger for CancelEnquiry {
    fn wants(&self, event: &Event<'_>, _: &Competitors) -> bool {
        matches!(event.body, Body::Enquiry(EnquirySubject::Cancel))
    }

    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        state.note = match state.cooling(view.day, self.cooldown_days) {
            true => state.note.saturating_add(1),
            false => 1,
        };
        let enquiries = state.note;
        let strength = *self.strengths.get(usize::from(enquiries) - 1)?;
        let kind = state.news(strength, view.day, self.cooldown_days)?;
        let days = self.cooldown_days;
        Some(Firing {
            kind,
            strength,
            evidence: Evidence {
                observed: f64::from(enquiries),
                expected: 0.0,
                unit: "enquiries".into(),
                window_days: days,
                threshold: 1.0,
                facts: Vec::new(),
                source: Some(view.source.clone()),
            },
            text: Text {
                zh: format!("客户在{days}天内第{enquiries}次咨询如何销户"),
                en: format!(
                    "Enquiry no. {enquiries} about how to cancel the contract within {days} {}",
                    plural(days, "day", "days")
                ),
            },
        })
    }

    fn stage(&self, _: &TriggerState) -> Option<Stage> {
        Some(Stage::Leave)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (state.fired_on(), state.note) {
            (None, _) => "no enquiry about how to cancel".to_owned(),
            (Some(_), 1) => "one enquiry about how to cancel".to_owned(),
            (Some(_), enquiries) => {
                format!(
                    "{enquiries} {} about how to cancel within the cool-down",
                    plural(enquiries, "enquiry", "enquiries")
                )
            }
        }
    }
}
