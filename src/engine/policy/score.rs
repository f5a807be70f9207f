use super::case::Case;
use crate::engine::triggers::{CANCEL_ENQUIRY, COMPLAINT, REGISTRY, unsettled};
use crate::model::{Purpose, ScorePart, Severity};

/// How likely the subscriber is to leave.
pub struct Score {
    /// 0..1: the logistic of the sum of the parts.
    pub value: f64,
    /// Log-odds: the base, then each trigger that counts.
    pub parts: Vec<ScorePart>,
}

impl Score {
    /// Logistic of base + sum of weight * strength * 2^(-age / half-life) (behaviour: Churn score and severity).
    pub fn of(case: &Case<'_>) -> Self {
        let rules = &case.rules.policy.score;
        let mut parts = vec![ScorePart {
            name: "base".into(),
            log_odds: rules.base,
        }];
        for (place, state) in case.trigger_states.touched() {
            let trigger = REGISTRY.get(place).map_or("", |trigger| trigger.name);
            let Some((weight, fired_on)) = rules.triggers.get(trigger).zip(state.fired_on()) else {
                continue;
            };
            let age = f64::from(case.day.since(fired_on).max(0));
            parts.push(ScorePart {
                name: trigger.into(),
                log_odds: weight.weight
                    * state.strength()
                    * libm::exp2(-age / weight.half_life_days),
            });
        }
        let log_odds: f64 = parts.iter().map(|part| part.log_odds).sum();
        Self {
            value: 1.0 / (1.0 + libm::exp(-log_odds)),
            parts,
        }
    }
}

/// How far things have gone, by the score; care and growth are not urgent, whatever the score.
pub fn severity(purpose: Purpose, case: &Case<'_>, score: f64) -> Severity {
    let rules = &case.rules.policy.score;
    match score {
        _ if case.churned() => Severity::Lost,
        _ if purpose != Purpose::Churn => Severity::Early,
        _ if complains_and_cancels(case) => Severity::Critical,
        score if score >= rules.critical => Severity::Critical,
        score if score >= rules.at_risk => Severity::AtRisk,
        _ => Severity::Early,
    }
}

/// Whether a complaint that is not settled and an enquiry about cancelling came close together, whichever was first,
/// and not long ago (behaviour: Churn score and severity): critical, whatever the score.
fn complains_and_cancels(case: &Case<'_>) -> bool {
    let days = i32::from(case.rules.policy.score.complaint_and_cancel_days);
    let complaints = case.trigger_states.get(COMPLAINT);
    let enquiries = case.trigger_states.get(CANCEL_ENQUIRY);
    let Some((complaint, cancel)) = complaints.fired_on().zip(enquiries.fired_on()) else {
        return false;
    };
    let (first, last) = (complaint.min(cancel), complaint.max(cancel));
    let close = last.since(first) <= days && case.day.since(last) <= days;
    close && unsettled(&complaints)
}
