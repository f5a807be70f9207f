//! What may be done to a subscriber, as small plans that proptest can shrink.

use churnwatch::engine::Rules;
use churnwatch::model::{
    Body, CallOutcome, ComplaintCategory, Day, Direction, EnquirySubject, ForwardAction, Invoice,
    Money, Number, OrderKind, OutcomeResult, Plan as Tariff, Profile, ProfileFlags,
    SuspensionReason, TaskOutcome,
};
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;

/// A life of a few subscribers.
#[derive(Debug, Clone)]
pub struct Plan {
    pub rules: &'static str,
    pub clock: &'static str,
    /// Subscribers visited in one slice of a day's close.
    pub slice: usize,
    pub acts: Vec<Act>,
}

/// One step: time passes, and something happens.
#[derive(Debug, Clone)]
pub struct Act {
    pub after_minutes: i64,
    /// It happened so long ago.
    pub late_minutes: i64,
    pub who: u8,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Nothing,
    Calls(&'static str),
    Approached,
    Complains {
        resolved: bool,
        satisfaction: Option<u8>,
    },
    Asks(EnquirySubject),
    Orders(OrderKind),
    Applies,
    Withdraws,
    Suspended,
    Active,
    Cancels,
    Told(Told),
    Owes(i64),
    Pays,
    /// Three bills beyond the plan.
    Overuses,
    Forwards(bool),
    Erased,
    /// An outcome of one of the last tasks, or of none.
    Reports {
        back: usize,
        result: OutcomeResult,
        forbids: bool,
    },
}

/// A profile.
#[derive(Debug, Clone)]
pub struct Told {
    pub vip: bool,
    pub opted_out: bool,
    pub not_pursued: bool,
    /// A line of today, of last year, of many years.
    pub since_days: i32,
    pub birthday_in: Option<i32>,
    pub contract_in: Option<i32>,
    pub spend: Option<i64>,
    pub managed: bool,
}

const WORLDS: [&str; 7] = [
    "",
    // Hardly any places, and little patience.
    "policy.budget = { collect_minutes = 0, wait_days = 1, churn = { key = 1, ordinary = 1, small = 1 }, care = { key = 1, ordinary = 1, small = 1 }, grow = { key = 1, ordinary = 1, small = 0 } }",
    // Nothing but urgent tasks; short rungs, a long gap.
    "policy.budget = { collect_minutes = 600, wait_days = 5, churn = { key = 0, ordinary = 0, small = 0 }, care = { key = 0, ordinary = 1, small = 1 }, grow = { key = 1, ordinary = 1, small = 1 } }
     policy.escalation.rung_hours = { key = 2, ordinary = 5, small = 7 }
     policy.contact.gap_days = 10
     policy.contact.correction_days = 30
     policy.contact.wait_days = 20",
    // Many contacts, quiet at noon.
    "policy.contact = { gap_days = 1, cap = { key = 3, ordinary = 2, small = 1 }, retry_hours = 1, correction_days = 30, care_delays_churn = true }
     policy.quiet = { from_hour = 12, to_hour = 15 }
     policy.task_days = 5
     triggers.win_back = { key_days = [1, 2, 5], ordinary_days = [1, 2, 5] }",
    "policy.hold_out = { share = 0.4, salt = 'properties' }
     policy.budget.collect_minutes = 0
     policy.quiet = { from_hour = 0, to_hour = 0 }",
    "policy.contact = { gap_days = 0, wait_days = 0, correction_days = 2 }
     policy.score.task_at = { key = 0.1, ordinary = 0.2, small = 0.25 }
     triggers.arrears.cooldown_days = 2
     triggers.call_forwarding.days_min = 2",
    // Few people, one of whom is often absent.
    "policy.capacity.manager_per_day = 1
     policy.capacity.queue_per_day = 1
     policy.capacity.managers.am-17 = { deputy = 'am-18', absent = ['2026-03-04/2026-03-06', '2026-03-09/2026-03-14', '2026-03-20/2026-04-20'] }
     policy.capacity.managers.am-18 = { deputy = 'am-17', absent = ['2026-03-12/2026-03-12', '2026-03-24/2026-03-26'] }
     policy.budget.collect_minutes = 0",
];

const CLOCKS: [&str; 2] = ["window.clock = \"wall\"", "window.clock = \"event\""];

impl Plan {
    pub fn rules(&self) -> Arc<Rules> {
        crate::support::rules::rules(&[self.rules, self.clock]).0
    }
}

pub fn plans() -> impl Strategy<Value = Plan> {
    (
        select(&WORLDS[..]),
        select(&CLOCKS[..]),
        select(&[usize::MAX, 1, 0][..]),
        prop::collection::vec(act(), 1..90),
    )
        .prop_map(|(rules, clock, slice, acts)| Plan {
            rules,
            clock,
            slice,
            acts,
        })
}

fn act() -> impl Strategy<Value = Act> {
    let after = prop_oneof![
        4 => 0..90_i64,
        4 => 60..900_i64,
        2 => 1_000..4_000_i64,
        1 => 4_000..12_000_i64,
    ];
    let late = prop_oneof![8 => Just(0), 1 => 1..600_i64, 1 => 600..4_000_i64];
    (after, late, 1..=3_u8, what()).prop_map(|(after_minutes, late_minutes, who, what)| Act {
        after_minutes,
        late_minutes,
        who,
        what,
    })
}

fn what() -> impl Strategy<Value = What> {
    let asks = select(
        &[
            EnquirySubject::Cancel,
            EnquirySubject::PortOut,
            EnquirySubject::Bill,
        ][..],
    );
    let orders = select(
        &[
            OrderKind::Upgrade,
            OrderKind::Broadband,
            OrderKind::Cancelled,
            OrderKind::Unknown,
        ][..],
    );
    let complains = (any::<bool>(), prop::option::of(1..=5_u8));
    let reports = (
        prop_oneof![3 => Just(0), 1 => 1..4_usize],
        select(&OutcomeResult::ALL[..]),
        prop::bool::weighted(0.06),
    );
    prop_oneof![
        3 => Just(What::Nothing),
        2 => select(&["13712345678", "10010"][..]).prop_map(What::Calls),
        2 => Just(What::Calls("10010")),
        2 => Just(What::Approached),
        3 => complains.prop_map(|(resolved, satisfaction)| What::Complains { resolved, satisfaction }),
        3 => asks.prop_map(What::Asks),
        3 => orders.prop_map(What::Orders),
        1 => Just(What::Suspended),
        1 => Just(What::Active),
        5 => told().prop_map(What::Told),
        5 => select(&[40, 90, 150, 300, 700][..]).prop_map(What::Owes),
        2 => Just(What::Pays),
        2 => Just(What::Overuses),
        1 => any::<bool>().prop_map(What::Forwards),
        12 => reports.prop_map(|(back, result, forbids)| What::Reports { back, result, forbids }),
        1 => prop_oneof![4 => Just(What::Nothing), 1 => Just(What::Applies), 1 => Just(What::Withdraws), 1 => Just(What::Cancels), 1 => Just(What::Erased)],
    ]
}

fn told() -> impl Strategy<Value = Told> {
    (
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.05),
        select(&[0, 400, 2_500][..]),
        prop::option::of(0..5_i32),
        prop::option::of(select(&[5, 29, 59][..])),
        prop::option::of(select(&[10, 70, 150, 300, 600][..])),
        any::<bool>(),
    )
        .prop_map(
            |(
                vip,
                opted_out,
                not_pursued,
                since_days,
                birthday_in,
                contract_in,
                spend,
                managed,
            )| Told {
                vip,
                opted_out,
                not_pursued,
                since_days,
                birthday_in,
                contract_in,
                spend,
                managed,
            },
        )
}

/// An outcome of a task.
pub fn outcome(task_id: &str, result: OutcomeResult, do_not_contact: bool) -> Body<'static> {
    Body::TaskOutcome(TaskOutcome {
        task_id: task_id.to_owned().into(),
        result: Some(result),
        stated_reason: None,
        confirmed_reason: None,
        do_not_contact,
    })
}

impl What {
    /// The records of it on a day; an outcome is made by [`outcome`].
    pub fn bodies(&self, today: Day) -> Vec<Body<'static>> {
        vec![match self {
            Self::Nothing | Self::Reports { .. } => return Vec::new(),
            Self::Calls(other) => Body::Call {
                direction: Direction::Outgoing,
                other: Number::from_digits(other.as_bytes()),
                duration_seconds: 60,
                outcome: CallOutcome::Normal,
                handset: None,
            },
            Self::Approached => Body::CompetitorContact,
            Self::Complains {
                resolved,
                satisfaction,
            } => Body::Complaint {
                category: ComplaintCategory::Billing,
                resolved: *resolved,
                satisfaction: *satisfaction,
            },
            Self::Asks(subject) => Body::Enquiry(*subject),
            Self::Orders(kind) => Body::ServiceOrder(*kind),
            Self::Applies => Body::PortOutApplication,
            Self::Withdraws => Body::PortOutWithdrawn,
            Self::Suspended => Body::Suspension(SuspensionReason::Arrears),
            Self::Active => Body::Reactivation(None),
            Self::Cancels => Body::Cancellation,
            Self::Erased => Body::Erase {
                request: "request".into(),
            },
            Self::Told(told) => told.profile(today),
            Self::Owes(yuan) => bill(today, 0, *yuan, -15),
            Self::Pays => Body::Payment {
                amount: Money(100_000),
            },
            Self::Overuses => return (0..3).map(|ago| bill(today, ago, 150, 10)).collect(),
            Self::Forwards(on) => Body::CallForward {
                other: Number::from_digits(b"13712345678"),
                action: match on {
                    true => ForwardAction::Activate,
                    false => ForwardAction::Deactivate,
                },
            },
        }]
    }
}

/// Of a 100 yuan plan, for the month a date lies in.
fn bill(today: Day, months_ago: usize, yuan: i64, due_in_days: i32) -> Body<'static> {
    let first_of = |day: Day| day - (i32::from(day.month_and_day().1) - 1);
    let mut period = first_of(today);
    for _ in 0..months_ago {
        period = first_of(period - 1);
    }
    Body::Invoice(Invoice {
        period,
        amount: Money(yuan * 100),
        plan_fee: Some(Money(10_000)),
        usage_value: Some(Money(10_000)),
        document: 0,
        corrects: None,
        overage: Some(Money::ZERO),
        due_on: Some(today + due_in_days),
    })
}

impl Told {
    fn profile(&self, today: Day) -> Body<'static> {
        Body::Profile(Box::new(Profile {
            brand: Some("gotone".into()),
            activated_on: Some(today - self.since_days),
            plan: Some(Tariff {
                monthly_fee: Some(Money(10_000)),
                ..Tariff::default()
            }),
            contract_end_on: self.contract_in.map(|days| today + days),
            vip: self.vip,
            account_manager: self.managed.then(|| "am-17".into()),
            birthday: self.birthday_in.map(|days| (today + days).month_and_day()),
            marketing_opt_out: Some(self.opted_out),
            flags: ProfileFlags {
                not_pursued: self.not_pursued,
                machine: false,
            },
            avg_monthly_spend: self.spend.map(|yuan| Money(yuan * 100)),
            ..Profile::default()
        }))
    }
}
