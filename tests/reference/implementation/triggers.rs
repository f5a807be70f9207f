//! Usage, hotlines and arrears, and what the triggers together remember of one subscriber (behaviour: Triggers).

use super::account::AccountView;
use super::care;
use super::churn;
use super::population::near;
use super::usage::CHANNELS;
use super::view::DayView;
use churnwatch::model::{
    Body, CloseReason, Day, Direction, Evidence, Fact, Source, SuspensionReason,
};
use serde::Deserialize;

pub const HOTLINE: &str = "competitor_hotline";
pub const SILENCE: &str = "zero_usage_days";
pub const DROP: &str = "usage_drop";
pub const ARREARS: &str = "arrears";
/// In the order in which they are asked.
pub const ALL: [&str; 13] = [
    SILENCE,
    DROP,
    HOTLINE,
    ARREARS,
    churn::MARKETING,
    churn::CONTRACT,
    churn::COMPLAINT,
    churn::CANCEL,
    churn::PORT_OUT,
    churn::UNDERUSE,
    churn::FORWARDING,
    churn::SHOCK,
    churn::QUALITY,
];

/// Equal days meet their bounds exactly; this much to either side is on the bound.
const TIE: f64 = 1e-3;

/// `[triggers.*]`.
#[derive(Deserialize)]
pub struct Settings {
    competitor_hotline: HotlineSettings,
    zero_usage_days: SilenceSettings,
    usage_drop: DropSettings,
    arrears: ArrearsSettings,
    #[serde(flatten)]
    churn: churn::Settings,
    #[serde(flatten)]
    care: care::Settings,
}

#[derive(Deserialize)]
struct HotlineSettings {
    cooldown_days: u16,
    strengths: Vec<f64>,
}

#[derive(Deserialize)]
struct SilenceSettings {
    run_days_min: usize,
    probability: f64,
    weak_probability: f64,
    uncertainty: f64,
    own_run_factor: f64,
    own_run_days_max: u16,
    own_run_memory_days: f64,
    active_days_min: usize,
    active_window_days: i32,
    strength: f64,
    weak_strength: f64,
}

#[derive(Deserialize)]
struct DropSettings {
    ratio: f64,
    threshold: f64,
    step_min: f64,
    step_max: f64,
    uncertainty: f64,
    today_max: f64,
    known_days_min: usize,
    expected_min: f64,
    cooldown_days: u16,
    report_days: u16,
    strength: f64,
}

#[derive(Deserialize)]
struct ArrearsSettings {
    overdue_days: u16,
    amount_min: f64,
    cooldown_days: u16,
    overdue_strength: f64,
    suspended_strength: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Full,
    Repeat,
    Weak,
    CareOnly,
}

pub struct Firing {
    pub trigger: &'static str,
    pub kind: Kind,
    pub strength: f64,
    pub evidence: Evidence,
}

/// What all triggers together remember of one subscriber.
#[derive(Default)]
pub struct Memory {
    fired: [Option<(Day, u8)>; ALL.len()],
    contacts: usize,
    silence: Silence,
    /// The longest silence that ended, days, as far as it is not forgotten.
    longest: f64,
    steps: Vec<f64>,
    dropped: bool,
    /// A drop was reported, and the line was barred then.
    drop_barred: bool,
    overdue: bool,
    suspended: bool,
    pub churn: churn::Remembered,
    care: care::Memory,
    /// A decision fell within rounding of its threshold: the engine may have decided otherwise.
    pub undecided: bool,
}

/// The running silence.
#[derive(Default)]
struct Silence {
    /// The last one was reported, and the line is barred since.
    barred: bool,
    eligible: Option<bool>,
    weak: bool,
    fired: bool,
}

impl Memory {
    /// The number was given to somebody new.
    pub fn forget(&mut self) {
        *self = Self {
            undecided: self.undecided,
            ..Self::default()
        };
    }

    /// A machine has become a person: what was ordinary is gone.
    pub fn unlearn(&mut self) {
        self.silence = Silence::default();
        self.longest = 0.0;
        self.steps.clear();
        (self.dropped, self.drop_barred) = (false, false);
        for trigger in [SILENCE, DROP] {
            let index = ALL.iter().position(|name| *name == trigger).unwrap();
            self.fired[index] = None;
        }
        self.care.unlearn();
    }

    /// Day and strength (kept in 255ths) of a trigger's last firing.
    pub fn fired(&self, trigger: &str) -> Option<(Day, f64)> {
        let index = ALL.iter().position(|name| *name == trigger)?;
        self.fired[index].map(|(day, strength)| (day, f64::from(strength) / 255.0))
    }

    /// Day of the last rise in use.
    pub fn grew_on(&self) -> Option<Day> {
        self.care.growth
    }

    /// Whether the reason a trigger gave has gone away.
    pub fn recovered(&self, trigger: &str) -> Option<CloseReason> {
        let (holds, reason) = match trigger {
            SILENCE if self.silence.barred => (self.silence.fired, CloseReason::LineBarred),
            SILENCE => (self.silence.fired, CloseReason::UsageRecovered),
            DROP if self.drop_barred => (self.dropped, CloseReason::LineBarred),
            DROP => (self.dropped, CloseReason::UsageRecovered),
            ARREARS => (self.overdue || self.suspended, CloseReason::ArrearsPaid),
            churn::CONTRACT => (self.churn.contract.is_some(), CloseReason::ContractRenewed),
            churn::COMPLAINT => (self.churn.unsettled, CloseReason::ComplaintSettled),
            churn::UNDERUSE => (self.churn.underused.is_some(), CloseReason::UsageRecovered),
            churn::FORWARDING => (self.churn.forwarded, CloseReason::ForwardingEnded),
            churn::QUALITY => (self.churn.poor, CloseReason::QualityRecovered),
            _ => return self.care.recovered(trigger),
        };
        (!holds).then_some(reason)
    }

    pub fn cooling(&self, trigger: &str, day: Day, days: u16) -> bool {
        let fired = self.fired(trigger);
        fired.is_some_and(|(on, _)| day.0 < on.0 + i32::from(days))
    }

    /// Within the cool-down only what is stronger than the last firing is news.
    pub fn news(&self, trigger: &str, strength: f64, day: Day, cooldown_days: u16) -> Option<Kind> {
        let (_, last) = match self.fired(trigger) {
            Some(fired) if self.cooling(trigger, day, cooldown_days) => fired,
            _ => return Some(Kind::Full),
        };
        let stronger = (strength * 255.0).floor() > (last * 255.0).round();
        stronger.then_some(Kind::Repeat)
    }

    /// A trigger that begins anew has never fired.
    pub fn forget_firing(&mut self, trigger: &str) {
        let index = ALL.iter().position(|name| *name == trigger).unwrap();
        self.fired[index] = None;
    }

    pub fn note(&mut self, firing: &Firing, day: Day) {
        let index = ALL.iter().position(|name| *name == firing.trigger).unwrap();
        let in_255ths = firing.strength * 255.0;
        // Strengths worked out from usage may round to either side; those of the configuration may not.
        let between =
            firing.trigger == DROP || (firing.trigger == SILENCE && firing.kind != Kind::Weak);
        self.undecided |=
            between && firing.strength < 1.0 && (in_255ths - in_255ths.round()).abs() < 1e-3;
        let strength = in_255ths as u8;
        self.fired[index] = match (firing.kind, self.fired[index]) {
            (Kind::Repeat, Some((on, before))) => Some((on, before.max(strength))),
            _ => Some((day, strength)),
        };
    }

    /// An event young enough for the immediate triggers.
    pub fn on_event(&mut self, view: &churn::EventView<'_>, settings: &Settings) -> Vec<Firing> {
        let handset = self.care.on_event(view, &settings.care);
        let known = self.standing_event(view, settings);
        let churn = self.churn_event(view, &settings.churn);
        let all: Vec<Firing> = known.into_iter().chain(churn).collect();
        for firing in &all {
            self.note(firing, view.day);
        }
        // In the order of the registry.
        handset.into_iter().chain(all).collect()
    }

    /// Hotlines and suspensions.
    fn standing_event(
        &mut self,
        view: &churn::EventView<'_>,
        settings: &Settings,
    ) -> Option<Firing> {
        let churn::EventView {
            event,
            day,
            source,
            standing,
            rules,
            ..
        } = *view;
        match &event.body {
            Body::Call {
                direction: Direction::Outgoing,
                other,
                ..
            }
            | Body::Message {
                direction: Direction::Outgoing,
                other,
            } => {
                let competitor = rules.competitors.hotline(*other)?;
                self.hotline(competitor, day, source, &settings.competitor_hotline)
            }
            Body::Reactivation(_) => {
                self.suspended &= standing.suspended_on.is_some();
                None
            }
            Body::Suspension(SuspensionReason::Arrears) => {
                self.suspension(day, source, standing, &settings.arrears)
            }
            _ => None,
        }
    }

    fn hotline(
        &mut self,
        competitor: &str,
        day: Day,
        source: &Source,
        settings: &HotlineSettings,
    ) -> Option<Firing> {
        let repeat = self.cooling(HOTLINE, day, settings.cooldown_days);
        self.contacts = if repeat { self.contacts + 1 } else { 1 };
        Some(Firing {
            trigger: HOTLINE,
            kind: if repeat { Kind::Repeat } else { Kind::Full },
            strength: *settings.strengths.get(self.contacts - 1)?,
            evidence: Evidence {
                observed: self.contacts as f64,
                expected: 0.0,
                unit: "contacts".into(),
                window_days: settings.cooldown_days,
                threshold: 1.0,
                facts: vec![("competitor".into(), Fact::Name(competitor.to_owned()))],
                source: Some(source.clone()),
            },
        })
    }

    fn suspension(
        &mut self,
        day: Day,
        source: &Source,
        standing: &AccountView,
        settings: &ArrearsSettings,
    ) -> Option<Firing> {
        // A suspension that was over before its record arrived is no news.
        standing.suspended_on?;
        let reported = std::mem::replace(&mut self.suspended, true);
        if reported && self.cooling(ARREARS, day, settings.cooldown_days) {
            return None;
        }
        Some(Firing {
            trigger: ARREARS,
            kind: Kind::Full,
            strength: settings.suspended_strength,
            evidence: Evidence {
                observed: 1.0,
                expected: 0.0,
                unit: "suspensions".into(),
                window_days: 0,
                threshold: 1.0,
                facts: vec![("suspended_on".into(), Fact::Date(day))],
                source: Some(source.clone()),
            },
        })
    }

    /// A closed day.
    pub fn on_day(&mut self, view: &DayView<'_>, settings: &Settings) -> Vec<Firing> {
        let silence = self.silence(view, &settings.zero_usage_days);
        self.note_day(&silence, view);
        let drop = self.drop(view, &settings.usage_drop);
        self.note_day(&drop, view);
        let arrears = self.arrears(view, &settings.arrears);
        self.note_day(&arrears, view);
        let churn = self.churn_day(view, &settings.churn);
        let care = self.care.on_day(view, &settings.care);
        self.undecided |= self.care.undecided;
        let known = silence.into_iter().chain(drop).chain(arrears);
        known.chain(churn).chain(care).collect()
    }

    fn note_day(&mut self, firing: &Option<Firing>, view: &DayView<'_>) {
        if let Some(firing) = firing {
            self.note(firing, view.today.day);
        }
    }

    fn silence(&mut self, view: &DayView<'_>, settings: &SilenceSettings) -> Option<Firing> {
        let day = view.today.day;
        let last_active = view.usage.last_active();
        if last_active >= Some(day) {
            self.silence = Silence::default();
            if view.is_comparable() && view.usage.active(day) {
                self.learn_silence(view, settings);
            }
            return None;
        }
        if view.barred(day) {
            self.silence = Silence {
                barred: self.silence.fired || self.silence.barred,
                ..Silence::default()
            };
            return None;
        }
        if self.silence.fired || self.silence.eligible == Some(false) || !view.is_comparable() {
            return None;
        }
        // No run is longer than the window.
        let earliest = day - i32::from(view.rules.window.days);
        let since = last_active.map_or(earliest, |last| last.max(earliest));
        let run = (0..day.0 - since.0).map(|age| day - age);
        let mut run: Vec<Day> = run.take_while(|day| !view.barred(*day)).collect();
        run.retain(|day| !view.comparable(*day).is_empty());
        if run.len() < settings.run_days_min {
            self.silence = Silence::default();
            return None;
        }
        if self.silence.eligible.is_none() {
            let before = (0..settings.active_window_days).map(|age| since - age);
            let active = before.filter(|day| view.usage.active(*day)).count();
            self.silence.eligible = Some(active >= settings.active_days_min);
        }
        if self.silence.eligible == Some(false) {
            return None;
        }
        let (mut expected, mut improbability) = (0.0, 0.0);
        for channel in CHANNELS {
            let k = view.dispersion(channel, settings.uncertainty);
            for day in run
                .iter()
                .filter(|day| view.comparable(**day).contains(&channel))
            {
                let mu = view.expected(channel, *day);
                expected += mu;
                improbability += k * (1.0 + mu / k).ln();
            }
        }
        let threshold = -settings.probability.ln();
        let weak_threshold = -settings.weak_probability.ln();
        self.undecided |= near(improbability, threshold) || near(improbability, weak_threshold);
        let own = settings.own_run_factor * self.longest;
        let usual = own.min(f64::from(settings.own_run_days_max)) - TIE;
        self.undecided |= near(run.len() as f64, usual);
        let outlasted = run.len() as f64 >= usual;
        let (kind, strength, threshold) = if improbability > threshold && outlasted {
            let surplus = f64::min(improbability / threshold - 1.0, 1.0);
            self.silence.fired = true;
            let strength = settings.strength + (1.0 - settings.strength) * surplus;
            (Kind::Full, strength, threshold)
        } else if improbability > weak_threshold && !self.silence.weak {
            (Kind::Weak, settings.weak_strength, weak_threshold)
        } else {
            return None;
        };
        self.silence.weak = true;
        let mut facts = vec![
            ("improbability".into(), Fact::Measure(improbability)),
            ("last_active_on".into(), Fact::Date(since)),
        ];
        if self.longest > 0.0 {
            facts.push(("longest_run_days".into(), Fact::Measure(self.longest)));
        }
        Some(Firing {
            trigger: SILENCE,
            kind,
            strength,
            evidence: Evidence {
                observed: 0.0,
                expected: expected / run.len() as f64,
                unit: "events_per_day".into(),
                window_days: run.len() as u16,
                threshold,
                facts,
                source: None,
            },
        })
    }

    /// An active day, and perhaps the end of a silence.
    fn learn_silence(&mut self, view: &DayView<'_>, settings: &SilenceSettings) {
        let day = view.today.day;
        let before = (1..i32::from(view.rules.window.days)).map(|age| day - age);
        let silent = before.take_while(|day| !view.usage.active(*day));
        let known = silent.filter(|day| view.comparable(*day).len() == 2);
        let known = known.count();
        let ended = known.min(view.known_days.saturating_sub(1));
        self.longest -= self.longest / settings.own_run_memory_days;
        if ended >= settings.run_days_min {
            self.longest = self.longest.max(ended as f64);
        }
    }

    fn drop(&mut self, view: &DayView<'_>, settings: &DropSettings) -> Option<Firing> {
        let day = view.today.day;
        if view.barred(day) {
            self.steps.clear();
            self.drop_barred |= std::mem::take(&mut self.dropped);
        }
        if !view.is_comparable() || view.known_days < settings.known_days_min {
            return None;
        }
        let channels = view.comparable(day);
        let level: f64 = channels.iter().map(|c| view.baselines[*c].level).sum();
        let least = settings.expected_min - TIE;
        self.undecided |= near(level, least);
        if level < least {
            return None;
        }
        let r = settings.ratio;
        let evidence = |channel: usize| {
            let x = view.usage.events(channel, day) as f64;
            let mu = view.expected(channel, day);
            let k = view.dispersion(channel, settings.uncertainty);
            x * r.ln() - (x + k) * ((k + r * mu) / (k + mu)).ln()
        };
        let step: f64 = channels.iter().map(|c| evidence(*c)).sum();
        self.steps
            .push(step.clamp(settings.step_min, settings.step_max));
        let sum = self.steps.iter().fold(0.0, |sum: f64, step| {
            (sum + step).clamp(0.0, 2.0 * settings.threshold)
        });
        let alarm = settings.threshold + TIE;
        let calm = settings.threshold / 2.0 - TIE;
        self.undecided |= near(sum, alarm) || near(sum, calm);
        if sum < calm {
            self.dropped = false;
        }
        let used = channels.iter().map(|c| view.usage.events(*c, day));
        let used = used.sum::<u64>() as f64;
        let expected: f64 = channels.iter().map(|c| view.expected(*c, day)).sum();
        let limit = settings.today_max * expected + TIE;
        self.undecided |= sum > alarm && near(used, limit);
        if sum <= alarm
            || used > limit
            || (self.dropped && self.cooling(DROP, day, settings.cooldown_days))
        {
            return None;
        }
        self.dropped = true;
        self.drop_barred = false;
        let days = (0..i32::from(settings.report_days)).map(|age| day - age);
        let days: Vec<Day> = days
            .filter(|day| !view.comparable(*day).is_empty())
            .collect();
        let (mut observed, mut expected) = (0.0, 0.0);
        for day in &days {
            for channel in view.comparable(*day) {
                observed += view.usage.events(channel, *day) as f64 / days.len() as f64;
                expected += view.expected(channel, *day) / days.len() as f64;
            }
        }
        let depth = (1.0 - observed / expected / r).clamp(0.0, 1.0);
        Some(Firing {
            trigger: DROP,
            kind: Kind::Full,
            strength: settings.strength + (1.0 - settings.strength) * depth,
            evidence: Evidence {
                observed,
                expected,
                unit: "events_per_day".into(),
                window_days: settings.report_days,
                threshold: settings.threshold,
                facts: vec![
                    ("evidence".into(), Fact::Measure(sum)),
                    ("known_days".into(), Fact::Count(days.len() as i64)),
                ],
                source: None,
            },
        })
    }

    fn arrears(&mut self, view: &DayView<'_>, settings: &ArrearsSettings) -> Option<Firing> {
        let day = view.today.day;
        self.suspended &= view.standing.suspended_on.is_some();
        let limit = i32::from(settings.overdue_days);
        let overdue = view.standing.bills.overdue(day, limit);
        let enough = |owed: churnwatch::model::Money| owed.0 as f64 / 100.0 >= settings.amount_min;
        let Some((due_on, owed)) = overdue.filter(|(_, owed)| enough(*owed)) else {
            self.overdue = false;
            return None;
        };
        let reported = self.overdue || self.suspended;
        if reported && self.cooling(ARREARS, day, settings.cooldown_days) {
            return None;
        }
        self.overdue = true;
        Some(Firing {
            trigger: ARREARS,
            kind: Kind::Full,
            strength: settings.overdue_strength,
            evidence: Evidence {
                observed: f64::from(day.0 - due_on.0),
                expected: 0.0,
                unit: "days_overdue".into(),
                window_days: 0,
                threshold: f64::from(settings.overdue_days),
                facts: vec![
                    ("owed".into(), Fact::Amount(owed)),
                    ("due_on".into(), Fact::Date(due_on)),
                ],
                source: None,
            },
        })
    }
}
