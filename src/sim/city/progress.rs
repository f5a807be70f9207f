//! The mediation's statements of how far each feed is complete.

use super::queue::Queue;
use crate::model::{Feed, Timestamp};
use crate::sim::event::{Body, Event};
use crate::sim::today::Today;

/// How far behind the mediation's statements are, and until how long after an outage they stand still.
const PROGRESS_BEHIND_MS: i64 = 2 * Timestamp::HOUR_MS;
const PROGRESS_RESUMES_MS: i64 = 12 * Timestamp::HOUR_MS;
const PROGRESS_FEEDS: [Feed; 4] = [Feed::Cdr, Feed::Billing, Feed::Subscriber, Feed::Service];
/// The owner of records that belong to no subscriber.
const NOBODY: u32 = u32::MAX;

/// Every hour the mediation states for each feed that nothing older than two hours is missing. Of an outage it knows:
/// the feed's statements stand still at its beginning, until half a day after its end it gives the gap up.
pub fn state_progress(today: &Today, queue: &mut Queue) {
    let config = today.config;
    let (start_ms, end_ms) = today.bounds();
    let begins_ms = today.calendar.start_of(config.start).0;
    let outage_days = config.scenario.outage.on_days.iter();
    let mut outages: Vec<_> = outage_days
        .map(|number| {
            let day = config.start + *number as i32;
            today.start_of(day)..today.start_of(day.next()) + PROGRESS_RESUMES_MS
        })
        .collect();
    outages.sort_by_key(|outage| outage.start);
    let hours = (end_ms - start_ms) / Timestamp::HOUR_MS;
    // After the last day, enough of them for that day to count as complete.
    let over = u32::from(today.number) == config.days;
    for hour in 0..if over { hours.min(13) } else { hours } {
        let at_ms = start_ms + hour * Timestamp::HOUR_MS;
        for (index, feed) in PROGRESS_FEEDS.into_iter().enumerate() {
            let mut complete_until_ms = at_ms - PROGRESS_BEHIND_MS;
            if let Some(outage) = outages.iter().find(|outage| outage.contains(&at_ms))
                && feed == Feed::Cdr
            {
                complete_until_ms = complete_until_ms.min(outage.start);
            }
            if complete_until_ms < begins_ms {
                continue;
            }
            let record = u32::from(today.number) * 25 + hour as u32;
            let event = Event {
                at_ms,
                person: NOBODY,
                record,
                fault: None,
                copy: None,
                body: Body::Progress {
                    feed,
                    complete_until_ms,
                },
            };
            queue.push(at_ms + 100 + index as i64, event);
        }
    }
}
