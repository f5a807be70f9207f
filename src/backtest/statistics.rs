//! How irregular the people of the data are, beside what real logs say (behaviour: How irregular people are).

use super::bootstrap::{FEW, quantile};
use super::cohort::Cohort;
use super::usage::UsageRow;
use serde::Serialize;

/// One statistic of the population.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistic {
    /// Its name.
    pub name: String,
    /// Its value in these data; nothing where there were too few.
    pub value: Option<f64>,
    /// What it was taken from: users, days or runs.
    pub count: u64,
    /// Of real people (behaviour: How irregular people are), as a range or a figure.
    pub real: &'static str,
}

impl Statistic {
    /// The value as it is printed; nothing if it rests on too few.
    pub fn printed(&self) -> Option<String> {
        let value = self.value.filter(|_| self.count >= FEW)?;
        Some(if value >= 1_000.0 {
            format!("{value:.0}")
        } else {
            format!("{value:.2}")
        })
    }
}

/// Silences that begin this close to the end of the data may still end: they say nothing about coming back.
const CENSORED_DAYS: usize = 45;
/// As in the published logs: at least this many days between first and last call or message. A silence that begins earlier
/// says nothing about coming back either: whoever did not is no user here.
const SPAN_DAYS: usize = 30;

/// The statistics of all users but machines with at least one call or message a day on average.
pub fn statistics(cohort: &Cohort<'_>) -> Vec<Statistic> {
    let rows = &cohort.recording.rows;
    let mut seen = Seen::default();
    for subscriber in 0..cohort.recording.roster.len() as u32 {
        let machine = cohort.recording.machines.get(subscriber as usize);
        if machine.copied().unwrap_or(false) {
            continue;
        }
        seen.add(&rows.row(subscriber));
    }
    seen.report()
}

#[derive(Default)]
struct Seen {
    users: usize,
    days: usize,
    means: Vec<f64>,
    k: Vec<f64>,
    spread: Vec<f64>,
    lag: Vec<f64>,
    silent_share: f64,
    silent: usize,
    silent_with_data: usize,
    ended: [usize; RUNS.len()],
    reached: [usize; RETURNS.len()],
    returned: [usize; RETURNS.len()],
}

const RUNS: [(usize, &str); 4] = [
    (3, "500 to 700"),
    (5, "80 to 190"),
    (7, "15 to 100"),
    (14, "0 to 35"),
];
const RETURNS: [(usize, &str); 6] = [
    (3, "0.94"),
    (5, "0.80"),
    (7, "0.69"),
    (10, "0.53"),
    (14, "0.43"),
    (21, "0.29"),
];

impl Seen {
    fn add(&mut self, row: &UsageRow<'_>) {
        let first = row.voice.iter().position(|n| *n > 0);
        let last = row.voice.iter().rposition(|n| *n > 0);
        let (Some(first), Some(last)) = (first, last) else {
            return;
        };
        let days = &row.voice[first..=last];
        let (mean, variance, lag) = moments(days);
        if days.len() < SPAN_DAYS || mean < 1.0 {
            return;
        }
        self.users += 1;
        self.days += days.len();
        self.means.push(mean);
        self.k.push(mean * mean / (variance - mean).max(1e-9));
        self.spread.push(variance / mean);
        self.lag.extend(lag);
        let silent = days.iter().filter(|n| **n == 0).count();
        self.silent_share += silent as f64 / days.len() as f64;
        self.silent += silent;
        let data = row.data.get(first..=last).unwrap_or_default();
        let filled = days.iter().zip(data).filter(|(v, d)| **v == 0 && **d > 0);
        self.silent_with_data += filled.count();
        self.runs(&row.voice[first..]);
    }

    /// Runs of silent days, the last one perhaps without an end.
    fn runs(&mut self, days: &[u8]) {
        let mut begin = None;
        for (day, count) in days.iter().enumerate() {
            match (begin, *count) {
                (None, 0) => begin = Some(day),
                (Some(from), 1..) => {
                    self.run(days.len(), from, day - from, true);
                    begin = None;
                }
                _ => {}
            }
        }
        if let Some(from) = begin {
            self.run(days.len(), from, days.len() - from, false);
        }
    }

    fn run(&mut self, days: usize, from: usize, length: usize, ended: bool) {
        for (index, (least, _)) in RUNS.iter().enumerate() {
            self.ended[index] += usize::from(ended && length >= *least);
        }
        for (index, (least, _)) in RETURNS.iter().enumerate() {
            if length >= *least && (SPAN_DAYS..days.saturating_sub(CENSORED_DAYS)).contains(&from) {
                self.reached[index] += 1;
                self.returned[index] += usize::from(ended);
            }
        }
    }

    fn report(mut self) -> Vec<Statistic> {
        let statistic = |name: String, value, count: usize, real| Statistic {
            name,
            value,
            count: count as u64,
            real,
        };
        let users = self.users as f64;
        let share = |of: f64, among: f64| (among > 0.0).then(|| of / among);
        let mean = |values: &[f64]| share(values.iter().sum(), values.len() as f64);
        let (means, spread) = (mean(&self.means), mean(&self.spread));
        let median = |values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            quantile(values, 0.5)
        };
        let mut all = vec![
            statistic(
                "calls and messages a day, mean of users".to_owned(),
                means,
                self.users,
                "",
            ),
            statistic(
                "negative-binomial k, median".to_owned(),
                median(&mut self.k),
                self.users,
                "0.65 to 1.2",
            ),
            statistic(
                "variance / mean, median".to_owned(),
                median(&mut self.spread),
                self.users,
                "7 to 8",
            ),
            statistic(
                "variance / mean, mean".to_owned(),
                spread,
                self.users,
                "7 to 8",
            ),
            statistic(
                "correlation with the day before, median".to_owned(),
                median(&mut self.lag),
                self.lag.len(),
                "0.1 to 0.25",
            ),
            statistic(
                "silent days, share".to_owned(),
                share(self.silent_share, users),
                self.users,
                "0.19 to 0.30",
            ),
            statistic(
                "silent days with data sessions, share".to_owned(),
                share(self.silent_with_data as f64, self.silent as f64),
                self.silent,
                "most",
            ),
        ];
        let per = 30_000.0 / (self.days as f64).max(1.0);
        for ((least, real), ended) in RUNS.iter().zip(self.ended) {
            let name =
                format!("silent runs of {least} days and more that ended, per 1,000 and 30 days");
            let value = (self.days > 0).then_some(ended as f64 * per);
            all.push(statistic(name, value, ended, real));
        }
        let returns = self.reached.iter().zip(self.returned);
        for ((least, real), (reached, returned)) in RETURNS.iter().zip(returns) {
            let name = format!("P(comes back | silent {least} days)");
            all.push(statistic(
                name,
                share(returned as f64, *reached as f64),
                *reached,
                real,
            ));
        }
        all
    }
}

/// Mean, variance and, where there is any variance, the correlation with the day before.
fn moments(counts: &[u8]) -> (f64, f64, Option<f64>) {
    let n = counts.len() as f64;
    let mean = counts.iter().map(|c| f64::from(*c)).sum::<f64>() / n;
    let off = |c: &u8| f64::from(*c) - mean;
    let variance = counts.iter().map(|c| off(c) * off(c)).sum::<f64>() / n;
    let pairs = counts.iter().zip(counts.iter().skip(1));
    let together = pairs.map(|(a, b)| off(a) * off(b)).sum::<f64>() / (n - 1.0).max(1.0);
    (
        mean,
        variance,
        (variance > 0.0).then(|| together / variance),
    )
}
