use super::case::Case;
use super::eligibility;
use super::score::Score;
use super::taskbook::too_low;
use crate::engine::state::trigger_state::FiringKind;
use crate::engine::triggers::{Firing, Registration};
use crate::model::{Effect, ShadowSignal, Signal, Suppression, Timestamp};

/// Publishes what the shadow rules found, `case` being under these rules and what they remember. No task comes of it, ever.
///
/// There are no tasks to compare it with, so that of the reasons for raising none it knows those only that lie with the
/// subscriber, the score and the firing itself, and not that a task was open.
pub fn publish(
    trigger: &'static Registration,
    firing: Firing,
    at: Timestamp,
    case: &Case<'_>,
    effects: &mut Vec<Effect>,
) {
    let tier = case.tier();
    let repeat = (firing.kind == FiringKind::Repeat).then_some(Suppression::Repeat);
    let refusal = eligibility::refusal(case, firing.kind, trigger.purpose, tier).or(repeat);
    let mut signal = Signal {
        trigger: trigger.name.into(),
        purpose: trigger.purpose,
        msisdn: case.msisdn,
        fired_at: at,
        strength: firing.strength,
        churn_score: Score::of(case).value,
        evidence: firing.evidence,
        text: firing.text,
        suppressed: refusal,
    };
    if signal.suppressed.is_none() {
        let low = too_low(&signal, tier, case);
        signal.suppressed = low.then_some(Suppression::LowScore);
    }
    effects.push(Effect::Shadow(Box::new(ShadowSignal {
        signal,
        rules_version: case.rules.version.clone(),
    })));
}
