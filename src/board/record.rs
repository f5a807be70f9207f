//! Records of topics as JSON, in whichever form they were written.

use crate::encode::{data_of, restored};
use crate::model::Reject;
use crate::registry::{Registry, Room, Unread};
use crate::runtime::clock;
use std::borrow::Cow;

/// Reads records in every form that `[output]` knows: a topic may hold several, of the time before and after a change.
pub struct Reader {
    registry: Option<Registry>,
    room: Room,
}

impl Reader {
    /// A reader with the registry that has the schemas, if there is one.
    pub fn new(registry: Option<Registry>) -> Self {
        Self {
            registry,
            room: Room::default(),
        }
    }

    /// The JSON of a record.
    ///
    /// # Errors
    /// [`Unread`] if its schema is not known, or does not fit.
    pub fn json<'a>(&mut self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Unread> {
        if bytes.first() != Some(&0) {
            return Ok(Cow::Borrowed(data_of(bytes)));
        }
        let registry = self.registry.as_ref();
        let registry = registry.ok_or(Unread::Rejected(Reject::Framed))?;
        let json = registry.json(bytes, clock::monotonic_ms(), &mut self.room)?;
        let not_json = |_| Unread::Rejected(Reject::NotOfSchema("it is not JSON".to_owned()));
        restored(json).map(Cow::Owned).map_err(not_json)
    }
}
