//! The input: a few subscribers over some days, as an operator's systems would send what they do, dirt included.

use super::arrivals::Incoming;
use super::dice::Dice;
use churnwatch::kafka::{StoredRecord, TopicPartition, Topics, partition_of};
use churnwatch::model::{Feed, Timestamp};
use churnwatch::sim::{City, CityConfig, Scenario};

/// One day, in milliseconds.
pub const DAY_MS: i64 = 24 * Timestamp::HOUR_MS;
/// Midnight of 2026-03-02 in Shanghai: the first day of all traffic.
pub const FIRST_DAY_MS: i64 = 1_772_380_800_000;

/// Much trouble, and nothing that concerns everybody.
const EVENTFUL: &str = "churn.scale = 10\nholiday.from_days = []\noutage.on_days = []";

/// What the traffic is like.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    pub subscribers: u32,
    pub days: u32,
    /// One subscriber has a third of the traffic.
    pub hot: bool,
    /// The day on which everybody asks a competitor, and after which most fall silent.
    pub storm_on: Option<u32>,
    /// Flawed records in a thousand.
    pub dirt: u32,
    /// It is made by the simulator of cities that the program has, which knows people better and dirt as well.
    pub city: bool,
    /// So many groups have all subscribers as members.
    pub groups: u32,
}

/// A record on its way, before it is known where it lands.
struct Message {
    /// When it arrives.
    arrives_ms: i64,
    feed: Feed,
    key: Option<String>,
    value: Option<Vec<u8>>,
    /// To every partition.
    everywhere: bool,
}

impl Traffic {
    /// All records, in the order in which they arrive.
    pub fn records(&self, topics: &Topics, partitions: i32, dice: &mut Dice) -> Vec<Incoming> {
        let mut messages = if self.city {
            self.simulated(dice)
        } else {
            self.written(dice)
        };
        // Stable: what arrives in the same millisecond stays in the order of writing.
        messages.sort_by_key(|message| message.arrives_ms);
        let address = |message: Message| {
            let topic = topics.of(message.feed).unwrap();
            let key = message.key.map(String::into_bytes);
            let partition = key
                .as_deref()
                .map_or(0, |key| partition_of(key, partitions));
            let everywhere = if message.everywhere {
                0..partitions
            } else {
                partition..partition + 1
            };
            everywhere.map(move |partition| Incoming {
                place: TopicPartition { topic, partition },
                record: StoredRecord {
                    key: key.clone(),
                    value: message.value.clone(),
                    headers: vec![("source".to_owned(), Some(b"town".to_vec()))],
                    timestamp_ms: message.arrives_ms,
                },
            })
        };
        messages.into_iter().flat_map(address).collect()
    }

    fn simulated(&self, dice: &mut Dice) -> Vec<Message> {
        let config = CityConfig {
            scenario: Scenario::parse(EVENTFUL, "test").unwrap(),
            ..CityConfig::new(self.subscribers, self.days, dice.word())
        };
        let mut city = City::new(config).unwrap();
        let mut messages = Vec::new();
        while let Some(event) = city.next_event() {
            messages.push(Message {
                arrives_ms: event.arrival_ms,
                feed: event.feed,
                key: event.msisdn.map(str::to_owned),
                value: event.value.map(<[u8]>::to_vec),
                everywhere: event.msisdn.is_none(),
            });
        }
        messages
    }

    fn written(&self, dice: &mut Dice) -> Vec<Message> {
        let mut messages = Vec::new();
        let states_progress = dice.chance(300);
        for number in 0..self.subscribers {
            let mut person = Person::new(self, number, dice);
            person.introduce(self, &mut messages, dice);
            for day in 0..self.days {
                person.live(self, day, &mut messages, dice);
            }
        }
        if states_progress {
            for hour in (2..i64::from(self.days) * 24).step_by(6) {
                let until_ms = FIRST_DAY_MS + (hour - 2) * Timestamp::HOUR_MS;
                let value = format!(
                    r#"{{"record_type":"feed_progress","feed":"cdr","complete_until":{until_ms}}}"#
                );
                messages.push(Message {
                    arrives_ms: FIRST_DAY_MS + hour * Timestamp::HOUR_MS,
                    feed: Feed::Cdr,
                    key: None,
                    value: Some(value.into_bytes()),
                    everywhere: true,
                });
            }
        }
        messages
    }
}

struct Person {
    msisdn: String,
    records: u32,
    per_day: i64,
    /// From this day on it does next to nothing.
    stops_on: u32,
    bad_payer: bool,
}

impl Person {
    fn new(traffic: &Traffic, number: u32, dice: &mut Dice) -> Self {
        let stops_on = match traffic.storm_on {
            Some(day) if dice.chance(800) => day + 1,
            _ if dice.chance(300) => dice.between(4, i64::from(traffic.days)) as u32,
            _ => u32::MAX,
        };
        let hot = traffic.hot && number == 0;
        Self {
            msisdn: format!("139{:08}", number * 7 + 1),
            records: 0,
            per_day: if hot {
                i64::from(traffic.subscribers)
            } else {
                dice.between(1, 3)
            },
            stops_on: if hot { u32::MAX } else { stops_on },
            bad_payer: dice.chance(150),
        }
    }

    /// Says who it is.
    fn introduce(&mut self, traffic: &Traffic, messages: &mut Vec<Message>, dice: &mut Dice) {
        let brand = dice.pick(&["gotone", "mzone", "easyown"]);
        let vip = dice.chance(100);
        let machine = if dice.chance(40) {
            r#","flags":["iot"]"#
        } else {
            ""
        };
        let mut body = format!(
            r#""brand":"{brand}","activated_on":"20{}-05-01","vip":{vip},"region":["GD","SZ"]{machine}"#,
            dice.between(10, 25)
        );
        if traffic.groups > 0 {
            let group = dice.below(u64::from(traffic.groups));
            body +=
                &format!(r#","group_id":"G-{group}","group_manager":"GM-{group}","group_size":40"#);
        }
        let at_ms = FIRST_DAY_MS - DAY_MS + dice.between(0, DAY_MS);
        self.send(Feed::Subscriber, "profile", &body, at_ms, messages, dice, 0);
    }

    /// Lives through a day.
    fn live(&mut self, traffic: &Traffic, day: u32, messages: &mut Vec<Message>, dice: &mut Dice) {
        let begins_ms = FIRST_DAY_MS + i64::from(day) * DAY_MS;
        let mut count = self.per_day + dice.between(-1, 1);
        if day >= self.stops_on && !dice.chance(30) {
            count = 0;
        }
        for _ in 0..count {
            let at_ms =
                begins_ms + dice.between(8, 22) * Timestamp::HOUR_MS + dice.between(0, 3_599_999);
            let seconds = dice.between(1, 600);
            let call = format!(
                r#""other_number":"13712345678","duration_seconds":{seconds},"cause_for_termination":"normal_release""#
            );
            // A session of all days, and a cause nobody knows.
            let data = format!(
                r#""uplink_volume_bytes":{seconds},"downlink_volume_bytes":{},"charging_id":7"#,
                seconds << 20
            );
            let lost = call.replace("normal_release", "radio_loss");
            let (kind, body) = dice.pick(&[
                ("mo_call", &*call),
                ("mt_call", &*lost),
                ("data", &*data),
                ("mo_sms", r#""other_number":"13712345678""#),
            ]);
            self.send(Feed::Cdr, kind, body, at_ms, messages, dice, traffic.dirt);
        }
        if traffic.storm_on == Some(day) || dice.chance(8) {
            let at_ms = begins_ms + 12 * Timestamp::HOUR_MS + dice.between(0, Timestamp::HOUR_MS);
            let other = dice.pick(&["10010", "10000", "01010010"]);
            let call = format!(
                r#""other_number":"{other}","duration_seconds":60,"cause_for_termination":"normal_release""#
            );
            self.send(
                Feed::Cdr,
                "mo_call",
                &call,
                at_ms,
                messages,
                dice,
                traffic.dirt,
            );
        }
        let at_ms = begins_ms + dice.between(0, DAY_MS - 1);
        if day == 1 && self.bad_payer {
            let bill = r#""period":"2026-02","amount":"99.90","plan_fee":99,"usage_value":61.5,"overage":0.9,"due_on":"2026-03-04""#;
            self.send(
                Feed::Billing,
                "invoice",
                bill,
                at_ms,
                messages,
                dice,
                traffic.dirt,
            );
        }
        if self.bad_payer && dice.chance(60) {
            let (kind, body) = dice.pick(&[
                ("suspension", r#""reason":"arrears""#),
                ("reactivation", r#""reason":"arrears""#),
                ("payment", r#""amount":100"#),
                ("suspension", r#""reason":"voluntary""#),
                (
                    "invoice",
                    r#""period":"2026-02","amount":"-9.90","plan_fee":0,"usage_value":0,"overage":0,"due_on":"2026-03-04""#,
                ),
            ]);
            self.send(
                Feed::Billing,
                kind,
                body,
                at_ms,
                messages,
                dice,
                traffic.dirt,
            );
        }
        if dice.chance(10) {
            let (kind, body) = dice.pick(&[
                ("complaint", r#""category":"billing","resolution":"open""#),
                ("enquiry", r#""subject":"cancel""#),
                (
                    "service_order",
                    r#""kind":"plan_change","monthly_fee_before":"89.00","monthly_fee_after":59"#,
                ),
                ("service_order", r#""kind":"cancel_service""#),
                ("port_out_application", r#""channel":"sms""#),
                ("port_out_withdrawn", r#""channel":"sms""#),
            ]);
            self.send(
                Feed::Service,
                kind,
                body,
                at_ms,
                messages,
                dice,
                traffic.dirt,
            );
        }
        if dice.chance(5) {
            let body = r#""task_id":"0000000000000000","result":"saved""#;
            self.send(
                Feed::Outcome,
                "task_outcome",
                body,
                at_ms,
                messages,
                dice,
                traffic.dirt,
            );
        }
    }

    /// Sends a record, with `dirt` in a thousand of the flaws that records really have.
    #[allow(clippy::too_many_arguments)]
    fn send(
        &mut self,
        feed: Feed,
        kind: &str,
        body: &str,
        at_ms: i64,
        messages: &mut Vec<Message>,
        dice: &mut Dice,
        dirt: u32,
    ) {
        self.records += 1;
        let (msisdn, record) = (&self.msisdn, self.records);
        let dated = |at_ms: i64| {
            let head = format!(
                r#""record_id":"{msisdn}-{record}","record_type":"{kind}","msisdn":"{msisdn}""#
            );
            format!(r#"{{{head},"event_timestamp":{at_ms},{body}}}"#).into_bytes()
        };
        let message = |arrives_ms, value| Message {
            arrives_ms,
            feed,
            key: Some(msisdn.clone()),
            value: Some(value),
            everywhere: false,
        };
        let soon_ms = at_ms + dice.between(200, 60_000);
        if !dice.chance(dirt) {
            messages.push(message(soon_ms, dated(at_ms)));
            return;
        }
        let good = message(soon_ms, dated(at_ms));
        let flawed = match dice.below(12) {
            0 => Message {
                value: Some(dated(at_ms)[..20].to_vec()),
                ..good
            },
            1 => Message {
                value: Some(vec![0xff, 0xfe, b'{']),
                ..good
            },
            2 => Message {
                value: Some(b"\0\0\0\0\x01framed".to_vec()),
                ..good
            },
            3 => Message {
                key: Some("13000000000".to_owned()),
                ..good
            },
            4 => Message { key: None, ..good },
            5 => Message {
                value: None,
                ..good
            },
            6 => message(soon_ms, dated(at_ms + 400 * DAY_MS)),
            7 => message(soon_ms, dated(at_ms / 1_000)),
            8 => message(soon_ms, dated(at_ms - 40 * DAY_MS)),
            9 => Message {
                feed: if feed == Feed::Cdr {
                    Feed::Billing
                } else {
                    Feed::Cdr
                },
                ..good
            },
            10 => message(
                at_ms + dice.between(1, 48) * Timestamp::HOUR_MS,
                dated(at_ms),
            ),
            _ => {
                messages.push(message(soon_ms + dice.between(0, DAY_MS), dated(at_ms)));
                good
            }
        };
        messages.push(flawed);
    }
}
