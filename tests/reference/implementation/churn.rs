//! The churn triggers that look at what customers and competitors say, at contracts and bills, and at the line.

use super::account::AccountView;
use super::bills::Bill;
use super::quality::QualitySettings;
use super::service_history::{ServiceHistory, approach};
use super::triggers::{Firing, Kind, Memory};
use super::usage::VOICE;
use super::view::DayView;
use churnwatch::engine::Rules;
use churnwatch::model::{
    Body, ComplaintCategory, Day, EnquirySubject, Event, Evidence, Fact, Money, Purpose, Source,
};
use serde::Deserialize;

pub const MARKETING: &str = "competitor_marketing";
pub const CONTRACT: &str = "contract_expiry";
pub const COMPLAINT: &str = "complaint";
pub const CANCEL: &str = "cancel_enquiry";
pub const PORT_OUT: &str = "port_out";
pub const UNDERUSE: &str = "plan_underuse";
pub const FORWARDING: &str = "call_forwarding";
pub const SHOCK: &str = "bill_shock";
pub const QUALITY: &str = "poor_quality";

/// `[triggers.*]` of these.
#[derive(Deserialize)]
pub struct Settings {
    competitor_marketing: MarketingSettings,
    contract_expiry: ContractSettings,
    complaint: ComplaintSettings,
    cancel_enquiry: CancelSettings,
    port_out: PortOutSettings,
    plan_underuse: UnderuseSettings,
    call_forwarding: ForwardingSettings,
    bill_shock: ShockSettings,
    poor_quality: QualitySettings,
}

#[derive(Deserialize)]
struct MarketingSettings {
    contacts: usize,
    within_days: i32,
    cooldown_days: u16,
    strengths: Vec<f64>,
}

#[derive(Deserialize)]
struct ContractSettings {
    steps_days: Vec<i32>,
    strengths: Vec<f64>,
}

#[derive(Deserialize)]
struct ComplaintSettings {
    dissatisfied_max: u8,
    cooldown_days: u16,
    again_days: i32,
    open_strength: f64,
    dissatisfied_strength: f64,
    grave_extra: f64,
}

#[derive(Deserialize)]
struct CancelSettings {
    cooldown_days: u16,
    strengths: Vec<f64>,
}

#[derive(Deserialize)]
struct PortOutSettings {
    cooldown_days: u16,
    enquiry_strength: f64,
    application_strength: f64,
}

#[derive(Deserialize)]
struct UnderuseSettings {
    share: f64,
    amount_min: f64,
    invoices: usize,
    cooldown_days: u16,
    strength: f64,
}

#[derive(Deserialize)]
struct ForwardingSettings {
    days_min: i32,
    cooldown_days: u16,
    strength: f64,
    elsewhere_strength: f64,
}

#[derive(Deserialize)]
struct ShockSettings {
    earlier_min: usize,
    deviations: f64,
    excess_share: f64,
    amount_min: f64,
    cooldown_days: u16,
    strength: f64,
    unasked_strength: f64,
}

/// What these triggers remember of one subscriber.
#[derive(Default)]
pub struct Remembered {
    enquiries: usize,
    pub unsettled: bool,
    pub dissatisfied: bool,
    /// It was the second complaint about the same.
    pub again: bool,
    /// The end that was reported, and how many of its steps.
    pub contract: Option<(Day, usize)>,
    applied: bool,
    /// The month that was reported.
    pub underused: Option<Day>,
    pub forwarded: bool,
    pub poor: bool,
}

/// Amounts that one is compared with.
const EARLIER: usize = 6;

/// An event young enough for the immediate triggers.
pub struct EventView<'a> {
    pub event: &'a Event<'static>,
    pub day: Day,
    pub source: &'a Source,
    pub standing: &'a AccountView,
    pub service_history: &'a ServiceHistory,
    /// What the open task is for that an outcome names.
    pub settles: Option<Purpose>,
    pub rules: &'a Rules,
}

impl EventView<'_> {
    fn firing(
        &self,
        trigger: &'static str,
        kind: Kind,
        strength: f64,
        unit: &'static str,
        facts: Vec<(&'static str, Fact)>,
    ) -> Firing {
        Firing {
            trigger,
            kind,
            strength,
            evidence: Evidence {
                observed: 1.0,
                expected: 0.0,
                unit: unit.into(),
                window_days: 0,
                threshold: 1.0,
                facts: named(facts),
                source: Some(self.source.clone()),
            },
        }
    }
}

fn named(facts: Vec<(&'static str, Fact)>) -> Vec<(std::borrow::Cow<'static, str>, Fact)> {
    let named = facts.into_iter().map(|(name, fact)| (name.into(), fact));
    named.collect()
}

/// Rising to 1 as a surplus over the bound does. Strengths are kept in 255ths, so all that is reckoned on the way to one is
/// reckoned as the engine does, to the last bit.
pub fn rising(strength: f64, surplus: f64) -> f64 {
    strength + (1.0 - strength) * surplus.clamp(0.0, 1.0)
}

impl Memory {
    pub fn churn_event(&mut self, view: &EventView<'_>, settings: &Settings) -> Option<Firing> {
        match &view.event.body {
            Body::Call { .. } | Body::CompetitorContact => {
                self.marketing(view, &settings.competitor_marketing)
            }
            Body::Complaint {
                category,
                resolved,
                satisfaction,
            } => self.complaint(
                view,
                (*category, *resolved, *satisfaction),
                &settings.complaint,
            ),
            Body::Enquiry(EnquirySubject::Cancel) => self.cancel(view, &settings.cancel_enquiry),
            Body::Enquiry(EnquirySubject::PortOut) => {
                let settings = &settings.port_out;
                let cooling = self.cooling(PORT_OUT, view.day, settings.cooldown_days);
                let strength = settings.enquiry_strength;
                let firing = view.firing(PORT_OUT, Kind::CareOnly, strength, "enquiries", vec![]);
                (!cooling).then_some(firing)
            }
            Body::PortOutWithdrawn => {
                self.churn.applied &= view.standing.port_out();
                None
            }
            Body::PortOutApplication if !view.standing.port_out() => {
                self.churn.applied = false;
                None
            }
            Body::PortOutApplication => {
                let settings = &settings.port_out;
                let cooling = self.cooling(PORT_OUT, view.day, settings.cooldown_days);
                let known = std::mem::replace(&mut self.churn.applied, true);
                let strength = settings.application_strength;
                let firing = view.firing(PORT_OUT, Kind::Full, strength, "applications", vec![]);
                (!known || !cooling).then_some(firing)
            }
            Body::Invoice(invoice) => {
                let bills = view.standing.bills.all().iter();
                let before = bills.clone().filter(|bill| bill.period < invoice.period);
                let before = before.map(|bill| bill.billed()).collect();
                let mut stands = bills.filter(|bill| {
                    let same = bill.period == invoice.period && bill.at == view.event.at;
                    same && invoice.amount >= Money::ZERO
                });
                let amount = stands.next()?.amount;
                self.shock(view, "invoice", amount, before, &settings.bill_shock)
            }
            Body::Charge {
                amount,
                subscribed_by_customer: Some(true) | None,
            } => {
                let mut before = view.service_history.charges();
                before.pop();
                self.shock(view, "charge", *amount, before, &settings.bill_shock)
            }
            Body::Charge { amount, .. } => self.unasked(view, *amount, &settings.bill_shock),
            _ => None,
        }
    }

    fn marketing(&mut self, view: &EventView<'_>, settings: &MarketingSettings) -> Option<Firing> {
        if !approach(view.event, view.rules) {
            return None;
        }
        let contacts = view.service_history.contacts(view.rules);
        let newest = *contacts.last().unwrap();
        let within = contacts
            .iter()
            .filter(|day| newest.0 - day.0 < settings.within_days);
        let count = within.count();
        if count < settings.contacts {
            return None;
        }
        let step = (count - settings.contacts).min(settings.strengths.len() - 1);
        let strength = settings.strengths[step];
        let kind = self.news(MARKETING, strength, view.day, settings.cooldown_days)?;
        let facts = match view.event.body {
            Body::Call { other, .. } => {
                let name = view.rules.competitors.marketing(other).unwrap();
                vec![("competitor", Fact::Name(name.to_owned()))]
            }
            _ => vec![],
        };
        let mut firing = view.firing(MARKETING, kind, strength, "contacts", facts);
        firing.evidence.observed = count as f64;
        firing.evidence.window_days = settings.within_days as u16;
        firing.evidence.threshold = settings.contacts as f64;
        Some(firing)
    }

    fn complaint(
        &mut self,
        view: &EventView<'_>,
        (category, resolved, satisfaction): (ComplaintCategory, bool, Option<u8>),
        settings: &ComplaintSettings,
    ) -> Option<Firing> {
        let discontent = satisfaction.is_some_and(|said| said <= settings.dissatisfied_max);
        if view.service_history.complained_after(view.event.at) {
            return None;
        }
        if (resolved && !discontent) || view.service_history.settled(settings.dissatisfied_max) {
            return None;
        }
        let (name, grave) = match category {
            ComplaintCategory::Billing => ("billing", true),
            ComplaintCategory::UnwantedService => ("unwanted_service", true),
            ComplaintCategory::Network => ("network", false),
            ComplaintCategory::Service => ("service", false),
            ComplaintCategory::Unknown => ("unknown", false),
        };
        let mut strength = match discontent {
            true => settings.dissatisfied_strength,
            false => settings.open_strength,
        };
        if grave {
            strength = (strength + settings.grave_extra).min(1.0);
        }
        let again = !resolved
            && view
                .service_history
                .complained_before(view.event, view.day, settings.again_days);
        let news = again && !self.churn.again;
        self.churn.again |= again;
        let kind = match self.churn.unsettled && !news {
            true => self.news(COMPLAINT, strength, view.day, settings.cooldown_days),
            false => Some(Kind::Full),
        };
        self.churn.unsettled = true;
        self.churn.dissatisfied |= discontent;
        let mut facts = vec![("category", Fact::Name(name.to_owned()))];
        if let Some(said) = satisfaction {
            facts.push(("satisfaction", Fact::Count(i64::from(said))));
        }
        Some(view.firing(COMPLAINT, kind?, strength, "complaints", facts))
    }

    fn cancel(&mut self, view: &EventView<'_>, settings: &CancelSettings) -> Option<Firing> {
        let again = self.cooling(CANCEL, view.day, settings.cooldown_days);
        self.churn.enquiries = if again { self.churn.enquiries + 1 } else { 1 };
        let count = self.churn.enquiries;
        let strength = *settings.strengths.get(count - 1)?;
        let kind = if again { Kind::Repeat } else { Kind::Full };
        let mut firing = view.firing(CANCEL, kind, strength, "enquiries", vec![]);
        firing.evidence.observed = count as f64;
        firing.evidence.window_days = settings.cooldown_days;
        Some(firing)
    }

    fn unasked(
        &mut self,
        view: &EventView<'_>,
        amount: Money,
        settings: &ShockSettings,
    ) -> Option<Firing> {
        if amount <= Money::ZERO {
            return None;
        }
        let strength = settings.unasked_strength;
        let kind = self.news(SHOCK, strength, view.day, settings.cooldown_days)?;
        let facts = vec![
            ("of", Fact::Name("unasked_charge".to_owned())),
            ("amount", Fact::Amount(amount)),
            ("compared_with", Fact::Count(0)),
        ];
        let mut firing = view.firing(SHOCK, kind, strength, "amount", facts);
        firing.evidence.observed = amount.0 as f64 / 100.0;
        firing.evidence.threshold = 0.0;
        Some(firing)
    }

    fn shock(
        &mut self,
        view: &EventView<'_>,
        of: &str,
        amount: Money,
        mut before: Vec<Money>,
        settings: &ShockSettings,
    ) -> Option<Firing> {
        let before = before.split_off(before.len().saturating_sub(EARLIER));
        if before.len() < settings.earlier_min || amount <= Money::ZERO {
            return None;
        }
        let yuan: Vec<f64> = before.iter().map(|amount| amount.0 as f64).collect();
        let middle = median(&yuan);
        let off: Vec<f64> = yuan.iter().map(|yuan| (yuan - middle).abs()).collect();
        let spread = settings.deviations * median(&off);
        let fen = amount.0 as f64;
        let least = settings.amount_min * 100.0;
        let enough = middle <= 0.0 || (fen - middle) / middle >= settings.excess_share;
        let enough = enough && fen - middle >= least;
        if fen - middle <= spread || !enough {
            return None;
        }
        let bound = f64::max(middle + spread, middle * (1.0 + settings.excess_share));
        let bound = f64::max(bound, middle + least);
        let strength = match bound > 0.0 {
            true => rising(settings.strength, fen / bound - 1.0),
            false => 1.0,
        };
        let kind = self.news(SHOCK, strength, view.day, settings.cooldown_days)?;
        let facts = vec![
            ("of", Fact::Name(of.to_owned())),
            ("amount", Fact::Amount(amount)),
            ("compared_with", Fact::Count(before.len() as i64)),
        ];
        let mut firing = view.firing(SHOCK, kind, strength, "amount", facts);
        firing.evidence.observed = fen / 100.0;
        firing.evidence.expected = middle / 100.0;
        firing.evidence.threshold = bound / 100.0;
        Some(firing)
    }

    pub fn churn_day(&mut self, view: &DayView<'_>, settings: &Settings) -> Vec<Firing> {
        if view
            .service_history
            .settled(settings.complaint.dissatisfied_max)
        {
            self.churn.unsettled = false;
            self.churn.dissatisfied = false;
            self.churn.again = false;
        }
        let contract = self.contract(view, &settings.contract_expiry);
        let underuse = self.underuse(view, &settings.plan_underuse);
        let forwarding = self.forwarding(view, &settings.call_forwarding);
        let quality = self.quality(view, &settings.poor_quality);
        let all = [contract, underuse, forwarding, quality];
        let all: Vec<Firing> = all.into_iter().flatten().collect();
        for firing in &all {
            self.note(firing, view.today.day);
        }
        all
    }

    fn contract(&mut self, view: &DayView<'_>, settings: &ContractSettings) -> Option<Firing> {
        let end = view.standing.profile()?.contract_end_on?;
        if self.churn.contract.is_some_and(|(known, _)| known != end) {
            self.churn.contract = None;
            self.forget_firing(CONTRACT);
        }
        let left = end.0 - view.today.day.0;
        let reached = settings.steps_days.iter().filter(|step| left <= **step);
        let reached = reached.count();
        let said = self.churn.contract.map_or(0, |(_, steps)| steps);
        if left < 0 || reached <= said {
            return None;
        }
        self.churn.contract = Some((end, reached));
        let step = f64::from(settings.steps_days[reached - 1]);
        Some(daily(
            CONTRACT,
            Kind::Full,
            settings.strengths[reached - 1],
            (f64::from(left), step, step),
            ("days_left", 0),
            vec![("contract_end_on", Fact::Date(end))],
        ))
    }

    fn underuse(&mut self, view: &DayView<'_>, settings: &UnderuseSettings) -> Option<Firing> {
        let bills = view.standing.bills.all();
        let share = |usage: Money, fee: Money| usage.0 as f64 / fee.0 as f64;
        let newest = bills.last()?;
        let last = &bills[bills.len().saturating_sub(settings.invoices)..];
        // No use can be expected of a line in a month with a barred day.
        let barred = |bill: &Bill| (0..31).any(|day| view.barred(bill.period + day));
        if barred(newest) {
            return None;
        }
        let mut below = last.iter().rev().map(|bill| {
            let told = bill.usage_value.zip(bill.plan_fee);
            told.is_some_and(|(usage, fee)| {
                fee > Money::ZERO
                    && bill.amount > Money::ZERO
                    && share(usage, fee) < settings.share
                    && (fee.0 - usage.0) as f64 >= settings.amount_min * 100.0
                    && !barred(bill)
            })
        });
        if !below.next().unwrap() {
            self.churn.underused = None;
            return None;
        }
        let mut gaps = last.windows(2).map(|two| two[1].period.0 - two[0].period.0);
        let in_a_row = last.len() == settings.invoices && gaps.all(|gap| gap <= 31);
        if !in_a_row || !below.all(|below| below) {
            return None;
        }
        let cooling = self.cooling(UNDERUSE, view.today.day, settings.cooldown_days);
        let said = self.churn.underused;
        if said.is_some() && (said == Some(newest.period) || cooling) {
            return None;
        }
        self.churn.underused = Some(newest.period);
        let usage = Money(last.iter().map(|bill| bill.usage_value.unwrap().0).sum());
        let fees = Money(last.iter().map(|bill| bill.plan_fee.unwrap().0).sum());
        let used = share(usage, fees);
        let strength = rising(settings.strength, 1.0 - used / settings.share);
        Some(daily(
            UNDERUSE,
            Kind::Full,
            strength,
            (used, 1.0, settings.share),
            ("share_of_plan_fee", settings.invoices as u16 * 30),
            vec![
                ("usage_value", Fact::Amount(usage)),
                ("plan_fees", Fact::Amount(fees)),
                ("invoices", Fact::Count(settings.invoices as i64)),
            ],
        ))
    }

    fn forwarding(&mut self, view: &DayView<'_>, settings: &ForwardingSettings) -> Option<Firing> {
        let today = view.today.day;
        if !view.known(VOICE, view.today.day) {
            return None;
        }
        let in_force = view.service_history.forwarding(today, view.rules);
        let days = in_force.map_or(0, |(since, _)| today.0 + 1 - since.0);
        let Some((since, elsewhere)) = in_force.filter(|_| days >= settings.days_min) else {
            self.churn.forwarded = false;
            return None;
        };
        let (strength, to) = match elsewhere {
            true => (settings.elsewhere_strength, "competitor_or_unreadable"),
            false => (settings.strength, "other"),
        };
        let kind = match self.churn.forwarded {
            true => self.news(FORWARDING, strength, today, settings.cooldown_days)?,
            false => Kind::Full,
        };
        self.churn.forwarded = true;
        Some(daily(
            FORWARDING,
            kind,
            strength,
            (f64::from(days), 0.0, f64::from(settings.days_min)),
            ("days_forwarding", days as u16),
            vec![
                ("since", Fact::Date(since)),
                ("to", Fact::Name(to.to_owned())),
            ],
        ))
    }
}

/// A firing of a day's close: observed, expected and threshold, their unit and days.
pub fn daily(
    trigger: &'static str,
    kind: Kind,
    strength: f64,
    (observed, expected, threshold): (f64, f64, f64),
    (unit, window_days): (&'static str, u16),
    facts: Vec<(&'static str, Fact)>,
) -> Firing {
    Firing {
        trigger,
        kind,
        strength,
        evidence: Evidence {
            observed,
            expected,
            unit: unit.into(),
            window_days,
            threshold,
            facts: named(facts),
            source: None,
        },
    }
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    let half = figures.len() / 2;
    match figures.len() % 2 {
        1 => figures[half],
        _ => (figures[half - 1] + figures[half]) / 2.0,
    }
}
