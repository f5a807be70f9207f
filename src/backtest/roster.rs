use crate::model::Msisdn;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// The subscribers of a replay, numbered in the order of their first records.
#[derive(Default)]
pub struct Roster {
    names: Vec<Msisdn>,
    index: HashTable<u32>,
}

impl Roster {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Their MSISDNs, in the order of the numbers.
    pub fn names(&self) -> &[Msisdn] {
        &self.names
    }

    /// A subscriber's number; nothing for one without any record.
    pub fn find(&self, msisdn: &Msisdn) -> Option<u32> {
        let same = |number: &u32| self.names.get(*number as usize) == Some(msisdn);
        self.index.find(hash(msisdn), same).copied()
    }

    /// A subscriber's number, a new one for a new subscriber.
    pub fn number(&mut self, msisdn: &Msisdn) -> u32 {
        if let Some(number) = self.find(msisdn) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(*msisdn);
        let names = &self.names;
        let rehash = |number: &u32| names.get(*number as usize).map_or(0, hash);
        self.index.insert_unique(hash(msisdn), number, rehash);
        number
    }
}

fn hash(msisdn: &Msisdn) -> u64 {
    xxh3_64(msisdn.as_bytes())
}
