//! Whether anything may come of a firing at all.

use super::case::Case;
use crate::engine::settings::HoldOutRules;
use crate::engine::state::account::Account;
use crate::engine::state::trigger_state::FiringKind;
use crate::model::{Channel, CloseReason, Msisdn, Purpose, Suppression, Task};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Why no task may come of a firing, whatever is open and however much is left of a budget.
pub fn refusal(
    case: &Case<'_>,
    kind: FiringKind,
    purpose: Purpose,
    channel: Channel,
) -> Option<Suppression> {
    let of_kind = match kind {
        FiringKind::CareOnly => Some(Suppression::CareOnly),
        FiringKind::Full | FiringKind::Repeat => None,
    };
    subscriber_refusal(case, purpose)
        .or(of_kind)
        .or_else(|| purpose_refusal(case, purpose, channel))
}

/// Why no task of a purpose may come of anything for this subscriber.
pub fn subscriber_refusal(case: &Case<'_>, purpose: Purpose) -> Option<Suppression> {
    if case.churned() && !purpose.is_for_the_lost() {
        return Some(Suppression::Churned);
    }
    if case.held() {
        return Some(Suppression::MnpHold);
    }
    let not_pursued = case.account.is_some_and(|a| a.profile.flags.not_pursued);
    not_pursued.then_some(Suppression::NotPursued)
}

/// Why no task is opened where everything else speaks for one. It comes last, so that those held out differ from the others
/// in nothing but the task.
pub fn hold_out(case: &Case<'_>) -> Option<Suppression> {
    held_out(&case.msisdn, &case.rules.policy.hold_out).then_some(Suppression::HoldOut)
}

/// Why no task of a purpose may come for a subscriber by a channel.
pub fn purpose_refusal(case: &Case<'_>, purpose: Purpose, channel: Channel) -> Option<Suppression> {
    if offers(purpose) && case.care_only() {
        return Some(Suppression::CareOnly);
    }
    opted_out(case, purpose, channel).then_some(Suppression::OptedOut)
}

/// Why an open task must not go on, now that more is known of the customer.
pub fn revoked(case: &Case<'_>, task: &Task) -> Option<CloseReason> {
    let not_pursued = case.account.is_some_and(|a| a.profile.flags.not_pursued);
    if not_pursued {
        Some(CloseReason::NotPursued)
    } else {
        opted_out(case, task.purpose, task.action.channel).then_some(CloseReason::OptedOut)
    }
}

/// Whether the customer's wish forbids it: no marketing channel, and no offers by any channel (behaviour: Contact
/// rules).
fn opted_out(case: &Case<'_>, purpose: Purpose, channel: Channel) -> bool {
    let wish = case.account.is_some_and(Account::wants_no_marketing);
    wish && (offers(purpose) || channel.is_marketing())
}

/// Whether tasks of a purpose are there to offer something.
const fn offers(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Grow | Purpose::WinBack)
}

/// Whether a subscriber belongs to the share without tasks: by number and salt alone, the same on every machine.
fn held_out(msisdn: &Msisdn, rules: &HoldOutRules) -> bool {
    if !rules.is_used() {
        return false;
    }
    let hash = xxh3_64_with_seed(msisdn.as_bytes(), xxh3_64(rules.salt.as_bytes()));
    let position = (hash >> 11) as f64 / (1_u64 << 53) as f64;
    position < rules.share
}
