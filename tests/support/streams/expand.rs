mod accounts;
mod answers;
mod groups;
mod troubles;

use super::random::Random;
use super::{Bills, DaySpan, Departure, Life, Plan, ProfileKind, Step, UsagePattern};
use churnwatch::model::{
    Body, Calendar, CallOutcome, Day, Direction, EnquirySubject, Event, Feed, FeedSet,
    ForwardAction, Inputs, Money, Msisdn, Network, Number, ProfileFlags, Timestamp,
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The plan's stream, in order of arrival.
pub fn steps(plan: &Plan, calendar: &Calendar) -> Vec<Step> {
    let mut stream = Stream {
        plan,
        calendar,
        random: Random::new(plan.seed),
        groups: Random::new(plan.seed ^ 0x5851_F42D_4C95_7F2D),
        handset: None,
        arrivals: Vec::new(),
    };
    for (index, life) in plan.people.iter().enumerate() {
        stream.random =
            Random::new(plan.seed ^ (index as u64 + 1).wrapping_mul(0xA24B_AED4_963E_E407));
        let who = name(index, &mut stream.random);
        stream.everyday(life, who);
        stream.bills(life, who);
        stream.rests(life, who);
        stream.profiles(life, who);
        stream.events(life, who);
        stream.troubles(life, who);
        stream.groups(who);
    }
    stream.random = Random::new(!plan.seed);
    stream.statements();
    stream.delivered()
}

/// Digits, digits with leading zeros, pseudonyms.
fn name(index: usize, random: &mut Random) -> Msisdn {
    let text = match random.below(4) {
        0 => format!("user-{index}"),
        1 => format!("00{index:010}"),
        _ => format!("139{index:08}"),
    };
    Msisdn::new(&text).unwrap()
}

struct Stream<'a> {
    plan: &'a Plan,
    calendar: &'a Calendar,
    random: Random,
    /// Decides what groups lines belong to, and nothing else.
    groups: Random,
    /// The handset that calls are made from; none where nobody tells.
    handset: Option<u64>,
    arrivals: Vec<(Timestamp, Step)>,
}

impl Stream<'_> {
    fn day(&self, index: i32) -> Day {
        Day(self.plan.first_day + index)
    }

    /// The day at a share of the stream's length.
    fn at_share(&self, share: f64) -> i32 {
        (share * f64::from(self.plan.days)) as i32
    }

    fn within(&self, index: i32, day_span: Option<DaySpan>) -> bool {
        day_span.is_some_and(|day_span| {
            let from = self.at_share(day_span.from);
            (from..from + day_span.days).contains(&index)
        })
    }

    /// Some moment of a day.
    fn moment(&mut self, index: i32) -> Timestamp {
        let (start, end) = (
            self.calendar.start_of(self.day(index)).0,
            self.calendar.start_of(self.day(index + 1)).0,
        );
        Timestamp(start + self.random.below(end - start))
    }

    fn everyday(&mut self, life: &Life, who: Msisdn) {
        let told = self.random.chance(0.7);
        let changes_at = self.random.below(2 * i64::from(self.plan.days)) as i32;
        for index in 0..self.plan.days {
            // The SIM is in another handset now and then, and at some day for good.
            let handset = match self.random.chance(0.1) {
                true => 3,
                false => 1 + u64::from(index >= changes_at),
            };
            self.handset = told.then_some(handset << 48);
            let mut mood = self.usage_pattern(life, index);
            if self.within(index, self.plan.holiday) {
                mood *= 0.3;
            }
            if life
                .rests
                .iter()
                .any(|rest| self.within(index, Some(*rest)))
            {
                mood *= 0.1;
            }
            let mut channels = [1.0, 1.0];
            if self.within(index, self.plan.outage) {
                channels = [[0.05, 0.05], [0.05, 1.0], [1.0, 0.05]][self.plan.seed as usize % 3];
            }
            if self.day(index).weekday() == 6 {
                mood *= 0.7;
            }
            if self.random.chance(0.12) {
                mood = 0.0;
            }
            let drops = if self.within(index, life.drops) {
                0.3
            } else {
                0.02
            };
            for _ in 0..self.count(life.voice_a_day * mood * channels[0]) {
                let body = self.voice(drops);
                self.emit(who, index, body);
            }
            if let UsagePattern::Away(day_span) = life.usage_pattern
                && self.within(index, Some(day_span))
                && self.random.chance(0.3)
            {
                self.roams(who, index);
            }
            for _ in 0..self.count(life.data_a_day * mood * channels[1]) {
                let body = Body::Data {
                    volume_bytes: self.random.word() % (1 << self.random.below(32)),
                    session: self.random.chance(0.5).then(|| self.random.word()),
                };
                self.emit(who, index, body);
            }
        }
    }

    /// A call from another network.
    fn roams(&mut self, who: Msisdn, index: i32) {
        let at = self.moment(index);
        let body = self.voice(0.02);
        let mut event = self.event(who, at, body);
        let network = self.random.one_of(&["310-410", "26201"]);
        let kept = !matches!(event.body, Body::CallForward { .. });
        event.visited = Network::parse(network).filter(|_| kept);
        self.arrive(at, event);
    }

    fn usage_pattern(&self, life: &Life, index: i32) -> f64 {
        let after = |from: f64| index >= self.at_share(from);
        let usage_pattern = match life.usage_pattern {
            UsagePattern::Stops { from } if after(from) => 0.0,
            UsagePattern::Falls { from, to } if after(from) => to,
            UsagePattern::Away(day_span) if self.within(index, Some(day_span)) => 0.0,
            UsagePattern::Decays { from } if after(from) => {
                libm::pow(0.93, f64::from(index - self.at_share(from)))
            }
            UsagePattern::Bursts { from } if index == self.at_share(from) => 60.0,
            UsagePattern::Dials(day_span) if self.within(index, Some(day_span)) => 60.0,
            _ => 1.0,
        };
        let gone = |from: f64| index > self.at_share(from) + 1;
        match life.leaves {
            Some(Departure::PortsOut { from }) if gone(from) => 0.0,
            Some(Departure::Replaced { from, days }) => {
                let left = self.at_share(from);
                let empty = left < index && index < left + days;
                if empty { 0.0 } else { usage_pattern }
            }
            _ => usage_pattern,
        }
    }

    fn count(&mut self, mean: f64) -> i64 {
        (mean * (0.4 + 1.2 * self.random.share()) + self.random.share()) as i64
            * i64::from(mean > 0.0)
    }

    /// `drops`: the share of calls that drop.
    fn voice(&mut self, drops: f64) -> Body<'static> {
        let other = Number::from_digits(b"13712345678");
        let direction = self
            .random
            .one_of(&[Direction::Outgoing, Direction::Incoming]);
        match self.random.below(10) {
            0 | 1 => Body::Message { direction, other },
            2 if self.random.chance(0.1) => Body::CallForward {
                other,
                action: self.random.one_of(&[
                    ForwardAction::Activate,
                    ForwardAction::Deactivate,
                    ForwardAction::Forwarded,
                    ForwardAction::Unknown,
                ]),
            },
            _ => Body::Call {
                direction,
                other,
                duration_seconds: (self.random.word() % (1 << self.random.below(17))) as u32,
                outcome: match self.random.chance(drops) {
                    true => CallOutcome::Dropped,
                    false => self.random.one_of(&[
                        CallOutcome::Normal,
                        CallOutcome::Normal,
                        CallOutcome::Unanswered,
                        CallOutcome::Unknown,
                    ]),
                },
                handset: self.handset,
            },
        }
    }

    fn events(&mut self, life: &Life, who: Msisdn) {
        for share in &life.hotline {
            let mut index = self.at_share(*share);
            for _ in 0..=self.random.below(5) {
                let number = self
                    .random
                    .one_of(&["10010", "10000", "10099", "10086", "10016"]);
                let other = Number::from_digits(number.as_bytes());
                let direction = self.random.one_of(&[
                    Direction::Outgoing,
                    Direction::Outgoing,
                    Direction::Incoming,
                ]);
                let body = match self.random.below(3) {
                    0 => Body::Message { direction, other },
                    _ => Body::Call {
                        direction,
                        other,
                        duration_seconds: 30,
                        outcome: CallOutcome::Normal,
                        handset: None,
                    },
                };
                self.emit(who, index, body);
                index += self.random.below(4) as i32;
            }
        }
        for index in 0..self.plan.days {
            if life.outcomes && self.random.chance(0.08) {
                self.outcome(who, index);
            }
            if self.random.chance(0.01) {
                let body = self.service();
                self.emit(who, index, body);
            }
        }
        if let Some(from) = life.erased {
            self.erasure(who, self.at_share(from));
        }
        if self.random.chance(0.2) {
            self.resent(who);
        }
        match life.leaves {
            Some(Departure::Cancels { from }) => {
                self.emit(who, self.at_share(from), Body::Cancellation);
            }
            Some(Departure::PortsOut { from }) => {
                self.emit(who, self.at_share(from), Body::PortOutApplication);
            }
            Some(Departure::Wavers { from, days }) => {
                let from = self.at_share(from);
                self.emit(who, from, Body::PortOutApplication);
                self.emit(who, from + days, Body::PortOutWithdrawn);
                if self.random.chance(0.3) {
                    self.emit(who, from + days, Body::PortOutApplication);
                }
            }
            Some(Departure::Recycled { from }) => {
                let on = self.at_share(from);
                let owner = self.profile(self.day(on), ProfileFlags::default());
                self.emit(who, on, owner);
            }
            Some(Departure::Replaced { from, days }) => {
                let left = self.at_share(from);
                self.emit(who, left, Body::Cancellation);
                let owner = self.profile(self.day(left + days), ProfileFlags::default());
                let at = self.calendar.start_of(self.day(left + days));
                let event = self.event(who, at, owner);
                self.arrive(at, event);
            }
            None => {}
        }
    }

    /// A file that comes twice, one of call detail or of charges, about as long as records are remembered.
    fn resent(&mut self, who: Msisdn) {
        let index = self.random.below(i64::from(self.plan.days)) as i32;
        let at = self.moment(index);
        let billing = self.random.chance(0.5);
        let length = if billing { 8 } else { 16 } + self.random.below(3) - 1;
        let records: Vec<_> = (0..length)
            .map(|_| {
                let body = match billing {
                    true => Body::Charge {
                        amount: Money(100),
                        subscribed_by_customer: self.random.chance(0.9).then_some(true),
                    },
                    false => self.voice(0.2),
                };
                self.event(who, at, body)
            })
            .collect();
        for again in 0..2 {
            for event in &records {
                self.arrive(Timestamp(at.0 + again * MINUTE_MS), event.clone());
            }
        }
    }

    fn service(&mut self) -> Body<'static> {
        match self.random.below(4) {
            0 => self.complaint(),
            1 => Body::Enquiry(EnquirySubject::Cancel),
            2 => Body::CompetitorContact,
            _ => Body::Charge {
                amount: Money(500),
                subscribed_by_customer: Some(false),
            },
        }
    }

    fn event(&mut self, msisdn: Msisdn, at: Timestamp, body: Body<'static>) -> Event<'static> {
        Event {
            msisdn,
            at,
            record: self.random.word(),
            visited: None,
            body,
        }
    }

    /// Sends a record of some moment of a day on its way, with the dirt that really arrives (behaviour: Faults in the
    /// feeds).
    fn emit(&mut self, who: Msisdn, index: i32, body: Body<'static>) {
        let at = self.moment(index);
        let mut event = self.event(who, at, body);
        let soon = at.0 + self.random.below(5 * MINUTE_MS);
        self.arrive(Timestamp(soon), event.clone());
        if self.random.below(1_000) >= i64::from(self.plan.dirt) {
            return;
        }
        let fate = self.random.below(8);
        if fate == 0 {
            self.arrivals.push((Timestamp(soon), Step::Unreadable));
            return;
        }
        // Again (soon or much later), or another of its kind: late within the window, late beyond it, or dated ahead.
        if fate > 2 {
            event.record = self.random.word();
        }
        if fate == 7 {
            // Within what a ring can bear for call detail, for years otherwise.
            let days = match event.body.feed() {
                Feed::Cdr => 20,
                _ => 1_000,
            };
            event.at = Timestamp(event.at.0 + self.random.below(days * DAY_MS));
        }
        let delay_ms = match fate {
            1 => HOUR_MS,
            2 => 10 * DAY_MS,
            3 | 4 => 48 * HOUR_MS,
            5 | 6 => 60 * DAY_MS,
            _ => MINUTE_MS,
        };
        let delay = self.random.below(delay_ms);
        self.arrive(Timestamp(soon + delay), event);
    }

    /// A lagging feed's records wait until it is read again.
    fn arrive(&mut self, at: Timestamp, event: Event<'static>) {
        let mut arrives = at;
        let lagging = self.plan.lagging;
        if let Some((_, day_span)) = lagging.filter(|(feed, _)| *feed == event.body.feed()) {
            let (from, until) = self.lag(day_span);
            if (from..until).contains(&at) {
                arrives = Timestamp(until.0 + (at.0 - from.0) / 1_000);
            }
        }
        self.arrivals.push((arrives, Step::Event(event)));
    }

    fn lag(&self, day_span: DaySpan) -> (Timestamp, Timestamp) {
        let from = self.at_share(day_span.from);
        let start = |index| self.calendar.start_of(self.day(index));
        (start(from), start(from + day_span.days))
    }

    fn statements(&mut self) {
        let Some(forgotten) = self.plan.statements else {
            return;
        };
        for index in 0..self.plan.days {
            for part in 0..4 {
                let at = self.calendar.start_of(self.day(index)).0 + part * 6 * HOUR_MS;
                if self.within(index, Some(forgotten)) && self.random.chance(0.9) {
                    continue;
                }
                let feed = match self.random.chance(0.1) {
                    true => Feed::Billing,
                    false => Feed::Cdr,
                };
                let ahead = self.random.one_of(&[-1, -1, 0, 0, 0, 0, 0, 0, 0, 10]);
                let until = Timestamp(at + ahead * HOUR_MS);
                let step = Step::Statement(feed, until);
                self.arrivals.push((Timestamp(at + HOUR_MS), step));
            }
        }
    }

    /// Everything in order of arrival, with the ticks, sweeps and looks between.
    fn delivered(mut self) -> Vec<Step> {
        self.arrivals.sort_by_key(|(at, _)| *at);
        let lag = self
            .plan
            .lagging
            .map(|(feed, day_span)| (feed, self.lag(day_span)));
        let end = self.calendar.start_of(self.day(self.plan.days));
        let mut steps = Vec::new();
        let mut ticked = Timestamp::MIN;
        let mut looked = Timestamp::MIN;
        let mut behind = false;
        // What was there before the program started is read to its end.
        let backlog_until = match self.plan.clock {
            "auto" => self.calendar.start_of(self.day(self.plan.days / 2)),
            _ => Timestamp::MIN,
        };
        for (at, step) in std::mem::take(&mut self.arrivals) {
            let backlog = at < backlog_until;
            let inputs = match lag {
                Some((feed, (from, until))) if from <= at && at < until => Inputs {
                    lagging: FeedSet::NONE.with(feed),
                    caught_up: false,
                    backlog,
                },
                _ => Inputs {
                    caught_up: !backlog,
                    backlog,
                    ..Inputs::default()
                },
            };
            // Over files, real time is far ahead, and may never be told.
            let due = match self.plan.clock {
                "event" => ticked == Timestamp::MIN && self.plan.seed.is_multiple_of(2),
                _ => at.since_ms(ticked) > 8 * MINUTE_MS,
            };
            if due || behind == inputs.caught_up {
                let now = match self.plan.clock {
                    "event" => end.plus_hours(3_000),
                    _ => at.max(backlog_until),
                };
                steps.push(Step::Tick(now, inputs));
                ticked = at;
                behind = !inputs.caught_up;
            }
            steps.push(step);
            if self.random.chance(0.05) {
                let most = self.random.one_of(&[0, 1, 2, 3, usize::MAX]);
                steps.push(Step::Sweep(most));
            }
            if at.since_ms(looked) > 5 * DAY_MS {
                steps.push(Step::Look);
                looked = at;
            }
        }
        if self.plan.finish {
            steps.push(Step::Finish);
        }
        steps.push(Step::Look);
        steps
    }
}
