//! Routing: records of any topic, with any key or none, brought into the topics of the feeds under their subscribers' keys,
//! exactly once (behaviour: Routing).

mod batch;
mod router;
mod routes;

pub use router::Router;
pub use routes::Routes;
