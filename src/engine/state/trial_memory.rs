use super::line_state::LineBelief;
use super::trigger_state::SparseStates;
use crate::engine::codec::{Problem, encoded, from_list};

/// What rules on trial keep of one subscriber.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrialMemory {
    /// What they believe of the line.
    pub line: LineBelief,
    /// The states of all their triggers.
    pub trigger_states: SparseStates,
}

encoded!(TrialMemory {
    line,
    trigger_states,
});

impl TrialMemory {
    /// A page of memories from bytes. `places` has the index in the registry of each trigger of the image, if it is still
    /// there.
    pub fn decode(bytes: &[u8], places: &[Option<usize>]) -> Result<Vec<Self>, Problem> {
        let mut page: Vec<Self> = from_list(bytes)?;
        for memory in &mut page {
            memory.trigger_states.move_to(places, 0);
        }
        Ok(page)
    }
}
