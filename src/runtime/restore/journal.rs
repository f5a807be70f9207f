use crate::config::Config;
use crate::journal::{Epoch, JournalError, JournalRecord};
use crate::kafka::{ConsumedRecord, Fault, Topics};
use crate::runtime::partition::GroupOffsets;
use crate::runtime::setup::Setup;

/// A fault of a partition that an operator must mend; its message names the journal.
pub(super) fn halt(setup: &Setup, partition: i32, reason: &str) -> Fault {
    let journal = setup.topics.name(setup.topics.journal());
    Fault::Halt(format!("topic {journal} partition {partition}: {reason}"))
}

/// What a record of the journal says.
pub fn journal_record(setup: &Setup, record: &ConsumedRecord<'_>) -> Result<JournalRecord, Fault> {
    let value = record.value().unwrap_or_default();
    JournalRecord::decode(value).map_err(|error| {
        halt(
            setup,
            record.at.partition,
            &unreadable(record.offset, &error),
        )
    })
}

/// Why a record of the journal is of no use.
pub fn unreadable(offset: i64, error: &JournalError) -> String {
    format!(
        "the record at offset {offset} cannot be read: {error}; if the topic belongs to somebody else, name another one \
         as `topics.journal`"
    )
}

/// Why a journal that was written under an epoch is not the one to go on with, if it is not.
pub fn foreign(was: &Epoch, is: &Epoch) -> Option<String> {
    if was.group != is.group {
        return Some(format!(
            "the journal is that of group `{}`; give every group a journal topic of its own (`topics.journal`)",
            was.group
        ));
    }
    (was.topics != is.topics).then(|| {
        format!(
            "the state was built from topics {:?}, but the configuration names {:?}; put [topics] back, or begin anew \
             with another `kafka.group`",
            was.topics, is.topics
        )
    })
}

/// Why a partition without any entry in its journal has no state, if the group has begun with it.
pub fn stateless(config: &Config, topics: &Topics, offsets: &[GroupOffsets]) -> Option<String> {
    let mut offsets = offsets.iter();
    let begun = offsets.find(|offsets| offsets.committed.is_some())?;
    let topic = topics.name(begun.at.topic);
    (!config.state.start_without_state).then(|| {
        format!(
            "the group has offsets (topic {topic}: {}) but its journal is empty, so the state behind them is lost: was \
             the journal topic deleted? To build the state anew from what the input topics still hold, begin with \
             another `kafka.group`; to go on where the group stands with empty windows, set \
             `state.start_without_state = true` once",
            begun.next
        )
    })
}
