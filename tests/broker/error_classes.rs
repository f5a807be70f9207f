//! Every error that a broker may answer to a request of a transaction, and what is made of it.

use crate::support::wait_for;
use churnwatch::config::Config;
use churnwatch::kafka::{
    Attempt, Fault, Link, Member, Outbound, Rebalance, TopicPartition, Topics,
};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Code};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// What comes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// Committed, if need be by the client's own second try.
    Committed,
    /// Nothing is visible; the same again.
    Again,
    /// Nobody knows; the journal does.
    Unknown,
    /// The group moved on.
    Membership,
    /// A record is too large.
    TooLarge,
    /// The worker starts over.
    Restart,
    /// An operator must help.
    Halt,
}

struct Bench {
    cluster: MockCluster<'static, DefaultProducerContext>,
    member: Member,
    outbound: Vec<Outbound>,
    offsets: [(TopicPartition, i64); 1],
}

impl Bench {
    /// A worker with one partition on a broker that errs on demand.
    fn new() -> Bench {
        let cluster = MockCluster::new(1).unwrap();
        for topic in ["events", "out", "signals", "dead", "matrix-journal"] {
            cluster.create_topic(topic, 1, 1).unwrap();
        }
        let text = format!(
            "kafka.bootstrap = '{}'\nkafka.group = 'matrix'\nrun.transaction_timeout_seconds = 2\n\
             [topics]\ncdr = 'events'\nbilling = 'events'\nsubscriber = 'events'\nservice = 'events'\n\
             outcome = 'events'\ntasks = 'out'\nsignals = 'signals'\ndead_letters = 'dead'\n",
            cluster.bootstrap_servers()
        );
        let config = Config::from_toml_str(&text, "matrix").unwrap();
        let topics = Arc::new(Topics::new(&config));
        let mut member = Member::join(&config, topics, 0, || false).unwrap();
        let assigned = wait_for("the partition is ours", || match member.serve().unwrap() {
            Some(Rebalance::Assigned(assigned)) => Some(assigned),
            _ => {
                member.wait(Duration::from_millis(20));
                None
            }
        });
        member.assign(&[(assigned[0], 0)]).unwrap();
        let outbound = Outbound {
            topic: "out".into(),
            partition: Some(0),
            key: Some(b"key".to_vec()),
            value: Some(b"value".to_vec()),
            headers: Vec::new(),
            timestamp_ms: None,
        };
        Bench {
            cluster,
            member,
            outbound: vec![outbound],
            offsets: [(assigned[0], 7)],
        }
    }

    fn commit(&mut self) -> (Made, String) {
        match self.member.commit(&self.outbound, &self.offsets) {
            Ok(Attempt::Committed(_)) => (Made::Committed, String::new()),
            Ok(Attempt::Again(reason)) => (Made::Again, reason),
            Ok(Attempt::Unknown(reason)) => (Made::Unknown, reason),
            Ok(Attempt::Membership(reason)) => (Made::Membership, reason),
            Ok(Attempt::TooLarge(which)) => {
                assert_eq!(which, [0]);
                (Made::TooLarge, String::new())
            }
            Err(Fault::Restart(reason)) => (Made::Restart, reason),
            Err(Fault::Halt(reason)) => (Made::Halt, reason),
        }
    }

    /// A commit, the answers to one kind of request being these errors.
    fn commit_with(&mut self, api: Api, errors: &[Code]) -> (Made, String) {
        self.cluster.request_errors(api, errors);
        let made = self.commit();
        self.cluster.clear_request_errors(api);
        made
    }
}

#[test]
fn each_error_of_each_request_has_its_class() {
    use Code::{
        RD_KAFKA_RESP_ERR__TRANSPORT as TRANSPORT,
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED as CLUSTER_DENIED,
        RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS as CONCURRENT_TRANSACTIONS,
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS as LOADING,
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE as NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID as FENCED_INSTANCE_ID,
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED as GROUP_DENIED,
        RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION as ILLEGAL_GENERATION,
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH as INVALID_PRODUCER_EPOCH,
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING as INVALID_PRODUCER_ID_MAPPING,
        RD_KAFKA_RESP_ERR_INVALID_TXN_STATE as INVALID_TXN_STATE,
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE as TOO_LARGE,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR as NOT_COORDINATOR,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION as NOT_LEADER,
        RD_KAFKA_RESP_ERR_PRODUCER_FENCED as PRODUCER_FENCED,
        RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS as REBALANCE_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT as TIMED_OUT,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED as TOPIC_DENIED,
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED as ID_DENIED,
        RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID as UNKNOWN_MEMBER_ID,
        RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID as UNKNOWN_PRODUCER_ID,
    };
    let cases: &[(Api, Code, Made)] = &[
        (Api::AddPartitionsToTxn, LOADING, Made::Committed),
        (Api::AddPartitionsToTxn, NOT_COORDINATOR, Made::Committed),
        (Api::AddPartitionsToTxn, NOT_AVAILABLE, Made::Committed),
        (
            Api::AddPartitionsToTxn,
            CONCURRENT_TRANSACTIONS,
            Made::Committed,
        ),
        (Api::AddPartitionsToTxn, TRANSPORT, Made::Committed),
        (
            Api::AddPartitionsToTxn,
            INVALID_PRODUCER_EPOCH,
            Made::Restart,
        ),
        (Api::AddPartitionsToTxn, PRODUCER_FENCED, Made::Restart),
        (Api::AddPartitionsToTxn, INVALID_TXN_STATE, Made::Again),
        (Api::AddPartitionsToTxn, UNKNOWN_PRODUCER_ID, Made::Again),
        (
            Api::AddPartitionsToTxn,
            INVALID_PRODUCER_ID_MAPPING,
            Made::Again,
        ),
        (Api::AddPartitionsToTxn, ID_DENIED, Made::Halt),
        (Api::AddPartitionsToTxn, TOPIC_DENIED, Made::Halt),
        (Api::AddPartitionsToTxn, CLUSTER_DENIED, Made::Halt),
        (Api::AddOffsetsToTxn, LOADING, Made::Committed),
        (Api::AddOffsetsToTxn, NOT_COORDINATOR, Made::Committed),
        (
            Api::AddOffsetsToTxn,
            CONCURRENT_TRANSACTIONS,
            Made::Committed,
        ),
        (Api::AddOffsetsToTxn, TRANSPORT, Made::Committed),
        (Api::AddOffsetsToTxn, INVALID_PRODUCER_EPOCH, Made::Restart),
        (Api::AddOffsetsToTxn, PRODUCER_FENCED, Made::Restart),
        (Api::AddOffsetsToTxn, INVALID_TXN_STATE, Made::Again),
        (Api::AddOffsetsToTxn, ID_DENIED, Made::Halt),
        (Api::AddOffsetsToTxn, GROUP_DENIED, Made::Halt),
        (Api::TxnOffsetCommit, LOADING, Made::Committed),
        (Api::TxnOffsetCommit, NOT_COORDINATOR, Made::Committed),
        (
            Api::TxnOffsetCommit,
            CONCURRENT_TRANSACTIONS,
            Made::Committed,
        ),
        (Api::TxnOffsetCommit, TIMED_OUT, Made::Committed),
        (Api::TxnOffsetCommit, TRANSPORT, Made::Committed),
        (Api::TxnOffsetCommit, ILLEGAL_GENERATION, Made::Membership),
        (Api::TxnOffsetCommit, UNKNOWN_MEMBER_ID, Made::Membership),
        (Api::TxnOffsetCommit, FENCED_INSTANCE_ID, Made::Membership),
        (
            Api::TxnOffsetCommit,
            REBALANCE_IN_PROGRESS,
            Made::Membership,
        ),
        (Api::TxnOffsetCommit, INVALID_PRODUCER_EPOCH, Made::Restart),
        (Api::TxnOffsetCommit, PRODUCER_FENCED, Made::Restart),
        (Api::TxnOffsetCommit, INVALID_TXN_STATE, Made::Again),
        (Api::TxnOffsetCommit, GROUP_DENIED, Made::Halt),
        (Api::TxnOffsetCommit, TOPIC_DENIED, Made::Halt),
        (Api::TxnOffsetCommit, ID_DENIED, Made::Halt),
        (Api::Produce, NOT_LEADER, Made::Committed),
        (Api::Produce, TIMED_OUT, Made::Committed),
        (Api::Produce, TRANSPORT, Made::Committed),
        (Api::Produce, TOO_LARGE, Made::TooLarge),
        (Api::Produce, TOPIC_DENIED, Made::Halt),
        (Api::Produce, INVALID_PRODUCER_EPOCH, Made::Restart),
        (Api::Produce, UNKNOWN_PRODUCER_ID, Made::Again),
        (Api::EndTxn, LOADING, Made::Committed),
        (Api::EndTxn, NOT_COORDINATOR, Made::Committed),
        (Api::EndTxn, CONCURRENT_TRANSACTIONS, Made::Committed),
        (Api::EndTxn, TRANSPORT, Made::Committed),
        (Api::EndTxn, TIMED_OUT, Made::Unknown),
        (Api::EndTxn, INVALID_TXN_STATE, Made::Unknown),
        (Api::EndTxn, UNKNOWN_PRODUCER_ID, Made::Unknown),
        (Api::EndTxn, INVALID_PRODUCER_EPOCH, Made::Restart),
        (Api::EndTxn, PRODUCER_FENCED, Made::Restart),
        (Api::EndTxn, ID_DENIED, Made::Halt),
    ];
    let mut bench = Bench::new();
    let mut wrong = String::new();
    for (api, code, expected) in cases {
        let (made, reason) = bench.commit_with(*api, &[*code]);
        if made != *expected {
            let _ = writeln!(
                wrong,
                "{api:?} {code:?}: {made:?} ({reason}), not {expected:?}"
            );
        }
        // Whatever it was, the next commit is as good as any.
        let (after, reason) = bench.commit();
        if after != Made::Committed {
            let _ = writeln!(wrong, "after {api:?} {code:?}: {after:?} ({reason})");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_new_producer_passes_on_what_hinders_it() {
    let mut bench = Bench::new();
    let id_denied = Code::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    bench
        .cluster
        .request_errors(Api::InitProducerId, &[id_denied]);
    let Err(Fault::Halt(reason)) = bench.member.fence() else {
        panic!("a user who may not write should halt the process");
    };
    assert!(reason.contains("run.transactional_id_prefix"), "{reason}");

    let loading = Code::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    bench
        .cluster
        .request_errors(Api::InitProducerId, &[loading]);
    assert_eq!(bench.member.fence(), Ok(Ok(())), "the client tries again");

    bench.cluster.broker_down(-1).unwrap();
    let answer = bench.member.fence();
    assert!(
        matches!(answer, Ok(Err(_))),
        "worth trying again: {answer:?}"
    );
    assert_eq!(bench.commit().0, Made::Again);
    bench.cluster.broker_up(-1).unwrap();
    wait_for("a commit gets through again", || {
        (bench.commit().0 == Made::Committed).then_some(())
    });
}

#[test]
fn an_outcome_is_unknown_when_the_brokers_do_not_answer_the_end() {
    let mut bench = Bench::new();
    let lost = [Code::RD_KAFKA_RESP_ERR__TRANSPORT; 100_000];
    let (made, reason) = bench.commit_with(Api::EndTxn, &lost);
    assert_eq!(made, Made::Unknown, "{reason}");
    assert_eq!(bench.member.fence(), Ok(Ok(())));
    assert_eq!(bench.commit().0, Made::Committed);
}

/// Denied to a new producer, so that its absence or presence shows.
const DENIED: Code = Code::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;

#[test]
fn a_producer_that_lost_a_connection_is_not_used_again_though_the_commit_was_clean() {
    let mut bench = Bench::new();
    assert_eq!(bench.commit().0, Made::Committed);
    let (made, _) = bench.commit_with(Api::InitProducerId, &[DENIED]);
    assert_eq!(
        made,
        Made::Committed,
        "the same producer, which asks for no id"
    );

    let lost = [Code::RD_KAFKA_RESP_ERR__TRANSPORT];
    let (made, reason) = bench.commit_with(Api::EndTxn, &lost);
    assert_eq!(
        made,
        Made::Committed,
        "by the client's second try: {reason}"
    );
    let (made, _) = bench.commit_with(Api::InitProducerId, &[DENIED]);
    assert_eq!(made, Made::Halt, "a new producer, which asks for an id");
}
