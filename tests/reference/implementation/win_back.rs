//! Lost customers (behaviour: Winning back).

use super::account::AccountView;
use super::care::firing;
use super::days::Days;
use super::triggers::Firing;
use super::view::DayView;
use churnwatch::engine::Rules;
use churnwatch::engine::settings::Consent;
use churnwatch::model::{
    CloseReason, Day, Fact, Motive, OutcomeResult, Purpose, TaskOutcome, Tier,
};
use serde::Deserialize;

pub const WIN_BACK: &str = "win_back";
pub const WELCOME: &str = "welcome_back";

/// Days before the end of a hold in which use shows that the number is still here.
const PORTED_DAYS: i32 = 7;

/// `[triggers.*]` of these.
#[derive(Deserialize)]
pub struct Settings {
    win_back: PlanSettings,
    welcome_back: WelcomeSettings,
}

#[derive(Deserialize)]
struct PlanSettings {
    key_days: Vec<i32>,
    ordinary_days: Vec<i32>,
    small_quarterly: bool,
    strength: f64,
}

#[derive(Deserialize)]
struct WelcomeSettings {
    after_days: i32,
    strength: f64,
}

/// What a task of one of these is for.
pub fn purpose(trigger: &str) -> Option<Purpose> {
    match trigger {
        WIN_BACK => Some(Purpose::WinBack),
        WELCOME => Some(Purpose::Care),
        _ => None,
    }
}

/// What those who spoke to a customer said of the last talks to keep it, and to win it back.
#[derive(Clone, Default)]
pub struct Said {
    kept: Option<(OutcomeResult, Day)>,
    won: Option<(OutcomeResult, Day)>,
    stated: Option<Motive>,
    confirmed: Option<Motive>,
}

impl Said {
    pub fn learn(&mut self, purpose: Purpose, said: &TaskOutcome<'_>, day: Day) {
        let Some(result) = said.result.filter(|it| *it != OutcomeResult::Unreachable) else {
            return;
        };
        match purpose {
            Purpose::Churn => self.kept = Some((result, day)),
            Purpose::WinBack => self.won = Some((result, day)),
            Purpose::Care | Purpose::Grow => return,
        }
        let named = |text: &Option<_>| text.as_deref().map(super::outcomes::motive);
        self.stated = named(&said.stated_reason).or(self.stated);
        self.confirmed = named(&said.confirmed_reason).or(self.confirmed);
        if self.last().is_none() {
            *self = Self::default();
        }
    }

    fn given_up(&self) -> Option<Day> {
        let lost = |(result, _): &(OutcomeResult, Day)| *result == OutcomeResult::Lost;
        self.kept.filter(lost).map(|(_, day)| day)
    }

    fn refused(&self) -> Option<Day> {
        let refused = |(result, _): &(OutcomeResult, Day)| *result == OutcomeResult::Refused;
        self.kept.filter(refused).map(|(_, day)| day)
    }

    fn unwilling(&self) -> Option<Day> {
        let no = |(result, _): &(OutcomeResult, Day)| {
            matches!(result, OutcomeResult::Refused | OutcomeResult::Lost)
        };
        self.won.filter(no).map(|(_, day)| day)
    }

    fn last(&self) -> Option<Day> {
        let words = [self.given_up(), self.refused(), self.unwilling()];
        words.into_iter().flatten().max()
    }

    /// What is too old is forgotten, unless it belongs to a loss that still counts.
    pub fn forget_old(&mut self, view: &DayView<'_>) {
        let keep = i32::from(view.rules.policy.win_back.keep_days);
        let day = view.today.day;
        let counts = loss(view).is_some_and(|loss| !loss.over);
        let old = self.last().is_some_and(|last| day.0 - last.0 >= keep);
        if old && !counts {
            *self = Self::default();
        }
    }
}

struct Loss {
    kind: &'static str,
    on: Day,
    over: bool,
    /// Nobody may ask before this day, or ever.
    from: Option<Day>,
}

fn loss(view: &DayView<'_>) -> Option<Loss> {
    let (standing, rules, day) = (view.standing, view.rules, view.today.day);
    let used_on = view.usage.last_active();
    let (kind, on) = lost_since(view, standing, rules)?;
    if ["closed", "ported"].contains(&kind) && used_on > Some(on) {
        return None;
    }
    let policy = &rules.policy.win_back;
    let allowed = match policy.consent {
        Consent::Nobody => false,
        Consent::Agreed => standing.agreed,
        Consent::NotRefused => true,
    };
    let mut from = vec![on];
    from.extend(
        standing
            .applied_on()
            .map(|on| on + i32::from(rules.policy.mnp_hold_days)),
    );
    if kind == "ported" {
        from.push(on + i32::from(policy.after_port_days));
    }
    let never = kind == "ported" && policy.after_port_days == 0;
    let unwilling = view.said.unwilling().is_some_and(|said| said >= on);
    Some(Loss {
        kind,
        on,
        over: day.0 - on.0 >= i32::from(policy.keep_days),
        from: from
            .into_iter()
            .max()
            .filter(|_| allowed && !never && !unwilling),
    })
}

fn lost_since(
    view: &DayView<'_>,
    standing: &AccountView,
    rules: &Rules,
) -> Option<(&'static str, Day)> {
    let day = view.today.day;
    let used_on = view.usage.last_active();
    let hold = i32::from(rules.policy.mnp_hold_days);
    let cancelled_on = standing.cancelled_on();
    if let Some(applied) = standing.applied_on() {
        match cancelled_on {
            Some(on) if applied <= on && on < applied + hold => return Some(("ported", on)),
            Some(_) => {}
            None => {
                let silent = used_on.is_some_and(|used| used < applied + (hold - PORTED_DAYS));
                if silent && day >= applied + hold {
                    return Some(("ported", applied));
                }
            }
        }
    }
    if let Some(on) = cancelled_on {
        return Some(("closed", on));
    }
    let (kind, on) = match standing.suspended_on {
        Some(since) => {
            let days = i32::from(rules.policy.churned_after_suspended_days);
            ("arrears", since + days)
        }
        None => {
            let since = used_on?.max(view.said.given_up()?);
            if standing.is_barred_now() {
                return None;
            }
            (
                "silent",
                since + i32::from(rules.policy.win_back.silent_days),
            )
        }
    };
    (on <= day).then_some((kind, on))
}

/// What is remembered of one subscriber.
#[derive(Default)]
pub struct Plans {
    asked_for: Option<Day>,
    returned: bool,
    asked: Option<Day>,
    missed: bool,
    back_since: Option<Day>,
}

impl Plans {
    pub fn recovered(&self) -> Option<CloseReason> {
        match (self.asked_for, self.returned) {
            (Some(_), _) => None,
            (None, true) => Some(CloseReason::Returned),
            (None, false) => Some(CloseReason::OccasionOver),
        }
    }

    pub fn on_day(&mut self, view: &DayView<'_>, settings: &Settings) -> Vec<Firing> {
        let asked = self.plan(view, &settings.win_back);
        let welcomed = self.welcome(view, &settings.welcome_back);
        asked.into_iter().chain(welcomed).collect()
    }

    fn plan(&mut self, view: &DayView<'_>, settings: &PlanSettings) -> Option<Firing> {
        let loss = loss(view);
        let planned = self.asked_for.take();
        self.returned = false;
        let Some((loss, from)) = loss
            .as_ref()
            .filter(|loss| !loss.over)
            .and_then(|loss| Some((loss, loss.from?)))
        else {
            match planned.is_some() && loss.is_none() {
                true => self.returned = true,
                false => self.asked = None,
            }
            return None;
        };
        self.asked_for = Some(loss.on);
        let (day, today) = (view.today.day, view.today.day + 1);
        let steps = match view.standing.tier(day, view.rules) {
            Tier::Key => settings
                .key_days
                .iter()
                .map(|days| loss.on + *days)
                .collect(),
            Tier::Ordinary => settings
                .ordinary_days
                .iter()
                .map(|days| loss.on + *days)
                .collect(),
            Tier::Small if settings.small_quarterly => {
                let quarter = (0..92).map(|age| today - age).find(|day| {
                    let (month, of_month) = Days::month_and_day(*day);
                    of_month == 1 && [1, 4, 7, 10].contains(&month)
                });
                vec![quarter.unwrap()]
            }
            Tier::Small => vec![],
        };
        let steps = steps
            .into_iter()
            .filter(|due| loss.on < *due && *due <= today);
        let due = steps.max()?.max(from);
        let already = self.asked.is_some_and(|asked| due <= asked + 1);
        if due > today || already || view.barred(day) {
            return None;
        }
        self.asked = Some(day);
        let mut facts = vec![
            ("lost_on", Fact::Date(loss.on)),
            ("loss", Fact::Name(loss.kind.to_owned())),
        ];
        let reason = view.said.confirmed.or(view.said.stated);
        facts.extend(reason.map(|motive| ("reason", Fact::Name(motive.name().to_owned()))));
        facts.extend(view.said.refused().map(|on| ("refused_on", Fact::Date(on))));
        let seen = (f64::from(today.0 - loss.on.0), 0.0, "days");
        let threshold = f64::from(due.0 - loss.on.0);
        Some(firing(WIN_BACK, settings.strength, seen, threshold, facts))
    }

    fn welcome(&mut self, view: &DayView<'_>, settings: &WelcomeSettings) -> Option<Firing> {
        if let Some(loss) = loss(view) {
            (self.missed, self.back_since) = (!loss.over, None);
            return None;
        }
        let day = view.today.day;
        if std::mem::take(&mut self.missed) {
            self.back_since = Some(day);
        }
        let since = self.back_since?;
        let days = day.0 + 1 - since.0;
        if days < settings.after_days {
            return None;
        }
        self.back_since = None;
        let facts = vec![("returned_on", Fact::Date(since))];
        let seen = (f64::from(days), 0.0, "days");
        let least = f64::from(settings.after_days);
        Some(firing(WELCOME, settings.strength, seen, least, facts))
    }
}
