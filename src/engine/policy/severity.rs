use super::case::Case;
use crate::engine::triggers::{CANCEL_ENQUIRY, COMPLAINT, unsettled};
use crate::model::{GroupAlert, Purpose, Severity};

/// How far things have gone: with the subscriber, or with the worst off of a group whose task is the subscriber's.
pub fn severity(purpose: Purpose, case: &Case<'_>) -> Severity {
    let own = own_severity(purpose, case);
    let membership = case.membership().filter(|_| purpose == Purpose::Churn);
    let alert = membership.and_then(|membership| membership.alert(case.now));
    let gravest = alert.and_then(GroupAlert::severity);
    own.max(gravest.unwrap_or(own))
}

/// How far things have gone with the subscriber, by the score; care and growth are not urgent, whatever the score.
pub fn own_severity(purpose: Purpose, case: &Case<'_>) -> Severity {
    let rules = &case.rules.policy.score;
    match case.score().value {
        _ if case.churned() || purpose.is_for_the_lost() => Severity::Lost,
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
