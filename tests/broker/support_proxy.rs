//! The test support itself: brokers that die and come back, and the proxy that disturbs chosen requests.

use std::time::Duration;

use crate::support::broker::ProxiedBroker;
use crate::support::client::{Client, NewRecord, unique};
use crate::support::process::Signal;
use crate::support::proxy::{Api, Disturbance, Often};
use crate::support::{PATIENCE, wait_for};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// What a client of the proxy waits at most in the tests that lose something.
const SHORT: Duration = Duration::from_secs(2);
/// Longer than any such wait.
const LONG: Duration = Duration::from_secs(600);

#[test]
fn a_killed_broker_comes_back_with_its_data() {
    let broker = ProxiedBroker::to_hurt();
    let topic = unique("kept");
    let client = Client::new(&broker.bootstrap());
    client.create_topic(&topic, 1, &[]);
    client.produce(&topic, [NewRecord::new("k", "before")]);
    for round in 0..2 {
        broker.kill();
        let refused = std::net::TcpStream::connect(broker.bootstrap());
        assert!(refused.is_err(), "it is dead");
        broker.restart();
        client.produce(&topic, [NewRecord::new("k", format!("behind {round}"))]);
    }
    let read = client.read_committed(&topic);
    let texts: Vec<_> = read.iter().map(|record| record.text()).collect();
    assert_eq!(texts, ["before", "behind 0", "behind 1"]);
}

/// A broker with a proxy, a client on either side of it, and a topic.
struct Bench {
    broker: ProxiedBroker,
    direct: Client,
    topic: String,
}

impl Bench {
    fn new(name: &str) -> Bench {
        Bench::on(ProxiedBroker::shared(), name)
    }

    fn on(broker: ProxiedBroker, name: &str) -> Bench {
        let direct = Client::new(&broker.bootstrap());
        let topic = unique(name);
        direct.create_topic(&topic, 1, &[]);
        Bench {
            broker,
            direct,
            topic,
        }
    }

    /// A transactional producer that goes through the proxy.
    fn producer(&self) -> BaseProducer {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", self.broker.proxy().bootstrap())
            .set("transactional.id", &self.topic)
            // By default it waits longer and longer, up to 10 s.
            .set("reconnect.backoff.max.ms", "100")
            .create()
            .unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer
    }

    /// Sends a record in a transaction of its own, which is to be committed.
    fn commit(
        &self,
        producer: &BaseProducer,
        text: &str,
        patience: Duration,
    ) -> Result<(), KafkaError> {
        producer.begin_transaction().unwrap();
        let record = BaseRecord::to(&self.topic).key("k").payload(text);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        wait_for("the record is written", || {
            producer.poll(Duration::from_millis(1));
            (producer.in_flight_count() == 0).then_some(())
        });
        producer.commit_transaction(patience)
    }

    fn committed(&self) -> Vec<String> {
        let read = self.direct.read_committed(&self.topic);
        read.iter().map(|record| record.text().to_owned()).collect()
    }
}

fn timed_out(outcome: Result<(), KafkaError>) -> bool {
    let code = outcome.unwrap_err().rdkafka_error_code();
    code == Some(RDKafkaErrorCode::OperationTimedOut)
}

#[test]
fn the_proxy_passes_what_no_rule_is_for() {
    let bench = Bench::new("passed");
    let proxy = bench.broker.proxy();
    let through = Client::new(&proxy.bootstrap());
    through.produce(
        &bench.topic,
        (0..1000).map(|n| NewRecord::new("k", n.to_string())),
    );
    let numbers: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let read = through.read_committed(&bench.topic);
    assert!(read.iter().map(|record| record.text()).eq(&numbers));
    assert_eq!(bench.committed(), numbers);
    // The advertised address is the proxy's: nothing went past it.
    assert!(proxy.seen(Api::Produce) > 0 && proxy.seen(Api::Fetch) > 0);
    assert_eq!(proxy.seen(Api::EndTxn), 0);

    bench
        .commit(&bench.producer(), "in a transaction", PATIENCE)
        .unwrap();
    assert_eq!(proxy.seen(Api::EndTxn), 1);
    assert_eq!(proxy.disturbed(Api::EndTxn), 0);
}

#[test]
fn a_dropped_request_never_arrives_and_a_dropped_answer_leaves_the_deed_done() {
    for (disturbance, done) in [
        (Disturbance::DropRequest { silence: LONG }, false),
        (Disturbance::DropResponse { silence: LONG }, true),
    ] {
        let bench = Bench::new("lost");
        let proxy = bench.broker.proxy();
        let producer = bench.producer();
        proxy.disturb(Api::EndTxn, disturbance, Often::Times(1));
        assert!(
            timed_out(bench.commit(&producer, "doubtful", SHORT)),
            "{disturbance:?}"
        );
        assert_eq!(proxy.disturbed(Api::EndTxn), 1);
        drop(producer);
        // A successor ends what was open.
        bench.commit(&bench.producer(), "next", PATIENCE).unwrap();
        let expected: &[&str] = if done {
            &["doubtful", "next"]
        } else {
            &["next"]
        };
        assert_eq!(bench.committed(), expected, "{disturbance:?}");
    }
}

#[test]
fn a_closed_connection_is_opened_again_and_the_request_repeated() {
    let bench = Bench::new("closed");
    let proxy = bench.broker.proxy();
    let producer = bench.producer();
    proxy.disturb(Api::EndTxn, Disturbance::Close, Often::Times(2));
    bench.commit(&producer, "first", PATIENCE).unwrap();
    let silence = Duration::from_millis(100);
    proxy.disturb(
        Api::EndTxn,
        Disturbance::DropResponse { silence },
        Often::Times(1),
    );
    bench.commit(&producer, "second", PATIENCE).unwrap();
    assert_eq!(bench.committed(), ["first", "second"]);
    assert_eq!(
        (proxy.disturbed(Api::EndTxn), proxy.seen(Api::EndTxn)),
        (3, 5)
    );
}

#[test]
fn a_late_request_arrives_though_its_sender_has_gone() {
    let bench = Bench::new("late");
    let proxy = bench.broker.proxy();
    let producer = bench.producer();
    proxy.disturb(Api::EndTxn, Disturbance::Delay(3 * SHORT), Often::Times(1));
    assert!(timed_out(bench.commit(&producer, "late", SHORT)));
    drop(producer);
    assert_eq!(bench.committed(), [""; 0], "it is still open");
    wait_for("the late request has arrived", || {
        (bench.committed() == ["late"]).then_some(())
    });
}

#[test]
fn a_severed_connection_is_down_until_it_is_mended() {
    let bench = Bench::new("severed");
    let proxy = bench.broker.proxy();
    let producer = bench.producer();
    proxy.sever();
    producer.begin_transaction().unwrap();
    let record = BaseRecord::to(&bench.topic).key("k").payload("waits");
    producer.send(record).map_err(|(error, _)| error).unwrap();
    assert!(producer.commit_transaction(SHORT).is_err());
    assert_eq!(producer.in_flight_count(), 1);
    proxy.mend();
    producer.commit_transaction(PATIENCE).unwrap();
    assert_eq!(bench.committed(), ["waits"]);
}

#[test]
fn chance_is_drawn_from_a_seed() {
    let disturbed = |seed: u64| {
        let bench = Bench::new("chance");
        let proxy = bench.broker.proxy();
        let producer = bench.producer();
        proxy.seed(seed);
        proxy.disturb(Api::EndTxn, Disturbance::Close, Often::Chance(0.5));
        for n in 0..10 {
            bench.commit(&producer, &n.to_string(), PATIENCE).unwrap();
        }
        let seen = proxy.seen(Api::EndTxn);
        assert_eq!(seen, 10 + proxy.disturbed(Api::EndTxn));
        seen
    };
    let first = disturbed(7);
    assert!(first > 10, "half of them are disturbed, but of 10 none was");
    assert_eq!(disturbed(7), first);
}

#[test]
fn a_frozen_broker_goes_on() {
    let bench = Bench::on(ProxiedBroker::to_hurt(), "frozen");
    bench.broker.signal(Signal::Stop);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bench.broker.bootstrap())
        .create()
        .unwrap();
    let record = BaseRecord::to(&bench.topic).key("k").payload("late");
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.poll(SHORT);
    assert_eq!(producer.in_flight_count(), 1, "nobody answers");
    bench.broker.signal(Signal::Cont);
    wait_for("the record is written", || {
        producer.poll(Duration::from_millis(10));
        (producer.in_flight_count() == 0).then_some(())
    });
    assert_eq!(bench.committed(), ["late"]);
}
