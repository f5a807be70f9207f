//! The triggers (behaviour: Triggers): one file each, one line in [`REGISTRY`] each.

mod anniversary;
mod arrears;
mod bill_shock;
mod birthday;
mod call_forwarding;
mod cancel_enquiry;
mod chance;
mod competitor_hotline;
mod competitor_marketing;
mod complaint;
mod complaint_callback;
mod contract_expiry;
mod data_growth;
mod downgrade;
mod fall;
mod follow_up;
mod group_risk;
mod occasion;
mod offer_expiry;
mod order_follow_up;
mod plan_overuse;
mod plan_underuse;
mod points_expiry;
mod poor_quality;
mod port_out;
mod regular_visit;
mod reminder;
mod roaming_care;
mod star_upgrade;
mod terminal_change;
mod trigger;
mod usage_drop;
mod view;
mod welcome;
mod welcome_back;
mod win_back;
mod zero_usage_days;

pub use complaint::{complained_again, unsettled};
pub use fall::{end as end_fall, read as read_line};
pub use trigger::{Firing, Trigger};
pub use view::{DayView, EventView, too_old};

use crate::engine::settings::{Competitors, TriggerWeight};
use crate::engine::state::trigger_state::{DENSE, SparseStates};
use crate::model::{BodyKind, Day, Event, OrderKind, Purpose};
use trigger::TriggerSpec;

/// One registered trigger.
pub struct Registration {
    /// Name in configuration, signals and metrics.
    pub name: &'static str,
    /// What a task of it is for.
    pub purpose: Purpose,
    /// The kinds of events it listens to.
    pub listens: &'static [BodyKind],
    /// Whether it looks at closed days.
    pub daily: bool,
    /// Whether closed days without an account say nothing to it.
    pub needs_account: bool,
    /// Whether it has a state for every subscriber.
    pub dense: bool,
    /// Whether a competitor is involved, so that its tasks are due within `competitor_hours`.
    pub competitor: bool,
    /// Whether only service care may follow for its half-life.
    pub care_only: bool,
    /// Whether it is a cause for worry, after which falls of use are likelier.
    pub worries: bool,
    /// Whether a task of care is opened at once, while there are places in the budget.
    pub at_once: bool,
    /// Whether its tasks go out as bulk messages, whatever the tier.
    pub bulk: bool,
    /// The orders with which a customer does what a growth task of it would propose.
    pub answered_by: &'static [OrderKind],
    /// What it adds to the churn score by default; nothing for one that does not count.
    pub weight: Option<TriggerWeight>,
    /// The documented defaults, TOML without the section header.
    pub defaults: &'static str,
    /// Reads the section; every key is required, because the defaults are merged in before.
    pub build: fn(toml::Table) -> Result<Box<dyn Trigger>, toml::de::Error>,
}

const fn register<T: TriggerSpec>() -> Registration {
    assert!(
        T::DAILY || !T::LISTENS.is_empty(),
        "a trigger must listen to events or look at closed days"
    );
    assert!(
        !T::CARE_ONLY || T::WEIGHT.is_some(),
        "service care lasts for the half-life, which is part of the weight"
    );
    assert!(
        !(T::WORRIES && T::DENSE),
        "causes for worry are looked for among the sparse triggers"
    );
    Registration {
        name: T::NAME,
        purpose: T::PURPOSE,
        listens: T::LISTENS,
        daily: T::DAILY,
        needs_account: T::NEEDS_ACCOUNT,
        dense: T::DENSE,
        competitor: T::COMPETITOR,
        care_only: T::CARE_ONLY,
        worries: T::WORRIES,
        at_once: T::AT_ONCE,
        bulk: T::BULK,
        answered_by: T::ANSWERED_BY,
        weight: T::WEIGHT,
        defaults: T::DEFAULTS,
        build: |table| Ok(Box::new(table.try_into::<T>()?)),
    }
}

/// Every trigger, in the order of evaluation. Dense ones come first.
pub const REGISTRY: &[Registration] = &[
    register::<zero_usage_days::ZeroUsageDays>(),
    register::<usage_drop::UsageDrop>(),
    register::<terminal_change::TerminalChange>(),
    register::<competitor_hotline::CompetitorHotline>(),
    register::<arrears::Arrears>(),
    register::<competitor_marketing::CompetitorMarketing>(),
    register::<contract_expiry::ContractExpiry>(),
    register::<complaint::Complaint>(),
    register::<cancel_enquiry::CancelEnquiry>(),
    register::<port_out::PortOut>(),
    register::<plan_underuse::PlanUnderuse>(),
    register::<call_forwarding::CallForwarding>(),
    register::<bill_shock::BillShock>(),
    register::<poor_quality::PoorQuality>(),
    register::<welcome::Welcome>(),
    register::<anniversary::Anniversary>(),
    register::<birthday::Birthday>(),
    register::<points_expiry::PointsExpiry>(),
    register::<offer_expiry::OfferExpiry>(),
    register::<star_upgrade::StarUpgrade>(),
    register::<plan_overuse::PlanOveruse>(),
    register::<data_growth::DataGrowth>(),
    register::<follow_up::FollowUp>(),
    register::<complaint_callback::ComplaintCallback>(),
    register::<regular_visit::RegularVisit>(),
    register::<order_follow_up::OrderFollowUp>(),
    register::<downgrade::Downgrade>(),
    register::<roaming_care::RoamingCare>(),
    register::<win_back::WinBack>(),
    register::<welcome_back::WelcomeBack>(),
    register::<group_risk::GroupRisk>(),
    register::<occasion::Occasion<false>>(),
    register::<occasion::Occasion<true>>(),
];

const _: () = {
    let mut index = 0;
    while index < REGISTRY.len() {
        assert!(REGISTRY[index].dense == (index < DENSE));
        index += 1;
    }
};

/// The place of complaints in [`REGISTRY`].
pub const COMPLAINT: usize = index::<complaint::Complaint>();

/// The place of enquiries about cancelling in [`REGISTRY`].
pub const CANCEL_ENQUIRY: usize = index::<cancel_enquiry::CancelEnquiry>();

/// The place of ends of contracts in [`REGISTRY`].
pub const CONTRACT_EXPIRY: usize = index::<contract_expiry::ContractExpiry>();

/// The place of what is said of groups in [`REGISTRY`].
pub const GROUP_RISK: usize = index::<group_risk::GroupRisk>();

/// The places of the triggers of the calendar.
pub const OCCASIONS: [usize; 2] = [
    index::<occasion::Occasion<false>>(),
    index::<occasion::Occasion<true>>(),
];

/// The places of the triggers that report falls.
pub const FALLS: [usize; 2] = [
    index::<zero_usage_days::ZeroUsageDays>(),
    index::<usage_drop::UsageDrop>(),
];

/// The place of a trigger that the policy has a rule of its own for. One that is not registered does not compile.
const fn index<T: TriggerSpec>() -> usize {
    let mut index = 0;
    while !is_same(REGISTRY[index].name.as_bytes(), T::NAME.as_bytes()) {
        index += 1;
    }
    index
}

const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// The trigger of a name.
pub fn registered(name: &str) -> Option<&'static Registration> {
    REGISTRY.get(index_of(name)?)
}

/// The place of a trigger in [`REGISTRY`].
pub fn index_of(name: &str) -> Option<usize> {
    REGISTRY.iter().position(|trigger| trigger.name == name)
}

/// Some triggers by their places in the registry, in order.
#[derive(Debug, Clone, Copy)]
pub struct TriggerSet(u64);

impl TriggerSet {
    /// No trigger.
    pub const NONE: Self = Self(0);

    /// Whether there is none in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Iterator for TriggerSet {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let index = self.0.trailing_zeros() as usize;
        // The lowest place goes, if there is one.
        self.0 &= self.0.wrapping_sub(1);
        (index < REGISTRY.len()).then_some(index)
    }
}

/// The triggers that listen to a kind of events.
pub const fn listening(kind: BodyKind) -> TriggerSet {
    LISTENERS[kind as usize]
}

/// The triggers that want to see an event, among those in force.
pub fn wanting(
    event: &Event<'_>,
    triggers: &[Box<dyn Trigger>],
    competitors: &Competitors,
) -> TriggerSet {
    let wants = |place: &usize| {
        let trigger = triggers.get(*place);
        trigger.is_some_and(|trigger| trigger.wants(event, competitors))
    };
    let wanting = listening(event.body.kind()).filter(wants);
    TriggerSet(wanting.fold(0, |set, place| set | 1 << place))
}

/// Three sets: triggers that look at closed days, those among them that need no account, and causes for worry.
const MARKED: [TriggerSet; 3] = {
    let (mut daily, mut of_use, mut worrying, mut index) = (0, 0, 0, 0);
    while index < REGISTRY.len() {
        let trigger = &REGISTRY[index];
        daily |= (trigger.daily as u64) << index;
        of_use |= ((trigger.daily && !trigger.needs_account) as u64) << index;
        worrying |= (trigger.worries as u64) << index;
        index += 1;
    }
    [TriggerSet(daily), TriggerSet(of_use), TriggerSet(worrying)]
};

/// The triggers that look at closed days.
pub const DAILY: TriggerSet = MARKED[0];

/// Those that need to know no more of a line than its use.
pub const DAILY_OF_USE: TriggerSet = MARKED[1];

/// Whether a cause for worry came up within so many days up to one, or since, by the states of a subscriber's triggers.
pub fn is_worrying(states: &SparseStates, day: Day, days: u16) -> bool {
    let [.., mut causes] = MARKED;
    causes.any(|place| states.get(place).cooling(day, days))
}

const LISTENERS: [TriggerSet; BodyKind::COUNT] = {
    let mut listeners = [TriggerSet(0); BodyKind::COUNT];
    let mut index = 0;
    while index < REGISTRY.len() {
        let (kinds, mut next) = (REGISTRY[index].listens, 0);
        while next < kinds.len() {
            listeners[kinds[next] as usize].0 |= 1 << index;
            next += 1;
        }
        index += 1;
    }
    listeners
};
