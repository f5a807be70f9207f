//! The only room that names the Kafka client: consuming in batches, the owner of the transaction, rebalances, checks
//! of the cluster, and the classes of errors.
//!
//! Nothing here knows what a record means. A worker of [`runtime`](crate::runtime) drives it from one thread; the
//! client's own threads fetch and send behind it.

mod batch;
mod check;
mod client;
mod consume;
mod embedded;
mod error;
pub mod link;
mod partition;
mod produce;
mod replay;
mod tail;
mod topics;
mod transact;

pub use batch::{Item, Record, Stored};
pub use check::{Cluster, connect};
pub use consume::fault;
pub use consume::{Change, Committed, Consumer, lost_records};
pub use embedded::EmbeddedBroker;
pub use error::Fault;
pub use link::{Attempt, Front, Link, Reader, Receipt};
pub use partition::partition_of;
pub use produce::{Delivery, Loader};
pub use replay::{Replay, Span};
pub use tail::Tail;
pub use topics::{Topic, TopicPartition, Topics};
pub use transact::{NextOffset, Note, Outbound, Transactor};
pub struct Member;
#[allow(missing_docs, unused_variables, clippy::all)]
mod stub {
    use super::*;
    use std::ops::Range;
    use std::time::Duration;
    impl Member {
        pub fn transactional_id(&self) -> &str {
            todo!()
        }
    }
    impl Reader for Member {
        fn front(&mut self, span: usize, wait: Duration) -> Result<Front<'_>, Fault> {
            todo!()
        }
        fn pass(&mut self, span: usize) {}
    }
    impl Link for Member {
        type Reader = Member;
        fn serve(&mut self) -> Result<Option<Change>, Fault> {
            todo!()
        }
        fn wait(&mut self, pause: Duration) {}
        fn assign(&mut self, starts: &[(TopicPartition, i64)]) -> Result<(), Fault> {
            todo!()
        }
        fn unassign(&mut self) -> Result<(), Fault> {
            todo!()
        }
        fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault> {
            todo!()
        }
        fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault> {
            todo!()
        }
        fn fill(&mut self, records_max: usize, wait: Duration) -> usize {
            todo!()
        }
        fn items(&self) -> impl Iterator<Item = Item<'_>> {
            std::iter::empty()
        }
        fn clear(&mut self) {}
        fn positions(&self) -> Result<Vec<(TopicPartition, i64)>, Fault> {
            todo!()
        }
        fn committed(
            &self,
            of: &[TopicPartition],
        ) -> Result<Vec<(TopicPartition, Option<i64>)>, Fault> {
            todo!()
        }
        fn starts(&self, of: &[TopicPartition]) -> Result<Vec<(TopicPartition, i64)>, Fault> {
            todo!()
        }
        fn ends(&self, of: &[TopicPartition]) -> Result<Vec<(TopicPartition, i64)>, Fault> {
            todo!()
        }
        fn journal_bounds(&self, partition: i32) -> Result<Range<i64>, Fault> {
            todo!()
        }
        fn reader(&self, spans: &[Span]) -> Result<Self::Reader, Fault> {
            todo!()
        }
        fn fence(&mut self) -> Result<Result<(), String>, Fault> {
            todo!()
        }
        fn commit(
            &mut self,
            outbound: &[Outbound],
            offsets: &[(TopicPartition, i64)],
        ) -> Result<Attempt, Fault> {
            todo!()
        }
        fn trim_journal(&mut self, partition: i32, before: i64) {}
    }
}
