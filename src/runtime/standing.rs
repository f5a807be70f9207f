//! Whether the workers of a start could go on where the group stands, as far as its offsets and its journal show it
//! without a replay.

use super::active_rules::ActiveRules;
use super::partition::GroupOffsets;
use super::restore::{foreign, stateless, unreadable};
use crate::config::Config;
use crate::journal::{Epoch, JournalEntry, JournalRecord};
use crate::kafka::{Cluster, JournalReader, Topics, standing};

/// Looks at offsets and journal, and changes nothing.
///
/// # Errors
/// Why a start would be refused, with the remedy, or why that cannot be told.
pub fn can_go_on(config: &Config, cluster: &Cluster) -> Result<(), String> {
    let topics = Topics::new(config);
    let found = standing(config, &topics, cluster.partitions)?;
    let found = GroupOffsets::by_partition(&topics, found);
    let is = ActiveRules::new(config, &topics).epoch;
    for (number, offsets) in found.map_err(|fault| fault.to_string())? {
        let refused = |reason: String| {
            let journal = topics.name(topics.journal());
            Err(format!("topic {journal} partition {number}: {reason}"))
        };
        let was = match cluster.has_journal {
            true => match epoch_of(config, number)? {
                Ok(epoch) => epoch,
                Err(reason) => return refused(reason),
            },
            false => None,
        };
        match was {
            // What one partition says of group and topics, all do.
            Some(was) => return foreign(&was, &is).map_or(Ok(()), refused),
            None => stateless(config, &topics, &offsets).map_or(Ok(()), refused)?,
        }
    }
    Ok(())
}

/// The first epoch that a partition's journal still has, if it has anything. The inner error is about its content.
fn epoch_of(config: &Config, number: i32) -> Result<Result<Option<Epoch>, String>, String> {
    let mut journal = JournalReader::open(config, number)?;
    while let Some((offset, bytes)) = journal.next_record()? {
        let record = match JournalRecord::decode(&bytes) {
            Ok(record) => record,
            Err(error) => return Ok(Err(unreadable(offset, &error))),
        };
        let epoch = match &record {
            JournalRecord::Entry(entry) => JournalEntry::first_epoch(entry),
            JournalRecord::Manifest(manifest) => Some(&manifest.epoch),
        };
        if let Some(epoch) = epoch {
            return Ok(Ok(Some(epoch.clone())));
        }
    }
    Ok(Ok(None))
}
