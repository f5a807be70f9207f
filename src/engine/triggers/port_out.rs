use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::EventView;
use crate::engine::settings::{Competitors, TriggerWeight};
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Body, BodyKind, EnquirySubject, Event, Evidence, Stage, Text};
use serde::Deserialize;

/// The customer asks how to take the number to another operator, or applies for it (behaviour: Churn triggers).
/// Immediate.
///
/// An enquiry raises no task: only service care without a counter-offer may follow. An application begins a hold: its
/// signal is published as suppressed, open tasks close, and nobody is contacted. When it is withdrawn, it counts as an
/// enquiry does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortOut {
    cooldown_days: u16,
    enquiry_strength: f64,
    application_strength: f64,
}

/// An application was reported.
const APPLIED: u8 = 1;

impl TriggerSpec for PortOut {
    const NAME: &'static str = "port_out";
    const LISTENS: &'static [BodyKind] = &[
        BodyKind::Enquiry,
        BodyKind::PortOutApplication,
        BodyKind::PortOutWithdrawn,
    ];
    const CARE_ONLY: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(4.0, 14.0);
    const DEFAULTS: &'static str = "\
# Days until a further enquiry, or a further application, fires again. The first application fires at once. 1..365
cooldown_days = 30
# Strength of an enquiry and of an application. 0..1
enquiry_strength = 0.7
application_strength = 1.0
";
}

impl Trigger for PortOut {
    fn wants(&self, event: &Event<'_>, _: &Competitors) -> bool {
        matches!(
            &event.body,
            Body::Enquiry(EnquirySubject::PortOut)
                | Body::PortOutApplication
                | Body::PortOutWithdrawn
        )
    }

    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let applied = matches!(view.event.body, Body::PortOutApplication);
        let applies = view.account?.port_out_on.is_some();
        if !applies {
            state.note &= !APPLIED;
        }
        // An application that was withdrawn before its record came is no news, and neither is a withdrawal.
        if (applied && !applies) || matches!(view.event.body, Body::PortOutWithdrawn) {
            return None;
        }
        let known = !applied || state.note & APPLIED != 0;
        if known && state.cooling(view.day, self.cooldown_days) {
            return None;
        }
        let (kind, strength, unit, zh, en) = match applied {
            true => (
                FiringKind::Full,
                self.application_strength,
                "applications",
                "客户已申请携号转网，不得再联系客户",
                "Applied to take the number to another operator; nobody may be contacted",
            ),
            false => (
                FiringKind::CareOnly,
                self.enquiry_strength,
                "enquiries",
                "客户咨询携号转网，只做服务关怀，不做挽留推荐",
                "Asked how to take the number to another operator; service care only, no counter-offer",
            ),
        };
        if applied {
            state.note |= APPLIED;
        }
        Some(Firing {
            kind,
            strength,
            evidence: Evidence {
                observed: 1.0,
                expected: 0.0,
                unit: unit.into(),
                window_days: 0,
                threshold: 1.0,
                facts: Vec::new(),
                source: Some(view.source.clone()),
            },
            text: Text {
                zh: zh.to_owned(),
                en: en.to_owned(),
            },
        })
    }

    fn stage(&self, _: &TriggerState) -> Option<Stage> {
        Some(Stage::Leave)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let text = match (state.fired_on(), state.note & APPLIED != 0) {
            (None, _) => "no enquiry about taking the number elsewhere",
            (Some(_), false) => "an enquiry about taking the number elsewhere",
            (Some(_), true) => "an application to take the number elsewhere",
        };
        text.to_owned()
    }
}
