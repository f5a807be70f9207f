//! One partition of a topic: records and the markers of transactions, each at an offset of its own.

use churnwatch::kafka::StoredRecord;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Number of a transaction, unique in the world.
pub type Txn = u64;

/// What lies at an offset.
#[derive(Debug, Clone)]
pub enum Slot {
    /// A record, and the transaction it was written in, if any.
    Record(Rc<StoredRecord>, Option<Txn>),
    /// The end of a transaction in this partition: a control record, which no reader is handed.
    Marker(Txn),
}

/// A partition as its leader has it.
///
/// Retention only moves the start: what lies before it stays here for the oracles.
#[derive(Debug, Default)]
pub struct Log {
    start: i64,
    slots: Vec<Slot>,
    /// First offset of each transaction that has no marker here yet.
    open: BTreeMap<Txn, i64>,
    /// Whether the transactions that have their marker here were committed.
    committed: BTreeMap<Txn, bool>,
}

impl Log {
    /// Appends a record. Returns its offset.
    pub fn append(&mut self, record: Rc<StoredRecord>, transaction: Option<Txn>) -> i64 {
        let offset = self.end();
        if let Some(transaction) = transaction {
            self.open.entry(transaction).or_insert(offset);
        }
        self.slots.push(Slot::Record(record, transaction));
        offset
    }

    /// Ends a transaction in this partition.
    pub fn mark(&mut self, transaction: Txn, committed: bool) {
        self.open.remove(&transaction);
        self.committed.insert(transaction, committed);
        self.slots.push(Slot::Marker(transaction));
    }

    /// Offset of the first record that retention has left.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// High watermark: the offset behind all there is, open transactions included.
    pub fn end(&self) -> i64 {
        self.slots.len() as i64
    }

    /// Last stable offset: a read-committed reader is handed nothing from here on, because whether the first record of
    /// an open transaction will count is not known.
    pub fn stable_end(&self) -> i64 {
        self.open.values().copied().min().unwrap_or(self.end())
    }

    /// Deletes what lies before an offset.
    pub fn trim(&mut self, before: i64) {
        self.start = self.start.max(before.min(self.stable_end()));
    }

    /// What lies at an offset.
    pub fn slot(&self, offset: i64) -> Option<&Slot> {
        self.slots.get(usize::try_from(offset).ok()?)
    }

    /// The record at an offset, if a read-committed reader is handed it.
    pub fn visible(&self, offset: i64) -> Option<&Rc<StoredRecord>> {
        match self.slot(offset)? {
            Slot::Record(record, None) => Some(record),
            Slot::Record(record, Some(transaction)) => {
                let committed = self.committed.get(transaction) == Some(&true);
                committed.then_some(record)
            }
            Slot::Marker(_) => None,
        }
        .filter(|_| offset < self.stable_end())
    }

    /// The transaction a record was written in.
    pub fn transaction(&self, offset: i64) -> Option<Txn> {
        match self.slot(offset)? {
            Slot::Record(_, transaction) => *transaction,
            Slot::Marker(transaction) => Some(*transaction),
        }
    }

    /// All that a read-committed reader would ever have been handed, with offsets, retention disregarded.
    pub fn history(&self) -> impl Iterator<Item = (i64, &Rc<StoredRecord>)> {
        (0..self.stable_end()).filter_map(|offset| Some((offset, self.visible(offset)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Rc<StoredRecord> {
        let value = Some(text.as_bytes().to_vec());
        Rc::new(StoredRecord {
            value,
            ..StoredRecord::default()
        })
    }

    fn texts(log: &Log) -> Vec<(i64, String)> {
        let text =
            |record: &Rc<StoredRecord>| String::from_utf8(record.value.clone().unwrap()).unwrap();
        log.history()
            .map(|(offset, record)| (offset, text(record)))
            .collect()
    }

    #[test]
    fn an_open_transaction_hides_itself_and_all_behind_it() {
        let mut log = Log::default();
        log.append(record("plain"), None);
        log.append(record("mine"), Some(7));
        log.append(record("behind"), None);
        assert_eq!((log.stable_end(), log.end()), (1, 3));
        assert_eq!(texts(&log), [(0, "plain".to_owned())]);
        log.mark(7, true);
        assert_eq!((log.stable_end(), log.end()), (4, 4));
        assert_eq!(texts(&log).len(), 3);
    }

    #[test]
    fn what_was_aborted_stays_in_the_log_and_is_never_handed_over() {
        let mut log = Log::default();
        log.append(record("aborted"), Some(1));
        log.append(record("committed"), Some(2));
        log.mark(2, true);
        assert_eq!(log.stable_end(), 0, "the first is still open");
        log.mark(1, false);
        assert_eq!(texts(&log), [(1, "committed".to_owned())]);
    }

    #[test]
    fn retention_stops_at_open_transactions_and_never_goes_back() {
        let mut log = Log::default();
        for _ in 0..5 {
            log.append(record("r"), None);
        }
        log.append(record("open"), Some(1));
        log.trim(9);
        assert_eq!(log.start(), 5);
        log.trim(2);
        assert_eq!(log.start(), 5);
    }
}
