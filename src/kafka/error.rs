//! What can go wrong with Kafka, by what to do about it.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Why a worker cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Only an operator can help; the message says how. The process stops.
    #[error("{0}")]
    Halt(String),
    /// The worker drops its clients and its state and starts over from what the group has committed.
    #[error("{0}")]
    Restart(String),
}

impl Fault {
    /// The fault behind a client error that occurred while doing `what`.
    pub(super) fn of(what: &str, error: &KafkaError) -> Self {
        let message = format!("{what}: {}", plain(error));
        match code_of(error).and_then(remedy) {
            Some(remedy) => Self::Halt(format!("{message}; {remedy}")),
            None => Self::Restart(message),
        }
    }

    /// The fault behind an error after which a client does nothing any more.
    pub(super) fn fatal(what: &str, code: Code, reason: &str) -> Self {
        match (remedy(code), code) {
            (Some(remedy), _) => Self::Halt(format!("{what}: {reason}; {remedy}")),
            (None, Code::FencedInstanceId) => Self::Restart(format!(
                "{what}: another process has taken this one's place in the group ({reason}); {TWINS}"
            )),
            (None, _) => Self::Restart(format!("{what}: {reason}")),
        }
    }
}

/// Two processes of one name end each other again and again.
pub(super) const TWINS: &str = "if this comes again and again, another process runs with the same `run.instance_id`, or \
     without one with the same host name, port of `http.listen` and `run.transactional_id_prefix`: give each process a \
     `run.instance_id` of its own, or stop the other one";

/// What an operator has to do about an error that does not pass by itself.
pub(super) fn remedy(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::TopicAuthorizationFailed => {
            "allow this user to read the input topics and to write the output topics"
        }
        Code::GroupAuthorizationFailed => "allow this user to read with the group of `kafka.group`",
        Code::TransactionalIdAuthorizationFailed => {
            "allow this user to write with transactional ids that begin with `run.transactional_id_prefix`"
        }
        Code::ClusterAuthorizationFailed => {
            "allow this user to write idempotently (IdempotentWrite on the cluster)"
        }
        Code::Authentication | Code::SaslAuthenticationFailed => {
            "check user name, password and mechanism in `kafka.properties`"
        }
        Code::InvalidRecord => {
            "an output topic refuses records without a key; set its cleanup.policy to delete"
        }
        _ => return None,
    })
}

/// The client's message without its Rust wrapping.
pub(super) fn plain(error: &KafkaError) -> String {
    match error {
        KafkaError::Transaction(error) => error.string(),
        KafkaError::ClientConfig(_, problem, key, _) => {
            format!("kafka.properties: {key}: {}", with_remedy(problem))
        }
        KafkaError::ClientCreation(problem) => {
            format!("kafka.properties: {}", with_remedy(problem))
        }
        _ => code_of(error).map_or_else(|| error.to_string(), |code| code.to_string()),
    }
}

/// What the client says of its properties, with what to do. It takes itself for the program.
fn with_remedy(problem: &str) -> String {
    let absent = ["No provider for SASL mechanism", "at build time"];
    if absent.iter().any(|absent| problem.contains(absent)) {
        let problem = problem.split(": recompile librdkafka").next();
        return format!(
            "{}: this program was built without TLS and SASL/SCRAM; build it with `--features tls`",
            problem.unwrap_or_default()
        );
    }
    match problem.contains("No such configuration property") {
        true => format!("{problem}; the names are those of librdkafka's CONFIGURATION.md"),
        false => problem.to_owned(),
    }
}

/// The client's code for an error, also for those of its requests to administer topics.
pub(super) fn code_of(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        _ => error.rdkafka_error_code(),
    }
}

/// What a failed call of a transaction asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Another producer with our transactional id took over, or the coordinator gave us up.
    Fenced,
    /// The group has moved on; our partitions may be another member's by now.
    Membership,
    /// The transaction must be aborted; a new one may follow at once.
    Abort,
    /// The producer cannot be used any more, or the outcome is not known.
    Replace,
}

/// Classifies in the order abort, retriable, fatal, with the fencing and membership codes first, because they decide
/// who may go on at all.
pub(super) fn classify(error: &KafkaError) -> Class {
    match error.rdkafka_error_code() {
        Some(
            Code::Fenced
            | Code::ProducerFenced
            | Code::InvalidProducerEpoch
            | Code::TransactionCoordinatorFenced,
        ) => return Class::Fenced,
        Some(
            Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::FencedInstanceId
            | Code::FencedMemberEpoch
            | Code::RebalanceInProgress,
        ) => return Class::Membership,
        _ => {}
    }
    match error {
        KafkaError::Transaction(error) if error.txn_requires_abort() => Class::Abort,
        // A record that the client would not take leaves the transaction as it was.
        KafkaError::MessageProduction(_) => Class::Abort,
        // A call that timed out may be repeated, but the brokers may have acted on it already; and the client does not
        // fence a late request of its own. A new producer with the same id does both.
        _ => Class::Replace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_an_operator_must_mend_halts_with_the_remedy() {
        let denied = KafkaError::MessageConsumption(Code::TopicAuthorizationFailed);
        let Fault::Halt(message) = Fault::of("reading topic cdr", &denied) else {
            panic!("not a halt");
        };
        assert!(message.contains("reading topic cdr") && message.contains("allow this user"));
        let lost = KafkaError::MessageConsumption(Code::BrokerTransportFailure);
        assert!(matches!(Fault::of("reading", &lost), Fault::Restart(_)));
    }

    #[test]
    fn fencing_and_membership_come_before_all_else() {
        let class = |code| classify(&KafkaError::MessageProduction(code));
        assert_eq!(class(Code::ProducerFenced), Class::Fenced);
        assert_eq!(class(Code::InvalidProducerEpoch), Class::Fenced);
        assert_eq!(class(Code::FencedInstanceId), Class::Membership);
        assert_eq!(class(Code::IllegalGeneration), Class::Membership);
        assert_eq!(class(Code::MessageSizeTooLarge), Class::Abort);
        assert_eq!(
            classify(&KafkaError::Flush(Code::OperationTimedOut)),
            Class::Replace
        );
    }
}
