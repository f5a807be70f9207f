use super::taskbook::{forbidden, too_low};
use super::{Case, Credit, Score};
use crate::engine::triggers::{Firing, FiringKind, Registration};
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
    let of_kind = match firing.kind {
        FiringKind::Full => None,
        FiringKind::Repeat => Some(Suppression::Repeat),
        FiringKind::Weak => Some(Suppression::WeakSign),
        FiringKind::CareOnly => Some(Suppression::CareOnly),
    };
    let mut signal = Signal {
        trigger: trigger.name.into(),
        purpose: trigger.purpose,
        msisdn: case.msisdn,
        fired_at: at,
        strength: firing.strength,
        churn_score: Score::of(case).value,
        evidence: firing.evidence,
        text: firing.text,
        suppressed: forbidden(case).or(of_kind),
    };
    if signal.suppressed.is_none() {
        let credit = Credit::rate(case.account, case.day, &case.rules.policy.credit);
        let low = too_low(&signal, credit.tier, case);
        signal.suppressed = low.then_some(Suppression::LowScore);
    }
    effects.push(Effect::Shadow(Box::new(ShadowSignal {
        signal,
        rules_version: case.rules.version.clone(),
    })));
}
