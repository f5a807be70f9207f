//! Members of a group, whose task may be one for all of them (behaviour: Groups).

use super::case::Case;
use super::severity::own_severity;
use crate::engine::triggers::{CONTRACT_EXPIRY, GROUP_RISK, index_of};
use crate::model::{
    Effect, GroupAlert, GroupCovered, GroupRecord, MemberSignal, Occasion, Purpose, Signal,
};
use std::sync::Arc;

/// Whether a signal is what the group's shard said, and not the member's own.
pub fn is_of_group(signal: &Signal) -> bool {
    index_of(&signal.trigger) == Some(GROUP_RISK)
}

/// What the group's task is about, for a task of some signals.
pub fn alert(signals: &[Signal], case: &Case<'_>) -> Option<Box<GroupAlert>> {
    let alert = case.membership()?.alert(case.now);
    let alert = alert.filter(|_| signals.iter().any(is_of_group));
    alert.map(|alert| Box::new(alert.clone()))
}

/// Who is responsible for the group whose task the subscriber's is.
pub fn manager(case: &Case<'_>, purpose: Purpose) -> Option<Arc<str>> {
    let membership = case.membership()?;
    membership.alert(case.now)?;
    let manager = membership.manager.clone();
    manager.filter(|_| purpose == Purpose::Churn)
}

/// What a member's signals are about: the end of a contract, if they are about nothing else.
fn occasion(signals: &[Signal], case: &Case<'_>) -> Occasion {
    let of_contract = |signal: &Signal| index_of(&signal.trigger) == Some(CONTRACT_EXPIRY);
    let end = case
        .account
        .and_then(|account| account.profile.contract_end_on);
    match end.filter(|_| signals.iter().all(of_contract)) {
        Some(on) => Occasion::ContractEnd(on),
        None => Occasion::Leaving,
    }
}

/// Whether another member's task stands for one of a signal.
pub fn is_covered(signal: &Signal, case: &Case<'_>) -> bool {
    signal.purpose == Purpose::Churn
        && !is_of_group(signal)
        && case.membership().is_some_and(|membership| {
            let occasion = occasion(std::slice::from_ref(signal), case);
            membership.is_covered(occasion, case.now)
        })
}

/// Tells the group that a member's signals call for a task. The group's own are no news to it.
pub fn tell(signals: &[Signal], case: &Case<'_>, effects: &mut Vec<Effect>) {
    let Some(membership) = case.membership() else {
        return;
    };
    let first = signals.first();
    let own = first.is_some_and(|it| it.purpose == Purpose::Churn && !is_of_group(it));
    if !own || case.backlog {
        return;
    }
    let signal = MemberSignal {
        group: Arc::clone(&membership.id),
        occasion: Some(occasion(signals, case)),
        partition: case.share.part,
        head_count: membership.head_count,
        value: case.monthly_value(),
        score: (case.score().value * 1e6) as u32,
        severity: own_severity(Purpose::Churn, case),
        triggers: signals.iter().map(|it| (&*it.trigger).into()).collect(),
    };
    let record = GroupRecord::of_member(case.msisdn, case.now, signal);
    effects.push(Effect::Group(Box::new(record)));
}

/// Tells the group that its member has gone.
pub fn leave(case: &Case<'_>, effects: &mut Vec<Effect>) {
    if let Some(membership) = case.membership() {
        let group = Arc::clone(&membership.id);
        let record = GroupRecord::of_departure(case.msisdn, case.now, group, case.share.part);
        effects.push(Effect::Group(Box::new(record)));
    }
}

/// Whether what is covered stands for a task of some signals.
pub fn stands_for(covered: &GroupCovered, signals: &[Signal], case: &Case<'_>) -> bool {
    let holds = case.membership().is_some_and(|it| *it.id == *covered.group);
    let of_occasion = || match covered.occasion {
        Occasion::Leaving => true,
        Occasion::ContractEnd(_) => occasion(signals, case) == covered.occasion,
    };
    holds && case.now < covered.until && of_occasion()
}
