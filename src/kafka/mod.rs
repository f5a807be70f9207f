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
pub use consume::{Change, Committed, Consumer, lost_records};
pub use embedded::EmbeddedBroker;
pub use error::Fault;
pub use partition::partition_of;
pub use produce::{Delivery, Loader};
pub use replay::{Replay, Span};
pub use tail::Tail;
pub use topics::{Topic, TopicPartition, Topics};
pub use transact::{Attempt, NextOffset, Note, Outbound, Receipt, Transactor};
