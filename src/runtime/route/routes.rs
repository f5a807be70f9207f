use crate::config::Config;
use crate::kafka::Sources;
use crate::registry::Registry;
use crate::telemetry::Telemetry;
use std::sync::{Arc, Mutex, PoisonError};

/// What the routers of a process share.
pub struct Routes {
    /// The configuration, with the routers' own group.
    pub config: Config,
    /// The metrics.
    pub telemetry: Telemetry,
    /// The schemas of records in Avro and Protobuf, if the configuration names a registry.
    pub registry: Option<Arc<Registry>>,
    /// The topics as they were last found.
    sources: Mutex<Arc<Sources>>,
}

impl Routes {
    /// The routes of a configuration, and what was found of its topics.
    ///
    /// # Errors
    /// The client of the registry cannot be made; why.
    pub fn new(config: &Config, telemetry: Telemetry, sources: Sources) -> Result<Self, String> {
        Ok(Self {
            config: config.of_route(),
            telemetry,
            registry: Registry::new(&config.registry)?.map(Arc::new),
            sources: Mutex::new(Arc::new(sources)),
        })
    }

    /// The topics as they were last found.
    pub fn sources(&self) -> Arc<Sources> {
        Arc::clone(&self.sources.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether they differ from those that a router has.
    pub fn have_changed(&self, known: &Arc<Sources>) -> bool {
        !Arc::ptr_eq(&self.sources(), known)
    }

    /// Takes over what was found anew. A topic of a feed with another number of partitions is no change that routers can
    /// follow: a subscriber's records would lie in two partitions.
    ///
    /// # Errors
    /// Why the process cannot go on.
    pub fn found(&self, sources: Sources) -> Result<(), String> {
        let mut known = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if known.partitions != sources.partitions {
            return Err(format!(
                "the feeds' topics have {} partitions now, and had {}: a subscriber's records would lie in two partitions; \
                 load all records anew (docs/operations.md, More partitions)",
                sources.partitions[0], known.partitions[0]
            ));
        }
        if **known != sources {
            *known = Arc::new(sources);
        }
        Ok(())
    }
}
