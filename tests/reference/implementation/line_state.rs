//! What a line may be doing (behaviour: State of a line).

use super::population::near;
use super::triggers::{DROP, Firing, Kind, SILENCE};
use super::view::DayView;
use churnwatch::model::{CloseReason, Day, Evidence, Fact};
use serde::Deserialize;
use std::collections::BTreeMap;

const STATES: [&str; 8] = [
    "normal",
    "drift",
    "short_absence",
    "long_absence",
    "drop",
    "stop",
    "decay",
    "trickle",
];
const FALLS: [&str; 4] = ["drop", "stop", "decay", "trickle"];
/// Equal days meet the least expectation exactly; this much to either side is on the bound.
const TIE: f64 = 1e-3;
const CHANNELS: [(&str, usize); 2] = [("voice", 0), ("data", 1)];

/// `[line_state]`.
#[derive(Deserialize)]
pub struct Settings {
    known_days_min: usize,
    expected_min: f64,
    uncertainty: f64,
    absence_silent: f64,
    silent_days_min: usize,
    deeper_days: i32,
    cleared_below: f64,
    worry_factor: f64,
    pub worry_days: u16,
    threshold: BTreeMap<String, BTreeMap<String, f64>>,
    voice: BTreeMap<String, f64>,
    data: BTreeMap<String, f64>,
    onset: BTreeMap<String, f64>,
    back: BTreeMap<String, f64>,
    turns: BTreeMap<String, f64>,
}

impl Settings {
    fn left(&self, channel: usize, state: &str) -> f64 {
        let table = if channel == 0 {
            &self.voice
        } else {
            &self.data
        };
        match state {
            "normal" => 1.0,
            "short_absence" | "long_absence" | "trickle" => table["absence"],
            state => table[state],
        }
    }

    fn moves(&self, from: &str, to: &str, worried: bool) -> f64 {
        let onset = |to: &str| match worried && FALLS.contains(&to) {
            true => self.worry_factor * self.onset[to],
            false => self.onset[to],
        };
        match (from, to) {
            (from, to) if from == to => {
                let others = STATES.iter().filter(|other| **other != from);
                1.0 - others
                    .map(|other| self.moves(from, other, worried))
                    .sum::<f64>()
            }
            ("normal", to) => onset(to),
            (from, "normal") => self.back[from],
            ("drift", to) => onset(to),
            ("short_absence" | "long_absence", "stop") => self.turns["absence_to_stop"],
            ("drop", "stop") => self.turns["drop_to_stop"],
            ("stop", "drop") => self.turns["stop_to_drop"],
            ("decay", "drop") => self.turns["decay_to_drop"],
            _ => 0.0,
        }
    }
}

/// What is believed of a line.
#[derive(Default)]
pub struct Line {
    /// Eighths of a bit by state; nothing before the first day that is judged.
    weights: Option<BTreeMap<&'static str, u8>>,
    /// The trigger that reported a fall that lasts, and the day.
    reported: Option<(&'static str, Day)>,
    /// A fall was reported, then the line was barred.
    barred: bool,
    /// A weight was last rounded by so little that the engine may have rounded it the other way.
    doubtful: Option<Day>,
    pub undecided: bool,
}

/// Days after which a doubtful rounding is forgotten.
const DOUBT_DAYS: i32 = 30;

impl Line {
    pub fn recovered(&self) -> Option<CloseReason> {
        match self.reported {
            Some(_) => None,
            None if self.barred => Some(CloseReason::LineBarred),
            None => Some(CloseReason::UsageRecovered),
        }
    }

    /// Begins anew, but for what rounding may have decided.
    pub fn forget(&mut self) {
        *self = Self {
            undecided: self.undecided,
            ..Self::default()
        };
    }

    /// Takes in a closed day.
    pub fn on_day(
        &mut self,
        view: &DayView<'_>,
        worried: bool,
        settings: &Settings,
        strengths: &BTreeMap<&'static str, f64>,
    ) -> Option<Firing> {
        let day = view.today.day;
        if view.barred(day) {
            let barred = self.barred || self.reported.is_some();
            self.forget();
            self.barred = barred;
        }
        if !view.is_comparable() || view.known_days < settings.known_days_min {
            return None;
        }
        let likely = self.filter(view, worried, settings);
        let fall: f64 = FALLS.iter().map(|state| likely[state]).sum();
        let log_odds = |p: f64| (p / (1.0 - p)).ln();
        let since = self.doubtful.filter(|since| day.0 - since.0 <= DOUBT_DAYS);
        let margin = if since.is_some() { 0.3 } else { 1e-4 };
        let mut close = |p: f64, bound: f64| {
            self.undecided |= (log_odds(p) - log_odds(bound)).abs() < margin;
        };
        close(fall, settings.cleared_below);
        if fall < settings.cleared_below {
            (self.reported, self.barred) = (None, false);
            return None;
        }
        let channels = view.comparable(day);
        let level: f64 = channels.iter().map(|c| view.baselines[*c].level).sum();
        let least = settings.expected_min - TIE;
        let trigger = if likely["stop"] >= fall / 2.0 {
            SILENCE
        } else {
            DROP
        };
        let tier = view.standing.tier(day, view.rules).name();
        let threshold = settings.threshold[trigger][tier];
        let again = match self.reported {
            None => true,
            Some((before, on)) => {
                before == DROP && trigger == SILENCE && day.0 - on.0 >= settings.deeper_days
            }
        };
        let waits = self.reported.is_none_or(|(before, _)| before == DROP);
        if waits {
            close(fall, threshold);
            if fall > 0.9 * threshold {
                close(likely["stop"] / fall, 0.5);
            }
            self.undecided |= near(level, least);
        }
        let window = (0..i32::from(view.rules.window.days)).map(|age| day - age);
        let last = window.filter(|day| !view.comparable(*day).is_empty());
        let mut last = last.take(view.known_days.min(settings.silent_days_min));
        let too_early = trigger == SILENCE && last.any(|day| view.usage.active(day));
        if level < least || !again || fall < threshold || too_early {
            return None;
        }
        self.undecided |= since.is_some();
        self.reported = Some((trigger, day));
        self.barred = false;
        let surplus = ((fall - threshold) / (1.0 - threshold)).min(1.0);
        let strength = strengths[trigger];
        Some(Firing {
            trigger,
            kind: Kind::Full,
            strength: strength + (1.0 - strength) * surplus,
            evidence: evidence(&likely, threshold, view, settings),
        })
    }

    /// Use of the day after a closed one ends the fall, if the day so far makes it unlikely enough.
    pub fn on_return(
        &mut self,
        logs: [f64; 8],
        day: Day,
        events: u64,
        worried: bool,
        settings: &Settings,
    ) {
        if self.reported.is_none() || events == 0 {
            return;
        }
        let weights = self.weights.clone();
        let likely = self.step(logs, day, events, worried, settings);
        self.weights = weights;
        let fall: f64 = FALLS.iter().map(|state| likely[state]).sum();
        let log_odds = |p: f64| (p / (1.0 - p)).ln();
        let off = log_odds(fall) - log_odds(settings.cleared_below);
        self.undecided |= off.abs() < if self.doubtful.is_some() { 0.3 } else { 1e-4 };
        if fall < settings.cleared_below {
            self.reported = None;
        }
    }

    fn filter(
        &mut self,
        view: &DayView<'_>,
        worried: bool,
        settings: &Settings,
    ) -> BTreeMap<&'static str, f64> {
        let day = view.today.day;
        let logs = STATES.map(|state| log_likelihood(state, day, view, settings));
        let events = view.usage.events(0, day) + view.usage.events(1, day);
        self.step(logs, day, events, worried, settings)
    }

    fn step(
        &mut self,
        logs: [f64; 8],
        day: Day,
        events: u64,
        worried: bool,
        settings: &Settings,
    ) -> BTreeMap<&'static str, f64> {
        let before = |state: &str| match &self.weights {
            None => f64::from(if state == "normal" { 0 } else { 255 }),
            Some(weights) => f64::from(weights[state]),
        };
        let most = logs.into_iter().fold(f64::MIN, f64::max);
        let of = |log: f64| f64::max(log - most, -25.0).exp();
        let [.., stop, _, _] = logs;
        let mut likely = BTreeMap::new();
        for (to, log) in STATES.into_iter().zip(logs) {
            let moved = STATES
                .map(|from| settings.moves(from, to, worried) * 2_f64.powf(-before(from) / 8.0));
            // An absence is silent on some days.
            let silent = match to {
                "short_absence" | "long_absence" => settings.absence_silent,
                _ => 0.0,
            };
            let likelihood = silent * of(stop) + (1.0 - silent) * of(log);
            likely.insert(to, moved.into_iter().sum::<f64>() * likelihood);
        }
        let all: f64 = likely.values().sum();
        likely.values_mut().for_each(|p| *p /= all);
        let off = 5e-6 * (5.0 + events as f64);
        let mut weights = BTreeMap::new();
        for (state, p) in &likely {
            let exact = -8.0 * p.log2();
            let rounded = (exact + 0.5).floor();
            if exact < 200.0 && (exact + 0.5 - (exact + 0.5).round()).abs() < off {
                self.doubtful = Some(day);
            }
            weights.insert(*state, rounded.clamp(0.0, 255.0) as u8);
        }
        self.weights = Some(weights);
        likely
    }
}

/// The negative binomial of the day's use, up to what all states have in common.
fn log_likelihood(state: &str, day: Day, view: &DayView<'_>, settings: &Settings) -> f64 {
    let channels = view.comparable(day).into_iter();
    let of = |channel: usize| {
        let mu = view.expected(channel, day);
        let x = view.usage.events(channel, day) as f64;
        let k = view.dispersion(channel, settings.uncertainty);
        in_channel(settings.left(channel, state), x, mu, k)
    };
    channels.map(of).sum()
}

fn in_channel(f: f64, x: f64, mu: f64, k: f64) -> f64 {
    match mu > 0.02 {
        true => x * f.ln() - (x + k) * ((k + f * mu) / (k + mu)).ln(),
        false => 0.0,
    }
}

/// What the use so far of a day says that is not closed, with `(x, mu, k)` by channel.
pub fn so_far(channels: [(u64, f64, f64); 2], settings: &Settings) -> [f64; 8] {
    STATES.map(|state| {
        let both = (0..).zip(channels);
        both.map(|(channel, (x, mu, k))| {
            let k = k / (1.0 + settings.uncertainty * k);
            in_channel(settings.left(channel, state), x as f64, mu, k)
        })
        .sum()
    })
}

fn evidence(
    likely: &BTreeMap<&'static str, f64>,
    threshold: f64,
    view: &DayView<'_>,
    settings: &Settings,
) -> Evidence {
    let today = view.today.day;
    let most = FALLS
        .iter()
        .fold(0.0, |most, fall| f64::max(most, likely[fall]));
    let state = FALLS.into_iter().find(|fall| likely[fall] == most).unwrap();
    let window = i32::from(view.rules.window.days);
    let all = (0..window).map(|age| today - age);
    let known: Vec<Day> = all
        .filter(|day| !view.comparable(*day).is_empty())
        .take(view.known_days)
        .collect();
    let says = |day: &Day| {
        let channels = view.comparable(*day).into_iter();
        channels.map(|c| view.expected(c, *day)).any(|mu| mu > 0.02)
    };
    let telling: Vec<Day> = known.iter().copied().filter(says).collect();
    // The fall began where the days from then on say most for it.
    let said = |days: usize| {
        let days = telling[..days].iter();
        days.map(|day| log_likelihood(state, *day, view, settings))
            .sum::<f64>()
    };
    // A stop is no longer than the silence.
    let silent = telling.iter().take_while(|day| !view.usage.active(**day));
    let longest = match state {
        "stop" => silent.count().max(1),
        _ => telling.len(),
    };
    let run = (1..=longest)
        .max_by(|a, b| said(*a).total_cmp(&said(*b)))
        .unwrap();
    let (mut observed, mut expected) = (0.0, 0.0);
    for day in &telling[..run] {
        for channel in view.comparable(*day) {
            observed += view.usage.events(channel, *day) as f64 / run as f64;
            expected += view.expected(channel, *day) / run as f64;
        }
    }
    let mut facts: Vec<_> = STATES
        .into_iter()
        .map(|state| (format!("p_{state}").into(), Fact::Measure(likely[state])))
        .collect();
    facts.push(("since".into(), Fact::Date(telling[run - 1])));
    let oldest = today - (window.min(35) - 1);
    facts.push(("history_from".into(), Fact::Date(oldest)));
    let history = || (oldest.0..=today.0).map(Day);
    let first = *known.last().unwrap();
    for (name, channel) in CHANNELS {
        let seen = history().map(|day| {
            let is_known = day >= first && view.comparable(day).contains(&channel);
            is_known.then(|| view.usage.events(channel, day) as f32)
        });
        let expected =
            history().map(|day| (day >= first).then(|| view.expected(channel, day) as f32));
        facts.push((format!("{name}_seen").into(), Fact::Series(seen.collect())));
        facts.push((
            format!("{name}_expected").into(),
            Fact::Series(expected.collect()),
        ));
    }
    Evidence {
        observed,
        expected,
        unit: "events_per_day".into(),
        window_days: run as u16,
        threshold,
        facts,
        source: None,
    }
}
