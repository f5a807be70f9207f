use super::bucket::UsageChannel;
use crate::engine::codec::Problem;
use crate::engine::settings::{BaselineRules, PopulationRules};
use crate::model::Day;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use xxhash_rust::xxh3::Xxh3;

/// What the stable subscribers of a shard say together: how a day compares with what their baselines predict, how
/// weekdays differ, how irregular people are, and whether a day's feed is to be believed (behaviour: Outage guard).
///
/// Sums are integers, so that the order in which subscribers are visited cannot change a result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Population {
    /// Facts of the closed days still in the window, oldest first.
    days: VecDeque<DayFacts>,
    /// As many as the window has; follows from the rules.
    #[serde(skip)]
    days_max: usize,
    /// Prediction for the day after the last close, growing while its subscribers are visited.
    next: Cohort,
    weekdays: [[Weekday; 7]; UsageChannel::COUNT],
    dispersion: [f64; UsageChannel::COUNT],
}

/// A closed day, as the whole shard saw it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DayFacts {
    /// The day.
    pub day: Day,
    /// How far the volume is to be believed, by channel.
    pub volume: [Volume; UsageChannel::COUNT],
    /// Weekday factor by channel, as it was before the day itself taught it: what f(D) was worked out with.
    pub weekday: [f64; UsageChannel::COUNT],
    /// Population factor f(D) by channel.
    pub factor: [f64; UsageChannel::COUNT],
    /// What f(D) is drawn to: 1, or the level the volume has had for days.
    level: [f64; UsageChannel::COUNT],
    /// Events of the stable subscribers.
    actual: [u64; UsageChannel::COUNT],
    /// What their baselines predicted.
    predicted: [f64; UsageChannel::COUNT],
    /// The one over the other.
    ratio: [f64; UsageChannel::COUNT],
}

/// How far the volume of a channel on a day is to be believed (behaviour: Outage guard).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Volume {
    /// It is known, and a subscriber's use can be compared with the baseline.
    Known,
    /// Unknown: too low to be true.
    Low,
    /// Unknown: the mediation has not stated that it is complete.
    Incomplete,
    /// Known, but too far from ordinary to say anything about a single subscriber.
    Strange,
    /// Strange for days: it may be another level for good.
    Settling,
    /// The last of those days: every baseline is learnt anew from them.
    Settled,
}

/// Where a day's volume lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Below,
    Ordinary,
    Above,
}

/// Sums over the stable subscribers, in fixed point where they are fractions.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Cohort {
    subscribers: u32,
    levels: [i64; UsageChannel::COUNT],
    excess: [i64; UsageChannel::COUNT],
    square: [i64; UsageChannel::COUNT],
    actual: [u64; UsageChannel::COUNT],
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Weekday {
    actual: f64,
    predicted: f64,
    /// Compared with an average day.
    factor: f64,
}

impl Weekday {
    const UNKNOWN: Self = Self {
        actual: 0.0,
        predicted: 0.0,
        factor: 1.0,
    };
}

/// Units per event in the fixed-point sums.
const FIXED: f64 = 1024.0;
/// A weekday's past counts this much less with every new one.
const WEEKDAY_DECAY: f64 = 0.875;
/// Ratios of actual to predicted volume that are ordinary. Days beyond (holidays, outages) say nothing about weekdays.
const ORDINARY: std::ops::RangeInclusive<f64> = 0.6..=1.6;
/// Days for which another level of the volume is watched before the baselines learn it.
pub const SETTLING_DAYS: i32 = 14;
/// The largest change of level, either way, so that nothing divides by what has vanished.
const STEP_MAX: f64 = 100.0;

impl Population {
    /// Nothing learnt yet.
    pub fn new(window_days: u16, baseline: &BaselineRules) -> Self {
        Self {
            days: VecDeque::new(),
            days_max: usize::from(window_days),
            next: Cohort::default(),
            weekdays: [[Weekday::UNKNOWN; 7]; UsageChannel::COUNT],
            dispersion: [baseline.dispersion; UsageChannel::COUNT],
        }
    }

    /// Closes a day's sums into facts and starts those of the next. `complete` is what the mediation says, if it does.
    pub fn close(&mut self, day: Day, complete: bool, rules: &PopulationRules) -> DayFacts {
        let cohort = std::mem::take(&mut self.next);
        let base = cohort.levels.map(|sum| sum as f64 / FIXED);
        let weekday = UsageChannel::ALL.map(|c| self.weekdays[c as usize][day.weekday()].factor);
        let mut facts = DayFacts {
            day,
            volume: [Volume::Known; UsageChannel::COUNT],
            weekday,
            factor: [1.0; UsageChannel::COUNT],
            level: [1.0; UsageChannel::COUNT],
            actual: cohort.actual,
            predicted: std::array::from_fn(|c| base[c] * weekday[c]),
            ratio: [1.0; UsageChannel::COUNT],
        };
        for c in UsageChannel::ALL.map(|channel| channel as usize) {
            self.judge(c, &mut facts, cohort.subscribers, rules);
            if !complete {
                facts.volume[c] = Volume::Incomplete;
            }
            let mass = cohort.square[c] as f64 / FIXED + rules.factor_prior_events;
            if mass > 0.0 {
                let prior = rules.factor_prior_events / self.dispersion[c];
                let inverse = (cohort.excess[c] as f64 / FIXED + prior) / mass;
                self.dispersion[c] = (1.0 / inverse.max(0.02)).clamp(0.05, 50.0);
            }
        }
        for c in UsageChannel::ALL.map(|channel| channel as usize) {
            if self.teaches_weekday(c, &facts, rules) {
                let weekday = &mut self.weekdays[c][day.weekday()];
                weekday.actual = weekday.actual * WEEKDAY_DECAY + cohort.actual[c] as f64;
                weekday.predicted = weekday.predicted * WEEKDAY_DECAY + base[c];
                normalise(&mut self.weekdays[c], rules.weekday_prior_events);
            }
        }
        self.days.push_back(facts);
        for c in UsageChannel::ALL.map(|channel| channel as usize) {
            if facts.volume[c] == Volume::Settled {
                self.take_level(c, facts.level[c]);
            }
        }
        self.keep(self.days_max);
        self.days.back().copied().unwrap_or(facts)
    }

    /// Settles how far the volume of a channel is to be believed, and the factor that follows.
    fn judge(&self, c: usize, facts: &mut DayFacts, subscribers: u32, rules: &PopulationRules) {
        let actual = facts.actual.map(|events| events as f64);
        // Some days of the week may be much weaker than others, and a holiday is like the weakest.
        let weakest = std::array::from_fn(|c| {
            let factors = self.weekdays[c].iter().map(|weekday| weekday.factor);
            facts.predicted[c] / facts.weekday[c] * factors.fold(f64::INFINITY, f64::min)
        });
        let fewest = rules.outage_subscribers;
        // A channel with too little to judge it by is judged by both together.
        let alone = facts.predicted[c] >= f64::from(fewest);
        let of = |sums: [f64; UsageChannel::COUNT]| if alone { sums[c] } else { sums.iter().sum() };
        let judged = subscribers >= fewest && of(facts.predicted) > 0.0;
        if judged {
            facts.ratio[c] = of(actual) / of(facts.predicted);
            let (side, days_max) = (facts.side(c, rules), usize::from(rules.outage_days_max));
            let days = self.days_on(side, c, rules) + 1;
            let low = of(actual) < rules.outage_share * of(weakest);
            facts.volume[c] = match side {
                Side::Ordinary => Volume::Known,
                _ if days >= days_max + SETTLING_DAYS as usize => Volume::Settled,
                _ if days > days_max => Volume::Settling,
                _ if low => Volume::Low,
                _ => Volume::Strange,
            };
            if days > days_max && side != Side::Ordinary {
                facts.level[c] = self.level(c, days_max);
            }
        }
        let (prior, level) = (rules.factor_prior_events, facts.level[c]);
        facts.factor[c] = ratio(actual[c], facts.predicted[c], level, prior);
        if !judged {
            facts.ratio[c] = facts.factor[c];
        }
    }

    /// The days the mediation has completed, newest first.
    fn complete_days(&self, c: usize) -> impl Iterator<Item = &DayFacts> {
        let days = self.days.iter().rev();
        days.filter(move |facts| facts.volume[c] != Volume::Incomplete)
    }

    /// How many days, up to the last one, lay on a side of the ordinary one after the other, since a level was learnt.
    fn days_on(&self, side: Side, c: usize, rules: &PopulationRules) -> usize {
        let same =
            |facts: &&DayFacts| facts.volume[c] != Volume::Settled && facts.side(c, rules) == side;
        self.complete_days(c).take_while(same).count()
    }

    /// The mean ratio of the last days.
    fn level(&self, c: usize, days: usize) -> f64 {
        let ratios = self.complete_days(c).take(days).map(|facts| facts.ratio[c]);
        ratios.sum::<f64>() / days as f64
    }

    /// Whether a day says something about its weekday: an ordinary one does, and one that is strange in the same way as
    /// the same weekday a week before.
    fn teaches_weekday(&self, c: usize, facts: &DayFacts, rules: &PopulationRules) -> bool {
        let strange = |facts: &DayFacts| match facts.volume[c] {
            Volume::Known | Volume::Low | Volume::Strange => Some(facts.side(c, rules)),
            Volume::Incomplete | Volume::Settling | Volume::Settled => None,
        };
        let Some(side) = strange(facts) else {
            return false;
        };
        let week_before = || self.facts(facts.day - 7).and_then(strange);
        side == Side::Ordinary || week_before() == Some(side)
    }

    /// The baselines learn a level anew: what the days of the window say of everybody is said in terms of it.
    fn take_level(&mut self, c: usize, level: f64) {
        let step = level.clamp(1.0 / STEP_MAX, STEP_MAX);
        for facts in &mut self.days {
            facts.factor[c] /= step;
        }
    }

    /// Keeps the facts of so many days from now on.
    pub fn keep(&mut self, window_days: usize) {
        self.days_max = window_days;
        let surplus = self.days.len().saturating_sub(window_days);
        self.days.drain(..surplus);
    }

    /// Refuses what the engine would never write of days closed up to `closed`.
    pub fn check(&self, closed: Day) -> Result<(), Problem> {
        let days = self.days.iter().zip(self.days.iter().skip(1));
        if !days
            .into_iter()
            .all(|(day, next)| next.day == day.day.next())
        {
            return Err("has closed days out of order");
        }
        if self.days.back().is_some_and(|last| last.day != closed) {
            return Err("has a last closed day of which it knows nothing");
        }
        Ok(())
    }

    /// Adds what the stable subscribers have done so far to a fingerprint.
    pub fn digest(&self, to: &mut Xxh3) {
        let sums = self
            .next
            .levels
            .iter()
            .chain(&self.next.excess)
            .chain(&self.next.square);
        sums.for_each(|sum| to.update(&sum.to_le_bytes()));
        let counted = self.next.actual.iter();
        counted.for_each(|events| to.update(&events.to_le_bytes()));
        let dispersion = self.dispersion.iter();
        dispersion.for_each(|k| to.update(&k.to_bits().to_le_bytes()));
    }

    /// Counts a stable subscriber for the day after the one being closed.
    pub fn enrol(
        &mut self,
        levels: [f64; UsageChannel::COUNT],
        spreads: [(f64, f64); UsageChannel::COUNT],
    ) {
        self.next.subscribers = self.next.subscribers.saturating_add(1);
        for c in UsageChannel::ALL.map(|channel| channel as usize) {
            let next = &mut self.next;
            next.levels[c] = next.levels[c].saturating_add(fixed(levels[c]));
            next.excess[c] = next.excess[c].saturating_add(fixed(spreads[c].0));
            next.square[c] = next.square[c].saturating_add(fixed(spreads[c].1));
        }
    }

    /// Counts events of a stable subscriber on the day after the last close.
    pub fn count(&mut self, channel: UsageChannel, events: u32) {
        let actual = &mut self.next.actual[channel as usize];
        *actual = actual.saturating_add(u64::from(events));
    }

    /// Facts of a closed day still in the window.
    #[inline]
    pub fn facts(&self, day: Day) -> Option<&DayFacts> {
        let newest = self.days.back()?;
        let age = usize::try_from(newest.day.since(day)).ok()?;
        self.days.get(self.days.len().checked_sub(age + 1)?)
    }

    /// Facts of the closed days up to one, newest first.
    pub fn until(&self, day: Day) -> impl Iterator<Item = &DayFacts> {
        let newest_first = self.days.iter().rev();
        newest_first.skip_while(move |facts| facts.day > day)
    }

    /// How a day's weekday compares with an average day.
    pub fn weekday(&self, channel: UsageChannel, day: Day) -> f64 {
        self.weekdays[channel as usize][day.weekday()].factor
    }

    /// Whether a subscriber was silent on no more than so many comparable days before the end of `day`.
    pub fn active_within(&self, days_max: usize, last_active: Day, day: Day) -> bool {
        let silent = self.until(day).take_while(|facts| facts.day > last_active);
        let comparable = |facts: &&DayFacts| UsageChannel::ALL.iter().all(|c| facts.comparable(*c));
        silent.filter(comparable).nth(days_max).is_none()
    }

    /// Dispersion k of the population in a channel.
    pub fn dispersion(&self, channel: UsageChannel) -> f64 {
        self.dispersion[channel as usize]
    }
}

impl DayFacts {
    /// Whether what there is of a channel is all there was.
    #[inline]
    pub fn known(&self, c: UsageChannel) -> bool {
        !matches!(self.volume[c as usize], Volume::Low | Volume::Incomplete)
    }

    /// Whether anything is known of the day.
    pub fn partly_known(&self) -> bool {
        UsageChannel::ALL.iter().any(|c| self.known(*c))
    }

    /// Whether a subscriber's use of a channel can be compared with the baseline.
    pub fn comparable(&self, c: UsageChannel) -> bool {
        self.volume[c as usize] == Volume::Known
    }

    fn side(&self, c: usize, rules: &PopulationRules) -> Side {
        match self.ratio[c] {
            ratio if ratio < rules.outage_share.max(*ORDINARY.start()) => Side::Below,
            ratio if ratio > *ORDINARY.end() => Side::Above,
            _ => Side::Ordinary,
        }
    }

    /// How the day compares with an average one for everybody: weekday and population factor together.
    pub fn share(&self, c: UsageChannel) -> f64 {
        self.weekday[c as usize] * self.factor[c as usize]
    }

    /// The population factor without one stable subscriber's own share in it, so that nobody excuses themselves.
    pub fn factor_without(
        &self,
        c: UsageChannel,
        events: u32,
        level: f64,
        rules: &PopulationRules,
    ) -> f64 {
        let c = c as usize;
        let actual = self.actual[c].saturating_sub(u64::from(events)) as f64;
        let predicted = self.predicted[c] - level * self.weekday[c];
        ratio(actual, predicted, self.level[c], rules.factor_prior_events)
    }
}

/// Draws the factors of a week towards 1 and makes 1 their mean.
fn normalise(week: &mut [Weekday; 7], prior: f64) {
    let raw = week.map(|w| ratio(w.actual, w.predicted, 1.0, prior));
    let mean = raw.iter().sum::<f64>() / 7.0;
    for (weekday, raw) in week.iter_mut().zip(raw) {
        weekday.factor = raw / mean;
    }
}

/// Actual over predicted, drawn towards a level by the weight of `prior` events; 1 where nothing was predicted.
fn ratio(actual: f64, predicted: f64, level: f64, prior: f64) -> f64 {
    let predicted = predicted.max(0.0) + prior;
    if predicted > 0.0 {
        (actual + prior * level) / predicted
    } else {
        1.0
    }
}

fn fixed(value: f64) -> i64 {
    (value * FIXED) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(prior: f64) -> PopulationRules {
        PopulationRules {
            outage_share: 0.3,
            outage_subscribers: 20,
            outage_days_max: 3,
            factor_prior_events: prior,
            weekday_prior_events: prior,
        }
    }

    fn population() -> Population {
        let baseline = BaselineRules {
            memory_days: 30.0,
            lag_days: 7,
            dispersion: 0.9,
            dispersion_prior_days: 30.0,
            after_bar_days: 3,
            absence_below: 0.15,
        };
        Population::new(35, &baseline)
    }

    /// Twenty subscribers who are expected to have 50 events each; `events` of them happen.
    fn close(population: &mut Population, day: i32, events: u32, rules: &PopulationRules) {
        for _ in 0..20 {
            population.enrol([50.0, 0.0], [(2_500.0, 2_500.0), (0.0, 0.0)]);
            population.count(UsageChannel::Voice, events);
        }
        population.close(Day(day), true, rules);
    }

    #[test]
    fn the_share_of_a_day_is_what_was_seen_of_it() {
        let (mut population, rules) = (population(), rules(1.0));
        // Every fourth day of the week is a quiet one.
        for day in 0..35 {
            let events = if day % 7 == 3 { 35 } else { 50 };
            close(&mut population, day, events, &rules);
            let share = population
                .facts(Day(day))
                .unwrap()
                .share(UsageChannel::Voice);
            let seen = f64::from(events) / 50.0;
            assert!((share - seen).abs() < 1e-3, "day {day}: {share} of {seen}");
        }
        let facts = population.facts(Day(31)).unwrap();
        assert!(facts.weekday[0] < 0.8 && (0.95..1.05).contains(&facts.factor[0]));
    }

    #[test]
    fn without_any_prior_nothing_predicted_is_an_ordinary_day() {
        let (mut population, rules) = (population(), rules(0.0));
        for day in 0..7 {
            population.close(Day(day), true, &rules);
        }
        close(&mut population, 7, 40, &rules);
        close(&mut population, 8, 50, &rules);
        let facts = *population.facts(Day(8)).unwrap();
        let shares = UsageChannel::ALL.map(|channel| facts.share(channel));
        assert!(shares.iter().all(|share| (share - 1.0).abs() < 1e-9));
        assert!(population.dispersion.iter().all(|k| k.is_finite()));
    }
}
