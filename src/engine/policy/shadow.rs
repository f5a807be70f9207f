use super::case::Case;
use super::taskbook::too_low;
use super::{eligibility, route};
use crate::engine::state::trigger_state::FiringKind;
use crate::engine::triggers::{Firing, Registration};
use crate::model::{Effect, ShadowSignal, Signal, Suppression, Timestamp};

/// Publishes what the shadow rules found. `case` holds these rules and their trigger states. No task ever comes of it.
///
/// Shadow rules have no tasks. The reason given for raising none is one that lies with the subscriber, the score or the
/// firing itself, never that a task was open.
pub fn publish(
    trigger: &'static Registration,
    firing: Firing,
    at: Timestamp,
    case: &Case<'_>,
    effects: &mut Vec<Effect>,
) {
    let tier = case.tier();
    let repeat = (firing.kind == FiringKind::Repeat).then_some(Suppression::Repeat);
    let channel = route::channel(tier, trigger.bulk);
    let refusal = eligibility::refusal(case, firing.kind, trigger.purpose, channel).or(repeat);
    let mut signal = Signal {
        trigger: trigger.name.into(),
        purpose: trigger.purpose,
        msisdn: case.msisdn,
        fired_at: at,
        strength: firing.strength,
        churn_score: case.score().value,
        evidence: firing.evidence,
        text: firing.text,
        suppressed: refusal,
    };
    if signal.suppressed.is_none() {
        let low = too_low(&signal, tier, case);
        let low = low.then_some(Suppression::LowScore);
        signal.suppressed = low.or_else(|| eligibility::hold_out(case));
    }
    effects.push(Effect::Shadow(Box::new(ShadowSignal {
        signal,
        rules_version: case.rules.version.clone(),
    })));
}
