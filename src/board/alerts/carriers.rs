//! One carrier for each receiver: it takes what waits in a lane to where it belongs. All run on one thread.

use super::bucket::Bucket;
use super::figures::Figures;
use super::http::Post;
use super::lane::{Answer, Item, Lane, Pace, Packet, Report, Slots};
use super::mail::Mail;
use super::note::{Writer, task_url};
use crate::board::status::Status;
use crate::board::words::Language;
use crate::config::{Config, ReceiverKind, ReceiverSettings};
use crate::runtime::clock;
use crate::telemetry::troubles;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// How often it is looked whether something waits for long.
const LOOK_MS: i64 = 1_000;

/// What a carrier is told.
pub enum Order {
    /// A further alert.
    Say(Item),
    /// What waits is somebody else's now.
    Forget,
    /// The receiver wants alerts again, or no more.
    Want(bool),
}

/// All carriers. They end when dropped.
pub struct Carriers {
    orders: Vec<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Carriers {
    /// Starts them.
    ///
    /// # Errors
    /// A receiver's client cannot be made, or the thread cannot be started.
    pub fn start(
        config: &Config,
        status: &Arc<Status>,
        figures: &Arc<Figures>,
        reports: &Sender<(usize, Report)>,
    ) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let (mut orders, mut carriers) = (Vec::new(), Vec::new());
        for (receiver, (name, settings)) in config.board.alerts.receivers.iter().enumerate() {
            let way = Way::new(config, status, settings);
            let (order, taken) = unbounded_channel();
            orders.push(order);
            carriers.push(Carrier {
                receiver,
                name: name.clone(),
                lane: Lane::new(pace(config, settings), &config.board.alerts),
                way: Arc::new(way.map_err(|error| format!("the receiver `{name}`: {error}"))?),
                orders: taken,
                reports: reports.clone(),
                figures: Arc::clone(figures),
            });
        }
        let run = move || {
            runtime.block_on(async {
                let mut running = JoinSet::new();
                for carrier in carriers {
                    running.spawn(carrier.run());
                }
                while running.join_next().await.is_some() {}
            });
        };
        let thread = std::thread::Builder::new().name("board-carriers".to_owned());
        let thread = thread.spawn(run).map_err(|error| error.to_string())?;
        Ok(Self {
            orders,
            thread: Some(thread),
        })
    }

    /// Tells a carrier something.
    pub fn tell(&self, receiver: usize, order: Order) {
        if let Some(orders) = self.orders.get(receiver) {
            // It fails if the carriers have ended, and then nobody waits for what they do.
            let _ = orders.send(order);
        }
    }

    /// What waits is somebody else's now.
    pub fn forget(&self) {
        for receiver in 0..self.orders.len() {
            self.tell(receiver, Order::Forget);
        }
    }
}

impl Drop for Carriers {
    fn drop(&mut self) {
        self.orders.clear();
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("the carriers of alerts have panicked");
        }
    }
}

/// What a receiver takes, unless the configuration says otherwise: messages in any minute, and at once. WeCom and DingTalk take
/// 20 a minute; Feishu 100, and 5 in a second; Slack one a second. A mailbox wants one a minute at most.
fn limit(kind: ReceiverKind) -> (u32, u32) {
    match kind {
        ReceiverKind::Webhook => (0, 0),
        ReceiverKind::Wecom | ReceiverKind::Dingtalk => (20, 5),
        ReceiverKind::Feishu => (100, 3),
        ReceiverKind::Slack => (60, 1),
        ReceiverKind::Mail => (1, 1),
    }
}

fn pace(config: &Config, settings: &ReceiverSettings) -> Pace {
    let (usual, burst) = limit(settings.kind);
    let per_minute = settings.per_minute.unwrap_or(usual);
    let burst = if burst == 0 { per_minute / 4 } else { burst };
    let daily = settings.daily.then(|| {
        let zone = TimeZone::get(config.rules.calendar.zone()).unwrap_or(TimeZone::UTC);
        let hour = i8::try_from(config.board.alerts.daily_hour).unwrap_or_default();
        let slots: Slots = Arc::new(move |after| next_hour(&zone, hour, after));
        slots
    });
    Pace {
        single: settings.kind == ReceiverKind::Webhook,
        bucket: (per_minute > 0).then(|| Bucket::new(per_minute, burst)),
        daily,
    }
}

/// When a local hour begins the next time after some moment.
fn next_hour(zone: &TimeZone, hour: i8, after: i64) -> i64 {
    let now = jiff::Timestamp::from_millisecond(after).unwrap_or_default();
    let today = now.to_zoned(zone.clone()).date();
    let days = [0, 1, 2].into_iter().filter_map(|days| {
        let day = today.checked_add(jiff::Span::new().days(days)).ok()?;
        let at = day.at(hour, 0, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(at.timestamp().as_millisecond())
    });
    days.into_iter()
        .find(|at| *at > after)
        .unwrap_or(after + 86_400_000)
}

/// How a receiver is reached.
struct Way {
    config: Config,
    status: Arc<Status>,
    language: Language,
    to: To,
}

enum To {
    Program(Post),
    Bot(Post),
    Boxes(Mail),
}

impl Way {
    fn new(
        config: &Config,
        status: &Arc<Status>,
        settings: &ReceiverSettings,
    ) -> Result<Self, String> {
        let timeout = Duration::from_secs(config.board.alerts.timeout_seconds.into());
        let language = Language::of(&settings.language).or(Language::of(&config.board.language));
        Ok(Self {
            config: config.clone(),
            status: Arc::clone(status),
            language: language.unwrap_or(Language::Chinese),
            to: match settings.kind {
                ReceiverKind::Webhook => To::Program(Post::new(settings, timeout)?),
                ReceiverKind::Mail => {
                    To::Boxes(Mail::new(&config.board.alerts.mail, &settings.to, timeout)?)
                }
                _ => To::Bot(Post::new(settings, timeout)?),
            },
        })
    }

    async fn go(&self, packet: &Packet, now: i64) -> Answer {
        let alerts: Vec<_> = packet.items.iter().map(|item| &*item.alert).collect();
        if let (To::Program(post), [alert]) = (&self.to, &alerts[..]) {
            return post
                .webhook(alert, &task_url(&self.config, &alert.task_id), now)
                .await;
        }
        let writer = Writer {
            config: &self.config,
            now: self.status.now(),
            language: self.language,
        };
        let note = writer.note(&alerts);
        match &self.to {
            To::Program(post) | To::Bot(post) => post.message(&note, now).await,
            To::Boxes(mail) => mail.send(packet, &note).await,
        }
    }
}

struct Carrier {
    receiver: usize,
    name: String,
    lane: Lane,
    way: Arc<Way>,
    orders: UnboundedReceiver<Order>,
    reports: Sender<(usize, Report)>,
    figures: Arc<Figures>,
}

impl Carrier {
    async fn run(mut self) {
        let mut flying: JoinSet<(Packet, Answer)> = JoinSet::new();
        loop {
            let now = clock::now().0;
            while let Some(packet) = self.lane.next(now) {
                let way = Arc::clone(&self.way);
                flying.spawn(async move {
                    let answer = way.go(&packet, now).await;
                    (packet, answer)
                });
            }
            let late = self.lane.look(now);
            self.report(late);
            let pause = (self.lane.wake(now) - now).clamp(1, LOOK_MS);
            // Nothing frees the lane but what is on its way.
            let pause = if flying.is_empty() { pause } else { LOOK_MS };
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => return,
                },
                Some(done) = flying.join_next() => if let Ok((packet, answer)) = done {
                    self.answered(packet, answer);
                },
                () = tokio::time::sleep(Duration::from_millis(pause.unsigned_abs())) => {}
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Say(item) => self.lane.push(item, clock::now().0),
            Order::Forget => self.lane.clear(),
            Order::Want(wanted) => self.lane.set_gone(!wanted),
        }
    }

    fn answered(&mut self, packet: Packet, answer: Answer) {
        if answer != Answer::Taken {
            self.figures.not_taken(self.receiver);
        }
        let kind = format!("alerts {}", self.name);
        match &answer {
            Answer::Taken => troubles::over(&kind, "the receiver takes alerts again"),
            Answer::Gone => {
                let text = "the receiver wants no alerts any more; the board's page of alerts lets it be asked again";
                troubles::warn(&format!("{kind} gone"), text);
            }
            Answer::Busy(reason, _) | Answer::Refused(reason) => {
                troubles::warn(
                    &kind,
                    &format!("the receiver did not take an alert, which waits: {reason}"),
                );
            }
        }
        let reports = self.lane.answered(packet, answer, clock::now().0, dice());
        self.report(reports);
    }

    fn report(&self, reports: Vec<Report>) {
        for report in reports {
            // It fails if nobody waits for it any more.
            let _ = self.reports.send((self.receiver, report));
        }
        self.figures.change(self.receiver, |figures| {
            figures.retried = self.lane.retried;
            figures.waiting = self.lane.len();
            figures.failing = self.lane.is_failing();
            figures.trouble = self.lane.trouble.as_ref().map(|(_, text)| text.clone());
            figures.trouble_at = self.lane.trouble.as_ref().map(|(at, _)| *at);
        });
    }
}

/// Any number from 0 to 1.
fn dice() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_hour_comes_once_a_day_whatever_the_clock_does() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        assert_eq!(
            next_hour(&shanghai, 8, at("2026-03-04T23:59:59Z")),
            at("2026-03-05T00:00:00Z")
        );
        assert_eq!(
            next_hour(&shanghai, 8, at("2026-03-05T00:00:00Z")),
            at("2026-03-06T00:00:00Z")
        );
        // 02:00 is not there on this day.
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(
            next_hour(&berlin, 2, at("2026-03-28T22:00:00Z")),
            at("2026-03-29T01:00:00Z")
        );
    }
}
