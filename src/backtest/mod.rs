//! How good rules are on recorded events: the real engine replays them, and its alarms are compared with who left.
//!
//! [`Replay`] runs the engine, [`evaluate`] measures, and [`Report`] prints itself as text, CSV, JSON and a page.
//!
//! # What the figures mean
//!
//! - An **alarm** is a firing of a trigger, whatever the policy made of it; repeats do not count. Its basis is
//!   what the trigger had seen: one event, or a day up to its end. It is raised at the event's time or at the day's close,
//!   usually at 3 o'clock of the next day. An alarm after a record of a cancellation or port-out application costs nobody
//!   any work: it counts for recall, but not among the alarms.
//! - A **stream** is one trigger, or several with a joint cool-down of 30 days: an alarm within 30 days of the last one is
//!   not counted again, unless an onset lies between the two. `usage_drop+zero_usage_days` is such a stream, and `together`
//!   has all churn triggers.
//! - An **onset** is the `from` of a churn label. Its episode lasts until `left_at`, or to the end of the data.
//! - An alarm is **found** if its basis lies in an episode or within 30 days after an onset (a subscriber who left at once
//!   can still be won back), **late** if it lies after the leaving, and **false** if it lies before any onset, so also
//!   during a harmless episode. Precision is found / all. False alarms are counted per 1,000 subscribers and 30 days, over
//!   the days before an onset (the *sound* days).
//! - A false alarm of `usage_drop`, `zero_usage_days`, the two together or a simple rule is **recovered** if use comes back
//!   within the 14 days after the alarm's day (that of its basis): the mean of some seven days in a row, all among these 14,
//!   is at least 0.6 of the old level. It **stayed low** if not: a true change of life that no truth file knows. Where the
//!   data do not have all 14 days it is **not known yet**. The three add up to the false alarms. Use is calls, messages and
//!   data sessions. The old level is the mean daily use of the 28 days before the fall. The fall begins on the day of the
//!   last 28, the alarm's day included, that best divides use before it from use after it: where the running sum of daily
//!   use less its mean is highest, over the 42 days up to the alarm's. So the daily counts decide, and not the rule.
//! - **Delay** has two units. In *data days* it is the number of days from the onset to the basis of the first alarm: the
//!   alarm on three silent days has a delay of 3. In *operator's days* it is counted to the local day on which the alarm is
//!   raised, usually one more. Its median is over the onsets that were ever found. **Recall** within 14 (30) days is the
//!   share of onsets with a delay of at most 14 (30) data days. Onsets less than 14 (30) days before the end of the data are
//!   left out.
//! - **Lead time** is the time from the first alarm of an episode to the last real use, and to the leaving; it is negative
//!   if the alarm came later.
//! - The first 28 days of a subscriber (the warm-up) count nowhere, neither for our rules nor for the simple ones.
//! - Populations: see [`Scope`](cohort::Scope). A subscriber's tier is the one of the last day under the first rules.
//! - `harmless_alarmed_30d` is the share of harmless episodes of a kind with a false alarm before their end and within 30
//!   days. For a holiday week or an outage, compare the false alarms on its days and the seven after with those on usual
//!   days.
//! - **Placebo** compares the same alarms with the same onsets of other, randomly drawn subscribers: what chance would find.
//! - **Intervals** hold 95 % of the values that come out when whole subscribers are drawn anew, with replacement. A share or
//!   rate with fewer than 10 cases, counted or not, has the exact interval of Clopper and Pearson instead: draws from so few
//!   only repeat them. Shares and medians of fewer than 20 cases are in JSON and CSV, with their count, and not printed.
//! - The **frontier** is what a burden of false alarms buys: the first rules' `usage_drop+zero_usage_days` replayed at
//!   several thresholds ([`Sweep`]), and the simple rules at theirs, each with its recall by kind of churn.
//! - **Reliability** is a probability beside the share of what it predicts, in bands with exact intervals. P of a fall is
//!   that of the pair's alarms on regular subscribers: found, or false and stayed low; late alarms and those not known yet
//!   are left out. The churn score is that of every subscriber who has not left, every 30 days, and predicts leaving within
//!   30 days; days less than 30 before the end of the data are left out.
//! - A **sign** is a trigger with a weight in the churn score. Its alarms are compared with who left within the 30 days after
//!   them, whatever the onset: a sign may come before it. **Lift** is that share over the same share of all subscribers.
//! - **Winning back** compares plans and tasks of that purpose with the leavings of the labels; see [`win_back`].
//! - **Simple rules** are those that people build first, on the same daily counts and with the same cool-down. At *equal
//!   burden* their threshold is set so that they raise as many alarms on regular subscribers as the first rules'
//!   `usage_drop+zero_usage_days`; where the threshold has steps, alarms of the last step are dropped at random.
//!
//! Without a truth file, task outcomes `lost`, cancellations and port-out applications tell who left. The onset is then
//! unknown and taken to be 30 days before the leaving: recall says how many leavers had an alarm in that time.

mod aftermath;
mod alarms;
mod bootstrap;
pub mod calibrate;
mod cohort;
mod evaluate;
mod exact;
mod exposure;
mod frontier;
mod labels;
mod line_days;
mod measures;
mod page;
mod recording;
mod reliability;
mod replay;
mod report;
mod roster;
mod scores;
mod signs;
mod simple_rules;
mod statistics;
mod text;
mod unmeasurable;
mod usage;
mod win_back;
mod workload;
mod wrap;

#[cfg(test)]
mod tests;

pub use bootstrap::FEW;
pub use cohort::Cohort;
pub use evaluate::{Settings, evaluate, reliability_of_falls};
pub use frontier::Sweep;
pub use labels::{Label, Labels};
pub use recording::{Recording, Run};
pub use reliability::{Reliability, of_scores as reliability_of_scores};
pub use replay::Replay;
pub use report::Report;
pub use unmeasurable::measurable;
pub use workload::task_rate;
