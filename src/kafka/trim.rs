use super::brokers::Brokers;
use super::error;
use rdkafka::TopicPartitionList;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread::park_timeout;
use std::time::Duration;
use tracing::{debug, warn};

const LOOK: Duration = Duration::from_millis(5);
const LOOKS: u32 = 200;

/// Deletions of records that nobody needs any more: begun, and looked after now and then. Only space is at stake.
#[derive(Default)]
pub(super) struct Trims {
    under_way: Vec<Trim>,
    /// The last one failed, and the failure was logged.
    failing: bool,
}

struct Trim {
    topic: String,
    answer: Pin<Box<dyn Future<Output = KafkaResult<TopicPartitionList>>>>,
}

impl Trims {
    /// Asks the brokers to delete what lies before an offset.
    pub fn begin(&mut self, brokers: &Brokers, topic: &str, partition: i32, before: i64) {
        match brokers.delete_records(topic, partition, before) {
            Ok(answer) => self.under_way.push(Trim {
                topic: topic.to_owned(),
                answer: Box::pin(answer),
            }),
            Err(error) => self.ended(topic, Err(error)),
        }
    }

    /// Sees which have ended. Does not wait.
    pub fn look(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        for mut trim in std::mem::take(&mut self.under_way) {
            match trim.answer.as_mut().poll(&mut context) {
                Poll::Ready(answer) => self.ended(&trim.topic, answer),
                Poll::Pending => self.under_way.push(trim),
            }
        }
    }

    /// Waits a moment for those under way: a request that was only just begun has not left the client yet.
    pub fn finish(&mut self) {
        for _ in 0..LOOKS {
            self.look();
            if self.under_way.is_empty() {
                return;
            }
            park_timeout(LOOK);
        }
    }

    fn ended(&mut self, topic: &str, answer: KafkaResult<TopicPartitionList>) {
        let ended = answer.and_then(|list| {
            let elements = list.elements();
            elements.iter().try_for_each(|element| element.error())
        });
        match ended {
            Ok(()) => self.failing = false,
            Err(error) if self.failing => debug!("still cannot trim the journal: {error}"),
            Err(error) => {
                self.failing = true;
                warn!("{}", complaint(topic, &error));
            }
        }
    }
}

fn complaint(topic: &str, error: &KafkaError) -> String {
    let remedy = match error::code_of(error) {
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
            "; allow this user the operation Delete on the topic, or it grows for ever"
        }
        _ => "; it is tried again with the next snapshot",
    };
    format!(
        "topic {topic}: entries of the journal that no snapshot needs could not be deleted: {}{remedy}",
        error::plain(error)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_topic_and_the_remedy() {
        let refused = KafkaError::AdminOp(RDKafkaErrorCode::TopicAuthorizationFailed);
        let complaint = complaint("churnwatch-journal", &refused);
        assert!(
            complaint.contains("topic churnwatch-journal"),
            "{complaint}"
        );
        assert!(complaint.contains("Delete on the topic"), "{complaint}");
    }

    #[test]
    fn trouble_is_told_once_until_it_has_passed() {
        let mut trims = Trims::default();
        let trouble = || Err(KafkaError::AdminOp(RDKafkaErrorCode::RequestTimedOut));
        trims.ended("journal", trouble());
        assert!(trims.failing);
        trims.ended("journal", Ok(TopicPartitionList::new()));
        assert!(!trims.failing);
    }
}
