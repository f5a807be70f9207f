//! The triggers of care and growth (behaviour: Care and growth triggers).

use super::account::AccountView;
use super::bills::Bill;
use super::churn::EventView;
use super::days::Days;
use super::occasions::{self, Occasion};
use super::orders;
use super::population::near;
use super::roaming;
use super::triggers::{Firing, Kind};
use super::usage::DATA;
use super::view::DayView;
use super::visits::{self, Visits};
use churnwatch::model::{
    Body, CloseReason, Day, Evidence, Fact, Money, OutcomeResult, Profile, Purpose,
};
use serde::Deserialize;

const TERMINAL: &str = "terminal_change";
const WELCOME: &str = "welcome";
const ANNIVERSARY: &str = "anniversary";
const BIRTHDAY: &str = "birthday";
const POINTS: &str = "points_expiry";
const OFFER: &str = "offer_expiry";
const STARS: &str = "star_upgrade";
const OVERUSE: &str = "plan_overuse";
const GROWTH: &str = "data_growth";
const FOLLOW_UP: &str = "follow_up";
const CALLBACK: &str = "complaint_callback";

/// Days after which a birthday or an anniversary is over.
pub const GRACE_DAYS: i32 = 3;

pub fn purpose(trigger: &str) -> Purpose {
    match trigger {
        WELCOME
        | ANNIVERSARY
        | BIRTHDAY
        | POINTS
        | OFFER
        | STARS
        | FOLLOW_UP
        | CALLBACK
        | visits::VISIT
        | orders::FOLLOW_UP
        | roaming::ROAMING
        | occasions::GREETING => Purpose::Care,
        TERMINAL | OVERUSE | GROWTH | occasions::OFFER => Purpose::Grow,
        _ => Purpose::Churn,
    }
}

/// `[triggers.*]`, those of this file.
#[derive(Deserialize)]
pub struct Settings {
    terminal_change: TerminalSettings,
    welcome: WelcomeSettings,
    anniversary: GreetingSettings,
    birthday: GreetingSettings,
    points_expiry: ExpirySettings,
    offer_expiry: ExpirySettings,
    star_upgrade: StarSettings,
    plan_overuse: OveruseSettings,
    data_growth: GrowthSettings,
    follow_up: FollowUpSettings,
    complaint_callback: CallbackSettings,
    regular_visit: visits::Settings,
}

#[derive(Deserialize)]
struct TerminalSettings {
    calls_min: usize,
    days_min: i32,
    cooldown_days: i32,
    strength: f64,
}

#[derive(Deserialize)]
struct WelcomeSettings {
    within_days: i32,
    cooldown_days: i32,
    strength: f64,
}

#[derive(Deserialize)]
struct GreetingSettings {
    lead_days: i32,
    #[serde(default)]
    years_min: u32,
    cooldown_days: i32,
    strength: f64,
}

#[derive(Deserialize)]
struct ExpirySettings {
    days_before: Vec<i32>,
    cooldown_days: i32,
    strength: f64,
}

#[derive(Deserialize)]
struct StarSettings {
    stars_min: u8,
    cooldown_days: i32,
    strength: f64,
}

#[derive(Deserialize)]
struct OveruseSettings {
    invoices: usize,
    over_share: f64,
    amount_min: f64,
    recent_days: i32,
    cooldown_days: i32,
    strength: f64,
}

#[derive(Deserialize)]
struct GrowthSettings {
    span_days: i32,
    known_days_min: usize,
    factor: f64,
    mebibytes_min: f64,
    higher_days_min: usize,
    cooldown_days: i32,
    strength: f64,
}

#[derive(Deserialize)]
struct FollowUpSettings {
    after_days: i32,
    strength: f64,
}

#[derive(Deserialize)]
struct CallbackSettings {
    within_days: i32,
    strength: f64,
}

/// What these triggers remember of one subscriber.
#[derive(Default)]
pub struct Memory {
    handset: Option<u64>,
    /// Days of the calls from others since the last from the known one.
    away: Vec<Day>,
    changed: Option<Day>,
    welcomed: Option<Day>,
    anniversary: Occasion,
    birthday: Occasion,
    points: Occasion,
    offer: Occasion,
    rated: Option<u8>,
    risen: Option<(Day, u8)>,
    overused: bool,
    overuse: Option<Day>,
    pub growth: Option<Day>,
    /// Day of the last outcome that said a customer stays, until it is followed up.
    saved: Option<Day>,
    /// Day of the settlement that was reported.
    settled: Option<Day>,
    visits: Visits,
    pub undecided: bool,
}

pub fn within(day: Day, last: Option<Day>, days: i32) -> bool {
    last.is_some_and(|last| day.0 - last.0 < days)
}

pub fn firing(
    trigger: &'static str,
    strength: f64,
    (observed, expected, unit): (f64, f64, &'static str),
    threshold: f64,
    facts: Vec<(&'static str, Fact)>,
) -> Firing {
    Firing {
        trigger,
        kind: Kind::Full,
        strength,
        evidence: Evidence {
            observed,
            expected,
            unit: unit.into(),
            window_days: 0,
            threshold,
            facts: facts
                .into_iter()
                .map(|(name, fact)| (name.into(), fact))
                .collect(),
            source: None,
        },
    }
}

impl Memory {
    /// A machine has become a person.
    pub fn unlearn(&mut self) {
        self.handset = None;
        self.away.clear();
        self.changed = None;
    }

    pub fn recovered(&self, trigger: &str) -> Option<CloseReason> {
        let holds = match trigger {
            ANNIVERSARY => self.anniversary.reminded.is_some(),
            BIRTHDAY => self.birthday.reminded.is_some(),
            POINTS => self.points.reminded.is_some(),
            OFFER => self.offer.reminded.is_some(),
            OVERUSE => self.overused,
            CALLBACK => self.settled.is_some(),
            visits::VISIT => self.visits.due(),
            _ => true,
        };
        (!holds).then_some(CloseReason::OccasionOver)
    }

    /// A call of which the handset is told, or an outcome, young enough for the immediate triggers.
    pub fn on_event(&mut self, view: &EventView<'_>, settings: &Settings) -> Option<Firing> {
        let settings = &settings.terminal_change;
        let EventView {
            event, day, source, ..
        } = *view;
        if let Body::TaskOutcome(said) = &event.body {
            let churn = view.settles == Some(Purpose::Churn);
            match said.result {
                Some(OutcomeResult::Saved) if churn => self.saved = Some(day),
                Some(OutcomeResult::Refused | OutcomeResult::Lost) if churn => self.saved = None,
                _ => {}
            }
            self.visits.outcome(said, day);
        }
        let Body::Call {
            handset: Some(handset),
            ..
        } = event.body
        else {
            return None;
        };
        // As far as handsets are told apart.
        let handset = (handset >> 48).max(1);
        if *self.handset.get_or_insert(handset) == handset {
            self.away.clear();
            return None;
        }
        self.away.push(day);
        let days = (day.0 - self.away[0].0).max(0);
        if self.away.len() < settings.calls_min || days < settings.days_min {
            return None;
        }
        let calls = std::mem::take(&mut self.away).len().min(255);
        self.handset = Some(handset);
        if within(day, self.changed, settings.cooldown_days) {
            return None;
        }
        self.changed = Some(day);
        let facts = vec![("new_since", Fact::Date(day - days))];
        let seen = (calls as f64, 0.0, "calls");
        let mut firing = firing(
            TERMINAL,
            settings.strength,
            seen,
            settings.calls_min as f64,
            facts,
        );
        firing.evidence.window_days = days as u16;
        firing.evidence.source = Some(source.clone());
        Some(firing)
    }

    /// A closed day, in the order of the registry.
    pub fn on_day(&mut self, view: &DayView<'_>, settings: &Settings) -> Vec<Firing> {
        let profile = view.standing.profile();
        let firings = [
            self.welcome(view, profile, &settings.welcome),
            self.anniversary(view, profile, &settings.anniversary),
            self.birthday(view, profile, &settings.birthday),
            self.points.lapse(
                POINTS,
                view,
                profile.and_then(|p| p.points_expire_on),
                &settings.points_expiry,
            ),
            self.offer.lapse(
                OFFER,
                view,
                profile.and_then(|p| p.offer_expires_on),
                &settings.offer_expiry,
            ),
            self.stars(view, &settings.star_upgrade),
            self.overuse(view, &settings.plan_overuse),
            self.growth(view, &settings.data_growth),
            self.follow_up(view, &settings.follow_up),
            self.callback(view, &settings.complaint_callback),
            self.visits.on_day(view, &settings.regular_visit),
        ];
        firings.into_iter().flatten().collect()
    }

    fn welcome(
        &mut self,
        view: &DayView<'_>,
        profile: Option<&Profile<'_>>,
        settings: &WelcomeSettings,
    ) -> Option<Firing> {
        let day = view.today.day;
        let since = profile?.activated_on?;
        let age = day.0 + 1 - since.0;
        let window = view.usage.window();
        let used = window
            .iter()
            .any(|(on, _)| *on < since && view.usage.active(*on));
        if !(0..=settings.within_days).contains(&age)
            || used
            || within(day, self.welcomed, settings.cooldown_days)
        {
            return None;
        }
        self.welcomed = Some(day);
        let facts = vec![("activated_on", Fact::Date(since))];
        let seen = (f64::from(age), 0.0, "days_since_activation");
        let within = f64::from(settings.within_days);
        Some(firing(WELCOME, settings.strength, seen, within, facts))
    }

    fn anniversary(
        &mut self,
        view: &DayView<'_>,
        profile: Option<&Profile<'_>>,
        settings: &GreetingSettings,
    ) -> Option<Firing> {
        let today = view.today.day + 1;
        let since = profile.and_then(|profile| profile.activated_on)?;
        let (month, of_month) = Days::month_and_day(since);
        let next = Days::next_yearly(today, month, of_month);
        let next = next.filter(|on| Days::years(since, *on) >= settings.years_min);
        let lead = [settings.lead_days];
        let (on, _, _) =
            self.anniversary
                .due(today, next, &lead, settings.cooldown_days, GRACE_DAYS)?;
        let facts = vec![
            ("activated_on", Fact::Date(since)),
            ("anniversary_on", Fact::Date(on)),
        ];
        let seen = (f64::from(Days::years(since, on)), 0.0, "years");
        let least = f64::from(settings.years_min);
        Some(firing(ANNIVERSARY, settings.strength, seen, least, facts))
    }

    fn birthday(
        &mut self,
        view: &DayView<'_>,
        profile: Option<&Profile<'_>>,
        settings: &GreetingSettings,
    ) -> Option<Firing> {
        let today = view.today.day + 1;
        profile?;
        let birthday = profile.and_then(|profile| profile.birthday);
        let next = birthday.and_then(|(month, day)| Days::next_yearly(today, month, day));
        let lead = [settings.lead_days];
        let (on, left, lead) =
            self.birthday
                .due(today, next, &lead, settings.cooldown_days, GRACE_DAYS)?;
        let facts = vec![("birthday_on", Fact::Date(on))];
        let seen = (f64::from(left), 0.0, "days_left");
        Some(firing(
            BIRTHDAY,
            settings.strength,
            seen,
            f64::from(lead),
            facts,
        ))
    }

    fn stars(&mut self, view: &DayView<'_>, settings: &StarSettings) -> Option<Firing> {
        let (day, standing) = (view.today.day, view.standing);
        if !standing.rateable() {
            return None;
        }
        let stars = standing.stars(day, view.rules);
        let before = self.rated.replace(stars)?;
        let news = self
            .risen
            .is_none_or(|(on, risen)| stars > risen || day.0 - on.0 >= settings.cooldown_days);
        if stars <= before || stars < settings.stars_min || !news {
            return None;
        }
        self.risen = Some((day, stars));
        let score = i64::from(standing.credit_score(day, view.rules));
        let facts = vec![("credit_score", Fact::Count(score))];
        let seen = (f64::from(stars), f64::from(before), "stars");
        let least = f64::from(settings.stars_min);
        Some(firing(STARS, settings.strength, seen, least, facts))
    }

    fn overuse(&mut self, view: &DayView<'_>, settings: &OveruseSettings) -> Option<Firing> {
        let day = view.today.day;
        let bills = view.standing.bills.all();
        let row: Vec<&Bill> = bills.iter().rev().take(settings.invoices).collect();
        let used = |bill: &Bill| bill.usage_value.unwrap_or(bill.amount).max(bill.amount).0 as f64;
        let over = |used: f64, fee: Option<Money>| {
            let fen = fee.map_or(0.0, |fee| fee.0 as f64);
            let least = settings.amount_min * 100.0;
            fen > 0.0 && used >= fen * (1.0 + settings.over_share) && used - fen >= least
        };
        let plan = view
            .standing
            .profile()
            .and_then(|profile| profile.plan.as_ref());
        let holds = row.len() == settings.invoices
            && row[0]
                .due_on
                .is_some_and(|due| day.0 - due.0 <= settings.recent_days)
            && row.iter().all(|bill| over(used(bill), bill.plan_fee))
            && plan
                .and_then(|plan| plan.monthly_fee)
                .is_none_or(|fee| over(used(row[0]), Some(fee)));
        let reported = std::mem::replace(&mut self.overused, holds);
        if !holds || (reported && within(day, self.overuse, settings.cooldown_days)) {
            return None;
        }
        self.overuse = Some(day);
        let fee: f64 = row.iter().map(|bill| bill.plan_fee.unwrap().0 as f64).sum();
        let sum: f64 = row.iter().map(|bill| used(bill)).sum();
        let (share, count) = (sum / fee - 1.0, settings.invoices as f64);
        let surplus = (share - settings.over_share) / f64::max(1.0 - settings.over_share, 0.01);
        let strength = settings.strength + (1.0 - settings.strength) * surplus.clamp(0.0, 1.0);
        let facts = vec![
            ("invoices", Fact::Count(settings.invoices as i64)),
            ("latest_period", Fact::Date(row[0].period)),
            ("over_share", Fact::Measure(share)),
        ];
        let seen = (
            sum / 100.0 / count,
            fee / 100.0 / count,
            "amount_per_invoice",
        );
        Some(firing(OVERUSE, strength, seen, settings.over_share, facts))
    }

    fn follow_up(&mut self, view: &DayView<'_>, settings: &FollowUpSettings) -> Option<Firing> {
        let today = view.today.day + 1;
        let saved = self
            .saved
            .filter(|saved| today.0 - saved.0 >= settings.after_days)?;
        self.saved = None;
        let days = f64::from(today.0 - saved.0);
        let facts = vec![("saved_on", Fact::Date(saved))];
        let after = f64::from(settings.after_days);
        Some(firing(
            FOLLOW_UP,
            settings.strength,
            (days, 0.0, "days"),
            after,
            facts,
        ))
    }

    fn callback(&mut self, view: &DayView<'_>, settings: &CallbackSettings) -> Option<Firing> {
        let Some((settled, None)) = view.service_history.answered() else {
            self.settled = None;
            return None;
        };
        let days = view.today.day.0 + 1 - settled.0;
        let in_time = (1..=settings.within_days).contains(&days);
        if self.settled == Some(settled) || !in_time || view.barred(view.today.day) {
            return None;
        }
        self.settled = Some(settled);
        let seen = (f64::from(days), 0.0, "days");
        let facts = vec![("settled_on", Fact::Date(settled))];
        let within = f64::from(settings.within_days);
        Some(firing(CALLBACK, settings.strength, seen, within, facts))
    }

    fn growth(&mut self, view: &DayView<'_>, settings: &GrowthSettings) -> Option<Firing> {
        let day = view.today.day;
        let span = settings.span_days;
        let comparable = |day: Day| view.comparable(day).contains(&DATA);
        if view.usage.mebibytes(day) == 0
            || !comparable(day)
            || view.known_days < 2 * span as usize
            || within(day, self.growth, settings.cooldown_days)
        {
            return None;
        }
        // Volume and share of an ordinary day, of the known days between two ages.
        let days = |from: i32, to: i32| -> Vec<(f64, f64)> {
            let days = (from..to).map(|age| day - age);
            let held = days.filter(|on| comparable(*on) && !view.usage.too_old(*on));
            held.map(|on| (view.usage.mebibytes(on) as f64, view.share(DATA, on)))
                .collect()
        };
        let (after, before) = (days(0, span), days(span, 2 * span));
        let sum = |days: &[(f64, f64)]| {
            let volumes: f64 = days.iter().map(|(volume, _)| volume).sum();
            let shares: f64 = days.iter().map(|(_, share)| share).sum();
            (volumes, shares)
        };
        let ((volume, shares), (earlier, earlier_shares)) = (sum(&after), sum(&before));
        let least = settings.known_days_min;
        if volume < settings.mebibytes_min * after.len() as f64
            || after.len() < least
            || before.len() < least
            || shares <= 0.0
            || earlier_shares <= 0.0
        {
            return None;
        }
        let ordinary = earlier / earlier_shares;
        let expected = ordinary * shares;
        let higher = after
            .iter()
            .filter(|(volume, share)| *volume > ordinary * share)
            .count();
        let close = |(volume, share): &(f64, f64)| *volume > 0.0 && near(*volume, ordinary * share);
        self.undecided |= expected > 0.0 && near(volume, settings.factor * expected);
        self.undecided |= after.iter().any(close);
        if volume < settings.factor * expected || higher < settings.higher_days_min {
            return None;
        }
        self.growth = Some(day);
        let surplus = (volume / (settings.factor * expected.max(1.0)) - 1.0).clamp(0.0, 1.0);
        let strength = settings.strength + (1.0 - settings.strength) * surplus;
        let facts = vec![
            ("known_days", Fact::Count(after.len() as i64)),
            ("higher_days", Fact::Count(higher as i64)),
        ];
        let count = after.len() as f64;
        let seen = (volume / count, expected / count, "mebibytes_per_day");
        let mut firing = firing(GROWTH, strength, seen, settings.factor, facts);
        firing.evidence.window_days = span as u16;
        Some(firing)
    }
}

impl Occasion {
    fn lapse(
        &mut self,
        trigger: &'static str,
        view: &DayView<'_>,
        on: Option<Day>,
        settings: &ExpirySettings,
    ) -> Option<Firing> {
        let today = view.today.day + 1;
        let (on, left, lead) =
            self.due(today, on, &settings.days_before, settings.cooldown_days, 0)?;
        let facts = vec![("expires_on", Fact::Date(on))];
        let seen = (f64::from(left), 0.0, "days_left");
        Some(firing(
            trigger,
            settings.strength,
            seen,
            f64::from(lead),
            facts,
        ))
    }
}

impl AccountView {
    /// Whether both profile and spend are known.
    pub fn rateable(&self) -> bool {
        self.profile().is_some() && self.monthly_spend().is_some()
    }
}
