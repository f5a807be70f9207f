use crate::journal;
use crate::kafka::{ConsumedRecord, Fault};
use crate::runtime::setup::Setup;

/// A fault of a partition that an operator must mend; its message names the journal.
pub(super) fn halt(setup: &Setup, partition: i32, reason: &str) -> Fault {
    let journal = setup.topics.name(setup.topics.journal());
    Fault::Halt(format!("topic {journal} partition {partition}: {reason}"))
}

/// What a record of the journal says.
pub fn journal_record(
    setup: &Setup,
    record: &ConsumedRecord<'_>,
) -> Result<journal::JournalRecord, Fault> {
    let value = record.value().unwrap_or_default();
    journal::JournalRecord::decode(value).map_err(|error| {
        let reason = format!(
            "the record at offset {} cannot be read: {error}; if the topic belongs to somebody else, name another one \
             as `topics.journal`",
            record.offset
        );
        halt(setup, record.at.partition, &reason)
    })
}
