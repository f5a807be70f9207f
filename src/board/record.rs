//! Records of topics as JSON, in whichever form they were written.

use crate::config::Config;
use crate::encode::{Kind, Restorer, data_of};
use crate::model::Reject;
use crate::registry::{Registry, Room, Unread};
use crate::runtime::clock;
use std::borrow::Cow;

/// Reads records in every form that `[output]` knows: a topic may hold several, of the time before and after a change.
pub struct Reader {
    registry: Option<Registry>,
    restorer: Restorer,
    room: Room,
}

impl Reader {
    /// A reader with the registry of a configuration, if there is one.
    ///
    /// # Errors
    /// The client of the registry cannot be made; why.
    pub fn new(config: &Config) -> Result<Self, String> {
        Ok(Self {
            registry: Registry::new(&config.registry)?,
            restorer: Restorer::new()?,
            room: Room::default(),
        })
    }

    /// The JSON of a record of some kind.
    ///
    /// # Errors
    /// [`Unread`] if its schema is not known, or does not fit.
    pub fn json<'a>(&mut self, kind: Kind, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Unread> {
        if bytes.first() != Some(&0) {
            return Ok(Cow::Borrowed(data_of(bytes)));
        }
        let registry = self.registry.as_ref();
        let registry = registry.ok_or(Unread::Rejected(Reject::Framed))?;
        let json = registry.json(bytes, clock::monotonic_ms(), &mut self.room)?;
        let not_json = |_| Unread::Rejected(Reject::NotOfSchema("it is not JSON".to_owned()));
        let restored = self.restorer.json(kind, json);
        restored.map(Cow::Owned).map_err(not_json)
    }
}
