//! The only room that names the Kafka client: consuming in batches, the owner of the transaction, rebalances, checks
//! of the cluster, and the classes of errors.
//!
//! Nothing here knows what a record means. A worker of [`runtime`](crate::runtime) drives it from one thread; the
//! client's own threads fetch and send behind it.

mod batch;
mod brokers;
mod check;
mod client;
mod embedded;
mod error;
mod events;
mod follow;
mod group;
mod journal;
mod keying;
pub mod link;
mod member;
mod partition;
mod produce;
mod reader;
mod sample;
mod sources;
mod standing;
mod tail;
mod topic_watch;
mod topics;
mod transact;
mod trim;

pub use batch::{ConsumedRecord, Item, StoredRecord};
pub use check::{Cluster, Refusal, connect, writable};
pub use client::{READERS, check_properties};
pub use embedded::EmbeddedBroker;
pub use error::Fault;
pub use events::{Rebalance, fault, lost_records};
pub use follow::{Followed, Follower, create_compacted};
pub use group::{GroupReader, Turn};
pub use journal::JournalReader;
pub use keying::{KeyForm, Keying, Scheme, conflicts};
pub use link::{Attempt, Front, Link, Outbound, Reader, Receipt, Span};
pub use member::Member;
pub use partition::{Partitioner, partition_of};
pub use produce::{Delivery, Loader, STATEMENT_KEY};
pub use reader::SpanReader;
pub use sample::scheme;
pub use sources::Sources;
pub use standing::standing;
pub use tail::Tail;
pub use topic_watch::TopicWatch;
pub use topics::{Topic, TopicPartition, Topics};
