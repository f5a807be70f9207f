//! How good the rules are on given data: the real engine over recorded events, held against what is known of who left.
//!
//! [`Replay`] runs the engine, [`evaluate`] measures, and [`Report`] prints itself as text, CSV, JSON and a page.
//!
//! # What the figures mean
//!
//! - An **alarm** is a firing of a trigger, whatever the policy made of it; weak signs and repeats are none. It rests on what
//!   had been *seen*: an event, or the judged day to its end. It is *raised* at the event's time or at the day's close,
//!   usually at 3 o'clock of the next day. Where the records had already said that the subscriber has left (a cancellation,
//!   a port-out application), it is nobody's burden: it counts for recall, and not among the alarms.
//! - A **stream** is one trigger, or several with a joint cool-down of 30 days: an alarm within 30 days of the last one is
//!   not counted again, unless an onset lies between the two. `usage_drop+zero_usage_days` is such a stream, and `together`
//!   has all triggers that tell of churn.
//! - An **onset** is the `from` of a churn label; its episode lasts until `left_at`, or to the end of the data.
//! - An alarm is **found** if what it rests on lies in an episode, or on one of the 30 days after an onset (who left at once
//!   can still be won back); **late** if it lies after the leaving; and **false** if it lies before any onset, so also during
//!   a harmless matter. Precision is found / all. False alarms are counted per 1,000 subscribers and 30 days, over the days
//!   before an onset.
//! - **Delay** is counted in days from the onset's day to the day that the first alarm rests on, over the onsets that were
//!   ever found: three silent days after a last use are a delay of 3, and the alarm is raised some hours after the third.
//!   **Recall** within 14 (30) days is the share of onsets with a delay of at most 14 (30); onsets so close to the end that
//!   this cannot be seen are left out.
//! - **Lead time** is from the first alarm of an episode to the last real use, and to the leaving; negative if it came after.
//! - The first 28 days of a subscriber (the days of learning) count nowhere, neither for us nor for the rivals.
//! - Populations: see [`Scope`]. Tiers are those of the last day under the first rules.
//! - `harmless_alarmed_30d`: the share of harmless episodes of a kind with a false alarm before their end and within 30 days.
//!   For a holiday week or an outage: false alarms on its days and the seven after, against those on usual days.
//! - **Placebo**: the same alarms against the same onsets of other, randomly drawn subscribers: what chance would find.
//! - **Intervals** hold 95 % of what comes out when whole subscribers are drawn anew, with replacement.
//! - **Rivals** use the same daily counts and cool-down. At *equal burden* their threshold is turned until they raise as many
//!   alarms on regular subscribers as the first rules' `usage_drop+zero_usage_days`; where it has steps, the last step is
//!   thinned by chance.
//!
//! Without a truth file, task outcomes `lost`, cancellations and port-out applications tell who left, and as the onset is not
//! known, 30 days before the leaving stand for it: recall then says how many leavers were alarmed in that time.

mod alarms;
mod bootstrap;
pub mod calibrate;
mod cohort;
mod evaluate;
mod exposure;
mod labels;
mod measures;
mod page;
mod recording;
mod replay;
mod report;
mod roster;
mod simple_rules;
mod statistics;
mod text;
mod usage;
mod workload;

#[cfg(test)]
mod tests;

pub use cohort::Cohort;
pub use evaluate::{Settings, evaluate};
pub use labels::{Label, Labels};
pub use recording::Recording;
pub use replay::Replay;
pub use report::Report;
