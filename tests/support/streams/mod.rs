//! Streams of events as an operator's systems might deliver them, made from small plans that proptest can shrink.

mod expand;
pub mod random;

pub use expand::steps;

use super::properties;
use churnwatch::engine::Rules;
use churnwatch::model::{
    Body, Effect, Event, Feed, Inputs, Msisdn, OutcomeResult, TaskOutcome, Timestamp,
};
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;

/// One call on the engine.
#[derive(Debug, Clone)]
pub enum Step {
    Event(Event<'static>),
    /// A `feed_progress`.
    Statement(Feed, Timestamp),
    Tick(Timestamp, Inputs),
    Sweep(usize),
    /// A record that never became an event.
    Unreadable,
    /// An outcome of a task that only the run of the stream can name; the body says nothing yet.
    Settle {
        event: Event<'static>,
        answer: Answer,
    },
    /// A good moment to compare everything.
    Look,
    Finish,
}

/// What an outcome says.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    pub result: Option<OutcomeResult>,
    pub do_not_contact: bool,
    /// What the customer says are the reasons, and what was found out.
    pub reasons: [Option<&'static str>; 2],
    /// The subscriber's last task (0), an earlier one, or one that does not exist.
    pub back: Option<usize>,
}

/// The tasks of a subscriber in the order in which they were opened first.
pub fn tasks_of(effects: &[Effect], who: &Msisdn) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for effect in effects {
        if let Effect::Task(task) = effect
            && task.msisdn == *who
            && !ids.contains(&task.task_id)
        {
            ids.push(task.task_id.clone());
        }
    }
    ids
}

/// The event of a [`Step::Settle`], given the subscriber's tasks so far.
pub fn settling(event: Event<'static>, answer: Answer, tasks: &[String]) -> Event<'static> {
    let task_id = answer.back.and_then(|back| tasks.iter().rev().nth(back));
    Event {
        body: Body::TaskOutcome(TaskOutcome {
            task_id: task_id.cloned().unwrap_or_default().into(),
            result: answer.result,
            stated_reason: answer.reasons[0].map(Into::into),
            confirmed_reason: answer.reasons[1].map(Into::into),
            do_not_contact: answer.do_not_contact,
        }),
        ..event
    }
}

/// Whom an effect is about. An erasure does not name the subscriber, but the requests of these streams do.
pub fn whose(effect: &Effect) -> Msisdn {
    match effect {
        Effect::Signal(signal) => signal.msisdn,
        Effect::Task(task) => task.msisdn,
        Effect::Shadow(shadow) => shadow.signal.msisdn,
        // What a group's shard says does not wait for its members' shards.
        Effect::Group(record) => match &record.event.body {
            Body::GroupAlert(alert) => Msisdn::new(&alert.group).unwrap(),
            Body::GroupCovered(covered) => Msisdn::new(&covered.group).unwrap(),
            _ => record.event.msisdn,
        },
        Effect::Erased(erasure) => {
            let name = erasure.request.split('#').next().unwrap();
            Msisdn::new(name).unwrap()
        }
    }
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub rules: &'static str,
    pub zone: &'static str,
    /// `window.clock`.
    pub clock: &'static str,
    /// Days since 1970.
    pub first_day: i32,
    pub days: i32,
    pub people: Vec<Life>,
    pub holiday: Option<DaySpan>,
    /// Nearly no records of one channel or of both, for days or for weeks.
    pub outage: Option<DaySpan>,
    /// A feed that is not read to its end for some time.
    pub lagging: Option<(Feed, DaySpan)>,
    /// Whether the mediation says how far call detail is complete, and the days it forgets to.
    pub statements: Option<DaySpan>,
    /// Records in a thousand that come twice, late, out of order, from the future, or not at all readable.
    pub dirt: u32,
    /// Which part of the budget there is, of how many.
    pub part: (i32, i32),
    pub finish: bool,
}

/// A stretch of days, as a share of the stream's length.
#[derive(Debug, Clone, Copy)]
pub struct DaySpan {
    pub from: f64,
    pub days: i32,
}

/// One subscriber.
#[derive(Debug, Clone)]
pub struct Life {
    pub voice_a_day: f64,
    pub data_a_day: f64,
    pub usage_pattern: UsagePattern,
    pub standing: ProfileKind,
    pub bills: Bills,
    /// Calls to competitors, as shares of the stream's length.
    pub hotline: Vec<f64>,
    pub outcomes: bool,
    /// Everything about the subscriber is to be erased, and perhaps something comes after all.
    pub erased: Option<f64>,
    pub leaves: Option<Departure>,
    /// Complaints, enquiries and calls by competitors from some time on, as a share of the stream's length.
    pub complaints: Option<f64>,
    /// Calls are forwarded.
    pub forwards: Vec<DaySpan>,
    /// Many calls drop.
    pub drops: Option<DaySpan>,
    /// For services, some of them nobody asked for.
    pub charged: bool,
    /// Stretches in which the line is barred.
    pub rests: Vec<DaySpan>,
}

#[derive(Debug, Clone, Copy)]
pub enum UsagePattern {
    Steady,
    Stops {
        from: f64,
    },
    Falls {
        from: f64,
        to: f64,
    },
    Away(DaySpan),
    Decays {
        from: f64,
    },
    /// Some hundreds of records within one day.
    Bursts {
        from: f64,
    },
    /// Calls like a machine for some days.
    Dials(DaySpan),
}

#[derive(Debug, Clone, Copy)]
pub enum ProfileKind {
    Unknown,
    Customer,
    Machine,
    NotPursued,
}

#[derive(Debug, Clone, Copy)]
pub enum Bills {
    Prepaid,
    Paid {
        days_late: i32,
    },
    Unpaid,
    /// Suspended, and perhaps reactivated.
    Suspended {
        from: f64,
        days: i32,
    },
}

#[derive(Debug, Clone, Copy)]
pub enum Departure {
    Cancels {
        from: f64,
    },
    PortsOut {
        from: f64,
    },
    /// Applies for a port-out, thinks better of it some days later, and stays.
    Wavers {
        from: f64,
        days: i32,
    },
    /// Without a cancellation, somebody else has the number some day.
    Recycled {
        from: f64,
    },
    /// Cancels, and some days later the number has a new owner.
    Replaced {
        from: f64,
        days: i32,
    },
}

/// Rules under which streams run; the clock and the zone are the plan's.
pub const RULES: [&str; 12] = [
    "",
    "
    window = { days = 28, grace_hours = 0, idle_feed_hours = 6, day_entry_subscribers = 1, immediate_hours = 6, forget_days = 28 }
    population = { outage_subscribers = 5, factor_prior_events = 5.0, weekday_prior_events = 10.0 }
    line_state.known_days_min = 5
    line_state.deeper_days = 0
    line_state.silent_days_min = 2
    line_state.cleared_below = 0.1
    line_state.threshold = { usage_drop = { key = 0.3, ordinary = 0.4, small = 0.5 } }
    line_state.onset = { drop = 0.01, stop = 0.01, decay = 0.01, trickle = 0.01 }
    triggers.competitor_marketing = { contacts = 3, within_days = 60, cooldown_days = 2, strengths = [0.2, 0.4] }
    triggers.call_forwarding = { days_min = 3, cooldown_days = 5 }
    triggers.poor_quality = { share = 0.05, calls_min = 5, known_days = 3, cooldown_days = 4, probability = 0.2, normal_share = 0.05 }
    ",
    "
    baseline = { memory_days = 7.5, lag_days = 0, dispersion = 3.0, dispersion_prior_days = 3.0, absence_below = 0.29 }
    line_state.worry_factor = 5
    line_state.uncertainty = 0.0
    line_state.expected_min = 0.2
    line_state.known_days_min = 3
    triggers.zero_usage_days.strength = 0.5
    triggers.competitor_hotline = { cooldown_days = 2, strengths = [0.2, 0.9] }
    triggers.contract_expiry = { steps_days = [90, 14], strengths = [0.1, 1.0] }
    triggers.plan_underuse = { share = 0.45, invoices = 1, cooldown_days = 1 }
    triggers.bill_shock = { earlier_min = 1, deviations = 1.0, excess_share = 0.1, cooldown_days = 2 }
    policy = { score = { complaint_and_cancel_days = 5 }, task_days = 5, mnp_hold_days = 4, new_owner_days = 100, churned_after_suspended_days = 10, quiet = { from_hour = 12, to_hour = 14 }, win_back = { after_port_days = 1, silent_days = 14, keep_days = 30 } }
    triggers.win_back = { key_days = [1, 3, 9], ordinary_days = [2, 5] }
    triggers.welcome_back.after_days = 1
    ",
    "
    window = { days = 63, grace_hours = 12, idle_feed_hours = 24, day_entry_subscribers = 8, future_minutes = 0 }
    baseline = { memory_days = 60.0, lag_days = 14, after_bar_days = 0 }
    line_state.worry_days = 3
    policy.mnp_hold_days = 12
    policy.win_back = { after_port_days = 20, silent_days = 14, keep_days = 25 }
    triggers.win_back = { key_days = [2, 7], ordinary_days = [1] }
    triggers.arrears = { overdue_days = 1, cooldown_days = 3, overdue_strength = 0.1, suspended_strength = 1.0 }
    policy.score = { at_risk = 0.1, critical = 0.3, task_at = { key = 0.1, ordinary = 0.2, small = 0.25 } }
    policy.due = { small_hours = 100, competitor_hours = 5 }
    triggers.complaint = { dissatisfied_max = 3, cooldown_days = 2, again_days = 5, open_strength = 0.1, grave_extra = 0.9 }
    triggers.cancel_enquiry = { cooldown_days = 3, strengths = [0.1] }
    triggers.port_out = { cooldown_days = 1 }
    ",
    "
    population = { outage_subscribers = 4, outage_share = 0.6, outage_days_max = 2, factor_prior_events = 50.0 }
    line_state.uncertainty = 0.4
    line_state.deeper_days = 1
    line_state.voice = { drop = 0.5, decay = 0.7, stop = 0.01 }
    line_state.data = { absence = 0.3 }
    line_state.threshold = { usage_drop = { key = 0.9, ordinary = 0.8, small = 0.7 }, zero_usage_days = { key = 0.4, ordinary = 0.5, small = 0.6 } }
    line_state.back = { short_absence = 0.5, stop = 0.1, drop = 0.1 }
    policy = { quiet = { from_hour = 0, to_hour = 0 }, score = { base = -1.0 } }
    ",
    "
    window = { future_minutes = 1440, grace_hours = 0, immediate_hours = 168 }
    policy.hold_out = { share = 0.5, salt = 'summer', again_days = 60 }
    policy.due = { key_critical_hours = 1, key_hours = 2 }
    ",
    "
    policy.hold_out = { share = 0.4, salt = 'autumn' }
    robots = { sent_a_day = 20, busy_days = 2, of_days = 4, calm_days = 5 }
    triggers.birthday = { lead_days = 10, cooldown_days = 30 }
    triggers.anniversary = { lead_days = 5, cooldown_days = 30 }
    triggers.occasion = { lead_days = 8, cooldown_days = 40, calendar = [{ on = '02-14', zh = 'a', en = 'a' }, { on = '03-01', tiers = ['key', 'small'], zh = 'b', en = 'b' }, { on = '03-20', segments = ['group'], zh = 'c', en = 'c' }, { on = '2026-04-01', zh = 'd', en = 'd' }] }
    triggers.occasion_offer = { lead_days = 0, cooldown_days = 20, calendar = [{ on = '02-20', zh = 'e', en = 'e' }, { on = '03-15', zh = 'f', en = 'f' }] }
    triggers.points_expiry = { days_before = [20, 10, 4], cooldown_days = 6 }
    triggers.plan_overuse = { invoices = 2, cooldown_days = 10, amount_min = 0 }
    triggers.bill_shock.amount_min = 0
    triggers.data_growth = { span_days = 7, known_days_min = 4, factor = 1.2, mebibytes_min = 1.0, higher_days_min = 2, cooldown_days = 10 }
    triggers.terminal_change = { calls_min = 3, days_min = 1, cooldown_days = 5 }
    triggers.star_upgrade = { stars_min = 2, cooldown_days = 10 }
    triggers.regular_visit = { key_days = 6, ordinary_days = 9, again_days = 4 }
    triggers.complaint_callback.within_days = 1
    triggers.order_follow_up.after_days = 1
    triggers.roaming_care = { quiet_days = 4, charges_min = 15.0 }
    triggers.downgrade = { cooldown_days = 2, strength = 0.9 }
    ",
    "
    policy.budget.churn = { key = 1, ordinary = 1, small = 1 }
    policy.budget.care = { key = 1, ordinary = 1, small = 1 }
    policy.budget.grow = { key = 1, ordinary = 1, small = 1 }
    policy.budget.win_back = { key = 1, ordinary = 1, small = 1 }
    triggers.win_back = { key_days = [1, 2, 4, 8], ordinary_days = [1, 5, 6] }
    policy.hold_out = { share = 0.1, salt = \"spring\" }
    policy.contact = { retry_hours = 48, correction_days = 20, gap_days = 4, wait_days = 2 }
    ",
    "
    policy.budget.collect_minutes = 0
    policy.budget.wait_days = 1
    policy.budget.churn = { key = 2, ordinary = 2, small = 1 }
    policy.budget.care = { key = 0, ordinary = 0, small = 3 }
    policy.contact.cap = { key = 2, ordinary = 1, small = 1 }
    policy.contact.gap_days = 1
    policy.contact.cap_window_days = 10
    policy.contact.wait_days = 12
    policy.contact.correction_days = 3
    policy.contact.care_delays_churn = true
    policy.win_back = { consent = 'agreed', silent_days = 14 }
    triggers.win_back = { key_days = [1, 2, 3], ordinary_days = [1, 2, 3] }
    policy.escalation = { rung_hours = { key = 1, ordinary = 0, small = 30 }, high_value = 50 }
    policy.stage = { acquire_days = 10, promote_days = 200 }
    triggers.follow_up.after_days = 1
    triggers.contract_expiry = { steps_days = [60, 50, 40, 30, 20, 10, 5, 1], strengths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8] }
    triggers.terminal_change = { calls_min = 3, days_min = 1, cooldown_days = 5 }
    ",
    "
    policy.budget = { collect_minutes = 720, wait_days = 0, grow = { key = 0, ordinary = 0, small = 0 } }
    policy.contact = { gap_days = 20, cap_window_days = 5, wait_days = 30, correction_days = 30, retry_hours = 1 }
    policy.escalation.rung_hours = { key = 3, ordinary = 3, small = 3 }
    policy.task_days = 3
    policy.value_unknown = 1000
    policy.due.competitor_hours = 100
    triggers.data_growth = { span_days = 7, known_days_min = 4, factor = 1.2, mebibytes_min = 1.0, higher_days_min = 2, cooldown_days = 10 }
    triggers.welcome = { within_days = 28, cooldown_days = 30 }
    triggers.regular_visit = { key_days = 20, again_days = 1 }
    triggers.follow_up.after_days = 21
    ",
    "
    policy.capacity.managers.manager-1 = { deputy = 'manager-2', absent = [
        '2024-02-01/2024-03-10', '2024-05-01/2024-08-10', '2024-12-01/2025-02-20', '2025-05-01/2025-05-03', '2025-07-01/2025-12-31',
        '2026-02-01/2026-06-30'] }
    policy.capacity.managers.manager-2 = { deputy = 'manager-3', absent = ['2024-06-20/2024-07-10', '2025-01-01/2025-12-31'] }
    policy.capacity.managers.manager-3 = { deputy = 'manager-1', absent = ['2025-09-01/2025-10-31'] }
    policy.capacity.queues.bulk-campaign = { absent = ['2024-01-01/2024-12-31'] }
    ",
    "
    policy.capacity.manager_per_day = 1
    policy.capacity.queue_per_day = 2
    policy.capacity.managers.manager-1 = { deputy = 'manager-2' }
    policy.capacity.managers.manager-2 = { per_day = 2 }
    policy.capacity.queues.bulk-campaign = { deputy = 'key-accounts' }
    policy.capacity.queues.key-accounts = {}
    policy.budget.wait_days = 2
    policy.hold_out.share = 0.1
    ",
];

const ZONES: [&str; 5] = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "UTC",
];

/// 2024-01-01 to 2026-09-30.
const FIRST_DAYS: std::ops::RangeInclusive<i32> = 19_723..=20_726;

/// The same streams in every run, unless `PROPTEST_RNG_SEED` says otherwise.
pub const SEED: u64 = 20_261_122;

/// Tests so many plans, unless `PROPTEST_CASES` says otherwise.
pub fn for_all_plans(cases: u32, test: impl Fn(Plan) -> Result<(), String> + Sync) {
    properties::for_all(&properties::config(cases, SEED), plans, test);
}

/// The rules a plan runs under, and `[triggers]` as they were made from it.
pub fn rules_of(plan: &Plan) -> (Arc<Rules>, toml::Table) {
    let world = format!(
        "window = {{ time_zone = {:?}, clock = {:?} }}",
        plan.zone, plan.clock
    );
    crate::support::rules::rules(&[plan.rules, &world])
}

pub fn plans() -> impl Strategy<Value = Plan> {
    let world = (
        any::<u64>(),
        select(&RULES[..]),
        select(&ZONES[..]),
        select(&["wall", "event", "auto"][..]),
        FIRST_DAYS,
        20..=80,
    );
    let weather = (
        option(1, day_span(1..10)),
        option(1, prop_oneof![2 => day_span(1..4), 1 => day_span(15..40)]),
        option(1, (select(&Feed::ALL[..]), day_span(1..6))),
        option(1, day_span(0..4)),
        prop_oneof![Just(0_u32), 0..60_u32],
        prop_oneof![2 => Just((0, 1)), 1 => (0..3).prop_map(|part| (part, 3))],
        any::<bool>(),
    );
    let people = prop::collection::vec(life(), 1..=30);
    (world, weather, people).prop_map(|(world, weather, people)| {
        let (seed, rules, zone, clock, first_day, days) = world;
        let (holiday, outage, lagging, statements, dirt, part, finish) = weather;
        Plan {
            seed,
            rules,
            zone,
            clock,
            first_day,
            days,
            people,
            holiday,
            outage,
            lagging,
            statements,
            dirt,
            part,
            finish,
        }
    })
}

fn life() -> impl Strategy<Value = Life> {
    let rate = || prop_oneof![1 => Just(0.0), 2 => 0.2..2.0, 4 => 2.0..9.0];
    let bills = prop_oneof![
        4 => Just(Bills::Prepaid),
        2 => (-5..40).prop_map(|days_late| Bills::Paid { days_late }),
        1 => Just(Bills::Unpaid),
        2 => (share(), 1..60).prop_map(|(from, days)| Bills::Suspended { from, days }),
    ];
    let standing = prop_oneof![
        3 => Just(ProfileKind::Unknown),
        6 => Just(ProfileKind::Customer),
        1 => Just(ProfileKind::Machine),
        1 => Just(ProfileKind::NotPursued),
    ];
    let leaves = prop_oneof![
        share().prop_map(|from| Departure::Cancels { from }),
        share().prop_map(|from| Departure::PortsOut { from }),
        (share(), 0..20).prop_map(|(from, days)| Departure::Wavers { from, days }),
        share().prop_map(|from| Departure::Recycled { from }),
        (share(), 5..15).prop_map(|(from, days)| Departure::Replaced { from, days }),
    ];
    let troubles = (
        option(2, share()),
        prop::collection::vec(day_span(3..40), 0..3),
        option(2, day_span(3..20)),
        prop::bool::weighted(0.3),
        option(4, day_span(1..30)),
    );
    let what = (rate(), rate(), usage_pattern(), standing);
    let more = (
        bills,
        prop::collection::vec(share(), 0..4),
        any::<bool>(),
        option(9, share()),
        option(7, leaves),
    );
    (what, more, troubles).prop_map(|(what, more, troubles)| {
        let (voice_a_day, data_a_day, usage_pattern, standing) = what;
        let (complaints, forwards, drops, charged, rests) = troubles;
        let (bills, hotline, outcomes, erased, leaves) = more;
        Life {
            voice_a_day,
            data_a_day,
            usage_pattern,
            standing,
            bills,
            hotline,
            outcomes,
            erased,
            leaves,
            complaints,
            forwards,
            drops,
            charged,
            rests: rests.into_iter().collect(),
        }
    })
}

fn usage_pattern() -> impl Strategy<Value = UsagePattern> {
    prop_oneof![
        4 => Just(UsagePattern::Steady),
        3 => share().prop_map(|from| UsagePattern::Stops { from }),
        3 => (share(), 0.0..0.5).prop_map(|(from, to)| UsagePattern::Falls { from, to }),
        3 => day_span(3..15).prop_map(UsagePattern::Away),
        1 => share().prop_map(|from| UsagePattern::Decays { from }),
        1 => share().prop_map(|from| UsagePattern::Bursts { from }),
        1 => day_span(2..15).prop_map(UsagePattern::Dials),
    ]
}

fn share() -> impl Strategy<Value = f64> {
    0.0..1.0
}

fn day_span(days: std::ops::Range<i32>) -> impl Strategy<Value = DaySpan> {
    (share(), days).prop_map(|(from, days)| DaySpan { from, days })
}

/// Absent so many times as often as present.
fn option<S: Strategy>(absent: u32, some: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    let present = f64::from(absent + 1).recip();
    prop::option::weighted(present, some)
}
