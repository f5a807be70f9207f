//! What the stable subscribers say together, worked out from all closed days at every question.

use super::usage::CHANNELS;
use churnwatch::engine::Rules;
use churnwatch::model::Day;

/// A subscriber who counts for the population on the day after the last close.
pub struct Stable {
    /// Events on the closed day, by channel.
    pub events: [u64; 2],
    /// What the subscriber knew of itself at the close before.
    pub level: [f64; 2],
    pub excess: [f64; 2],
    pub square: [f64; 2],
}

/// How far the volume of a channel on a day is believed.
#[derive(Clone, Copy, PartialEq)]
pub enum Volume {
    Known,
    Low,
    Incomplete,
    Strange,
    Settling,
    Settled,
}

/// One closed day, by channel.
#[derive(Clone)]
pub struct ClosedDay {
    pub day: Day,
    pub volume: [Volume; 2],
    /// The weekday factor the day was predicted with.
    pub dow: [f64; 2],
    factor: [f64; 2],
    /// Actual over predicted volume, of what the channel was judged by.
    ratio: [f64; 2],
    /// The mean ratio of the days before, where the volume is settling; else 1.
    level: [f64; 2],
    actual: [f64; 2],
    base: [f64; 2],
    dispersion: [f64; 2],
}

#[derive(Default)]
pub struct Population {
    pub days: Vec<ClosedDay>,
    /// A decision over the whole shard fell within rounding of its threshold.
    pub undecided: bool,
}

/// Ratios below, within and beyond these; only those within say something about weekdays by themselves.
const ORDINARY: (f64, f64) = (0.6, 1.6);
/// Days from which another level is learnt.
pub const SETTLING_DAYS: i32 = 14;
/// Rounding the engine may be off by, relative.
const ROUNDING: f64 = 1e-5;

impl Population {
    pub fn close(&mut self, day: Day, complete: bool, stable: &[Stable], rules: &Rules) {
        let prior = rules.population.factor_prior_events;
        let sum = |figure: &dyn Fn(&Stable) -> f64| stable.iter().map(figure).sum::<f64>();
        let weekday = day.weekday();
        let dow = CHANNELS.map(|c| self.dow(c, weekday, rules));
        let actual = CHANNELS.map(|c| sum(&|s| s.events[c] as f64));
        let base = CHANNELS.map(|c| sum(&|s| in_1024ths(s.level[c])));
        let predicted = CHANNELS.map(|c| base[c] * dow[c]);
        let weakest = CHANNELS.map(|c| {
            let factors = (0..7).map(|weekday| self.dow(c, weekday, rules));
            base[c] * factors.fold(f64::MAX, f64::min)
        });
        let dispersion = CHANNELS.map(|c| {
            let before = self.dispersion(c, rules);
            let excess = sum(&|s| in_1024ths(s.excess[c]));
            let square = sum(&|s| in_1024ths(s.square[c]));
            let inverse = (excess + prior / before) / (square + prior);
            if inverse > 0.02 { 1.0 / inverse } else { 50.0 }.clamp(0.05, 50.0)
        });
        let mut closed = ClosedDay {
            day,
            volume: [Volume::Known; 2],
            dow,
            factor: [1.0; 2],
            ratio: [1.0; 2],
            level: [1.0; 2],
            actual,
            base,
            dispersion,
        };
        for c in CHANNELS {
            let fewest = f64::from(rules.population.outage_subscribers);
            // Levels near a 1024th may have fallen into the one beside.
            let between = |s: &&Stable| {
                let in_1024ths = s.level[c] * 1024.0;
                let beside = (in_1024ths - in_1024ths.round()).abs();
                in_1024ths > 0.0 && beside < 1e-5 * in_1024ths.max(1.0)
            };
            let off = stable.iter().filter(between).count() as f64 / 1024.0;
            let off = off / predicted[c].max(0.1) + ROUNDING;
            let close =
                |figure: f64, bound: f64| bound > 0.0 && (figure - bound).abs() <= off * bound;
            let floor = f64::max(ORDINARY.0, rules.population.outage_share);
            let mut undecided = close(predicted[c], fewest);
            let of = match predicted[c] < fewest {
                true => |sums: [f64; 2], _: usize| sums[0] + sums[1],
                false => |sums: [f64; 2], c: usize| sums[c],
            };
            let judged = stable.len() as f64 >= fewest && of(predicted, c) > 0.0;
            if judged {
                let ratio = of(actual, c) / of(predicted, c);
                let bound = rules.population.outage_share * of(weakest, c);
                let low = of(actual, c) < bound;
                undecided |= close(of(actual, c), bound);
                closed.ratio[c] = ratio;
                let before = self.strange_days(c, &closed, rules);
                let most = usize::from(rules.population.outage_days_max);
                let strange = side(ratio, rules) != 0;
                if strange && before.len() >= most {
                    let settled = before.len() + 1 >= most + SETTLING_DAYS as usize;
                    let last = before[..most].iter().map(|day| day.ratio[c]);
                    closed.level[c] = last.sum::<f64>() / most as f64;
                    closed.volume[c] = match settled {
                        true => Volume::Settled,
                        false => Volume::Settling,
                    };
                } else if strange {
                    closed.volume[c] = if low { Volume::Low } else { Volume::Strange };
                }
            }
            let level = closed.level[c];
            closed.factor[c] = (actual[c] + prior * level) / (predicted[c] + prior);
            if !judged {
                closed.ratio[c] = closed.factor[c];
            }
            undecided |= close(closed.ratio[c], floor) || close(closed.ratio[c], ORDINARY.1);
            self.undecided |= undecided;
            if !complete {
                closed.volume[c] = Volume::Incomplete;
            }
        }
        self.days.push(closed);
    }

    /// The days right before one that lay on the same side of the ordinary, newest first.
    fn strange_days(&self, c: usize, closed: &ClosedDay, rules: &Rules) -> Vec<&ClosedDay> {
        let today = side(closed.ratio[c], rules);
        let mut before = Vec::new();
        for day in self.days.iter().rev() {
            match day.volume[c] {
                Volume::Incomplete => continue,
                Volume::Settled => break,
                _ if side(day.ratio[c], rules) != today => break,
                _ => before.push(day),
            }
        }
        before
    }

    /// f of a day in terms of what the baselines know now: of every level learnt since, it is freed.
    pub fn factor(&self, c: usize, closed: &ClosedDay) -> f64 {
        let since = self.days.iter().filter(|later| later.day >= closed.day);
        let learnt = since.filter(|later| later.volume[c] == Volume::Settled);
        learnt.fold(closed.factor[c], |factor, later| {
            factor / later.level[c].clamp(0.01, 100.0)
        })
    }

    pub fn day(&self, day: Day) -> Option<&ClosedDay> {
        self.days.iter().find(|closed| closed.day == day)
    }

    /// Whether what there is of a channel on a day is all there was.
    pub fn known(&self, c: usize, day: Day) -> bool {
        let closed = self.day(day);
        closed.is_some_and(|closed| !matches!(closed.volume[c], Volume::Low | Volume::Incomplete))
    }

    /// Whether anything is known of a day.
    pub fn partly_known(&self, day: Day) -> bool {
        CHANNELS.iter().any(|c| self.known(*c, day))
    }

    /// The channels in which use on a day can be compared with baselines.
    pub fn comparable(&self, day: Day) -> Vec<usize> {
        let closed = self.day(day);
        let comparable = |c: &usize| closed.is_some_and(|it| it.volume[*c] == Volume::Known);
        CHANNELS.into_iter().filter(comparable).collect()
    }

    pub fn dispersion(&self, channel: usize, rules: &Rules) -> f64 {
        let last = self.days.last();
        last.map_or(rules.baseline.dispersion, |day| day.dispersion[channel])
    }

    /// How a weekday compares with an average day, from the days so far that say something about theirs.
    pub fn dow(&self, channel: usize, weekday: usize, rules: &Rules) -> f64 {
        let prior = rules.population.weekday_prior_events;
        let raw = |weekday: usize| {
            let days = self.days.iter().enumerate();
            let lessons = days.filter(|(index, closed)| {
                closed.day.weekday() == weekday && self.teaches(*index, channel, rules)
            });
            // The latest counts whole, every earlier one an eighth less.
            let (mut actual, mut predicted, mut weight) = (0.0, 0.0, 1.0);
            for (_, closed) in lessons.rev() {
                actual += weight * closed.actual[channel];
                predicted += weight * closed.base[channel];
                weight *= 0.875;
            }
            (actual + prior) / (predicted + prior)
        };
        let mean = (0..7).map(raw).sum::<f64>() / 7.0;
        raw(weekday) / mean
    }

    /// An ordinary day does, and a strange one of whose kind the same weekday was a week before.
    fn teaches(&self, index: usize, c: usize, rules: &Rules) -> bool {
        let side_of = |closed: &ClosedDay| match closed.volume[c] {
            Volume::Known | Volume::Low | Volume::Strange => Some(side(closed.ratio[c], rules)),
            _ => None,
        };
        let today = side_of(&self.days[index]);
        let week_before = index.checked_sub(7).map(|before| &self.days[before]);
        today == Some(0) || (today.is_some() && today == week_before.and_then(side_of))
    }
}

/// Below (-1), within (0) or above (1) the ordinary.
fn side(ratio: f64, rules: &Rules) -> i32 {
    if ratio < f64::max(ORDINARY.0, rules.population.outage_share) {
        -1
    } else {
        i32::from(ratio > ORDINARY.1)
    }
}

impl ClosedDay {
    /// The population factor for a stable subscriber, its own share in neither sum.
    pub fn factor_without(&self, c: usize, events: u64, level: f64, rules: &Rules) -> f64 {
        let prior = rules.population.factor_prior_events;
        let actual = self.actual[c] - events as f64;
        let predicted = (self.base[c] - level) * self.dow[c];
        (actual.max(0.0) + prior * self.level[c]) / (predicted.max(0.0) + prior)
    }
}

/// Whether two figures are the same but for rounding.
pub fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= ROUNDING * b.abs()
}

fn in_1024ths(value: f64) -> f64 {
    (value * 1024.0).trunc() / 1024.0
}
