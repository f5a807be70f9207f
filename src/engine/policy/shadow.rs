use super::Case;
use super::taskbook::forbidden;
use crate::engine::triggers::{Firing, FiringKind, Registration};
use crate::model::{Effect, ShadowSignal, Signal, Suppression, Timestamp};

/// Publishes what the shadow rules found, `case` being under these rules. No task comes of it, ever.
///
/// There are no tasks to compare it with, so that of the reasons for raising none it knows those only that lie with the
/// subscriber and with the firing itself, and not that a task was open.
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
    let signal = Signal {
        trigger: trigger.name.into(),
        purpose: trigger.purpose,
        msisdn: case.msisdn,
        fired_at: at,
        strength: firing.strength,
        evidence: firing.evidence,
        text: firing.text,
        suppressed: forbidden(case).or(of_kind),
    };
    effects.push(Effect::Shadow(Box::new(ShadowSignal {
        signal,
        rules_version: case.rules.version.clone(),
    })));
}
