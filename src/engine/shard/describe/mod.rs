mod tasks;

pub use tasks::{ContactDescription, OpenTask, WaitingDescription};

use super::Shard;
use crate::engine::settings::LineState;
use crate::engine::state::account::Account;
use crate::engine::state::billing::Bill;
use crate::engine::state::bucket::{Bucket, UsageChannel};
use crate::engine::state::credit::Credit;
use crate::engine::state::loss::Loss;
use crate::engine::state::marketing::Marketing;
use crate::engine::state::store::{NEVER, Subscriber};
use crate::engine::state::trigger_state::TriggerState;
use crate::engine::triggers::{REGISTRY, Trigger};
use crate::model::{Day, Msisdn, Occasion, Segment, Tier};
use serde::Serialize;
use std::collections::BTreeMap;

/// Days before and after a festival on which people may live otherwise than usual.
const WEEK: i32 = 7;

/// What a shard knows of one subscriber, for people to look at. It does not say who the subscriber is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// First local day with any usage.
    pub first_active_on: Option<String>,
    /// Last local day with any usage.
    pub last_active_on: Option<String>,
    /// Last closed day that was judged.
    pub judged_until: Option<String>,
    /// Closed days on which usage was known.
    pub known_days: u16,
    /// Whether the subscriber counts for the population's figures.
    pub stable: bool,
    /// How the subscriber stands with the operator, in plain words.
    pub standing: Vec<String>,
    /// What is ordinary, by channel.
    pub baselines: BTreeMap<&'static str, BaselineDescription>,
    /// What the line may be doing: the probability of each state.
    pub line_state: BTreeMap<&'static str, f64>,
    /// The state of each trigger.
    pub triggers: BTreeMap<&'static str, TriggerStateDescription>,
    /// Profile and bills, if any record of them came.
    pub account: Option<AccountDescription>,
    /// The open tasks.
    pub open_tasks: Vec<OpenTask>,
    /// Contacts of the last weeks, reported or possible, as far as they count for the next.
    pub contacts: Vec<ContactDescription>,
    /// What waits for a place in the daily budget.
    pub waiting: Vec<WaitingDescription>,
    /// Usage by local day, oldest first; empty before the first call-detail record.
    pub window: Vec<DayDescription>,
}

/// What is ordinary for a subscriber in one channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaselineDescription {
    /// Events on an average day.
    pub events_per_day: f64,
    /// Dispersion k of the daily events; small is irregular.
    pub dispersion: f64,
}

/// The state of a trigger for a subscriber.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriggerStateDescription {
    /// Local day of the last firing.
    pub fired_on: Option<String>,
    /// Strength of that firing, 0..1.
    pub strength: f64,
    /// In plain words.
    pub remembers: String,
}

/// Profile and bills.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountDescription {
    /// When the profile in force was stated, local time.
    pub profile_at: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// First day of service.
    pub activated_on: Option<String>,
    /// `consumer` or `group`.
    pub segment: &'static str,
    /// Marked by the operator.
    pub vip: bool,
    /// First-responsible account manager.
    pub account_manager: Option<String>,
    /// The group of the line.
    pub group_id: Option<String>,
    /// Whose task is the group's by now, if it has one.
    pub group_task: Option<&'static str>,
    /// HQ, province, city.
    pub region: Vec<String>,
    /// Credit points.
    pub credit_score: i32,
    /// 0..5.
    pub stars: u8,
    /// Who should act.
    pub tier: &'static str,
    /// Mean monthly spend in the major unit: the operator's own figure, else the mean of the invoices.
    pub monthly_spend: Option<String>,
    /// Suspensions for arrears: the operator's own count, or those seen if they are more.
    pub suspensions: u16,
    /// Owed on all bills, in the major unit.
    pub owed: String,
    /// Paid ahead, in the major unit; negative after a reversal.
    pub credit: String,
    /// The last invoices, oldest first.
    pub bills: Vec<BillDescription>,
}

/// One invoice; amounts in the major unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BillDescription {
    /// First day of the billed month.
    pub period: String,
    /// Last day to pay, if known.
    pub due_on: Option<String>,
    /// As billed.
    pub amount: String,
    /// Still owed.
    pub unpaid: String,
}

/// Usage on one local day. Counts hold at 255, sums at 65,535.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayDescription {
    /// The day.
    pub day: String,
    /// Whether silence on it means silence; nothing for a day that is not closed, or was never closed here.
    pub known: Option<bool>,
    /// What the network's use was of an ordinary day's, by channel; nothing for a day that is not closed.
    pub factor: Option<BTreeMap<&'static str, f64>>,
    /// Days of the calendars of occasions within a week of it, which may be why the factor is unusual.
    pub occasions: Vec<String>,
    /// Outgoing calls.
    pub outgoing: u8,
    /// Incoming calls.
    pub incoming: u8,
    /// Calls that dropped.
    pub dropped: u8,
    /// Messages both ways.
    pub messages: u8,
    /// Data sessions.
    pub sessions: u8,
    /// Talk time.
    pub voice_seconds: u16,
    /// Data volume in MiB.
    pub data_mebibytes: u16,
}

impl Shard {
    /// Who should act for a subscriber, on the clock's day; nothing if no record of it was ever seen.
    pub fn tier(&self, msisdn: &Msisdn) -> Option<Tier> {
        let subscriber = self.store.record(self.store.slot_of(msisdn)?)?;
        let account = subscriber
            .account
            .and_then(|id| self.accounts.item(id.index()));
        let today = self.rules.calendar.day_of(self.clock);
        Some(Credit::rate(account, today, &self.rules.policy.credit).tier)
    }

    /// How a subscriber was lost, by the end of the last closed day, if it was.
    pub fn loss(&self, msisdn: &Msisdn) -> Option<Loss> {
        let subscriber = self.store.record(self.store.slot_of(msisdn)?)?;
        let account = self.accounts.item(subscriber.account?.index())?;
        let last_active = subscriber.last_active;
        Loss::of(account, last_active, self.closed, &self.rules.policy)
    }

    /// Everything known of one subscriber; nothing if no record of it was ever seen. Changes nothing.
    pub fn describe(&self, msisdn: &Msisdn) -> Option<Description> {
        let slot = self.store.slot_of(msisdn)?;
        let subscriber = self.store.record(slot)?;
        let window = self.store.window(slot)?;
        let account = subscriber
            .account
            .and_then(|id| self.accounts.item(id.index()));
        let calendar = &self.rules.calendar;
        let today = calendar.day_of(self.clock);
        let contact = |(at, purpose)| tasks::contact(at, purpose, calendar);
        let states = subscriber.trigger_states(account);
        let triggers = REGISTRY.iter().zip(&self.rules.triggers).enumerate();
        Some(Description {
            first_active_on: Some(subscriber.first_active)
                .filter(|day| *day != NEVER)
                .map(|day| day.to_string()),
            last_active_on: date(subscriber.last_active),
            judged_until: date(subscriber.visited),
            known_days: subscriber.known_days,
            stable: subscriber.stable,
            standing: self.standing(subscriber, account, today),
            baselines: self.baselines(subscriber),
            line_state: line_state(subscriber),
            triggers: triggers
                .map(|(place, (registered, trigger))| {
                    (
                        registered.name,
                        trigger_state(&**trigger, &states.get(place)),
                    )
                })
                .collect(),
            account: account.map(|account| self.account(account, today)),
            open_tasks: self
                .taskbook
                .of(slot)
                .map(|task| tasks::open(task, calendar))
                .collect(),
            contacts: self.taskbook.contacts(slot).map(contact).collect(),
            waiting: self
                .taskbook
                .candidates_of(slot)
                .map(tasks::waiting)
                .collect(),
            window: window
                .iter()
                .map(|(day, bucket)| self.day(day, &bucket))
                .collect(),
        })
    }

    fn standing(
        &self,
        subscriber: &Subscriber,
        account: Option<&Account>,
        today: Day,
    ) -> Vec<String> {
        let mut standing = match account {
            Some(account) => self.contract(account, today),
            None => vec!["in service; nothing is known of profile and bills".to_owned()],
        };
        if subscriber.machine_detector.machine() {
            let days = subscriber.machine_detector.days_left(&self.rules.machines);
            standing.push(format!(
                "behaves like a machine: no trigger looks at it before {days} more days of a person's use"
            ));
        }
        standing
    }

    fn contract(&self, account: &Account, today: Day) -> Vec<String> {
        let after = self.rules.policy.churned_after_suspended_days;
        let flags = account.profile.flags;
        let mut standing = Vec::new();
        if let Some(day) = account.cancelled_on {
            standing.push(format!("cancelled on {day}"));
        }
        if let Some(day) = account.suspended_on {
            standing.push(format!("suspended for arrears since {day}"));
        }
        if account.churned(today, after) {
            standing.push("counts as churned: no task is opened".to_owned());
        }
        if let Some(bar) = account.bar() {
            let (reason, since) = (bar.reason.name(), bar.since);
            standing.push(format!(
                "barred since {since} ({reason}): silence says nothing"
            ));
        }
        if let Some(day) = account.port_out_on {
            let held = account.held(today, self.rules.policy.mnp_hold_days);
            let rest = match held {
                true => ": nobody may be contacted",
                false => ", which was not completed",
            };
            standing.push(format!("port-out applied for on {day}{rest}"));
        }
        if standing.is_empty() {
            standing.push("in service".to_owned());
        }
        if account.refused_contact_on.is_some() {
            standing.push("asked not to be contacted".to_owned());
        }
        if account.profile.marketing == Marketing::Refused {
            standing.push("wants no marketing".to_owned());
        }
        if flags.not_pursued {
            standing.push("not pursued: no task is opened".to_owned());
        }
        if flags.machine {
            standing.push("a machine: no trigger looks at it".to_owned());
        }
        standing
    }

    fn baselines(&self, subscriber: &Subscriber) -> BTreeMap<&'static str, BaselineDescription> {
        let ordinary = |channel: UsageChannel| {
            let baseline = subscriber.baselines.of(channel);
            let population = self.population.dispersion(channel);
            let ordinary = BaselineDescription {
                events_per_day: rounded(baseline.level()),
                dispersion: rounded(baseline.dispersion(population, &self.rules.baseline)),
            };
            (channel.name(), ordinary)
        };
        UsageChannel::ALL.map(ordinary).into()
    }

    fn account(&self, account: &Account, today: Day) -> AccountDescription {
        let profile = &account.profile;
        let credit = Credit::rate(Some(account), today, &self.rules.policy.credit);
        let calendar = &self.rules.calendar;
        AccountDescription {
            profile_at: account.profile_at.map(|at| calendar.rfc3339(at)),
            brand: profile.brand.as_deref().map(str::to_owned),
            activated_on: profile.activated_on.map(|day| day.to_string()),
            segment: match profile.segment {
                Segment::Consumer => "consumer",
                Segment::Group => "group",
            },
            vip: profile.vip,
            account_manager: profile.account_manager.as_deref().map(str::to_owned),
            group_id: account.membership().map(|group| group.id.to_string()),
            group_task: account.membership().and_then(|group| {
                let covered = group.is_covered(Occasion::Leaving, self.clock);
                let own = group.alert(self.clock).map(|_| "this subscriber's");
                own.or(covered.then_some("another member's"))
            }),
            region: profile.region.iter().map(|name| name.to_string()).collect(),
            credit_score: credit.score,
            stars: credit.stars,
            tier: credit.tier.name(),
            monthly_spend: account.monthly_spend().map(|spend| spend.to_string()),
            suspensions: account.suspensions.max(profile.suspensions),
            owed: account.billing.owed().to_string(),
            credit: account.billing.credit().to_string(),
            bills: account.billing.bills().iter().map(bill).collect(),
        }
    }

    fn day(&self, day: Day, bucket: &Bucket) -> DayDescription {
        let facts = self.population.facts(day);
        let occasions = self.rules.occasions(day - WEEK..=day + WEEK);
        let occasions = occasions.into_iter().map(|(_, name, _)| name.to_owned());
        DayDescription {
            day: day.to_string(),
            known: facts.map(|facts| {
                let mut channels = UsageChannel::ALL.iter();
                channels.all(|channel| facts.known(*channel))
            }),
            factor: facts.map(|facts| {
                let factors = UsageChannel::ALL.map(UsageChannel::name).into_iter();
                factors.zip(facts.factor.map(rounded)).collect()
            }),
            occasions: occasions.collect(),
            outgoing: bucket.outgoing,
            incoming: bucket.incoming,
            dropped: bucket.dropped,
            messages: bucket.messages,
            sessions: bucket.sessions,
            voice_seconds: bucket.voice_seconds(),
            data_mebibytes: bucket.data_mebibytes(),
        }
    }
}

fn line_state(subscriber: &Subscriber) -> BTreeMap<&'static str, f64> {
    let likely = subscriber.line.probabilities().map(rounded);
    let names = LineState::ALL.map(LineState::name);
    names.into_iter().zip(likely).collect()
}

fn trigger_state(trigger: &dyn Trigger, state: &TriggerState) -> TriggerStateDescription {
    TriggerStateDescription {
        fired_on: state.fired_on().map(|day| day.to_string()),
        strength: rounded(state.strength()),
        remembers: trigger.describe_state(state),
    }
}

fn bill(bill: &Bill) -> BillDescription {
    BillDescription {
        period: bill.period.to_string(),
        due_on: bill.due_on.map(|day| day.to_string()),
        amount: bill.amount.to_string(),
        unpaid: bill.unpaid.to_string(),
    }
}

fn date(day: Day) -> Option<String> {
    (day != Day::MIN).then(|| day.to_string())
}

/// To three decimals, as figures are published.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
